//! What is written by hand, beside what the official encoder writes of the same records.

use opentelemetry::Key;
use opentelemetry::logs::{LogRecord as _, Logger as _, LoggerProvider as _};
use opentelemetry::trace::{SpanContext, TraceFlags, TraceId, TraceState};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_proto::transform::logs::tonic::group_logs_by_resource_and_scope;
use opentelemetry_proto::transform::trace::tonic::group_spans_by_resource_and_scope;
use opentelemetry_sdk::logs::{LogBatch, SdkLoggerProvider};
use prost::Message as _;

use super::*;
use crate::event::{Failure, Security, SecurityKind};
use crate::telemetry::signal::fixtures::{TENANT, ai, request, webhook};
use crate::telemetry::signal::{genai, log as logs, probe, scope, span as spans, webhook as webhooks};

fn resource() -> Resource {
    let attributes = [KeyValue::new("service.name", "KnoxCall"), KeyValue::new("n", 7), KeyValue::new("long", "x".repeat(300))];
    Resource::builder_empty().with_schema_url(attributes, "https://schema.test/1").build()
}

fn records() -> Vec<SpanData> {
    let tenant = Some(TENANT.to_string().into());
    let mut failed = request();
    failed.status = None;
    failed.trace.parent_span_id = None;
    failed.failure = Some(Failure::new("timeout", "m".repeat(20_000)));
    let security = Security {
        at: request().started,
        kind: SecurityKind::ApiKeyRejected,
        tenant: None,
        client_address: None,
        trace: Some(crate::event::TraceContext { flags: 0, ..request().trace }),
        count: 3,
    };
    let mut odd = spans::request(&request(), tenant.as_ref(), &scope()).unwrap();
    odd.attributes = vec![
        KeyValue::new("bools", Value::Array(Array::Bool(vec![true, false]))),
        KeyValue::new("ints", Value::Array(Array::I64(vec![0, -1, i64::MAX]))),
        KeyValue::new("doubles", Value::Array(Array::F64(vec![0.0, -1.5]))),
        KeyValue::new("texts", Value::Array(Array::String(vec!["".into(), "b".into()]))),
        KeyValue::new("zero", 0),
        KeyValue::new("no", false),
        KeyValue::new("empty", ""),
        KeyValue::new("ä", -7),
    ];
    odd.dropped_attributes_count = 300;
    odd.events.dropped_count = 2;
    odd.links.dropped_count = 3;
    odd.status = Status::Ok;
    odd.start_time = UNIX_EPOCH - std::time::Duration::from_secs(1);
    let remote = SpanContext::new(TraceId::from_bytes([9; 16]), SpanId::from_bytes([8; 8]), TraceFlags::SAMPLED, true, TraceState::NONE);
    odd.links.links.push(Link::new(remote, vec![KeyValue::new("a", 1.5)], 4));
    vec![
        spans::request(&request(), tenant.as_ref(), &scope()).unwrap(),
        spans::request(&failed, None, &scope()).unwrap(),
        spans::security(&security, spans::Ids::random(), tenant.as_ref(), &scope()),
        genai::span(&ai(), tenant.as_ref(), &scope()).unwrap(),
        webhooks::span(&webhook(), tenant.as_ref(), &scope()).unwrap(),
        probe::span(spans::Ids::random(), &scope()),
        odd,
    ]
}

#[test]
fn spans_are_as_the_official_encoder_has_them() {
    let (all, resource) = (records(), resource());
    for some in [&all[..], &all[..1], &all[1..2], &[]] {
        let official = group_spans_by_resource_and_scope(some.to_vec(), &ResourceAttributesWithSchema::from(&resource));
        let ours = ExportTraceServiceRequest::decode(&*Frame::new(&resource).spans(some, &scope())).unwrap();
        if some.is_empty() {
            assert_eq!(ours.resource_spans[0].scope_spans[0].spans.len(), 0);
        } else {
            assert_eq!(ours.resource_spans, official);
        }
    }
}

#[test]
fn logs_are_as_the_official_encoder_has_them() {
    let logger = SdkLoggerProvider::builder().build().logger("test");
    let mut plain = logger.create_log_record();
    logs::request(&mut plain, &request(), request().proxied.as_ref().unwrap(), Some(&TENANT.to_string().into()));
    let mut attempt = logger.create_log_record();
    webhooks::log(&mut attempt, &webhook(), None);
    let mut tested = logger.create_log_record();
    probe::log(&mut tested);
    let mut odd = logger.create_log_record();
    odd.set_observed_timestamp(UNIX_EPOCH);
    odd.add_attribute("list", AnyValue::ListAny(Box::new(vec![1.into(), false.into(), 0.5.into(), "".into()])));
    odd.add_attribute("map", AnyValue::Map(Box::new([(Key::new("k"), AnyValue::Int(0))].into_iter().collect())));
    odd.add_attribute("bytes", AnyValue::Bytes(Box::new(vec![0, 1, 255])));
    let (all, scope, resource) = ([plain, attempt, tested, odd], scope(), resource());
    let batch: Vec<_> = all.iter().map(|record| (record, &scope)).collect();
    let official = group_logs_by_resource_and_scope(&LogBatch::new(&batch), &ResourceAttributesWithSchema::from(&resource));
    let ours = ExportLogsServiceRequest::decode(&*Frame::new(&resource).logs(&all, &scope)).unwrap();
    assert_eq!(ours.resource_logs, official);
}
