//! An OTLP/HTTP collector that records every byte it was sent, decodes it with the official protobuf definitions, and
//! answers as it is told.
//!
//! ```ignore
//! let collector = Collector::start().await;
//! collector.script([Reply::Status(503), Reply::Taken]);
//! let received = collector.wait_for(|received| received.spans().len() == 3).await;
//! ```

use std::collections::{BTreeMap, VecDeque};
use std::io::Read as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::stream::{self, StreamExt as _};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use opentelemetry_proto::tonic::collector::logs::v1::{ExportLogsPartialSuccess, ExportLogsServiceRequest, ExportLogsServiceResponse};
use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsPartialSuccess, ExportMetricsServiceRequest, ExportMetricsServiceResponse,
};
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::metrics::v1::Metric;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use super::upstream::Certificate;

/// How long a test waits for what it expects.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the collector does with a request.
#[derive(Clone, Debug)]
pub enum Reply {
    /// 200 and an empty answer: everything was taken.
    Taken,
    /// The same, and the connection closes.
    TakenLast,
    Status(u16),
    /// A status with a `Retry-After`.
    RetryAfter(u16, String),
    /// 200, and so many items were refused.
    Partial(i64),
    /// A 307 to this address.
    Redirect(String),
    /// 200 with this content type and body.
    Body(&'static str, Bytes),
    /// Never answers.
    Hang,
    /// Closes the connection.
    Reset,
    /// 200, and the connection closes within the answer.
    Cut(&'static str),
    /// 200, and the answer never ends.
    Stall,
}

/// One request as it came.
#[derive(Clone, Debug)]
pub struct Delivery {
    pub at: Instant,
    pub path: String,
    pub query: Option<String>,
    pub headers: HeaderMap,
    /// The body as it was sent.
    pub raw: Bytes,
    /// The body without its compression.
    pub body: Bytes,
    /// It was answered with success, so that its records count as arrived.
    pub taken: bool,
}

/// A record with what surrounds it.
#[derive(Clone, Debug)]
pub struct Item<T> {
    pub resource: Resource,
    pub resource_schema: String,
    pub scope: InstrumentationScope,
    pub scope_schema: String,
    pub record: T,
}

impl<T> Item<T> {
    pub fn resource_text(&self) -> BTreeMap<String, String> {
        attributes(&self.resource.attributes)
    }
}

/// Attributes as text, in the order of their keys, with the type visible: `"x"`, `1`, `1.5`, `true`.
pub fn attributes(list: &[KeyValue]) -> BTreeMap<String, String> {
    list.iter()
        .map(|pair| {
            let value = match pair.value.as_ref().and_then(|value| value.value.as_ref()) {
                Some(Value::StringValue(text)) => format!("{text:?}"),
                Some(Value::IntValue(number)) => number.to_string(),
                Some(Value::DoubleValue(number)) => format!("{number:?}"),
                Some(Value::BoolValue(flag)) => flag.to_string(),
                other => format!("{other:?}"),
            };
            (pair.key.clone(), value)
        })
        .collect()
}

/// Everything that came so far.
#[derive(Clone, Debug, Default)]
pub struct Received {
    pub requests: Vec<Delivery>,
}

impl Received {
    fn taken(&self, path: &'static str) -> impl Iterator<Item = &Delivery> {
        self.requests.iter().filter(move |request| request.taken && request.path.ends_with(path))
    }

    pub fn on(&self, path: &str) -> Vec<&Delivery> {
        self.requests.iter().filter(|request| request.path.ends_with(path)).collect()
    }

    pub fn spans(&self) -> Vec<Item<Span>> {
        let mut out = Vec::new();
        for request in self.taken("/v1/traces") {
            for resource in ExportTraceServiceRequest::decode(request.body.clone()).unwrap().resource_spans {
                for scope in resource.scope_spans {
                    for record in scope.spans {
                        out.push(Item {
                            resource: resource.resource.clone().unwrap_or_default(),
                            resource_schema: resource.schema_url.clone(),
                            scope: scope.scope.clone().unwrap_or_default(),
                            scope_schema: scope.schema_url.clone(),
                            record,
                        });
                    }
                }
            }
        }
        out
    }

    pub fn logs(&self) -> Vec<Item<LogRecord>> {
        let mut out = Vec::new();
        for request in self.taken("/v1/logs") {
            for resource in ExportLogsServiceRequest::decode(request.body.clone()).unwrap().resource_logs {
                for scope in resource.scope_logs {
                    for record in scope.log_records {
                        out.push(Item {
                            resource: resource.resource.clone().unwrap_or_default(),
                            resource_schema: resource.schema_url.clone(),
                            scope: scope.scope.clone().unwrap_or_default(),
                            scope_schema: scope.schema_url.clone(),
                            record,
                        });
                    }
                }
            }
        }
        out
    }

    /// Every metric of every collection, oldest first.
    pub fn metrics(&self) -> Vec<Item<Metric>> {
        let mut out = Vec::new();
        for request in self.taken("/v1/metrics") {
            for resource in ExportMetricsServiceRequest::decode(request.body.clone()).unwrap().resource_metrics {
                for scope in resource.scope_metrics {
                    for record in scope.metrics {
                        out.push(Item {
                            resource: resource.resource.clone().unwrap_or_default(),
                            resource_schema: resource.schema_url.clone(),
                            scope: scope.scope.clone().unwrap_or_default(),
                            scope_schema: scope.schema_url.clone(),
                            record,
                        });
                    }
                }
            }
        }
        out
    }

    /// Whether these bytes came anywhere: in a body (compressed or not), a path or a header.
    pub fn contains(&self, needle: &str) -> bool {
        let within = |hay: &[u8]| hay.windows(needle.len()).any(|window| window == needle.as_bytes());
        self.requests.iter().any(|request| {
            within(&request.raw)
                || within(&request.body)
                || within(request.path.as_bytes())
                || request.headers.iter().any(|(name, value)| within(name.as_str().as_bytes()) || within(value.as_bytes()))
        })
    }
}

/// A collector on a port of its own; it stops when it is dropped.
pub struct Collector {
    address: SocketAddr,
    received: watch::Sender<Received>,
    script: Arc<Mutex<Script>>,
    task: JoinHandle<()>,
    tls: bool,
}

#[derive(Default)]
struct Script {
    /// For the next requests on any path.
    next: VecDeque<Reply>,
    /// For all requests on a path, when nothing is left in `next`.
    always: Vec<(&'static str, Reply)>,
}

impl Collector {
    pub async fn start() -> Self {
        Self::listening(None).await
    }

    /// With TLS. The certificate is for `localhost`.
    pub async fn start_tls(certificate: &Certificate) -> Self {
        Self::listening(Some(certificate.acceptor(false))).await
    }

    async fn listening(acceptor: Option<TlsAcceptor>) -> Self {
        let tls = acceptor.is_some();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let received = watch::Sender::new(Received::default());
        let script = Arc::new(Mutex::new(Script::default()));
        let task = tokio::spawn(serve(listener, acceptor, received.clone(), Arc::clone(&script)));
        Self { address, received, script, task, tls }
    }

    /// The base URL, as a user would enter it.
    pub fn endpoint(&self) -> String {
        if self.tls { format!("https://localhost:{}", self.address.port()) } else { format!("http://{}", self.address) }
    }

    /// What to answer to the next requests, whatever their path; afterwards everything is taken again.
    pub fn script(&self, replies: impl IntoIterator<Item = Reply>) {
        self.script.lock().unwrap().next.extend(replies);
    }

    /// What to answer to every request on paths that end so, until it is changed.
    pub fn always(&self, path: &'static str, reply: Reply) {
        let mut script = self.script.lock().unwrap();
        script.always.retain(|(other, _)| *other != path);
        script.always.push((path, reply));
    }

    pub fn received(&self) -> Received {
        self.received.borrow().clone()
    }

    /// Waits until what came so far is as expected. Fails the test, and shows what came, after half a minute.
    pub async fn wait_for(&self, expected: impl Fn(&Received) -> bool) -> Received {
        let mut receiver = self.received.subscribe();
        let outcome = tokio::time::timeout(PATIENCE, receiver.wait_for(|received| expected(received))).await;
        if let Ok(Ok(received)) = outcome {
            return received.clone();
        }
        let received = self.received();
        let requests: Vec<String> =
            received.requests.iter().map(|r| format!("{} ({} bytes, taken: {})", r.path, r.raw.len(), r.taken)).collect();
        panic!("the collector waited in vain; it has {} requests:\n{}", requests.len(), requests.join("\n"));
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, tls: Option<TlsAcceptor>, received: watch::Sender<Received>, script: Arc<Mutex<Script>>) {
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else { return };
        let (tls, received, script) = (tls.clone(), received.clone(), Arc::clone(&script));
        connections.spawn(async move {
            let service = service_fn(|request| answer(request, received.clone(), Arc::clone(&script)));
            let http = hyper::server::conn::http1::Builder::new();
            // An error is a client that went away or a reset that the script asked for.
            let Some(tls) = tls else { return drop(http.serve_connection(TokioIo::new(stream), service).await) };
            // A client that does not trust the certificate ends here.
            if let Ok(stream) = tls.accept(stream).await {
                drop(http.serve_connection(TokioIo::new(stream), service).await);
            }
        });
        while connections.try_join_next().is_some() {}
    }
}

/// Makes the server close the connection without an answer.
#[derive(Debug)]
struct ResetByScript;

impl std::fmt::Display for ResetByScript {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("reset by the script")
    }
}

impl std::error::Error for ResetByScript {}

async fn answer(
    request: Request<Incoming>,
    received: watch::Sender<Received>,
    script: Arc<Mutex<Script>>,
) -> Result<Response<Answer>, ResetByScript> {
    let (parts, body) = request.into_parts();
    let raw = body.collect().await.map_err(|_| ResetByScript)?.to_bytes();
    let path = parts.uri.path().to_owned();
    let reply = {
        let mut script = script.lock().unwrap();
        let always = script.always.iter().find(|(end, _)| path.ends_with(end)).map(|(_, reply)| reply.clone());
        script.next.pop_front().or(always).unwrap_or(Reply::Taken)
    };
    let taken = matches!(reply, Reply::Taken | Reply::TakenLast | Reply::Partial(_) | Reply::Cut(_) | Reply::Stall);
    let body = unzip(&parts.headers, &raw);
    let query = parts.uri.query().map(str::to_owned);
    let delivery = Delivery { at: Instant::now(), path: path.clone(), query, headers: parts.headers, raw, body, taken };
    received.send_modify(|received| received.requests.push(delivery));
    respond(&path, reply).await
}

/// A body that may break off.
type Answer = BoxBody<Bytes, ResetByScript>;

fn whole(body: impl Into<Bytes>) -> Answer {
    BoxBody::new(Full::new(body.into()).map_err(|never| match never {}))
}

/// Some bytes, then nothing more for now, then what `end` says.
fn begun(end: impl Future<Output = ResetByScript> + Send + Sync + 'static) -> Answer {
    let first = stream::once(std::future::ready(Ok(Frame::data(Bytes::from_static(b"half")))));
    BoxBody::new(StreamBody::new(first.chain(stream::once(async move { Err(end.await) }))))
}

async fn respond(path: &str, reply: Reply) -> Result<Response<Answer>, ResetByScript> {
    let protobuf = |body: Vec<u8>| {
        let response = Response::builder().header(header::CONTENT_TYPE, "application/x-protobuf");
        Ok(response.body(whole(body)).unwrap())
    };
    let status = |status: u16| Response::builder().status(StatusCode::from_u16(status).unwrap());
    match reply {
        Reply::Taken => protobuf(Vec::new()),
        Reply::TakenLast => {
            let mut response = protobuf(Vec::new())?;
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            Ok(response)
        }
        Reply::Partial(rejected) => protobuf(partial(path, rejected)),
        Reply::Status(number) => Ok(status(number).body(whole("")).unwrap()),
        Reply::RetryAfter(number, after) => Ok(status(number).header(header::RETRY_AFTER, after).body(whole("")).unwrap()),
        Reply::Redirect(to) => Ok(status(307).header(header::LOCATION, to).body(whole("")).unwrap()),
        Reply::Body(content_type, body) => Ok(status(200).header(header::CONTENT_TYPE, content_type).body(whole(body)).unwrap()),
        Reply::Cut(content_type) => {
            let end = async {
                // What was begun leaves first.
                tokio::task::yield_now().await;
                ResetByScript
            };
            Ok(status(200).header(header::CONTENT_TYPE, content_type).body(begun(end)).unwrap())
        }
        Reply::Stall => Ok(status(200).body(begun(std::future::pending())).unwrap()),
        Reply::Hang => std::future::pending().await,
        Reply::Reset => Err(ResetByScript),
    }
}

fn partial(path: &str, rejected: i64) -> Vec<u8> {
    let error_message = "refused by the script".to_owned();
    if path.ends_with("/v1/traces") {
        let partial_success = Some(ExportTracePartialSuccess { rejected_spans: rejected, error_message });
        ExportTraceServiceResponse { partial_success }.encode_to_vec()
    } else if path.ends_with("/v1/logs") {
        let partial_success = Some(ExportLogsPartialSuccess { rejected_log_records: rejected, error_message });
        ExportLogsServiceResponse { partial_success }.encode_to_vec()
    } else {
        let partial_success = Some(ExportMetricsPartialSuccess { rejected_data_points: rejected, error_message });
        ExportMetricsServiceResponse { partial_success }.encode_to_vec()
    }
}

fn unzip(headers: &HeaderMap, raw: &Bytes) -> Bytes {
    if headers.get(header::CONTENT_ENCODING).is_none_or(|encoding| encoding != "gzip") {
        return raw.clone();
    }
    let mut out = Vec::new();
    flate2::read::MultiGzDecoder::new(&raw[..]).read_to_end(&mut out).expect("the body is not gzip");
    out.into()
}
