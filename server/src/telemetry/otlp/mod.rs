//! Spans and log records as OTLP's protobuf (opentelemetry-proto 1.x), written straight into the batch they are sent in. Pure.
//!
//! The SDK's own records are not used on the way: each key and value would become a value of its own, to be copied again by
//! the official encoder, which costs more than all the rest of an export. The tests decode what is written here with the official types,
//! and hold it against what those write.

mod wire;

use std::time::SystemTime;

use opentelemetry::{InstrumentationScope, Value};
use opentelemetry_sdk::Resource;
use opentelemetry_semantic_conventions::attribute::{EXCEPTION_MESSAGE, EXCEPTION_TYPE};

pub use wire::Attributes;
use wire::{bytes, fixed32, fixed64, message, nanos, nested, number, tag, text, varint, varint_len};

use super::body::Body;

/// Room for a record, as most of them are.
const RECORD: usize = 800;

/// Bytes that the length of a record takes, as most of them are: 128 bytes to 16 KiB.
const RECORD_LENGTH: usize = 2;

/// Bytes that a field's number and a length take at most.
const PREFIX: usize = 6;

/// `SpanFlags` of OTLP: whether a parent is remote is known, and that it is.
const HAS_IS_REMOTE: u32 = 0x100;
const IS_REMOTE: u32 = 0x200;

/// Records of one signal, one after the other, as a request will hold them.
#[derive(Debug, Default)]
pub struct Records {
    bytes: Vec<u8>,
    count: u64,
}

/// A span or what a log record belongs to.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    pub trace_id: [u8; 16],
    pub span_id: [u8; 8],
    pub flags: u8,
    /// `tracestate`, as it came in; or empty.
    pub state: &'a str,
}

/// `SpanKind` of OTLP.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    Internal = 1,
    Server = 2,
    Client = 3,
}

/// What a span holds besides its attributes.
#[derive(Clone, Copy, Debug)]
pub struct Span<'a> {
    pub place: Place<'a>,
    pub parent: Option<[u8; 8]>,
    /// The parent is a span of another process.
    pub parent_is_remote: bool,
    /// One word or two.
    pub name: (&'a str, Option<&'a str>),
    pub kind: Kind,
    pub started: SystemTime,
    pub ended: SystemTime,
    /// Type and message of an exception at its end.
    pub exception: Option<(&'a str, &'a str)>,
    pub link: Option<Place<'a>>,
    /// Its status is error; no description: the attributes or the exception say it already.
    pub failed: bool,
}

/// `SeverityNumber` of OTLP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    Info = 9,
    Warn = 13,
    Error = 17,
}

impl Severity {
    const fn name(self) -> &'static str {
        match self {
            Self::Info => "INFO",
            Self::Warn => "WARN",
            Self::Error => "ERROR",
        }
    }
}

/// What a log record holds besides its attributes.
#[derive(Clone, Copy, Debug)]
pub struct Log<'a> {
    /// When it happened; it was observed right then.
    pub at: SystemTime,
    pub severity: Severity,
    pub event_name: &'a str,
    pub body: Option<&'a str>,
    pub place: Option<Place<'a>>,
}

impl Records {
    /// To be written into this empty buffer, with room for so many.
    #[must_use]
    pub fn within(mut buffer: Vec<u8>, records: usize) -> Self {
        buffer.reserve(records * RECORD);
        Self { bytes: buffer, count: 0 }
    }

    /// What they were written into.
    #[must_use]
    pub fn into_buffer(self) -> Vec<u8> {
        self.bytes
    }

    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    pub fn append(&mut self, mut other: Self) {
        self.bytes.append(&mut other.bytes);
        self.count += other.count;
    }

    pub fn span(&mut self, span: &Span<'_>, attributes: impl FnOnce(&mut Attributes<'_>)) {
        self.count += 1;
        message(&mut self.bytes, 2, RECORD_LENGTH, |out| {
            bytes(out, 1, &span.place.trace_id);
            bytes(out, 2, &span.place.span_id);
            text(out, 3, span.place.state);
            if let Some(parent) = span.parent {
                bytes(out, 4, &parent);
            }
            nested(out, 5, |out| {
                out.extend_from_slice(span.name.0.as_bytes());
                if let Some(second) = span.name.1 {
                    out.push(b' ');
                    out.extend_from_slice(second.as_bytes());
                }
            });
            number(out, 6, span.kind as u64);
            fixed64(out, 7, nanos(span.started));
            fixed64(out, 8, nanos(span.ended));
            attributes(&mut Attributes::new(out, 9));
            if let Some((kind, text)) = span.exception {
                nested(out, 11, |out| exception(out, span.ended, kind, text));
            }
            if let Some(link) = &span.link {
                nested(out, 13, |out| {
                    bytes(out, 1, &link.trace_id);
                    bytes(out, 2, &link.span_id);
                    text(out, 3, link.state);
                    fixed32(out, 6, flags(false, link.flags));
                });
            }
            nested(out, 15, |out| number(out, 3, if span.failed { 2 } else { 0 }));
            fixed32(out, 16, flags(span.parent_is_remote, span.place.flags));
        });
    }

    pub fn log(&mut self, log: &Log<'_>, attributes: impl FnOnce(&mut Attributes<'_>)) {
        self.count += 1;
        message(&mut self.bytes, 2, RECORD_LENGTH, |out| {
            fixed64(out, 1, nanos(log.at));
            number(out, 2, log.severity as u64);
            text(out, 3, log.severity.name());
            if let Some(body) = log.body {
                nested(out, 5, |out| bytes(out, 1, body.as_bytes()));
            }
            attributes(&mut Attributes::new(out, 6));
            if let Some(place) = &log.place {
                fixed32(out, 8, place.flags.into());
                bytes(out, 9, &place.trace_id);
                bytes(out, 10, &place.span_id);
            }
            fixed64(out, 11, nanos(log.at));
            text(out, 12, log.event_name);
        });
    }
}

/// A failure as the conventions tell it. Newer ones prefer a log event, but Sentry's OTLP ingest makes an error only of the
/// span's.
fn exception(out: &mut Vec<u8>, at: SystemTime, kind: &str, message: &str) {
    fixed64(out, 1, nanos(at));
    text(out, 2, "exception");
    let mut attributes = Attributes::new(out, 3);
    attributes.text(EXCEPTION_TYPE, kind);
    attributes.text(EXCEPTION_MESSAGE, message);
}

fn flags(remote: bool, of_trace: u8) -> u32 {
    u32::from(of_trace) | HAS_IS_REMOTE | if remote { IS_REMOTE } else { 0 }
}

/// What every request of a destination begins and ends with.
#[derive(Debug)]
pub struct Frame {
    /// The resource, as a field of the message around it.
    resource: Vec<u8>,
    /// The scope, likewise.
    scope: Vec<u8>,
    /// What goes after the records: the scope's schema, then the resource's.
    tail: Vec<u8>,
    /// How much of the tail is the scope's.
    scope_tail: usize,
}

impl Frame {
    /// Of resource attributes only texts are told: there are no others.
    #[must_use]
    pub fn new(resource: &Resource, scope: &InstrumentationScope) -> Self {
        let mut attributes = Vec::new();
        for (key, value) in resource {
            match value {
                Value::String(value) => Attributes::new(&mut attributes, 1).text(key.as_str(), value.as_str()),
                other => Attributes::new(&mut attributes, 1).shown(key.as_str(), other),
            }
        }
        let mut frame = Self { resource: Vec::new(), scope: Vec::new(), tail: Vec::new(), scope_tail: 0 };
        bytes(&mut frame.resource, 1, &attributes);
        nested(&mut frame.scope, 1, |out| {
            text(out, 1, scope.name());
            text(out, 2, scope.version().unwrap_or_default());
        });
        text(&mut frame.tail, 3, scope.schema_url().unwrap_or_default());
        frame.scope_tail = frame.tail.len();
        text(&mut frame.tail, 3, resource.schema_url().unwrap_or_default());
        frame
    }

    /// An `ExportTraceServiceRequest` of spans, or an `ExportLogsServiceRequest` of log records: they have the same shape.
    /// The records are not copied: all lengths around them are known.
    #[must_use]
    pub fn around<'a>(&'a self, records: &'a Records) -> Body<'a> {
        let scoped = self.scope.len() + records.bytes.len() + self.scope_tail;
        let whole = self.resource.len() + 1 + varint_len(scoped) + scoped + self.tail.len() - self.scope_tail;
        let mut head = Vec::with_capacity(self.resource.len() + self.scope.len() + 2 * PREFIX);
        tag(&mut head, 1, 2);
        varint(&mut head, whole as u64);
        head.extend_from_slice(&self.resource);
        tag(&mut head, 2, 2);
        varint(&mut head, scoped as u64);
        head.extend_from_slice(&self.scope);
        Body::Framed { head, records: &records.bytes, tail: &self.tail }
    }
}

#[cfg(test)]
mod tests;
