//! What arrives, field by field.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use server::event::{Component, Event, Failure, Proxied, Request, Security, SecurityKind, TraceContext, sample};
use server::live::Owner;
use uuid::Uuid;

use super::{Rig, ai, exports, operator, quick, request, target, tenant, tenant_id, webhook};
use crate::support::collector::{Collector, attributes};

const GRACE: Duration = Duration::from_secs(20);

fn fixed() -> Request {
    Request {
        started: SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000),
        request_id: Uuid::from_u128(7),
        trace: TraceContext {
            trace_id: [0xab; 16],
            span_id: [0xcd; 8],
            parent_span_id: Some([0xef; 8]),
            state: Some("vendor=opaque".to_owned()),
            ..sample::trace()
        },
        ..request(tenant_id(1))
    }
}

fn lines(list: &[opentelemetry_proto::tonic::common::v1::KeyValue]) -> String {
    attributes(list).into_iter().map(|(key, value)| format!("{key} = {value}")).collect::<Vec<_>>().join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_arrives_as_span_log_and_metrics() {
    let collector = Collector::start().await;
    let mut to = target(Owner::Operator, &format!("{}/base", collector.endpoint()), "Authorization=Bearer t, X-Scope-OrgID=acme");
    to.service_name = "gateway-eu".to_owned();
    to.resource = vec![("service.instance.id".to_owned(), "one".to_owned()), ("service.name".to_owned(), "loses".to_owned())];
    let rig = Rig::start(exports([to]), quick());
    rig.emit(fixed());
    rig.telemetry.shutdown(GRACE).await;
    let received = collector.received();

    let paths: Vec<&str> = received.requests.iter().map(|r| &*r.path).collect();
    assert_eq!(paths.len(), 3, "{paths:?}");
    for delivery in &received.requests {
        let mut headers: Vec<String> = delivery
            .headers
            .iter()
            .filter(|(name, _)| !["host", "content-length"].contains(&name.as_str()))
            .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
            .collect();
        headers.sort();
        let expected = [
            "authorization: Bearer t",
            "content-encoding: gzip",
            "content-type: application/x-protobuf",
            concat!("user-agent: KnoxCall/", env!("CARGO_PKG_VERSION")),
            "x-scope-orgid: acme",
        ];
        assert_eq!(headers, expected, "{}", delivery.path);
        assert!(delivery.path.starts_with("/base/v1/"));
    }

    let [span] = &received.spans()[..] else { panic!("one span") };
    let expected = [("service.instance.id", "\"one\""), ("service.name", "\"gateway-eu\""), ("service.version", "\"0.1.0\"")];
    assert_eq!(span.resource_text().iter().map(|(k, v)| (&**k, &**v)).collect::<Vec<_>>(), expected);
    assert_eq!(span.resource_schema, server::telemetry::signal::names::SCHEMA_URL);
    assert_eq!((&*span.scope.name, &*span.scope_schema), ("knoxcall", server::telemetry::signal::names::SCHEMA_URL));
    let record = &span.record;
    assert_eq!(record.name, "GET billing");
    assert_eq!(record.kind, SpanKind::Server as i32);
    assert_eq!((&record.trace_id[..], &record.span_id[..]), (&[0xab; 16][..], &[0xcd; 8][..]));
    assert_eq!((&record.parent_span_id[..], &*record.trace_state), (&[0xef; 8][..], "vendor=opaque"));
    assert_eq!(record.flags, 0x301, "sampled, and the parent is known to be remote");
    assert_eq!(record.start_time_unix_nano, 1_700_000_000_000_000_000);
    assert_eq!(record.end_time_unix_nano, 1_700_000_000_012_500_000);
    assert_eq!(record.status.as_ref().unwrap().code, StatusCode::Unset as i32);
    insta::assert_snapshot!("span_attributes", lines(&record.attributes));

    let [log] = &received.logs()[..] else { panic!("one log record") };
    assert_eq!(log.resource, span.resource);
    let record = &log.record;
    assert_eq!(record.event_name, "knoxcall.proxy.request");
    assert_eq!((record.severity_number, &*record.severity_text), (9, "INFO"));
    assert_eq!((&record.trace_id[..], &record.span_id[..], record.flags), (&[0xab; 16][..], &[0xcd; 8][..], 1));
    assert_eq!(record.time_unix_nano, 1_700_000_000_012_500_000);
    insta::assert_snapshot!("log_attributes", lines(&record.attributes));

    let metrics = received.metrics();
    let mut text = Vec::new();
    for metric in &metrics {
        assert_eq!(metric.resource_text(), span.resource_text());
        let record = &metric.record;
        match record.data.as_ref().unwrap() {
            Data::Sum(sum) => {
                assert!(sum.is_monotonic && sum.aggregation_temporality == 2);
                text.push(format!("{} [{}]\n{}", record.name, record.unit, lines(&sum.data_points[0].attributes)));
            }
            Data::Histogram(histogram) => {
                assert_eq!(histogram.aggregation_temporality, 2);
                let point = &histogram.data_points[0];
                assert_eq!(point.count, 1);
                text.push(format!(
                    "{} [{}] {:?} sum {:?}\n{}",
                    record.name,
                    record.unit,
                    point.explicit_bounds,
                    point.sum.unwrap(),
                    lines(&point.attributes)
                ));
            }
            other => panic!("{other:?}"),
        }
    }
    text.sort();
    insta::assert_snapshot!("metrics", text.join("\n\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_is_an_error_everywhere() {
    let collector = Collector::start().await;
    let rig = Rig::start(exports([operator(&collector)]), quick());
    rig.emit(Request { status: Some(504), failure: Some(Failure::new("timeout", "no answer within 60 s".to_owned())), ..fixed() });
    rig.telemetry.shutdown(GRACE).await;
    let received = collector.received();
    let span = &received.spans()[0].record;
    assert_eq!(span.status.as_ref().unwrap().code, StatusCode::Error as i32);
    assert_eq!(attributes(&span.attributes)["error.type"], "\"timeout\"");
    assert_eq!(span.events.len(), 1);
    assert_eq!(span.events[0].name, "exception");
    let exception = attributes(&span.events[0].attributes);
    assert_eq!(exception["exception.type"], "\"timeout\"");
    assert_eq!(exception["exception.message"], "\"no answer within 60 s\"");
    let log = &received.logs()[0].record;
    assert_eq!((log.severity_number, &*log.severity_text), (17, "ERROR"));
    assert_eq!(attributes(&log.attributes)["error.type"], "\"timeout\"");
    for metric in received.metrics() {
        if let Some(Data::Sum(sum)) = metric.record.data {
            let dimensions = attributes(&sum.data_points[0].attributes);
            assert_eq!((&*dimensions["error"], &*dimensions["http.response.status_class"]), ("true", "\"5xx\""));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_proxied_gives_a_span_and_no_log() {
    let collector = Collector::start().await;
    let own = Collector::start().await;
    let rig = Rig::start(exports([operator(&collector), tenant(tenant_id(1), &own)]), quick());
    let page = Request { component: Component::Console, proxied: None, http_route: Some("/w/{slug}/routes".into()), ..fixed() };
    rig.emit(page);
    let rejected = Security {
        at: SystemTime::now(),
        kind: SecurityKind::ApiKeyRejected,
        tenant: None,
        client_address: Some([192, 0, 2, 9].into()),
        trace: Some(fixed().trace),
        count: 1,
    };
    rig.bus.emit(None, || Event::Security(rejected));
    rig.telemetry.shutdown(GRACE).await;
    let received = collector.received();
    let spans = received.spans();
    let names: Vec<&str> = spans.iter().map(|span| &*span.record.name).collect();
    assert_eq!(names, ["GET /w/{slug}/routes", "security api_key.rejected"]);
    assert_eq!(attributes(&spans[0].record.attributes)["knoxcall.component"], "\"console\"");
    assert_eq!(attributes(&spans[0].record.attributes)["http.route"], "\"/w/{slug}/routes\"");
    let security = &spans[1].record;
    assert_eq!(security.kind, SpanKind::Internal as i32);
    assert_eq!(security.parent_span_id, [0xcd; 8]);
    let expected = [
        ("client.address", "\"192.0.2.9\""),
        ("knoxcall.security.event", "\"api_key.rejected\""),
        ("knoxcall.security.severity", "\"low\""),
    ];
    assert_eq!(attributes(&security.attributes).iter().map(|(k, v)| (&**k, &**v)).collect::<Vec<_>>(), expected);
    assert!(received.logs().is_empty());
    let metrics: Vec<String> = received.metrics().into_iter().map(|metric| metric.record.name).collect();
    assert_eq!(metrics, ["http.server.request.duration"]);
    assert!(own.received().requests.is_empty(), "a console page is nothing to a workspace");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_route_is_a_proxied_request_without_a_name() {
    let collector = Collector::start().await;
    let rig = Rig::start(exports([tenant(tenant_id(1), &collector)]), quick());
    let nowhere: Arc<str> = "".into();
    rig.emit(Request {
        status: Some(404),
        proxied: Some(Proxied {
            route_id: None,
            route_name: Arc::clone(&nowhere),
            route: Arc::clone(&nowhere),
            environment: nowhere,
            upstream_host: None,
            upstream_address: None,
        }),
        ..fixed()
    });
    rig.telemetry.shutdown(GRACE).await;
    let received = collector.received();
    let log = &received.logs()[0].record;
    assert_eq!((log.severity_number, &*log.severity_text), (13, "WARN"));
    assert_eq!(attributes(&log.attributes)["knoxcall.route_name"], "\"\"");
    assert_eq!(received.metrics().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unsampled_trace_gives_logs_and_metrics_without_a_span() {
    let collector = Collector::start().await;
    let rig = Rig::start(exports([operator(&collector)]), quick());
    let mut quiet = fixed();
    quiet.trace.flags = 0;
    rig.emit(quiet);
    rig.telemetry.shutdown(GRACE).await;
    let received = collector.received();
    assert!(received.on("/v1/traces").is_empty(), "nothing empty is sent");
    assert_eq!(received.logs()[0].record.flags, 0);
    assert_eq!(received.metrics().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_and_ai_calls_are_the_operators_alone() {
    let (collector, own) = (Collector::start().await, Collector::start().await);
    let rig = Rig::start(exports([operator(&collector), tenant(tenant_id(1), &own)]), quick());
    let request = fixed();
    let (webhook, ai) = (webhook(&request), ai(&request));
    rig.bus.emit(Some(tenant_id(1)), || Event::Webhook(webhook));
    rig.bus.emit(Some(tenant_id(1)), || Event::Ai(ai));
    rig.telemetry.shutdown(GRACE).await;
    let received = collector.received();
    let spans = received.spans();
    let names: Vec<(&str, i32)> = spans.iter().map(|span| (&*span.record.name, span.record.kind)).collect();
    assert_eq!(names, [("PUT", SpanKind::Client as i32), ("chat claude", SpanKind::Client as i32)]);
    assert!(spans.iter().all(|span| span.record.parent_span_id == [0xcd; 8] && span.record.trace_id == [0xab; 16]));
    assert_eq!(attributes(&spans[0].record.attributes)["http.request.resend_count"], "1");
    assert_eq!(spans[0].record.flags, 0x101, "sampled, and the parent is known to be local");
    let [log] = &received.logs()[..] else { panic!("one log record") };
    assert_eq!((&*log.record.event_name, &*log.record.severity_text), ("knoxcall.webhook.delivery", "ERROR"));
    let said = attributes(&log.record.attributes);
    assert_eq!((&*said["knoxcall.webhook.success"], &*said["error.type"]), ("false", "\"timeout\""));
    let mut metrics = Vec::new();
    for metric in received.metrics() {
        let Some(Data::Histogram(histogram)) = metric.record.data else { panic!("{:?}", metric.record) };
        let points = histogram.data_points.iter().map(|point| attributes(&point.attributes));
        let kinds: Vec<Option<String>> = points.map(|point| point.get("gen_ai.token.type").cloned()).collect();
        metrics.push((metric.record.name, metric.record.unit, kinds));
    }
    metrics.sort();
    let (duration, first, usage) =
        ("gen_ai.client.operation.duration", "gen_ai.client.operation.time_to_first_chunk", "gen_ai.client.token.usage");
    let expected = [(duration, "s", None), (first, "s", None), (usage, "{token}", Some("\"input\""))];
    let expected = expected.map(|(name, unit, kind)| (name.to_owned(), unit.to_owned(), vec![kind.map(str::to_owned)]));
    assert_eq!(metrics, expected, "no number is made up for the output");
    assert!(own.received().requests.is_empty(), "a workspace's export holds its requests alone");
}
