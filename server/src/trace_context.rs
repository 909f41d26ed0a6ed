//! W3C Trace Context (Recommendation of 23 November 2021): reading `traceparent` and `tracestate`, and writing them
//! on calls that a request makes. Used by the gateway, the console and webhooks.
//!
//! It knows headers only; whether a trace is wanted at all is the caller's to say.

use http::header::{HeaderMap, HeaderName, HeaderValue};

use crate::event::TraceContext;
use crate::ids;

pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
pub const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

const SAMPLED: u8 = 1;
const MAX_STATE_LENGTH: usize = 512;
const MAX_STATE_MEMBERS: usize = 32;

/// A caller's context that kept every rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inbound {
    pub trace_id: [u8; 16],
    pub span_id: [u8; 8],
    /// Only the bits that version 00 defines.
    pub flags: u8,
    /// `None` where there was none, or where it broke a rule: that does not touch `traceparent` (§3.3.1.6 and §4.3).
    pub state: Option<String>,
}

/// The caller's context, if it sent a valid one. More than one `traceparent` is as good as none.
#[must_use]
pub fn read(headers: &HeaderMap) -> Option<Inbound> {
    let mut all = headers.get_all(TRACEPARENT).iter();
    let (only, None) = (all.next()?, all.next()) else { return None };
    let (trace_id, span_id, flags) = parse_parent(only.as_bytes())?;
    Some(Inbound { trace_id, span_id, flags, state: read_state(headers) })
}

/// The place of a request that begins now.
///
/// With `traces`, a valid inbound context is continued with a span of our own and its sampled flag; else a new, sampled
/// trace starts. Without `traces` there is no span of our own: the caller's ids are kept, so that logs can name them, or some are
/// invented for the logs, which no call carries.
#[must_use]
pub fn begin(headers: &HeaderMap, traces: bool) -> TraceContext {
    match (read(headers), traces) {
        (Some(inbound), true) => TraceContext {
            trace_id: inbound.trace_id,
            span_id: ids::random(),
            parent_span_id: Some(inbound.span_id),
            flags: inbound.flags,
            state: inbound.state,
            invented: false,
        },
        (Some(inbound), false) => TraceContext {
            trace_id: inbound.trace_id,
            span_id: inbound.span_id,
            parent_span_id: None,
            flags: inbound.flags,
            state: inbound.state,
            invented: false,
        },
        (None, _) => TraceContext {
            trace_id: ids::random(),
            span_id: ids::random(),
            parent_span_id: None,
            flags: if traces { SAMPLED } else { 0 },
            state: None,
            invented: !traces,
        },
    }
}

/// The place of a call that this request, or what it set off, makes: a span of its own below the context's.
#[must_use]
pub fn child(context: &TraceContext) -> TraceContext {
    TraceContext { span_id: ids::random(), parent_span_id: Some(context.span_id), ..context.clone() }
}

/// Writes the context on an outbound call whose parent is the context's span, over whatever the headers said.
pub fn write(context: &TraceContext, headers: &mut HeaderMap) {
    if let Ok(value) = HeaderValue::from_bytes(&format_parent(context)) {
        headers.insert(TRACEPARENT, value);
    }
    match context.state.as_deref().map(HeaderValue::from_str) {
        Some(Ok(value)) => {
            headers.insert(TRACESTATE, value);
        }
        _ => {
            headers.remove(TRACESTATE);
        }
    }
}

/// `00-{trace id}-{span id}-{flags}`.
#[must_use]
pub fn format_parent(context: &TraceContext) -> [u8; 55] {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let mut out = [b'-'; 55];
    let mut put = |at: usize, bytes: &[u8]| {
        for (index, byte) in bytes.iter().enumerate() {
            out[at + 2 * index] = HEX[usize::from(byte >> 4)];
            out[at + 2 * index + 1] = HEX[usize::from(byte & 15)];
        }
    };
    put(0, &[0]);
    put(3, &context.trace_id);
    put(36, &context.span_id);
    put(53, &[context.flags]);
    out
}

/// §3.2. A version above 00 may be longer, but only behind a further dash (§3.2.4).
fn parse_parent(bytes: &[u8]) -> Option<([u8; 16], [u8; 8], u8)> {
    let bytes = bytes.trim_ascii();
    if bytes.len() < 55 || bytes[2] != b'-' || bytes[35] != b'-' || bytes[52] != b'-' {
        return None;
    }
    let [version] = hex(&bytes[..2])?;
    let rest_ok = match version {
        0x00 => bytes.len() == 55,
        0xff => false,
        _ => bytes.len() == 55 || bytes[55] == b'-',
    };
    let trace_id: [u8; 16] = hex(&bytes[3..35])?;
    let span_id: [u8; 8] = hex(&bytes[36..52])?;
    let [flags] = hex(&bytes[53..55])?;
    (rest_ok && trace_id != [0; 16] && span_id != [0; 8]).then_some((trace_id, span_id, flags & SAMPLED))
}

fn hex<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let mut out = [0; N];
    for (index, byte) in out.iter_mut().enumerate() {
        *byte = digit(text[2 * index])? << 4 | digit(text[2 * index + 1])?;
    }
    Some(out)
}

/// All `tracestate` headers joined in their order (§3.3.1), or nothing if any rule is broken.
fn read_state(headers: &HeaderMap) -> Option<String> {
    let mut joined = String::new();
    for value in headers.get_all(TRACESTATE) {
        let value = value.to_str().ok()?.trim_matches([' ', '\t']);
        if value.is_empty() {
            continue;
        }
        if !joined.is_empty() {
            joined.push(',');
        }
        joined.push_str(value);
        if joined.len() > MAX_STATE_LENGTH {
            return None;
        }
    }
    let mut keys: Vec<&str> = Vec::new();
    for member in joined.split(',') {
        let member = member.trim_matches([' ', '\t']);
        if member.is_empty() {
            continue;
        }
        let (key, value) = member.split_once('=')?;
        if !is_key(key) || !is_value(value) || keys.contains(&key) || keys.len() == MAX_STATE_MEMBERS {
            return None;
        }
        keys.push(key);
    }
    if keys.is_empty() { None } else { Some(joined) }
}

/// §3.3.1.3.1: a simple key, or `tenant@system`.
fn is_key(key: &str) -> bool {
    let part = |text: &str, max: usize, digit_first: bool| {
        let bytes = text.as_bytes();
        bytes.first().is_some_and(|b| b.is_ascii_lowercase() || digit_first && b.is_ascii_digit())
            && bytes.len() <= max
            && bytes.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-*/".contains(b))
    };
    match key.split_once('@') {
        Some((tenant, system)) => part(tenant, 241, true) && part(system, 14, false),
        None => part(key, 256, false),
    }
}

/// §3.3.1.3.2: printable ASCII but `,` and `=`, not ending in a space, at most 256.
fn is_value(value: &str) -> bool {
    (1..=256).contains(&value.len()) && value.bytes().all(|b| (0x20..=0x7e).contains(&b) && b != b',' && b != b'=') && !value.ends_with(' ')
}

#[cfg(test)]
mod tests;
