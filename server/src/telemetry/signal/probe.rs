//! The records of a test: one of each signal, tiny, and marked so that nobody takes them for traffic.

use std::time::SystemTime;

use opentelemetry::KeyValue;
use opentelemetry::metrics::MeterProvider as _;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use opentelemetry_sdk::metrics::reader::MetricReader as _;

use super::metric::shared_reader;
use super::span::{Ids, SAMPLED};
use super::{names, resource, scope};
use crate::live::ExportTarget;
use crate::telemetry::otlp::{Kind, Log, Place, Records, Severity, Span};

const TEXT: &str = "Test record sent from KnoxCall's console";

pub fn span(out: &mut Records, own: Ids) {
    let now = SystemTime::now();
    let head = Span {
        place: Place { trace_id: own.trace_id, span_id: own.span_id, flags: SAMPLED, state: "" },
        parent: None,
        parent_is_remote: false,
        name: (names::TEST, None),
        kind: Kind::Internal,
        started: now,
        ended: now,
        exception: None,
        link: None,
        failed: false,
    };
    out.span(&head, |out| out.flag(names::TEST, true));
}

pub fn log(out: &mut Records) {
    let head = Log { at: SystemTime::now(), severity: Severity::Info, event_name: names::TEST, body: Some(TEXT), place: None };
    out.log(&head, |out| {
        out.text(names::EVENT_NAME, names::TEST);
        out.flag(names::TEST, true);
    });
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
