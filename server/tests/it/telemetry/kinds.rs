//! Each kind of request through the real gateway, as a collector decodes it: span, log record and counter, field by field.

use std::time::Duration;

use http::Method;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use tokio::io::AsyncWriteExt;

use super::{Rig, exports, operator, quick, tenant};
use crate::gateway::{Rig as Gateway, TENANT, Table, WHO, client};
use crate::support::collector::{Collector, Received, attributes};
use crate::support::network::{Closed, outbound};
use crate::support::upstream::{Certificate, Upstream, until};

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// What differs from run to run, by its kind.
pub fn steady(text: &str) -> String {
    let patterns = [
        (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "UUID"),
        (r"127\.0\.0\.1:\d+", "127.0.0.1:PORT"),
        (r"localhost:\d+", "localhost:PORT"),
        (r"(server\.port = )\d+", "${1}PORT"),
        (r"(knoxcall\.latency_ms = )[0-9.e-]+", "${1}MS"),
        (r"(time_to_first_chunk = )[0-9.e-]+", "${1}SECONDS"),
    ];
    patterns
        .into_iter()
        .fold(text.to_owned(), |text, (pattern, to)| regex::Regex::new(pattern).unwrap().replace_all(&text, to).into_owned())
}

fn lines(list: &[opentelemetry_proto::tonic::common::v1::KeyValue]) -> String {
    attributes(list).into_iter().map(|(key, value)| format!("  {key} = {value}\n")).collect()
}

pub fn span_text(span: &Span) -> String {
    let status = span.status.as_ref().map_or(0, |status| status.code);
    let parent = if span.parent_span_id.is_empty() { "no parent" } else { "a parent" };
    let mut text = format!("span {} (kind {}, status {status}, {parent})\n{}", span.name, span.kind, lines(&span.attributes));
    for event in &span.events {
        text.push_str(&format!(" event {}\n{}", event.name, lines(&event.attributes)));
    }
    text
}

pub fn log_text(log: &LogRecord) -> String {
    format!("log {} {}\n{}", log.event_name, log.severity_text, lines(&log.attributes))
}

/// Everything of the request with this path; both must name the same span.
pub fn kind(received: &Received, path: &str) -> String {
    let of = |list: &[opentelemetry_proto::tonic::common::v1::KeyValue]| attributes(list).get("url.path") == Some(&format!("{path:?}"));
    let spans = received.spans();
    let span = &spans.iter().find(|item| of(&item.record.attributes)).unwrap_or_else(|| panic!("no span of {path}")).record;
    assert!(span.end_time_unix_nano >= span.start_time_unix_nano, "{path}");
    let logs = received.logs();
    let log = logs.iter().find(|item| of(&item.record.attributes)).map(|item| &item.record);
    let mut text = format!("{path}\n{}", span_text(span));
    if let Some(log) = log {
        assert_eq!((&log.trace_id, &log.span_id), (&span.trace_id, &span.span_id), "{path}");
        text.push_str(&log_text(log));
    } else {
        text.push_str("no log\n");
    }
    steady(&text)
}

fn counters(received: &Received) -> String {
    let mut out: Vec<String> = Vec::new();
    for metric in received.metrics() {
        if let (true, Some(Data::Sum(sum))) = (metric.record.name == "knoxcall.proxy.requests", metric.record.data) {
            for point in &sum.data_points {
                let Some(Value::AsInt(value)) = point.value else { panic!("{point:?}") };
                let dimensions: Vec<String> =
                    attributes(&point.attributes).into_iter().map(|(key, value)| format!("{key}={value}")).collect();
                out.push(format!("{value} × {}", dimensions.join(" ")));
            }
        }
    }
    out.sort();
    steady(&out.join("\n"))
}

/// A gateway in front of this target, on the same bus; an answer has to come within 300 ms.
async fn gateway(rig: &Rig, target: &str) -> Gateway {
    let mut table = Table::to(target);
    table.limits.response_timeout = Duration::from_millis(300);
    table.methods = vec![Method::GET, Method::POST, Method::from_bytes(b"PURGE").unwrap()];
    Gateway::on(&rig.bus, &table, outbound()).await
}

async fn scripted(gateway: &Gateway, path: &str, script: &str) {
    let request = gateway.request(&client(), Method::GET, path).header("x-script", script).header("user-agent", "tester/1");
    if let Ok(response) = request.send().await {
        // One of them breaks off in its body.
        let _ = response.bytes().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_request_as_a_collector_reads_it() {
    let collector = Collector::start().await;
    let rig = Rig::start(exports([operator(&collector)]), quick());
    let upstream = Upstream::start().await;
    let main = gateway(&rig, &upstream.url()).await;
    let closed = Closed::port();
    let refusing = gateway(&rig, &format!("http://{closed}")).await;
    let stranger = Upstream::start_tls(&Certificate::localhost(), true).await;
    let untrusted = gateway(&rig, &stranger.url()).await;

    for (path, script) in [
        ("/success", "status 204"),
        ("/redirect", "status 304"),
        ("/client-error", "status 404"),
        ("/server-error", "status 503"),
        ("/streamed", "chunked 100000"),
        ("/cut", "cut 1000"),
        ("/timeout", "stall"),
    ] {
        scripted(&main, path, script).await;
    }
    scripted(&refusing, "/refused", "").await;
    scripted(&untrusted, "/tls", "").await;
    let continued = main.request(&client(), Method::from_bytes(b"PURGE").unwrap(), "/continued");
    continued.header("traceparent", PARENT).header("user-agent", "tester/1").send().await.unwrap();
    for (path, headers) in [
        ("/no-key", &[("x-knoxcall-route", "billing")][..]),
        ("/wrong-route", &[("x-knoxcall-key", "tk_good"), ("x-knoxcall-route", "nowhere")]),
        ("/not-allowed", &[("x-knoxcall-key", "tk_narrow"), ("x-knoxcall-route", "billing")]),
    ] {
        let request = headers.iter().fold(client().get(main.url(path)), |request, (name, value)| request.header(*name, *value));
        request.header("user-agent", "tester/1").send().await.unwrap();
    }
    main.request(&client(), Method::DELETE, "/wrong-method").header("user-agent", "tester/1").send().await.unwrap();
    main.raw(format!("GET /upgrade HTTP/1.1\r\n{WHO}User-Agent: tester/1\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\n\r\n"))
        .await;
    // The upstream reads and answers nothing; the client goes away before the time is up.
    let held = upstream.open();
    let mut leaving = main.connect().await;
    leaving
        .write_all(format!("GET /client-gone HTTP/1.1\r\n{WHO}User-Agent: tester/1\r\nx-script: drip\r\n\r\n").as_bytes())
        .await
        .unwrap();
    until("the upstream has it", || upstream.open() > held).await;
    tokio::io::AsyncReadExt::read(&mut leaving, &mut [0; 1000]).await.unwrap();
    drop(leaving);

    let paths = [
        "/success",
        "/redirect",
        "/client-error",
        "/server-error",
        "/streamed",
        "/cut",
        "/timeout",
        "/refused",
        "/tls",
        "/continued",
        "/no-key",
        "/wrong-route",
        "/not-allowed",
        "/wrong-method",
        "/upgrade",
        "/client-gone",
    ];
    let received = collector.wait_for(|received| received.spans().iter().filter(|span| span.record.kind == 2).count() == paths.len()).await;
    assert_eq!(received.spans().len(), paths.len() + 2, "a span each, and one each of the rejected key and of the denied one");
    rig.telemetry.shutdown(Duration::from_secs(20)).await;
    let received = collector.received();
    for path in paths {
        insta::assert_snapshot!(format!("kind{}", path.replace('/', "_")), kind(&received, path));
    }
    insta::assert_snapshot!("kinds_counted", counters(&received));
}

/// A message that can be read in two ways is nobody's, whichever key stands in it.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_before_its_key_is_looked_up_has_a_span_and_no_log() {
    let (collector, own) = (Collector::start().await, Collector::start().await);
    let rig = Rig::start(exports([operator(&collector), tenant(TENANT, &own)]), quick());
    let upstream = Upstream::start().await;
    let gateway = gateway(&rig, &upstream.url()).await;
    let chunked = "5\r\nhello\r\n0\r\n\r\n";
    let ambiguous = [
        ("/length-then-chunked", "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", chunked),
        ("/chunked-then-length", "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", chunked),
        ("/two-lengths", "Content-Length: 5\r\nContent-Length: 5\r\n", "hello"),
        ("/two-codings", "Transfer-Encoding: gzip, chunked\r\n", chunked),
        ("/in-disguise", "Transfer_Encoding: chunked\r\nContent-Length: 5\r\n", "hello"),
    ];
    for (path, head, body) in ambiguous {
        let answer = gateway.raw(format!("POST {path} HTTP/1.1\r\n{WHO}{head}\r\n{body}")).await;
        assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("Ambiguous message framing"), "{path}: {answer}");
    }
    rig.telemetry.shutdown(Duration::from_secs(20)).await;

    let received = collector.received();
    let mut spans: Vec<_> = received
        .spans()
        .iter()
        .map(|item| {
            let (span, values) = (&item.record, attributes(&item.record.attributes));
            for unknown in ["knoxcall.tenant_id", "knoxcall.route_name", "knoxcall.environment", "knoxcall.upstream.address"] {
                assert!(!values.contains_key(unknown), "{unknown}: {values:?}");
            }
            let failed = span.status.as_ref().map_or(0, |status| status.code);
            let of = |name: &str| values.get(name).cloned().unwrap_or_default();
            (of("url.path"), span.name.clone(), span.kind, of("http.response.status_code"), failed, of("error.type"))
        })
        .collect();
    spans.sort();
    let row = |path: &str, name: &str, status: &str, failed: i32, error: &str| {
        (format!("{path:?}"), name.to_owned(), 2, status.to_owned(), failed, error.to_owned())
    };
    let mut expected = ambiguous.map(|(path, ..)| row(path, "POST", "400", 0, ""));
    expected.sort();
    assert_eq!(spans, expected);
    assert!(received.logs().is_empty() && own.received().requests.is_empty());
    assert_eq!(counters(&received), "");
    assert_eq!(upstream.connections(), 0);
}
