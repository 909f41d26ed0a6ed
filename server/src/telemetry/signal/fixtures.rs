//! Events for the tests of this folder.

use std::time::Duration;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_sdk::Resource;
use prost::Message as _;
use uuid::Uuid;

use super::scope;
pub use crate::event::sample::TENANT;
use crate::event::{Ai, Request, TraceContext, Webhook, sample};
use crate::telemetry::otlp::{Frame, Records};
use crate::values::{DeliveryMethod, EventType};

/// A proxied `GET` that went well, within its caller's trace.
pub fn request() -> Request {
    let trace = TraceContext { parent_span_id: Some([3; 8]), state: Some("vendor=x".to_owned()), ..sample::trace() };
    Request { trace, ..sample::request() }
}

/// What was written, as the official types read it. Written anew by them it has to be the same bytes.
pub fn spans(write: impl FnOnce(&mut Records)) -> Vec<Span> {
    let mut records = Records::default();
    write(&mut records);
    let bytes = Frame::new(&Resource::builder_empty().build(), &scope()).around(&records).whole();
    let read = ExportTraceServiceRequest::decode(&*bytes).unwrap();
    assert_eq!(read.encode_to_vec(), bytes);
    let spans = read.resource_spans.into_iter().flat_map(|r| r.scope_spans).flat_map(|s| s.spans).collect::<Vec<_>>();
    assert_eq!(spans.len() as u64, records.count());
    spans
}

/// As [`spans`].
pub fn logs(write: impl FnOnce(&mut Records)) -> Vec<LogRecord> {
    let mut records = Records::default();
    write(&mut records);
    let bytes = Frame::new(&Resource::builder_empty().build(), &scope()).around(&records).whole();
    let read = ExportLogsServiceRequest::decode(&*bytes).unwrap();
    assert_eq!(read.encode_to_vec(), bytes);
    let logs = read.resource_logs.into_iter().flat_map(|r| r.scope_logs).flat_map(|s| s.log_records).collect::<Vec<_>>();
    assert_eq!(logs.len() as u64, records.count());
    logs
}

/// A span for a snapshot.
pub fn lines(span: &Span) -> String {
    let mut lines = told(&span.attributes);
    lines.sort();
    let failed = span.status.as_ref().is_some_and(|status| status.code == 2);
    format!(
        "{} {} {}\n{}",
        span.name,
        span.kind().as_str_name().trim_start_matches("SPAN_KIND_"),
        if failed { "Error" } else { "Unset" },
        lines.join("\n")
    )
}

/// Attributes for a snapshot; none may be there twice.
pub fn told(attributes: &[KeyValue]) -> Vec<String> {
    let mut keys: Vec<&str> = attributes.iter().map(|attribute| &*attribute.key).collect();
    keys.sort_unstable();
    assert!(keys.windows(2).all(|two| two[0] != two[1]), "{keys:?}");
    attributes.iter().map(|attribute| format!("{} = {}", attribute.key, shown(attribute.value.as_ref()))).collect()
}

fn shown(value: Option<&AnyValue>) -> String {
    match value.and_then(|value| value.value.as_ref()) {
        Some(Value::StringValue(text)) => format!("{text:?}"),
        Some(Value::BoolValue(flag)) => format!("{flag}"),
        Some(Value::IntValue(number)) => format!("{number}"),
        Some(Value::DoubleValue(number)) => format!("{number:?}"),
        Some(Value::ArrayValue(all)) => format!("[{}]", all.values.iter().map(|one| shown(Some(one))).collect::<Vec<_>>().join(", ")),
        other => panic!("{other:?}"),
    }
}

/// A call's own span within the span of [`request`].
fn within() -> TraceContext {
    let request = request().trace;
    TraceContext { span_id: [8; 8], parent_span_id: Some(request.span_id), ..request }
}

/// An attempt that was taken.
pub fn webhook() -> Webhook {
    let request = request();
    Webhook {
        started: request.started,
        duration: Duration::from_millis(40),
        tenant: TENANT,
        endpoint: Uuid::from_u128(21),
        delivery: Uuid::from_u128(22),
        event_type: EventType::RequestServerError,
        method: DeliveryMethod::Post,
        server_address: "hooks.receiver.test".into(),
        server_port: 443,
        status: Some(204),
        retry_count: 0,
        failure: None,
        request_id: Some(request.request_id),
        trace: within(),
    }
}

/// A streamed chat that went well.
pub fn ai() -> Ai {
    let request = request();
    Ai {
        started: request.started,
        duration: Duration::from_secs(2),
        time_to_first_chunk: Some(Duration::from_millis(250)),
        tenant: TENANT,
        agent: "support-bot".into(),
        operation: "chat",
        provider: "openai",
        request_model: Some("gpt-4o".to_owned()),
        model_listed: false,
        max_tokens: Some(400),
        temperature: Some(0.2),
        top_p: Some(0.9),
        stream: true,
        response_model: Some("gpt-4o-2024-08-06".to_owned()),
        response_id: Some("chatcmpl-1".to_owned()),
        finish_reasons: vec!["stop".to_owned()],
        input_tokens: Some(120),
        output_tokens: Some(34),
        server_address: "api.openai.com".into(),
        server_port: 443,
        status: Some(200),
        failure: None,
        cancelled: false,
        request_id: request.request_id,
        trace: within(),
    }
}
