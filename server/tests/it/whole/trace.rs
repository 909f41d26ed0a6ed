//! One trace over three hops, as a real collector received it: a traced client, this gateway, an upstream that is itself
//! traced (another gateway), and what lies behind it; and to the receiver of a webhook.

use std::time::{SystemTime, UNIX_EPOCH};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message as _;
use tempfile::tempdir;

use super::{Process, Setup};
use crate::support::receiver::Receiver;
use crate::support::rotel::Rotel;
use crate::support::upstream::{Echo, Upstream};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CLIENT_SPAN: &str = "00f067aa0ba902b7";
const FRONT: &str = "tk_front0123456789abcdefghijklmn";
const BACK: &str = "tk_back00123456789abcdefghijklmn";

fn bootstrap(key: &str, target: &str, further: &str) -> String {
    format!(
        r#"
[[workspace]]
slug = "acme"
[[workspace.api_key]]
name = "default"
key = "{key}"
[[workspace.route]]
slug = "hop"
[[workspace.route.environment]]
name = "production"
default = true
target_base_url = "{target}"
{further}
"#
    )
}

/// What an instrumented client sends of its own call.
async fn export_client_span(endpoint: &str, started: SystemTime) {
    let nanos = |at: SystemTime| u64::try_from(at.duration_since(UNIX_EPOCH).unwrap().as_nanos()).unwrap();
    let span = Span {
        trace_id: hex::decode(TRACE).unwrap(),
        span_id: hex::decode(CLIENT_SPAN).unwrap(),
        name: "the client's call".to_owned(),
        kind: 3,
        start_time_unix_nano: nanos(started),
        end_time_unix_nano: nanos(SystemTime::now()),
        ..Span::default()
    };
    let scope = ScopeSpans { spans: vec![span], ..ScopeSpans::default() };
    let request =
        ExportTraceServiceRequest { resource_spans: vec![ResourceSpans { scope_spans: vec![scope], ..ResourceSpans::default() }] };
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let posted =
        client.post(format!("{endpoint}/v1/traces")).header("content-type", "application/x-protobuf").body(request.encode_to_vec());
    assert!(posted.send().await.unwrap().status().is_success());
}

/// A span as rotel printed it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Printed {
    trace: String,
    id: String,
    parent: String,
    name: String,
    kind: String,
    text: String,
}

fn spans(text: &str) -> Vec<Printed> {
    let field = |block: &str, name: &str| {
        let line = block.lines().find_map(|line| line.trim().strip_prefix(name)?.trim_start().strip_prefix(':'));
        line.unwrap_or_default().trim().to_owned()
    };
    let blocks = text.split("Trace ID       :").skip(1).filter(|block| block.contains("Kind           :"));
    blocks
        .map(|block| Printed {
            trace: block.lines().next().unwrap_or_default().trim().to_owned(),
            id: field(block, "ID  "),
            parent: field(block, "Parent ID"),
            name: field(block, "Name  "),
            kind: field(block, "Kind"),
            text: block.to_owned(),
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_trace_from_the_client_to_what_lies_behind_the_upstream() {
    let mut rotel = Rotel::start().await;
    let behind = Upstream::start().await;
    let folder = tempdir().unwrap();
    let env = |service| {
        [("OTEL_EXPORTER_OTLP_ENDPOINT", rotel.endpoint.as_str()), ("OTEL_SERVICE_NAME", service), ("OTEL_BSP_SCHEDULE_DELAY", "20")]
    };
    let (back_env, front_env) = (env("the-upstream"), env("the-gateway"));
    let back_file = bootstrap(BACK, &behind.url(), "");
    let back = Process::start(&folder.path().join("back"), &Setup { bootstrap: Some(&back_file), env: &back_env, ..Setup::default() });
    let receiver = Receiver::start().await;
    let known = format!(
        "[workspace.route.environment.inject_headers]\nx-knoxcall-key = \"{BACK}\"\nx-knoxcall-route = \"hop\"\n[[workspace.webhook]]\nname = \"all\"\nurl = \"{}\"\nevent_types = [\"request.success\"]\n",
        receiver.url("/hook")
    );
    let front_file = bootstrap(FRONT, &back.gateway, &known);
    let front = Process::start(&folder.path().join("front"), &Setup { bootstrap: Some(&front_file), env: &front_env, ..Setup::default() });

    let started = SystemTime::now();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = client.get(format!("{}/orders", front.gateway)).header("x-knoxcall-key", FRONT).header("x-knoxcall-route", "hop");
    let request = request.header("traceparent", format!("00-{TRACE}-{CLIENT_SPAN}-01")).header("tracestate", "vendor=opaque");
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let echo: Echo = answer.json().await.unwrap();
    export_client_span(&rotel.endpoint, started).await;

    let received = receiver.wait("/hook", 1).await;

    // Rotel prints line by line: the last attributes may be missing yet.
    let complete = |text: &str| {
        let count = |what| spans(text).iter().filter(|span| span.trace == TRACE && span.text.contains(what)).count();
        count("knoxcall.upstream.address: ") == 2 && count("knoxcall.webhook.success: ") == 1 && count("the client's call") == 1
    };
    let text = rotel.wait_for(complete).await;
    let all: Vec<Printed> = spans(&text).into_iter().filter(|span| span.trace == TRACE).collect();
    let child_of = |parent: &str| {
        let found: Vec<&Printed> = all.iter().filter(|span| span.parent == parent && span.kind == "SPAN_KIND_SERVER").collect();
        assert_eq!(found.len(), 1, "one server span below {parent} in {all:#?}");
        found[0]
    };
    assert!(all.iter().any(|span| span.id == CLIENT_SPAN && span.name == "the client's call"), "{all:#?}");
    let gateway = child_of(CLIENT_SPAN);
    let upstream = child_of(&gateway.id);
    assert_eq!((&*gateway.name, &*upstream.name), ("GET hop", "GET hop"));
    assert!(gateway.text.contains(&back.gateway.replace("http://", "")) && upstream.text.contains(&behind.address.to_string()));
    assert_eq!(echo.header("traceparent"), [format!("00-{TRACE}-{}-01", upstream.id)], "and on to what lies behind");
    assert_eq!(echo.header("tracestate"), ["vendor=opaque"]);
    let attempt = all.iter().find(|span| span.parent == gateway.id && span.kind == "SPAN_KIND_CLIENT").expect("the webhook's attempt");
    assert_eq!(attempt.name, "POST");
    assert_eq!(received[0].header("traceparent"), format!("00-{TRACE}-{}-01", attempt.id), "and to the webhook's receiver");
    assert_eq!(received[0].header("tracestate"), "vendor=opaque");
    for process in [front, back] {
        process.signal("TERM");
        assert!(process.ended().0.success());
    }
}
