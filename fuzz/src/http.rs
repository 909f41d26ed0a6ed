//! `traceparent` and `tracestate`.

use ::http::{HeaderMap, HeaderName, HeaderValue};
use server::trace_context::{self, TRACEPARENT, TRACESTATE};

/// Lines of `name: value`; what is none is left out, so that any bytes are some headers.
pub fn headers(lines: &[u8]) -> HeaderMap {
    let mut out = HeaderMap::new();
    for line in lines.split(|byte| *byte == b'\n') {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        let name = HeaderName::from_bytes(line[..colon].trim_ascii());
        let value = HeaderValue::from_bytes(line[colon + 1..].strip_prefix(b" ").unwrap_or(&line[colon + 1..]));
        if let (Ok(name), Ok(value), true) = (name, value, out.len() < 1000) {
            out.append(name, value);
        }
    }
    out
}

/// A request's headers.
pub fn trace_context(data: &[u8]) {
    let headers = headers(data);
    let inbound = trace_context::read(&headers);
    let parents: Vec<&[u8]> = headers.get_all(TRACEPARENT).iter().map(HeaderValue::as_bytes).collect();
    let expected = if let [only] = parents[..] { reference(only) } else { None };
    assert_eq!(inbound.as_ref().map(|inbound| (inbound.trace_id, inbound.span_id, inbound.flags)), expected);
    if let Some(state) = inbound.as_ref().and_then(|inbound| inbound.state.as_deref()) {
        assert!(state.len() <= 512 && state.bytes().all(|byte| (0x20..0x7f).contains(&byte) || byte == b'\t'), "{state:?}");
        let members = state.split(',').filter(|member| !member.trim().is_empty());
        let mut keys: Vec<&str> = members.map(|member| member.split_once('=').expect("a member without =").0.trim()).collect();
        assert!((1..=32).contains(&keys.len()));
        keys.sort_unstable();
        assert!(keys.windows(2).all(|pair| pair[0] != pair[1]), "a key comes twice in {state:?}");
    }

    for traces in [true, false] {
        let context = trace_context::begin(&headers, traces);
        assert!(context.trace_id != [0; 16] && context.span_id != [0; 8]);
        assert_eq!(context.parent_span_id, inbound.as_ref().filter(|_| traces).map(|inbound| inbound.span_id));
        assert!(inbound.as_ref().is_none_or(|inbound| inbound.trace_id == context.trace_id && inbound.flags == context.flags));
        // Whatever came in is replaced by one context that the next hop reads as it is meant.
        let mut onward = headers.clone();
        trace_context::write(&context, &mut onward);
        assert_eq!(onward.get_all(TRACEPARENT).iter().count(), 1);
        assert_eq!(onward.get_all(TRACESTATE).iter().count(), usize::from(context.state.is_some()));
        let read = trace_context::read(&onward).expect("the next hop can't read it");
        assert_eq!(
            (read.trace_id, read.span_id, read.flags, read.state),
            (context.trace_id, context.span_id, context.flags, context.state)
        );
    }
}

/// The grammar of `traceparent`, written down once more.
fn reference(value: &[u8]) -> Option<([u8; 16], [u8; 8], u8)> {
    // A later version may be followed by anything.
    let text = String::from_utf8_lossy(value.trim_ascii());
    let mut parts = text.split('-');
    let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let digits = |text: &str, length: usize| text.len() == length && text.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f'));
    let known = digits(version, 2) && version != "ff" && (version != "00" || parts.next().is_none());
    let valid = known && digits(trace, 32) && digits(span, 16) && digits(flags, 2);
    if !valid || trace.chars().all(|c| c == '0') || span.chars().all(|c| c == '0') {
        return None;
    }
    let trace = u128::from_str_radix(trace, 16).ok()?.to_be_bytes();
    let span = u64::from_str_radix(span, 16).ok()?.to_be_bytes();
    Some((trace, span, u8::from_str_radix(flags, 16).ok()? & 1))
}
