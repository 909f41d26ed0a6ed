//! A request's identity and its record: an id, its place in a trace, and one event when the answer has gone out.

use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::{Instant, SystemTime};

use axum::body::{Body, Bytes};
use axum::extract::{MatchedPath, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header::{HOST, USER_AGENT};
use http::{HeaderName, HeaderValue, Request, Version};
use http_body::{Body as _, Frame, SizeHint};
use uuid::Uuid;

use super::Console;
use crate::auth::Origin;
use crate::bus::Bus;
use crate::event::{Component, Event, Failure, Request as Recorded, TraceContext};
use crate::faults::{self, AtHand};
use crate::trace_context;
use crate::values::TenantId;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The other end of the connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer(pub(super) IpAddr);

/// What later parts of the stack may want to know of the request at hand.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    pub(super) id: Uuid,
    pub(super) address: Option<IpAddr>,
    scheme: &'static str,
    /// `None` when nobody listens.
    pub(super) trace: Option<TraceContext>,
    workspace: Option<Arc<OnceLock<TenantId>>>,
    /// Filled once somebody turns out to be signed in.
    user: Arc<OnceLock<Uuid>>,
}

impl Facts {
    pub(super) fn signed_in(&self, user: Uuid) {
        let _ = self.user.set(user);
    }

    pub(super) fn origin(&self) -> Origin {
        Origin { address: self.address, request_id: Some(self.id), trace: self.trace.clone(), workspace: self.workspace.clone() }
    }
}

/// Names the request and, if somebody listens, records it when it is over.
pub(super) async fn record(State(console): State<Console>, mut request: Request<Body>, next: Next) -> Response {
    let interest = console.bus().interest(None);
    let sender = request.extensions().get::<Peer>().map(|peer| console.proxies().sender(peer.0, request.headers()));
    let facts = Facts {
        id: Uuid::now_v7(),
        address: sender.as_ref().map(|sender| sender.address),
        scheme: sender.map_or("http", |sender| sender.scheme),
        trace: interest.events.then(|| trace_context::begin(request.headers(), interest.traces)),
        workspace: interest.events.then(Arc::default),
        user: Arc::default(),
    };
    let id = facts.id;
    let record = facts.trace.clone().map(|trace| Record::new(console.bus().clone(), &request, &facts, trace));
    let at_hand = facts.workspace.clone().map(|tenant| {
        let (method, path) = (request.method().as_str().to_owned(), request.uri().path().to_owned());
        Arc::new(AtHand { request_id: id, method, path, tenant, user: Arc::clone(&facts.user), failure: OnceLock::new() })
    });
    request.extensions_mut().insert(facts);
    let mut response = match &at_hand {
        Some(at_hand) => faults::serving(Arc::clone(at_hand), next.run(request)).await,
        None => next.run(request).await,
    };
    if let Ok(value) = HeaderValue::from_str(&id.to_string()) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    let Some(mut record) = record else { return response };
    let told = response.extensions_mut().remove::<Failure>();
    record.event.status = Some(response.status().as_u16());
    // A page that shows its error has no other place for it.
    let behind = || at_hand?.failure.get().copied().filter(|_| response.status().is_server_error()).map(Failure::logged);
    record.event.failure = told.or_else(behind);
    response.map(|inner| Body::new(RecordedBody { inner, record }))
}

/// Emits its event when it is dropped: with the last byte, or when the client went away.
struct Record {
    bus: Bus,
    started: Instant,
    finished: bool,
    event: Recorded,
    workspace: Option<Arc<OnceLock<TenantId>>>,
    user: Arc<OnceLock<Uuid>>,
}

impl Record {
    fn new(bus: Bus, request: &Request<Body>, facts: &Facts, trace: TraceContext) -> Self {
        let header = |name| request.headers().get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        let authority = request.uri().authority().map(http::uri::Authority::as_str).or_else(|| header(HOST)).unwrap_or_default();
        let authority: Option<http::uri::Authority> = authority.parse().ok();
        let host = authority.as_ref().map(|authority| authority.host().trim_matches(['[', ']']).to_owned());
        let event = Recorded {
            component: Component::Console,
            started: SystemTime::now(),
            duration: std::time::Duration::ZERO,
            request_id: facts.id,
            tenant: None,
            method: request.method().clone(),
            path: request.uri().path().to_owned(),
            scheme: facts.scheme,
            server_address: host.unwrap_or_default(),
            server_port: authority.as_ref().and_then(http::uri::Authority::port_u16),
            client_address: facts.address,
            user_agent: header(USER_AGENT).map(str::to_owned),
            protocol_version: version_of(request.version()),
            http_route: request.extensions().get::<MatchedPath>().map(|path| path.as_str().into()),
            status: None,
            proxied: None,
            failure: None,
            user: None,
            cancelled: false,
            trace,
        };
        Self { bus, started: Instant::now(), finished: false, event, workspace: facts.workspace.clone(), user: Arc::clone(&facts.user) }
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        self.event.duration = self.started.elapsed();
        self.event.cancelled = !self.finished;
        self.event.tenant = self.workspace.as_ref().and_then(|workspace| workspace.get().copied());
        self.event.user = self.user.get().copied();
        self.bus.emit(None, || Event::Request(self.event.clone()));
    }
}

struct RecordedBody {
    inner: Body,
    record: Record,
}

impl http_body::Body for RecordedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.inner).poll_frame(context);
        match &polled {
            Poll::Ready(None) => self.record.finished = true,
            Poll::Ready(Some(Err(_))) => {
                self.record.finished = true;
                self.record.event.failure = Some(Failure::new("body", "the response's body broke off".to_owned()));
            }
            _ => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl Drop for RecordedBody {
    fn drop(&mut self) {
        // The server does not ask further for what it knows to be at its end (an empty body, the answer to HEAD).
        self.record.finished |= self.inner.is_end_stream() || self.record.event.method == http::Method::HEAD;
    }
}

fn version_of(version: Version) -> &'static str {
    match version {
        Version::HTTP_09 | Version::HTTP_10 => "1.0",
        Version::HTTP_2 => "2",
        Version::HTTP_3 => "3",
        _ => "1.1",
    }
}
