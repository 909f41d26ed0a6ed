//! One request to a collector: built from a payload and the destination's own headers, sent once, judged.

use http::{HeaderMap, HeaderName, HeaderValue, Request, header};
use tokio::time::{Instant, timeout};

use super::answer::{Answer, Judged, judge};
use super::{Payload, Transport, Unsent};
use crate::live::{ExportTarget, SignalTarget};
use crate::values::{FailureKind, Signal};

/// Sends a payload once, within the destination's own time, and judges what came of it.
pub async fn exchange(
    transport: &dyn Transport,
    target: &ExportTarget,
    signal: Signal,
    to: &SignalTarget,
    headers: &HeaderMap,
    payload: &Payload,
) -> Judged {
    let without = |answer, message| Judged { answer, status: None, message, cut: false };
    let mut request = Request::new(payload.body.clone());
    *request.method_mut() = http::Method::POST;
    match to.url.as_str().parse() {
        Ok(uri) => *request.uri_mut() = uri,
        // `ExactUrl`'s grammar is narrower than the HTTP library's.
        Err(_) => return without(Answer::Final(FailureKind::Unreachable), None),
    }
    *request.headers_mut() = headers.clone();
    if payload.gzip {
        request.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    let begun = Instant::now();
    match timeout(to.timeout, transport.send(target, request)).await {
        Ok(Ok(response)) => judge(signal, response, to.timeout.saturating_sub(begun.elapsed())).await,
        // What may not be reached now may not be reached later.
        Ok(Err(Unsent { kind: kind @ FailureKind::Blocked { .. }, .. })) => without(Answer::Final(kind), None),
        Ok(Err(unsent)) => without(Answer::Retry { kind: unsent.kind, after: None }, Some(unsent.detail)),
        Err(_) => without(Answer::Retry { kind: FailureKind::Timeout, after: None }, None),
    }
}

/// What OTLP needs and the destination's own, and nothing else.
pub fn headers(to: &SignalTarget) -> HeaderMap {
    let mut out = HeaderMap::with_capacity(to.headers.len() + 3);
    out.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"));
    out.insert(header::USER_AGENT, HeaderValue::from_static(concat!("KnoxCall/", env!("CARGO_PKG_VERSION"))));
    for (name, value) in to.headers.iter() {
        // Both parse: `HeaderList` takes only what HTTP allows.
        if let (Ok(name), Ok(mut value)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value)) {
            value.set_sensitive(true);
            out.insert(name, value);
        }
    }
    out
}
