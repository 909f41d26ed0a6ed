//! Spans and log records as OTLP's protobuf, written straight from the SDK's own records into one buffer. Pure.
//!
//! The official encoder first makes a second copy of every record, with each key and value a string of its own, which costs more
//! than all the rest of an export. The tests hold what is written here against what it writes.

use std::time::{SystemTime, UNIX_EPOCH};

use opentelemetry::logs::AnyValue;
use opentelemetry::trace::{Event, Link, SpanId, SpanKind, Status};
use opentelemetry::{Array, InstrumentationScope, KeyValue, Value};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::logs::SdkLogRecord;
use opentelemetry_sdk::trace::SpanData;

/// Room for a record, as most of them are.
const SPAN: usize = 900;
const LOG: usize = 700;

/// `SpanFlags` of OTLP: whether a parent is remote is known, and that it is.
const HAS_IS_REMOTE: u32 = 0x100;
const IS_REMOTE: u32 = 0x200;

/// What every request of a destination begins and ends with.
#[derive(Debug)]
pub struct Frame {
    resource: Vec<u8>,
    schema_url: String,
}

impl Frame {
    #[must_use]
    pub fn new(resource: &Resource) -> Self {
        let mut attributes = Vec::new();
        for (key, value) in resource {
            nested(&mut attributes, 1, |out| key_value(out, key.as_str(), |out| any_value(out, value)));
        }
        Self { resource: attributes, schema_url: resource.schema_url().unwrap_or_default().to_owned() }
    }

    /// An `ExportTraceServiceRequest`. All spans are of one scope.
    #[must_use]
    pub fn spans(&self, spans: &[SpanData], scope: &InstrumentationScope) -> Vec<u8> {
        self.around(spans.len() * SPAN, scope, |out| spans.iter().for_each(|one| nested(out, 2, |out| span(out, one))))
    }

    /// An `ExportLogsServiceRequest`.
    #[must_use]
    pub fn logs(&self, records: &[SdkLogRecord], scope: &InstrumentationScope) -> Vec<u8> {
        self.around(records.len() * LOG, scope, |out| records.iter().for_each(|one| nested(out, 2, |out| log(out, one))))
    }

    /// The two requests have the same shape around their records.
    fn around(&self, room: usize, scope: &InstrumentationScope, records: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
        let mut out = Vec::with_capacity(room + 512);
        nested(&mut out, 1, |out| {
            bytes(out, 1, &self.resource);
            nested(out, 2, |out| {
                nested(out, 1, |out| {
                    text(out, 1, scope.name());
                    text(out, 2, scope.version().unwrap_or_default());
                    attributes(out, 3, scope.attributes());
                });
                records(out);
                text(out, 3, scope.schema_url().unwrap_or_default());
            });
            text(out, 3, &self.schema_url);
        });
        out
    }
}

fn span(out: &mut Vec<u8>, span: &SpanData) {
    let context = &span.span_context;
    bytes(out, 1, &context.trace_id().to_bytes());
    bytes(out, 2, &context.span_id().to_bytes());
    text(out, 3, &context.trace_state().header());
    if span.parent_span_id != SpanId::INVALID {
        bytes(out, 4, &span.parent_span_id.to_bytes());
    }
    text(out, 5, &span.name);
    number(out, 6, kind(&span.span_kind));
    fixed64(out, 7, nanos(span.start_time));
    fixed64(out, 8, nanos(span.end_time));
    attributes(out, 9, &span.attributes);
    number(out, 10, span.dropped_attributes_count.into());
    for event in span.events.iter() {
        nested(out, 11, |out| span_event(out, event));
    }
    number(out, 12, span.events.dropped_count.into());
    for link in span.links.iter() {
        nested(out, 13, |out| span_link(out, link));
    }
    number(out, 14, span.links.dropped_count.into());
    nested(out, 15, |out| {
        let (code, description) = match &span.status {
            Status::Unset => (0, ""),
            Status::Ok => (1, ""),
            Status::Error { description } => (2, &**description),
        };
        text(out, 2, description);
        number(out, 3, code);
    });
    fixed32(out, 16, flags(span.parent_span_is_remote, context.trace_flags().to_u8()));
}

fn span_event(out: &mut Vec<u8>, event: &Event) {
    fixed64(out, 1, nanos(event.timestamp));
    text(out, 2, &event.name);
    attributes(out, 3, &event.attributes);
    number(out, 4, event.dropped_attributes_count.into());
}

fn span_link(out: &mut Vec<u8>, link: &Link) {
    let context = &link.span_context;
    bytes(out, 1, &context.trace_id().to_bytes());
    bytes(out, 2, &context.span_id().to_bytes());
    text(out, 3, &context.trace_state().header());
    attributes(out, 4, &link.attributes);
    number(out, 5, link.dropped_attributes_count.into());
    fixed32(out, 6, flags(context.is_remote(), context.trace_flags().to_u8()));
}

fn log(out: &mut Vec<u8>, record: &SdkLogRecord) {
    fixed64(out, 1, record.timestamp().map(nanos).unwrap_or_default());
    number(out, 2, record.severity_number().map_or(0, |severity| severity as u64));
    text(out, 3, record.severity_text().unwrap_or_default());
    if let Some(body) = record.body() {
        nested(out, 5, |out| log_value(out, body));
    }
    for (key, value) in record.attributes_iter() {
        nested(out, 6, |out| key_value(out, key.as_str(), |out| log_value(out, value)));
    }
    if let Some(context) = record.trace_context() {
        fixed32(out, 8, context.trace_flags.map_or(0, |flags| flags.to_u8().into()));
        bytes(out, 9, &context.trace_id.to_bytes());
        bytes(out, 10, &context.span_id.to_bytes());
    }
    fixed64(out, 11, record.observed_timestamp().map(nanos).unwrap_or_default());
    text(out, 12, record.event_name().unwrap_or_default());
}

const fn kind(kind: &SpanKind) -> u64 {
    match kind {
        SpanKind::Internal => 1,
        SpanKind::Server => 2,
        SpanKind::Client => 3,
        SpanKind::Producer => 4,
        SpanKind::Consumer => 5,
    }
}

fn flags(remote: bool, of_trace: u8) -> u32 {
    u32::from(of_trace) | HAS_IS_REMOTE | if remote { IS_REMOTE } else { 0 }
}

fn nanos(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
}

fn attributes<'a>(out: &mut Vec<u8>, field: u32, attributes: impl IntoIterator<Item = &'a KeyValue>) {
    for attribute in attributes {
        nested(out, field, |out| key_value(out, attribute.key.as_str(), |out| any_value(out, &attribute.value)));
    }
}

fn key_value(out: &mut Vec<u8>, key: &str, value: impl FnOnce(&mut Vec<u8>)) {
    text(out, 1, key);
    nested(out, 2, value);
}

fn any_value(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Bool(value) => any_bool(out, *value),
        Value::I64(value) => any_int(out, *value),
        Value::F64(value) => any_double(out, *value),
        Value::String(value) => bytes(out, 1, value.as_str().as_bytes()),
        Value::Array(array) => nested(out, 5, |out| match array {
            Array::Bool(all) => all.iter().for_each(|one| nested(out, 1, |out| any_bool(out, *one))),
            Array::I64(all) => all.iter().for_each(|one| nested(out, 1, |out| any_int(out, *one))),
            Array::F64(all) => all.iter().for_each(|one| nested(out, 1, |out| any_double(out, *one))),
            Array::String(all) => all.iter().for_each(|one| nested(out, 1, |out| bytes(out, 1, one.as_str().as_bytes()))),
            _ => {}
        }),
        _ => {}
    }
}

fn log_value(out: &mut Vec<u8>, value: &AnyValue) {
    match value {
        AnyValue::Boolean(value) => any_bool(out, *value),
        AnyValue::Int(value) => any_int(out, *value),
        AnyValue::Double(value) => any_double(out, *value),
        AnyValue::String(value) => bytes(out, 1, value.as_str().as_bytes()),
        AnyValue::Bytes(value) => bytes(out, 7, value),
        AnyValue::ListAny(all) => nested(out, 5, |out| all.iter().for_each(|one| nested(out, 1, |out| log_value(out, one)))),
        AnyValue::Map(all) => nested(out, 6, |out| {
            all.iter().for_each(|(key, value)| nested(out, 1, |out| key_value(out, key.as_str(), |out| log_value(out, value))));
        }),
        _ => {}
    }
}

// Of an `AnyValue` the one field that is there is written even if it is zero.

fn any_bool(out: &mut Vec<u8>, value: bool) {
    tag(out, 2, 0);
    out.push(value.into());
}

fn any_int(out: &mut Vec<u8>, value: i64) {
    tag(out, 3, 0);
    varint(out, u64::from_ne_bytes(value.to_ne_bytes()));
}

fn any_double(out: &mut Vec<u8>, value: f64) {
    tag(out, 4, 1);
    out.extend_from_slice(&value.to_le_bytes());
}

fn tag(out: &mut Vec<u8>, field: u32, wire: u64) {
    varint(out, u64::from(field) << 3 | wire);
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value > 0x7f {
        out.push(0x80 | (value & 0x7f) as u8);
        value >>= 7;
    }
    out.push(value as u8);
}

fn number(out: &mut Vec<u8>, field: u32, value: u64) {
    if value != 0 {
        tag(out, field, 0);
        varint(out, value);
    }
}

fn fixed64(out: &mut Vec<u8>, field: u32, value: u64) {
    if value != 0 {
        tag(out, field, 1);
        out.extend_from_slice(&value.to_le_bytes());
    }
}

fn fixed32(out: &mut Vec<u8>, field: u32, value: u32) {
    if value != 0 {
        tag(out, field, 5);
        out.extend_from_slice(&value.to_le_bytes());
    }
}

fn text(out: &mut Vec<u8>, field: u32, value: &str) {
    if !value.is_empty() {
        bytes(out, field, value.as_bytes());
    }
}

fn bytes(out: &mut Vec<u8>, field: u32, value: &[u8]) {
    tag(out, field, 2);
    varint(out, value.len() as u64);
    out.extend_from_slice(value);
}

/// A message within. Its length goes before it: most need one byte, and the others are moved up.
fn nested(out: &mut Vec<u8>, field: u32, write: impl FnOnce(&mut Vec<u8>)) {
    tag(out, field, 2);
    let at = out.len();
    out.push(0);
    write(out);
    let length = out.len() - at - 1;
    if length < 0x80 {
        out[at] = length as u8;
        return;
    }
    // Varints are written at the end, and this one is then turned to the front of what it is the length of.
    varint(out, length as u64);
    let width = out.len() - at - 1 - length;
    out[at + 1..].rotate_right(width);
    out.remove(at);
}

#[cfg(test)]
#[path = "otlp_tests.rs"]
mod tests;
