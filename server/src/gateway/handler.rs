//! One request from its head to the response's head.

use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Instant, SystemTime};

use arc_swap::ArcSwap;
use http::header::{self, HeaderMap, HeaderValue};
use http::request::Parts;
use http::{Request, Response, StatusCode};
use http_body::Body as _;
use hyper::body::Incoming;

use super::body::{Body, FromClient, Upload};
use super::client::Client;
use super::forward::{self, Unanswered};
use super::limiter::Limiter;
use super::matcher::{self, Found};
use super::record::{Begun, Record};
use super::refusal::{Refusal, Words};
use super::seats::{Seat, Seats};
use super::{ai, headers, ids, shape, trace_context};
use crate::bus::{Bus, Interest};
use crate::capture::{self, Room};
use crate::event::{Event, Security, SecurityKind, TraceContext};
use crate::faults;
use crate::live::{Environment, Limits, Route, Routing};
use crate::outbound::{self, Outbound};
use crate::values::TenantId;

/// What every request needs.
pub(super) struct Handler {
    pub(super) routing: Arc<ArcSwap<Routing>>,
    pub(super) bus: Bus,
    pub(super) outbound: Outbound,
    pub(super) limiter: Limiter,
    pub(super) seats: Seats,
    pub(super) rates: Arc<ai::Rates>,
    pub(super) copies: Arc<Room>,
}

impl Handler {
    /// Never fails: whatever happens, there is a response.
    pub(super) async fn handle(&self, request: Request<Incoming>, client: &Client) -> Response<Body> {
        let wall = SystemTime::now();
        let words = if ai::addressed(request.uri().path(), request.headers()) { Words::Ai } else { Words::Proxy };
        let begun = Begun { id: ids::request_id(wall), wall, clock: Instant::now(), words };
        let recorded = AtomicBool::new(false);
        let passed = faults::caught(pin!(self.pass(request, client, begun, &recorded))).await;
        let mut response = passed.unwrap_or_else(|panic| {
            if !recorded.load(Ordering::Relaxed) {
                // No event will tell of it.
                let error_id = ids::error_id(begun.id);
                tracing::error!(errorId = %error_id, panic = panic.message, location = panic.location, "a request panicked before it was recorded");
            }
            let at = panic.location.map(|location| format!(" at {location}")).unwrap_or_default();
            let detail = format!("a handler panicked{at}: {}", panic.message);
            let mut refusal = Refusal::failed(StatusCode::INTERNAL_SERVER_ERROR, "Internal error", "panic", detail);
            refusal.close = true;
            refusal.into_response(begun.id, words)
        });
        if client.watch.as_ref().is_some_and(|watch| watch.in_doubt()) {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }

    /// Which host was addressed, unless the request is refused for its form, and what it asks for.
    fn find(&self, parts: &Parts, words: Words) -> (Option<HeaderValue>, Found) {
        if self.outbound.sent(&parts.headers) {
            // Nobody's: what is told of it could have sent it.
            return (None, Found::refused(Refusal::looped()));
        }
        let find = if words == Words::Ai { ai::find } else { matcher::find };
        let found = find(&self.routing.load(), parts);
        match shape::check(parts) {
            Ok(host) => (Some(host), found),
            Err(refusal) if shape::is_key_repeated(parts) => (None, Found::refused(refusal)),
            Err(refusal) => (None, found.refused_as(refusal)),
        }
    }

    async fn pass(&self, request: Request<Incoming>, client: &Client, begun: Begun, recorded: &AtomicBool) -> Response<Body> {
        let (parts, body) = request.into_parts();
        let in_doubt = client.watch.as_ref().is_some_and(|watch| watch.next_is_in_doubt());
        let (host, mut found) =
            if in_doubt { (None, Found::refused(Refusal::bad("Ambiguous message framing"))) } else { self.find(&parts, begun.words) };
        if found.refusal.is_none() {
            found.refusal = shape::upgrade(&parts).or_else(|| self.limits(&found, &body).err());
        }
        let seat = found.tenant.filter(|_| found.refusal.is_none()).and_then(|tenant| self.seats.take(tenant)).map(Arc::new);
        if found.refusal.is_none() && seat.is_none() {
            found.refusal = Some(Refusal::too_many_at_once());
        }

        let interest = self.bus.interest(found.tenant);
        let trace = (interest.events || interest.traces).then(|| trace_context::begin(&parts.headers, interest.traces));
        if found.key_rejected {
            self.report(SecurityKind::ApiKeyRejected, None, client.address, trace.as_ref());
        }
        if let Some(refusal) = &found.refusal {
            self.report_refused(refusal, found.tenant, client, trace.as_ref());
        }
        let mut record = match &trace {
            Some(trace) if interest.events => Record::open(&self.bus, begun, client, &parts, host.as_ref(), &found, trace.clone()),
            _ => Record::default(),
        };
        if interest.more {
            record.received(&parts.headers, self.copies(&found, begun, &parts.headers));
        }
        recorded.store(interest.events, Ordering::Relaxed);
        match (found.refusal, host.zip(seat), found.agent, found.tenant, found.route, found.environment) {
            (None, Some((host, seat)), Some(agent), Some(tenant), ..) => {
                let Interest { events, traces, .. } = interest;
                let ready = ai::Ready { host, tenant, agent, operation: found.operation, trace, traces, events, seat };
                self.call(Request::from_parts(parts, body), ready, record, client, begun).await
            }
            (None, Some((host, seat)), None, Some(tenant), Some(route), Some(environment)) => {
                let trace = trace.filter(|_| interest.traces);
                let ready = Ready { host, tenant, route, environment, trace, seat };
                self.forward(Request::from_parts(parts, body), ready, record, client, begun).await
            }
            (refusal, ..) => {
                let refusal = refusal.unwrap_or_else(|| Refusal::bad("Bad request"));
                refuse(refusal, record, begun, client, !body.is_end_stream())
            }
        }
    }

    /// Takes copies of a request to a route, where somebody wants them; of a call of an AI agent there are none.
    fn copies(&self, found: &Found, begun: Begun, headers: &HeaderMap) -> Option<capture::Recorder> {
        let tenant = found.tenant.filter(|_| begun.words == Words::Proxy && found.agent.is_none())?;
        let wanted = self.bus.wants_copies(tenant, found.route.as_ref().map(|route| route.id));
        let injected = found.environment.as_ref().map(|environment| &environment.inject);
        wanted.any().then(|| capture::Recorder::new(wanted, tenant, &self.copies, injected, headers))
    }

    /// What the route or agent allows of a request that found its way.
    fn limits(&self, found: &Found, body: &Incoming) -> Result<(), Refusal> {
        if let Some(agent) = &found.agent {
            if let Some(limit) = agent.tokens_per_minute.filter(|_| found.operation.is_some())
                && let Err(wait) = self.rates.check(agent.id, limit, Instant::now())
            {
                return Err(Refusal::too_many_tokens(wait));
            }
            let limit = Limits::default().body_limit;
            return if body.size_hint().lower() > limit { Err(Refusal::too_large()) } else { Ok(()) };
        }
        let Some(route) = &found.route else { return Ok(()) };
        if let Some(rate) = route.limits.requests_per_second
            && let Err(wait) = self.limiter.take(route.id, rate, Instant::now())
        {
            return Err(Refusal::too_many(wait));
        }
        if body.size_hint().lower() > route.limits.body_limit { Err(Refusal::too_large()) } else { Ok(()) }
    }

    async fn forward(&self, request: Request<Incoming>, ready: Ready, mut record: Record, client: &Client, begun: Begun) -> Response<Body> {
        let (parts, body) = request.into_parts();
        let limits = &ready.route.limits;
        let copy = record.upload(&parts.headers, body.is_end_stream());
        let (body, upload) = if body.is_end_stream() {
            (outbound::Body::Empty, None)
        } else {
            let upload = Upload::new(begun.clock, Arc::clone(&ready.seat));
            let body = FromClient::new(body, limits.body_limit, Arc::clone(&upload)).copied(copy);
            (outbound::Body::stream(body), Some(upload))
        };
        let request = match forward::request(
            parts,
            body,
            (&ready.environment.upstream, &ready.environment.inject),
            client,
            ready.host,
            ready.trace.as_ref(),
        ) {
            Ok(request) => request,
            Err(refusal) => return refuse(refusal, record, begun, client, upload.is_some()),
        };
        let response = match forward::send((&self.outbound, ready.tenant), request, limits, upload.as_ref()).await {
            Ok(response) => response,
            Err(Unanswered::Refused(refusal)) => {
                self.report_refused(&refusal, Some(ready.tenant), client, ready.trace.as_ref());
                return refuse(refusal, record, begun, client, upload.is_some());
            }
            Err(Unanswered::Cancelled) => return cancelled(record, begun),
        };
        passed_on(response, upload, (record, ai::Call::default()), ready.seat, begun)
    }

    /// A security event of what leads where nobody may go, and of what the caller may not have.
    pub(super) fn report_refused(&self, refusal: &Refusal, tenant: Option<TenantId>, client: &Client, trace: Option<&TraceContext>) {
        let kind = match refusal.blocked_by() {
            Some(rule) => SecurityKind::EgressBlocked { rule },
            None if refusal.status == StatusCode::FORBIDDEN => SecurityKind::AuthzDenied,
            None => return,
        };
        self.report(kind, tenant, client.address, trace);
    }

    fn report(&self, kind: SecurityKind, tenant: Option<TenantId>, client: IpAddr, trace: Option<&TraceContext>) {
        self.bus.emit(tenant, || {
            Event::Security(Security { at: SystemTime::now(), kind, tenant, client_address: Some(client), trace: trace.cloned(), count: 1 })
        });
    }
}

/// A request that found its way.
struct Ready {
    host: HeaderValue,
    tenant: TenantId,
    route: Arc<Route>,
    environment: Arc<Environment>,
    /// Written on the upstream's request; `None` leaves an inbound context as it came.
    trace: Option<TraceContext>,
    seat: Arc<Seat>,
}

/// The answer as the client gets it.
pub(super) fn passed_on(
    response: Response<outbound::Incoming>,
    upload: Option<Arc<Upload>>,
    (mut record, call): (Record, ai::Call),
    seat: Arc<Seat>,
    begun: Begun,
) -> Response<Body> {
    let status = response.status();
    record.status(status.as_u16());
    let (mut head, body) = response.into_parts();
    let length = head.headers.get(header::CONTENT_LENGTH).and_then(content_length);
    headers::to_client(&mut head.headers, status.as_u16(), begun.id);
    record.answer(&head.headers);
    let mut response = Response::new(Body::upstream(body, length, upload, (record, call), seat));
    *response.status_mut() = status;
    *response.headers_mut() = head.headers;
    response
}

/// The client is gone: nobody will read this.
pub(super) fn cancelled(record: Record, begun: Begun) -> Response<Body> {
    drop(record);
    Refusal::bad("The request was cancelled").into_response(begun.id, begun.words)
}

pub(super) fn refuse(refusal: Refusal, mut record: Record, begun: Begun, client: &Client, unread: bool) -> Response<Body> {
    if unread && let Some(watch) = &client.watch {
        watch.linger();
    }
    record.status(refusal.status.as_u16());
    if let Some((kind, message)) = refusal.failure() {
        record.answered(kind, || message.to_owned());
    }
    record.end();
    refusal.into_response(begun.id, begun.words)
}

fn content_length(value: &HeaderValue) -> Option<u64> {
    value.to_str().ok()?.parse().ok()
}
