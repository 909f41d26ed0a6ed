//! Spans: one `SERVER` span per HTTP request, one `INTERNAL` span per security event, and what `CLIENT` spans have in common.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use opentelemetry::trace::{Event, Link, SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};

use super::{Outcome, error_type, known_method, method, milliseconds, names, outcome, route};
use crate::event::{Failure, Request, Security, SecurityKind, TraceContext};

/// The request's span, or `None` when its trace is not sampled.
#[must_use]
pub fn request(request: &Request, tenant: Option<&Arc<str>>, scope: &InstrumentationScope) -> Option<SpanData> {
    if !request.trace.sampled() {
        return None;
    }
    let end = request.started + request.duration;
    Some(SpanData {
        span_context: context(&request.trace),
        parent_span_id: request.trace.parent_span_id.map_or(SpanId::INVALID, SpanId::from_bytes),
        // A span's parent in another process is remote; without a parent there is nothing to be remote.
        parent_span_is_remote: request.trace.parent_span_id.is_some(),
        span_kind: SpanKind::Server,
        name: name(request),
        start_time: request.started,
        end_time: end,
        attributes: attributes(request, tenant),
        dropped_attributes_count: 0,
        events: exception(request.failure.as_ref(), end),
        links: SpanLinks::default(),
        status: match outcome(request) {
            // No description: the status code or the exception says it already.
            Outcome::ServerError => Status::error(""),
            Outcome::Success | Outcome::ClientError => Status::Unset,
        },
        instrumentation_scope: scope.clone(),
    })
}

/// A failure as the conventions tell it. Newer ones prefer a log event, but Sentry's OTLP ingest makes an error only of the
/// span's.
fn exception(failure: Option<&Failure>, at: SystemTime) -> SpanEvents {
    let mut events = SpanEvents::default();
    if let Some(failure) = failure {
        let told =
            vec![KeyValue::new(names::EXCEPTION_TYPE, failure.kind), KeyValue::new(names::EXCEPTION_MESSAGE, failure.message.clone())];
        events.events.push(Event::new(names::EXCEPTION, at, told, 0));
    }
    events
}

/// A call that this process made.
pub(super) struct Call<'a> {
    pub name: Cow<'static, str>,
    pub started: SystemTime,
    pub duration: Duration,
    pub attributes: Vec<KeyValue>,
    pub failure: Option<&'a Failure>,
    pub status: Status,
}

/// Its `CLIENT` span, or `None` when its trace is not sampled. The parent is a span of this process.
pub(super) fn client(trace: &TraceContext, call: Call<'_>, scope: &InstrumentationScope) -> Option<SpanData> {
    if !trace.sampled() {
        return None;
    }
    let end = call.started + call.duration;
    Some(SpanData {
        span_context: context(trace),
        parent_span_id: trace.parent_span_id.map_or(SpanId::INVALID, SpanId::from_bytes),
        parent_span_is_remote: false,
        span_kind: SpanKind::Client,
        name: call.name,
        start_time: call.started,
        end_time: end,
        attributes: call.attributes,
        dropped_attributes_count: 0,
        events: exception(call.failure, end),
        links: SpanLinks::default(),
        status: call.status,
        instrumentation_scope: scope.clone(),
    })
}

/// `{method} {route}`, never the path: names have to stay few.
fn name(request: &Request) -> Cow<'static, str> {
    let method = known_method(&request.method).unwrap_or("HTTP");
    let target = request.proxied.as_ref().and_then(route).or(request.http_route.as_deref());
    target.map_or(Cow::Borrowed(method), |target| Cow::Owned(format!("{method} {target}")))
}

fn attributes(request: &Request, tenant: Option<&Arc<str>>) -> Vec<KeyValue> {
    let mut out = Vec::with_capacity(20);
    out.push(KeyValue::new(names::HTTP_REQUEST_METHOD, method(request)));
    if known_method(&request.method).is_none() {
        out.push(KeyValue::new(names::HTTP_REQUEST_METHOD_ORIGINAL, request.method.clone()));
    }
    out.push(KeyValue::new(names::URL_PATH, request.path.clone()));
    out.push(KeyValue::new(names::URL_SCHEME, request.scheme));
    out.push(KeyValue::new(names::SERVER_ADDRESS, request.server_address.clone()));
    out.push(KeyValue::new(names::NETWORK_PROTOCOL_VERSION, request.protocol_version));
    out.push(KeyValue::new(names::COMPONENT, request.component.name()));
    out.push(KeyValue::new(names::REQUEST_ID, request.request_id.to_string()));
    out.push(KeyValue::new(names::LATENCY_MS, milliseconds(request.duration)));
    if let Some(port) = request.server_port {
        out.push(KeyValue::new(names::SERVER_PORT, i64::from(port)));
    }
    if let Some(status) = request.status {
        out.push(KeyValue::new(names::HTTP_RESPONSE_STATUS_CODE, i64::from(status)));
    }
    if let Some(pattern) = &request.http_route {
        out.push(KeyValue::new(names::HTTP_ROUTE, Arc::clone(pattern)));
    }
    if let Some(client) = request.client_address {
        out.push(KeyValue::new(names::CLIENT_ADDRESS, client.to_string()));
    }
    if let Some(agent) = &request.user_agent {
        out.push(KeyValue::new(names::USER_AGENT_ORIGINAL, agent.clone()));
    }
    if let Some(tenant) = tenant {
        out.push(KeyValue::new(names::TENANT_ID, Arc::clone(tenant)));
    }
    if let Some(proxied) = &request.proxied {
        out.push(KeyValue::new(names::ROUTE_NAME, Arc::clone(&proxied.route)));
        out.push(KeyValue::new(names::ENVIRONMENT, Arc::clone(&proxied.environment)));
        if let Some(upstream) = &proxied.upstream_address {
            out.push(KeyValue::new(names::UPSTREAM_ADDRESS, Arc::clone(upstream)));
        }
    }
    if request.cancelled {
        out.push(KeyValue::new(names::CANCELLED, true));
    }
    if let Some(error) = error_type(request) {
        out.push(KeyValue::new(names::ERROR_TYPE, error));
    }
    out
}

/// A security event's span, a child of the request it happened in.
///
/// It is recorded whatever the caller's sampled flag says, so that nobody hides an attempt by sending a header: in an
/// unsampled trace it becomes a trace of its own, linked to the request.
#[must_use]
pub fn security(security: &Security, own: Ids, tenant: Option<&Arc<str>>, scope: &InstrumentationScope) -> SpanData {
    let within = security.trace.as_ref().filter(|trace| trace.sampled());
    let mut links = SpanLinks::default();
    if within.is_none()
        && let Some(trace) = &security.trace
    {
        links.links.push(Link::with_context(context(trace)));
    }
    let mut attributes =
        vec![KeyValue::new(names::SECURITY_EVENT, security.kind.name()), KeyValue::new(names::SECURITY_SEVERITY, security.kind.severity())];
    if let SecurityKind::EgressBlocked { rule } = security.kind {
        attributes.push(KeyValue::new(names::EGRESS_RULE, rule.name()));
    }
    if security.count > 1 {
        attributes.push(KeyValue::new(names::SECURITY_COUNT, i64::try_from(security.count).unwrap_or(i64::MAX)));
    }
    if let Some(client) = security.client_address {
        attributes.push(KeyValue::new(names::CLIENT_ADDRESS, client.to_string()));
    }
    if let Some(tenant) = tenant {
        attributes.push(KeyValue::new(names::TENANT_ID, Arc::clone(tenant)));
    }
    SpanData {
        span_context: SpanContext::new(
            within.map_or(own.trace_id, |trace| TraceId::from_bytes(trace.trace_id)),
            own.span_id,
            within.map_or(TraceFlags::SAMPLED, |trace| TraceFlags::new(trace.flags)),
            false,
            within.map_or(TraceState::NONE, state),
        ),
        parent_span_id: within.map_or(SpanId::INVALID, |trace| SpanId::from_bytes(trace.span_id)),
        parent_span_is_remote: false,
        span_kind: SpanKind::Internal,
        name: Cow::Owned(format!("security {}", security.kind.name())),
        start_time: security.at,
        end_time: security.at,
        attributes,
        dropped_attributes_count: 0,
        events: SpanEvents::default(),
        links,
        status: Status::Unset,
        instrumentation_scope: scope.clone(),
    }
}

/// Fresh identifiers for a span that no request has made.
#[derive(Clone, Copy, Debug)]
pub struct Ids {
    pub trace_id: TraceId,
    pub span_id: SpanId,
}

impl Ids {
    #[must_use]
    pub fn random() -> Self {
        let random = uuid::Uuid::new_v4().into_bytes();
        let mut span = [0; 8];
        span.copy_from_slice(&uuid::Uuid::new_v4().as_bytes()[8..]);
        Self { trace_id: TraceId::from_bytes(random), span_id: SpanId::from_bytes(span) }
    }
}

fn context(trace: &TraceContext) -> SpanContext {
    SpanContext::new(
        TraceId::from_bytes(trace.trace_id),
        SpanId::from_bytes(trace.span_id),
        TraceFlags::new(trace.flags),
        false,
        state(trace),
    )
}

fn state(trace: &TraceContext) -> TraceState {
    trace.state.as_deref().and_then(|text| text.parse().ok()).unwrap_or(TraceState::NONE)
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{TENANT, lines, request as fixture};
    use super::super::scope;
    use super::*;
    use crate::event::Component;
    use crate::values::EgressRule;

    fn tenant() -> Arc<str> {
        TENANT.to_string().into()
    }

    #[test]
    fn a_proxied_request() {
        let span = request(&fixture(), Some(&tenant()), &scope()).unwrap();
        insta::assert_snapshot!(lines(&span));
        assert_eq!(span.span_context.trace_state().header(), "vendor=x");
        assert_eq!(span.parent_span_id, SpanId::from_bytes([3; 8]));
        assert!(span.parent_span_is_remote && span.span_context.is_sampled());
    }

    #[test]
    fn a_failed_request_is_an_error_with_an_exception() {
        let failed = Request {
            status: Some(502),
            failure: Some(Failure::new("connection_refused", "refused".to_owned())),
            method: "PURGE".to_owned(),
            ..fixture()
        };
        let span = request(&failed, None, &scope()).unwrap();
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
        assert_eq!(request(&page, None, &scope()).unwrap().name, "GET /w/{slug}/routes");
        let bare = Request { http_route: None, ..page };
        assert_eq!(request(&bare, None, &scope()).unwrap().name, "GET");
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
            lines(&security(&event, Ids::random(), Some(&tenant()), &scope())).lines().collect::<Vec<_>>(),
            [
                "security egress.blocked Internal Unset",
                "knoxcall.egress.rule = String(Static(\"private\"))",
                "knoxcall.security.event = String(Static(\"egress.blocked\"))",
                "knoxcall.security.severity = String(Static(\"medium\"))",
                &format!("knoxcall.tenant_id = String(RefCounted(\"{}\"))", tenant()),
            ]
        );
    }

    #[test]
    fn an_unsampled_request_has_no_span_but_its_security_event_does() {
        let mut quiet = fixture();
        quiet.trace.flags = 0;
        assert!(request(&quiet, None, &scope()).is_none());

        let event = Security {
            at: SystemTime::UNIX_EPOCH,
            kind: SecurityKind::ApiKeyRejected,
            tenant: None,
            client_address: None,
            trace: Some(quiet.trace.clone()),
            count: 1,
        };
        let span = security(&event, Ids::random(), None, &scope());
        assert!(span.span_context.is_sampled());
        assert_ne!(span.span_context.trace_id(), TraceId::from_bytes(quiet.trace.trace_id));
        assert_eq!(span.links.len(), 1);

        let within = Security { trace: Some(fixture().trace), ..event };
        let span = security(&within, Ids::random(), Some(&tenant()), &scope());
        insta::assert_snapshot!(lines(&span));
        assert_eq!(span.span_context.trace_id(), TraceId::from_bytes([1; 16]));
        assert_eq!(span.parent_span_id, SpanId::from_bytes([2; 8]));
        assert!(!span.parent_span_is_remote && span.links.is_empty());
    }
}
