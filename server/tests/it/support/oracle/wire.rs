//! HTTP/1.1 as far as an exporter speaks it, by hand: a library would not break its own connections in so many ways.

use std::io::Read as _;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use prost::Message as _;
use server::values::Signal;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::Shared;
use super::fault::Fault;
use super::readings::{Point, points};

/// No client waits so long.
const FOREVER: Duration = Duration::from_secs(120);

pub struct Received {
    pub signal: Signal,
    /// `x-oracle`.
    pub token: String,
    pub ids: Vec<String>,
    pub points: Vec<Point>,
}

pub async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else { return };
        stream.set_nodelay(true).unwrap();
        connections.spawn(connection(stream, Arc::clone(&shared)));
        while connections.try_join_next().is_some() {}
    }
}

async fn connection(stream: TcpStream, shared: Arc<Shared>) {
    shared.lock().connections += 1;
    let outcome = AssertUnwindSafe(exchanges(stream, &shared)).catch_unwind().await;
    let mut state = shared.lock();
    state.connections -= 1;
    if outcome.is_err() {
        state.violations.push("a request that can't be read; what it is is above".to_owned());
    }
}

async fn exchanges(mut stream: TcpStream, shared: &Shared) {
    let mut unread = Vec::new();
    let mut last = None;
    while let Some(request) = read(&mut stream, &mut unread).await {
        let (exchange, fault) = shared.received(&request);
        last = Some(exchange);
        if !act(&mut stream, fault, request.ids.len() + request.points.len()).await {
            return;
        }
    }
    if let Some(last) = last {
        shared.ended(last);
    }
}

/// Whether the connection goes on.
async fn act(stream: &mut TcpStream, fault: Fault, records: usize) -> bool {
    let answer = fault.answer(records);
    match fault {
        Fault::Slow => {
            for byte in answer {
                if stream.write_all(&[byte]).await.is_err() {
                    return true;
                }
                tokio::time::sleep(Duration::from_micros(200)).await;
            }
            true
        }
        Fault::Crawl => {
            let crawl = async {
                let mut gone = [0; 1];
                let endless = answer.into_iter().chain(std::iter::repeat(b'.'));
                for byte in endless {
                    if stream.write_all(&[byte]).await.is_err() {
                        return;
                    }
                    if let Ok(Ok(0) | Err(_)) = tokio::time::timeout(Duration::from_millis(30), stream.read(&mut gone)).await {
                        return;
                    }
                }
            };
            drop(tokio::time::timeout(FOREVER, crawl).await);
            false
        }
        Fault::Hang { .. } => {
            drop(tokio::time::timeout(FOREVER, stream.read(&mut [0; 1])).await);
            false
        }
        Fault::Reset { .. } => {
            stream.set_zero_linger().unwrap();
            false
        }
        Fault::Cut | Fault::Noise => {
            drop(stream.write_all(&answer).await);
            false
        }
        // A client may go away in the middle of what is too long for it; the next read sees that.
        _ => stream.write_all(&answer).await.is_ok() || fault == Fault::Large,
    }
}

/// The next request; `None` when the connection has ended.
async fn read(stream: &mut TcpStream, unread: &mut Vec<u8>) -> Option<Received> {
    let head_end = loop {
        if let Some(at) = unread.windows(4).position(|end| end == b"\r\n\r\n") {
            break at + 4;
        }
        more(stream, unread).await?;
    };
    let head = String::from_utf8(unread[..head_end].to_vec()).unwrap();
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    let header = |name: &str| {
        let mut lines = head.lines().filter_map(|line| line.split_once(':'));
        lines.find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim().to_owned())
    };
    let length: usize = header("content-length").unwrap().parse().unwrap();
    while unread.len() < head_end + length {
        more(stream, unread).await?;
    }
    let raw: Vec<u8> = unread.drain(..head_end + length).skip(head_end).collect();
    let body = if header("content-encoding").as_deref() == Some("gzip") { unzip(&raw) } else { raw };
    let signal = Signal::ALL.into_iter().find(|signal| path == signal.path()).expect("a path of OTLP");
    Some(Received {
        signal,
        token: header("x-oracle").unwrap_or_default(),
        ids: ids(signal, &body),
        points: if signal == Signal::Metrics { points(&body) } else { Vec::new() },
    })
}

async fn more(stream: &mut TcpStream, unread: &mut Vec<u8>) -> Option<()> {
    match stream.read_buf(unread).await {
        Ok(0) | Err(_) => None,
        Ok(_) => Some(()),
    }
}

fn unzip(raw: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    flate2::read::GzDecoder::new(raw).read_to_end(&mut out).expect("the body is not gzip");
    out
}

/// The `url.path` of each record, or its span id where it has none.
fn ids(signal: Signal, body: &[u8]) -> Vec<String> {
    let id = |attributes: &[KeyValue], span: &[u8]| {
        let path = attributes.iter().find(|pair| pair.key == "url.path").and_then(|pair| pair.value.as_ref()?.value.clone());
        match path {
            Some(Value::StringValue(path)) if path.starts_with("/r/") => path,
            _ => hex::encode(span),
        }
    };
    match signal {
        Signal::Traces => {
            let request = ExportTraceServiceRequest::decode(body).expect("no traces");
            let scopes = request.resource_spans.into_iter().flat_map(|resource| resource.scope_spans);
            scopes.flat_map(|scope| scope.spans).map(|span| id(&span.attributes, &span.span_id)).collect()
        }
        Signal::Logs => {
            let request = ExportLogsServiceRequest::decode(body).expect("no logs");
            let scopes = request.resource_logs.into_iter().flat_map(|resource| resource.scope_logs);
            scopes.flat_map(|scope| scope.log_records).map(|log| id(&log.attributes, &log.span_id)).collect()
        }
        Signal::Metrics => Vec::new(),
    }
}
