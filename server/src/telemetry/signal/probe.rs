//! The records of a test: one of each signal, tiny, and marked so that nobody takes them for traffic.

use std::borrow::Cow;
use std::time::SystemTime;

use opentelemetry::logs::{AnyValue, LogRecord, Severity};
use opentelemetry::metrics::MeterProvider as _;
use opentelemetry::trace::{SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceState};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use opentelemetry_sdk::metrics::reader::MetricReader as _;
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};

use super::metric::shared_reader;
use super::span::Ids;
use super::{names, resource, scope};
use crate::live::ExportTarget;

const TEXT: &str = "Test record sent from KnoxCall's console";

#[must_use]
pub fn span(own: Ids, scope: &InstrumentationScope) -> SpanData {
    let now = SystemTime::now();
    SpanData {
        span_context: SpanContext::new(own.trace_id, own.span_id, TraceFlags::SAMPLED, false, TraceState::NONE),
        parent_span_id: SpanId::INVALID,
        parent_span_is_remote: false,
        span_kind: SpanKind::Internal,
        name: Cow::Borrowed(names::TEST),
        start_time: now,
        end_time: now,
        attributes: vec![KeyValue::new(names::TEST, true)],
        dropped_attributes_count: 0,
        events: SpanEvents::default(),
        links: SpanLinks::default(),
        status: Status::Unset,
        instrumentation_scope: scope.clone(),
    }
}

/// Writes into an empty record.
pub fn log(record: &mut impl LogRecord) {
    let now = SystemTime::now();
    record.set_event_name(names::TEST);
    record.set_timestamp(now);
    record.set_observed_timestamp(now);
    record.set_severity_number(Severity::Info);
    record.set_severity_text("INFO");
    record.set_body(AnyValue::from(TEXT));
    record.add_attribute(names::EVENT_NAME, names::TEST);
    record.add_attribute(names::TEST, true);
}

/// One point of a counter; `None` when the SDK collects nothing.
#[must_use]
pub fn metrics(target: &ExportTarget) -> Option<ResourceMetrics> {
    let reader = shared_reader(target);
    let provider = SdkMeterProvider::builder().with_resource(resource(target)).with_reader(reader.clone()).build();
    let counter = provider.meter_with_scope(scope()).u64_counter(names::TEST).with_unit("{record}").with_description(TEXT).build();
    counter.add(1, &[KeyValue::new(names::TEST, true)]);
    let mut metrics = ResourceMetrics::default();
    reader.collect(&mut metrics).ok()?;
    Some(metrics)
}
