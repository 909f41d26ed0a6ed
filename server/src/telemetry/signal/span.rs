//! Spans: one `SERVER` span per HTTP request, one `INTERNAL` span per security event, and what `CLIENT` spans have in common.

use std::time::{Duration, SystemTime};

use uuid::Uuid;

use super::kinds::Encoded;
use super::{Outcome, error_type, known_method, method, milliseconds, names, outcome, route};
use crate::event::{Failure, Request, Security, SecurityKind, TraceContext};
use crate::telemetry::otlp::{Attributes, Kind, Place, Records, Span};

/// Writes the request's span, unless its trace is not sampled. `kept` is for all requests of its kind.
pub fn request(out: &mut Records, request: &Request, kept: Option<&mut Encoded>, tenant: Option<&str>) {
    if !request.trace.sampled() {
        return;
    }
    let head = Span {
        place: place(&request.trace),
        parent: request.trace.parent_span_id,
        // A span's parent in another process is remote; without a parent there is nothing to be remote.
        parent_is_remote: request.trace.parent_span_id.is_some(),
        name: name(request),
        kind: Kind::Server,
        started: request.started,
        ended: request.started + request.duration,
        exception: exception(request.failure.as_ref()),
        link: None,
        failed: outcome(request) == Outcome::ServerError,
    };
    out.span(&head, |out| {
        own(out, request);
        out.shared(kept.map(|kept| &mut kept.span), |out| of_its_kind(out, request, tenant));
    });
}

fn exception(failure: Option<&Failure>) -> Option<(&str, &str)> {
    failure.map(|failure| (failure.kind, &*failure.message))
}

/// A call that this process made.
pub(super) struct Call<'a> {
    pub name: (&'a str, Option<&'a str>),
    pub started: SystemTime,
    pub duration: Duration,
    pub failure: Option<&'a Failure>,
    pub failed: bool,
}

/// Writes its `CLIENT` span, unless its trace is not sampled. The parent is a span of this process.
pub(super) fn client(out: &mut Records, trace: &TraceContext, call: &Call<'_>, attributes: impl FnOnce(&mut Attributes<'_>)) {
    if !trace.sampled() {
        return;
    }
    let head = Span {
        place: place(trace),
        parent: trace.parent_span_id,
        parent_is_remote: false,
        name: call.name,
        kind: Kind::Client,
        started: call.started,
        ended: call.started + call.duration,
        exception: exception(call.failure),
        link: None,
        failed: call.failed,
    };
    out.span(&head, attributes);
}

/// `{method} {route}`, never the path: names have to stay few.
fn name(request: &Request) -> (&str, Option<&str>) {
    let method = known_method(request.method.as_str()).unwrap_or("HTTP");
    (method, request.proxied.as_ref().and_then(route).or(request.http_route.as_deref()))
}

/// What differs from request to request. First what always does: next to the span's ids, so that gzip finds all the rest in longer
/// pieces.
fn own(out: &mut Attributes<'_>, request: &Request) {
    id(out, names::REQUEST_ID, request.request_id);
    out.double(names::LATENCY_MS, milliseconds(request.duration));
    out.text(names::URL_PATH, &request.path);
    if known_method(request.method.as_str()).is_none() {
        out.text(names::HTTP_REQUEST_METHOD_ORIGINAL, request.method.as_str());
    }
    if let Some(client) = request.client_address {
        out.address(names::CLIENT_ADDRESS, client);
    }
    if let Some(agent) = &request.user_agent {
        out.text(names::USER_AGENT_ORIGINAL, agent);
    }
    out.text(names::SERVER_ADDRESS, &request.server_address);
    if let Some(port) = request.server_port {
        out.integer(names::SERVER_PORT, port);
    }
    if let Some(pattern) = &request.http_route {
        out.text(names::HTTP_ROUTE, pattern);
    }
    if request.cancelled {
        out.flag(names::CANCELLED, true);
    }
    if let Some(error) = error_type(request) {
        out.text(names::ERROR_TYPE, &error);
    }
}

/// What all requests of its [kind](super::kinds::Kinds) have: nothing but what tells kinds apart.
fn of_its_kind(out: &mut Attributes<'_>, request: &Request, tenant: Option<&str>) {
    out.text(names::HTTP_REQUEST_METHOD, method(request));
    out.text(names::URL_SCHEME, request.scheme);
    out.text(names::NETWORK_PROTOCOL_VERSION, request.protocol_version);
    out.text(names::COMPONENT, request.component.name());
    if let Some(status) = request.status {
        out.integer(names::HTTP_RESPONSE_STATUS_CODE, status);
    }
    if let Some(tenant) = tenant {
        out.text(names::TENANT_ID, tenant);
    }
    if let Some(proxied) = &request.proxied {
        out.text(names::ROUTE_NAME, &proxied.route);
        out.text(names::ENVIRONMENT, &proxied.environment);
        if let Some(upstream) = &proxied.upstream_address {
            out.text(names::UPSTREAM_ADDRESS, upstream);
        }
    }
}

pub(super) fn id(out: &mut Attributes<'_>, key: &str, id: Uuid) {
    out.text(key, id.hyphenated().encode_lower(&mut Uuid::encode_buffer()));
}

/// Writes a security event's span, a child of the request it happened in.
///
/// It is recorded whatever the caller's sampled flag says, so that nobody hides an attempt by sending a header: in an
/// unsampled trace it becomes a trace of its own, linked to the request.
pub fn security(out: &mut Records, security: &Security, own: Ids, tenant: Option<&str>) {
    let within = security.trace.as_ref().filter(|trace| trace.sampled());
    let head = Span {
        place: Place {
            trace_id: within.map_or(own.trace_id, |trace| trace.trace_id),
            span_id: own.span_id,
            flags: within.map_or(SAMPLED, |trace| trace.flags),
            state: within.map_or("", state),
        },
        parent: within.map(|trace| trace.span_id),
        parent_is_remote: false,
        name: ("security", Some(security.kind.name())),
        kind: Kind::Internal,
        started: security.at,
        ended: security.at,
        exception: None,
        link: security.trace.as_ref().filter(|_| within.is_none()).map(place),
        failed: false,
    };
    out.span(&head, |out| {
        out.text(names::SECURITY_EVENT, security.kind.name());
        out.text(names::SECURITY_SEVERITY, security.kind.severity());
        if let SecurityKind::EgressBlocked { rule } = security.kind {
            out.text(names::EGRESS_RULE, rule.name());
        }
        if security.count > 1 {
            out.integer(names::SECURITY_COUNT, i64::try_from(security.count).unwrap_or(i64::MAX));
        }
        if let Some(client) = security.client_address {
            out.address(names::CLIENT_ADDRESS, client);
        }
        if let Some(tenant) = tenant {
            out.text(names::TENANT_ID, tenant);
        }
    });
}

/// The trace flag of W3C Trace Context.
pub(super) const SAMPLED: u8 = 1;

/// Fresh identifiers for a span that no request has made.
#[derive(Clone, Copy, Debug)]
pub struct Ids {
    pub trace_id: [u8; 16],
    pub span_id: [u8; 8],
}

impl Ids {
    #[must_use]
    pub fn random() -> Self {
        let mut span_id = [0; 8];
        span_id.copy_from_slice(&Uuid::new_v4().as_bytes()[8..]);
        Self { trace_id: Uuid::new_v4().into_bytes(), span_id }
    }
}

pub(super) fn place(trace: &TraceContext) -> Place<'_> {
    Place { trace_id: trace.trace_id, span_id: trace.span_id, flags: trace.flags, state: state(trace) }
}

fn state(trace: &TraceContext) -> &str {
    trace.state.as_deref().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{TENANT, lines, request as fixture, spans};
    use super::*;
    use crate::event::Component;
    use crate::values::EgressRule;

    fn one(write: impl FnOnce(&mut Records)) -> Option<opentelemetry_proto::tonic::trace::v1::Span> {
        spans(write).pop()
    }

    fn mapped(event: &Request) -> opentelemetry_proto::tonic::trace::v1::Span {
        one(|out| request(out, event, None, None)).unwrap()
    }

    #[test]
    fn a_proxied_request() {
        let span = one(|out| request(out, &fixture(), None, Some(&TENANT.to_string()))).unwrap();
        insta::assert_snapshot!(lines(&span));
        assert_eq!(span.trace_state, "vendor=x");
        assert_eq!((&*span.trace_id, &*span.span_id, &*span.parent_span_id), (&[1; 16][..], &[2; 8][..], &[3; 8][..]));
        assert_eq!(span.flags, 0x301, "the parent is known to be remote, and the trace is sampled");
        assert_eq!(span.end_time_unix_nano - span.start_time_unix_nano, 12_500_000);
    }

    #[test]
    fn a_failed_request_is_an_error_with_an_exception() {
        let failed = Request {
            status: Some(502),
            failure: Some(Failure::new("connection_refused", "refused".to_owned())),
            method: http::Method::from_bytes(b"PURGE").unwrap(),
            ..fixture()
        };
        let span = mapped(&failed);
        insta::assert_snapshot!(lines(&span));
        assert_eq!(span.events.len(), 1);
        assert_eq!(span.events[0].name, "exception");
    }

    #[test]
    fn a_console_page_is_named_by_its_route() {
        let page = Request {
            component: Component::Console,
            proxied: None,
            tenant: None,
            http_route: Some("/w/{slug}/routes".into()),
            ..fixture()
        };
        assert_eq!(mapped(&page).name, "GET /w/{slug}/routes");
        let bare = Request { http_route: None, ..page };
        assert_eq!(mapped(&bare).name, "GET");
    }

    #[test]
    fn what_was_blocked_is_told_by_its_rule() {
        let event = Security {
            at: SystemTime::UNIX_EPOCH,
            kind: SecurityKind::EgressBlocked { rule: EgressRule::Private },
            tenant: None,
            client_address: None,
            trace: None,
            count: 1,
        };
        assert_eq!(
            lines(&one(|out| security(out, &event, Ids::random(), Some(&TENANT.to_string()))).unwrap()).lines().collect::<Vec<_>>(),
            [
                "security egress.blocked INTERNAL Unset",
                "knoxcall.egress.rule = \"private\"",
                "knoxcall.security.event = \"egress.blocked\"",
                "knoxcall.security.severity = \"medium\"",
                &format!("knoxcall.tenant_id = \"{TENANT}\""),
            ]
        );
    }

    #[test]
    fn an_unsampled_request_has_no_span_but_its_security_event_does() {
        let mut quiet = fixture();
        quiet.trace.flags = 0;
        assert!(one(|out| request(out, &quiet, None, None)).is_none());

        let event = Security {
            at: SystemTime::UNIX_EPOCH,
            kind: SecurityKind::ApiKeyRejected,
            tenant: None,
            client_address: None,
            trace: Some(quiet.trace.clone()),
            count: 1,
        };
        let span = one(|out| security(out, &event, Ids::random(), None)).unwrap();
        assert_eq!(span.flags, 0x101);
        assert_ne!(span.trace_id, quiet.trace.trace_id);
        assert_eq!((span.links.len(), &*span.links[0].span_id), (1, &[2; 8][..]));

        let within = Security { trace: Some(fixture().trace), ..event };
        let span = one(|out| security(out, &within, Ids::random(), Some(&TENANT.to_string()))).unwrap();
        insta::assert_snapshot!(lines(&span));
        assert_eq!((&*span.trace_id, &*span.parent_span_id), (&[1; 16][..], &[2; 8][..]));
        assert!(span.flags == 0x101 && span.links.is_empty());
    }
}
