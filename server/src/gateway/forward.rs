//! Makes the upstream's request out of the client's, sends it, and waits for the answer's head.

use std::pin::pin;
use std::sync::Arc;

use http::header::{HeaderMap, HeaderValue};
use http::request::Parts;
use http::uri::{self, PathAndQuery};
use http::{Request, Response, StatusCode, Uri};
use tokio::time::Instant;

use super::body::{Phase, Upload};
use super::client::Client;
use super::headers;
use super::refusal::Refusal;
use super::trace_context;
use crate::event::TraceContext;
use crate::live::{Limits, Upstream};
use crate::outbound::{self, Incoming, Outbound};
use crate::values::TenantId;

/// The request as the upstream gets it. `trace` is written over an inbound context; without it that passes as it came.
pub(super) fn request(
    parts: Parts,
    body: outbound::Body,
    (upstream, inject): (&Upstream, &HeaderMap),
    client: &Client,
    host: HeaderValue,
    trace: Option<&TraceContext>,
) -> Result<Request<outbound::Body>, Refusal> {
    let mut request = Request::new(body);
    *request.uri_mut() = target(upstream, &parts.uri)?;
    *request.method_mut() = parts.method;
    *request.headers_mut() = parts.headers;
    headers::to_upstream(request.headers_mut(), client, host, inject);
    if let Some(trace) = trace {
        trace_context::write(trace, request.headers_mut());
    }
    Ok(request)
}

/// The base path, then path and query as they came. A base path is a fence for whoever uses the injected credentials, so
/// nothing may climb over it: an upstream that resolves dot segments would be led elsewhere.
fn target(upstream: &Upstream, asked: &Uri) -> Result<Uri, Refusal> {
    let too_long = || Refusal::new(StatusCode::URI_TOO_LONG, "Request target too long");
    let asked = asked.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
    if !upstream.base_path.is_empty() && has_dot_segment(asked.path()) {
        return Err(Refusal::new(StatusCode::BAD_REQUEST, "The path may not have . or .. segments, because the route's target has a path"));
    }
    let path = if upstream.base_path.is_empty() && asked.as_str().starts_with('/') {
        asked
    } else {
        let slash = if asked.as_str().starts_with('/') { "" } else { "/" };
        let joined = format!("{}{slash}{}", upstream.base_path, asked.as_str());
        PathAndQuery::from_maybe_shared(bytes::Bytes::from(joined)).map_err(|_| too_long())?
    };
    let mut parts = uri::Parts::default();
    parts.scheme = Some(upstream.scheme.clone());
    parts.authority = Some(upstream.authority.clone());
    parts.path_and_query = Some(path);
    Uri::from_parts(parts).map_err(|_| too_long())
}

/// Whether some upstream would resolve a segment of this path: `.` and `..`, also percent-encoded, between slashes that may
/// be encoded or turned round, and with the parameters (`..;x`) that servlet containers take off first.
pub(super) fn has_dot_segment(path: &str) -> bool {
    let decoded: Vec<u8> = percent_encoding::percent_decode_str(path).collect();
    decoded.split(|byte| matches!(byte, b'/' | b'\\')).any(|segment| {
        let name = segment.split(|byte| *byte == b';').next().unwrap_or_default();
        name == b"." || name == b".."
    })
}

/// Why there is nothing to pass back.
pub(super) enum Unanswered {
    Refused(Refusal),
    /// The client went away while it was sending.
    Cancelled,
}

/// Sends, and waits for the response's head. The route's time for it runs anew whenever the request's body moves, so
/// that a long upload is not mistaken for a slow upstream.
pub(super) async fn send(
    (outbound, workspace): (&Outbound, TenantId),
    request: Request<outbound::Body>,
    limits: &Limits,
    upload: Option<&Arc<Upload>>,
) -> Result<Response<Incoming>, Unanswered> {
    let mut sending = pin!(outbound.pass(workspace, request, limits.connect_timeout));
    let mut deadline = pin!(tokio::time::sleep(limits.response_timeout));
    let outcome = loop {
        tokio::select! {
            biased;
            outcome = &mut sending => break outcome,
            () = &mut deadline => {
                let extended = upload.map(|upload| Instant::from_std(upload.moved()) + limits.response_timeout);
                match extended {
                    Some(later) if later > Instant::now() => deadline.as_mut().reset(later),
                    _ => return Err(Unanswered::Refused(late(upload, limits))),
                }
            }
        }
    };
    match outcome {
        Ok(response) if response.status() == StatusCode::SWITCHING_PROTOCOLS => {
            let detail = "the upstream switched protocols without being asked".to_owned();
            Err(Unanswered::Refused(Refusal::failed(StatusCode::BAD_GATEWAY, "Invalid answer from the upstream", "other", detail)))
        }
        Ok(response) => Ok(response),
        Err(error) => Err(unanswered(&error, upload)),
    }
}

fn late(upload: Option<&Arc<Upload>>, limits: &Limits) -> Refusal {
    if upload.is_some_and(|upload| upload.phase() == Phase::Client) {
        return Refusal::body_late();
    }
    let detail = format!("no response headers within {:?}", limits.response_timeout);
    Refusal::failed(StatusCode::GATEWAY_TIMEOUT, "Upstream timeout", "timeout", detail)
}

/// What became of a request's body, if that is why there is no answer.
pub(super) fn upload_failed(upload: &Upload) -> Option<Unanswered> {
    match upload.phase() {
        Phase::TooLarge => Some(Unanswered::Refused(Refusal::too_large())),
        Phase::Malformed => Some(Unanswered::Refused(Refusal::bad("Malformed request body"))),
        Phase::Gone => Some(Unanswered::Cancelled),
        Phase::Upstream | Phase::Client | Phase::Done => None,
    }
}

fn unanswered(error: &outbound::Error, upload: Option<&Arc<Upload>>) -> Unanswered {
    if let Some(failed) = upload.and_then(|upload| upload_failed(upload)) {
        return failed;
    }
    use outbound::Error as E;
    let (status, message) = match error {
        E::Blocked { rule } => return Unanswered::Refused(Refusal::blocked(*rule)),
        E::ConnectTimeout(_) => (StatusCode::GATEWAY_TIMEOUT, "Upstream timeout"),
        E::NameNotFound(_) | E::Refused(_) | E::Unreachable(_) => (StatusCode::BAD_GATEWAY, "Upstream unreachable"),
        E::Tls(_) => (StatusCode::BAD_GATEWAY, "TLS to the upstream failed"),
        E::Closed(_) => (StatusCode::BAD_GATEWAY, "The upstream closed the connection"),
        E::Other(_) => (StatusCode::BAD_GATEWAY, "Invalid answer from the upstream"),
    };
    Unanswered::Refused(Refusal::failed(status, message, error.kind(), error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::Endpoint;

    #[test]
    fn the_target_is_the_base_and_then_what_came() {
        for (base, asked, expected) in [
            ("http://h:9000", "/", "http://h:9000/"),
            ("http://h:9000", "/a?b=c", "http://h:9000/a?b=c"),
            ("http://h", "/a//b/../%2e%2E/%2f?x=%20&y", "http://h/a//b/../%2e%2E/%2f?x=%20&y"),
            ("http://h/v1", "/a//b/%2f?x=../..", "http://h/v1/a//b/%2f?x=../.."),
            ("https://h/v1/", "http://other.test/a?b", "https://h/v1/a?b"),
            ("https://h/v1", "http://other.test?b", "https://h/v1/?b"),
            ("https://h", "http://other.test?b", "https://h/?b"),
        ] {
            let upstream = Upstream::new(&Endpoint::parse_exact(base).unwrap()).unwrap();
            assert_eq!(target(&upstream, &asked.parse().unwrap()).unwrap().to_string(), expected, "{base} {asked}");
        }
    }

    #[test]
    fn nothing_climbs_over_a_base_path() {
        let fenced = Upstream::new(&Endpoint::parse_exact("http://h/v1").unwrap()).unwrap();
        for path in [
            "/..",
            "/../",
            "/a/../b",
            "/.",
            "/a/./b",
            "/%2e%2e/a",
            "/%2E./a",
            "/.%2e",
            "/%2e",
            "/..%2fa",
            "/a%2F..%2F..%2Fb",
            "/..%5ca",
            "/..;/a",
            "/..;x=1/a",
            "/%2e%2e%3b/a",
            "/a/..?q",
            "/x/%2e%2e",
        ] {
            let refusal = target(&fenced, &path.parse().unwrap()).unwrap_err();
            assert_eq!((refusal.status, refusal.close), (StatusCode::BAD_REQUEST, false), "{path}");
        }
        for path in ["/", "/...", "/a..b", "/..a", "/.well-known/x", "/a.", "/a;..", "/%2e%2ea", "/%252e%252e/a", "/?a=/../b", "/a//b"] {
            assert!(target(&fenced, &path.parse().unwrap()).is_ok(), "{path}");
        }
    }
}
