//! What is written by hand, as the official types read it.

use std::net::IpAddr;
use std::time::{Duration, UNIX_EPOCH};

use opentelemetry::KeyValue;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::AnyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value::{ArrayValue, BoolValue, DoubleValue, IntValue, StringValue};
use opentelemetry_proto::tonic::resource::v1::Resource as Told;
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_proto::transform::trace::tonic::group_spans_by_resource_and_scope;
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};
use proptest::prelude::*;
use prost::Message as _;

use super::*;
use crate::telemetry::signal::scope;

fn resource() -> Resource {
    let attributes = [KeyValue::new("service.name", "KnoxCall"), KeyValue::new("long", "x".repeat(300))];
    Resource::builder_empty().with_schema_url(attributes, "https://schema.test/1").build()
}

fn place(state: &str) -> Place<'_> {
    Place { trace_id: [1; 16], span_id: [2; 8], flags: 1, state }
}

fn span<'a>(name: &'a str, state: &'a str) -> Span<'a> {
    Span {
        place: place(state),
        parent: Some([3; 8]),
        parent_is_remote: true,
        name: (name, None),
        kind: Kind::Client,
        started: UNIX_EPOCH - Duration::from_secs(1),
        ended: UNIX_EPOCH + Duration::from_nanos(1_700_000_000_123_456_789),
        exception: Some(("timeout", "m")),
        link: Some(Place { trace_id: [4; 16], span_id: [5; 8], flags: 0, state: "l=1" }),
        failed: true,
    }
}

fn read(records: &Records) -> ExportTraceServiceRequest {
    read_of(&resource(), records)
}

fn read_of(resource: &Resource, records: &Records) -> ExportTraceServiceRequest {
    let bytes = Frame::new(resource, &scope()).around(records).whole();
    let read = ExportTraceServiceRequest::decode(&*bytes).unwrap();
    assert_eq!(read.encode_to_vec(), bytes, "the official encoder writes the same");
    read
}

/// The resource, the scope and all that is around a span, as the official pipeline has them of the same span.
#[test]
fn is_as_the_official_pipeline_has_it() {
    use opentelemetry::trace::{Event, Link, SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId};
    let context = |trace, span, flags, state: &str| {
        let (trace, span) = (TraceId::from_bytes([trace; 16]), SpanId::from_bytes([span; 8]));
        SpanContext::new(trace, span, TraceFlags::new(flags), false, state.parse().unwrap())
    };
    let ours = span("GET", "vendor=x");
    let mut events = SpanEvents::default();
    let told = vec![KeyValue::new("exception.type", "timeout"), KeyValue::new("exception.message", "m")];
    events.events.push(Event::new("exception", ours.ended, told, 0));
    let mut links = SpanLinks::default();
    links.links.push(Link::with_context(context(4, 5, 0, "l=1")));
    let same = SpanData {
        span_context: context(1, 2, 1, "vendor=x"),
        parent_span_id: SpanId::from_bytes([3; 8]),
        parent_span_is_remote: true,
        span_kind: SpanKind::Client,
        name: "GET".into(),
        start_time: ours.started,
        end_time: ours.ended,
        attributes: vec![KeyValue::new("a", "b"), KeyValue::new("n", -7), KeyValue::new("d", 0.5), KeyValue::new("t", true)],
        dropped_attributes_count: 0,
        events,
        links,
        status: Status::error(""),
        instrumentation_scope: scope(),
    };
    // One and the same: each has its attributes in an order of its own.
    let resource = resource();
    let official = group_spans_by_resource_and_scope(vec![same], &ResourceAttributesWithSchema::from(&resource));
    let mut records = Records::default();
    records.span(&ours, |out| {
        out.text("a", "b");
        out.integer("n", -7);
        out.double("d", 0.5);
        out.flag("t", true);
    });
    assert_eq!(read_of(&resource, &records).resource_spans, official);
}

#[test]
fn a_frame_without_records_is_a_request_too() {
    let empty = read(&Records::default());
    let frame = &empty.resource_spans[0];
    assert!(matches!(&frame.resource, Some(Told { attributes, .. }) if attributes.len() == 2));
    assert!(frame.scope_spans[0].spans.is_empty());
}

/// Around records whose length, or that of what is around them, is one at which a length needs another byte.
#[test]
fn a_frame_is_as_if_it_were_written_whole() {
    let bare = Resource::builder_empty().build();
    for resource in [&bare, &resource()] {
        let frame = Frame::new(resource, &scope());
        let empty = frame.around(&Records::default()).length();
        let edges = [0, 0x80, 0x4000, 0x20_0000_usize];
        let around = [0, frame.scope.len() + frame.scope_tail, empty];
        for length in edges.iter().flat_map(|edge| around.map(|around| edge.saturating_sub(around))) {
            for length in length.saturating_sub(4)..length + 4 {
                let records = Records { bytes: vec![7; length], count: 1 };
                let body = frame.around(&records);
                let [head, middle, _] = body.parts();
                assert!(std::ptr::eq(middle, &*records.bytes), "nothing is copied");
                assert!(head.len() <= frame.resource.len() + frame.scope.len() + 2 * PREFIX);
                assert!(body.whole() == whole(resource, &records.bytes), "{length} bytes of records");
            }
        }
    }
}

/// Each message in its place, and its length once that is known.
fn whole(resource: &Resource, records: &[u8]) -> Vec<u8> {
    let (mut out, scope) = (Vec::new(), scope());
    message(&mut out, 1, 3, |out| {
        message(out, 1, 3, |out| {
            for (key, value) in resource {
                Attributes::new(out, 1).shown(key.as_str(), value);
            }
        });
        message(out, 2, 3, |out| {
            message(out, 1, 3, |out| {
                wire::text(out, 1, scope.name());
                wire::text(out, 2, scope.version().unwrap_or_default());
            });
            out.extend_from_slice(records);
            wire::text(out, 3, scope.schema_url().unwrap_or_default());
        });
        wire::text(out, 3, resource.schema_url().unwrap_or_default());
    });
    out
}

#[test]
fn what_is_joined_is_one_request() {
    let mut all = Records::default();
    for name in ["a", "b", "c"] {
        let mut one = Records::default();
        one.span(&span(name, ""), |_| {});
        all.append(one);
    }
    let read = read(&all);
    let names: Vec<_> = read.resource_spans[0].scope_spans[0].spans.iter().map(|span| &*span.name).collect();
    assert_eq!((names, all.count()), (vec!["a", "b", "c"], 3));
}

#[test]
fn addresses_are_in_their_usual_form() {
    let written = |tell: &dyn Fn(&mut Attributes<'_>)| {
        let mut out = Vec::new();
        tell(&mut Attributes::new(&mut out, 9));
        out
    };
    let of_version_4 = (0..=255).map(|n: u8| IpAddr::from([n, 255 - n, n / 2, 10]));
    for address in of_version_4.chain([IpAddr::from([0_u8; 16]), IpAddr::from([0x20_u8; 16])]) {
        assert_eq!(written(&|out| out.address("k", address)), written(&|out| out.shown("k", address)), "{address}");
    }
}

#[derive(Clone, Debug)]
enum Attribute {
    Text(String),
    Shown(String),
    Integer(i64),
    Double(f64),
    Flag(bool),
    Texts(Vec<String>),
}

/// Of every length around those at which a length needs another byte.
fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,10}",
        (100_usize..150).prop_map(|length| "x".repeat(length)),
        (16_000_usize..16_500).prop_map(|length| "y".repeat(length)),
    ]
}

fn any_attribute() -> impl Strategy<Value = Attribute> {
    prop_oneof![
        any_text().prop_map(Attribute::Text),
        any_text().prop_map(Attribute::Shown),
        any::<i64>().prop_map(Attribute::Integer),
        (-1e9..1e9_f64).prop_map(Attribute::Double),
        any::<bool>().prop_map(Attribute::Flag),
        prop::collection::vec(any_text(), 0..4).prop_map(Attribute::Texts),
    ]
}

fn text(value: &str) -> AnyValue {
    AnyValue { value: Some(StringValue(value.to_owned())) }
}

proptest! {
    #[test]
    fn whatever_is_told_is_read_again(name in any_text(), all in prop::collection::vec((any_text(), any_attribute()), 0..6)) {
        let mut records = Records::default();
        records.span(&span(&name, ""), |out| {
            for (key, value) in &all {
                match value {
                    Attribute::Text(value) => out.text(key, value),
                    Attribute::Shown(value) => out.shown(key, value),
                    Attribute::Integer(value) => out.integer(key, *value),
                    Attribute::Double(value) => out.double(key, *value),
                    Attribute::Flag(value) => out.flag(key, *value),
                    Attribute::Texts(values) => out.texts(key, values.iter().map(|value| &**value)),
                }
            }
        });
        // Not `read`: the official encoder leaves out what is empty, as a key never is.
        let bytes = Frame::new(&resource(), &scope()).around(&records).whole();
        let request = ExportTraceServiceRequest::decode(&*bytes).unwrap();
        let read = &request.resource_spans[0].scope_spans[0].spans[0];
        prop_assert_eq!(&read.name, &name);
        prop_assert_eq!(read.attributes.len(), all.len());
        for (read, (key, value)) in read.attributes.iter().zip(&all) {
            prop_assert_eq!(&read.key, key);
            let expected = match value {
                Attribute::Text(value) | Attribute::Shown(value) => StringValue(value.clone()),
                Attribute::Integer(value) => IntValue(*value),
                Attribute::Double(value) => DoubleValue(*value),
                Attribute::Flag(value) => BoolValue(*value),
                Attribute::Texts(values) => {
                    ArrayValue(opentelemetry_proto::tonic::common::v1::ArrayValue { values: values.iter().map(|value| text(value)).collect() })
                }
            };
            prop_assert_eq!(read.value.as_ref().unwrap().value.as_ref(), Some(&expected));
        }
    }
}
