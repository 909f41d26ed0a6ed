//! Says what became of a request: one event, when its response has ended or nobody waits for it any more.
//!
//! Who wants it is asked before, once for each request: with nobody interested there is nothing here to allocate, fill or send.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use http::header::{self, HeaderMap, HeaderValue};
use http::request::Parts;
use http::{Method, Version};
use uuid::Uuid;

use super::client::Client;
use super::ids;
use super::matcher::Found;
use super::refusal::Words;
use crate::bus::Bus;
use crate::capture;
use crate::event::{Component, Event, Failure, Proxied, Request, TraceContext};
use crate::faults;

/// When a request began, and as what.
#[derive(Clone, Copy)]
pub(super) struct Begun {
    pub(super) id: Uuid,
    pub(super) wall: SystemTime,
    pub(super) clock: Instant,
    /// How a refusal would be told.
    pub(super) words: Words,
}

/// Emits its event when dropped, at the latest.
#[derive(Default)]
pub(super) struct Record(Option<Open>);

struct Open {
    bus: Bus,
    clock: Instant,
    ended: bool,
    /// An [`Event::Request`]. Nobody else has it before it is handed over, so it is filled where listeners will read it: its half a
    /// kilobyte is allocated once and not moved.
    event: Arc<Event>,
    /// Where somebody includes more of a request than its event has.
    copies: Option<Box<capture::Recorder>>,
}

impl Record {
    pub(super) fn open(
        bus: &Bus,
        begun: Begun,
        client: &Client,
        parts: &Parts,
        host: Option<&HeaderValue>,
        found: &Found,
        trace: TraceContext,
    ) -> Self {
        let (server_address, server_port) = address(host);
        let event = Event::Request(Request {
            component: Component::Gateway,
            started: begun.wall,
            duration: std::time::Duration::ZERO,
            request_id: begun.id,
            tenant: found.tenant,
            method: parts.method.clone(),
            path: path(parts),
            scheme: client.scheme,
            server_address,
            server_port,
            client_address: Some(client.address),
            user_agent: parts.headers.get(header::USER_AGENT).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()),
            protocol_version: version(parts.version),
            http_route: None,
            status: None,
            proxied: found.tenant.is_some().then(|| proxied(found)),
            failure: None,
            user: None,
            cancelled: false,
            trace,
        });
        Self(Some(Open { bus: bus.clone(), clock: begun.clock, ended: false, event: Arc::new(event), copies: None }))
    }

    /// Tells of the request as it came in, if somebody wants to hear of it already: only for whoever may want more than its event
    /// ([`crate::bus::Interest::more`]). `copies` are taken from then on, if any are; never of a call of an AI agent.
    pub(super) fn received(&mut self, headers: &HeaderMap, copies: Option<capture::Recorder>) {
        let Some(open) = &mut self.0 else { return };
        open.copies = copies.map(Box::new);
        let Event::Request(event) = &*open.event else { return };
        if !event.tenant.is_some_and(|tenant| open.bus.wants_received(tenant)) {
            return;
        }
        let event = Arc::new(Event::Received(event.clone()));
        match &open.copies {
            Some(copies) => open.bus.hand_over_copied(&event, copies.arrived(headers)),
            None => open.bus.hand_over(&event),
        }
    }

    /// The request's body is sent on. `empty`: there is none.
    pub(super) fn upload(&mut self, headers: &HeaderMap, empty: bool) -> Option<capture::Upload> {
        self.0.as_mut()?.copies.as_mut()?.upload(headers, empty)
    }

    /// The head of the upstream's answer, as the client gets it.
    pub(super) fn answer(&mut self, headers: &HeaderMap) {
        if let Some(copies) = self.0.as_mut().and_then(|open| open.copies.as_mut()) {
            copies.answered(headers);
        }
    }

    /// Some of the upstream's answer passes.
    pub(super) fn data(&mut self, data: &[u8]) {
        if let Some(copies) = self.0.as_mut().and_then(|open| open.copies.as_mut()) {
            copies.data(data);
        }
    }

    pub(super) fn status(&mut self, status: u16) {
        if let Some(event) = self.event() {
            event.status = Some(status);
        }
    }

    /// The first failure stays.
    pub(super) fn failed(&mut self, kind: &'static str, message: impl FnOnce() -> String) {
        if let Some(event) = self.event()
            && event.failure.is_none()
        {
            event.failure = Some(Failure::new(kind, message()));
        }
    }

    /// As [`Record::failed`], for a failure that the gateway answers itself.
    pub(super) fn answered(&mut self, kind: &'static str, message: impl FnOnce() -> String) {
        if let Some(event) = self.event()
            && event.failure.is_none()
        {
            event.failure = Some(Failure { error_id: Some(ids::error_id(event.request_id)), ..Failure::new(kind, message()) });
        }
    }

    /// The response was passed on whole. Without this the record counts as cancelled, unless it failed.
    pub(super) fn end(&mut self) {
        if let Some(open) = &mut self.0 {
            open.ended = true;
        }
        self.0 = None;
    }

    fn event(&mut self) -> Option<&mut Request> {
        let Event::Request(event) = Arc::get_mut(&mut self.0.as_mut()?.event)? else { return None };
        Some(event)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let Some(Event::Request(event)) = Arc::get_mut(&mut self.event) else { return };
        event.duration = self.clock.elapsed();
        let panicking = std::thread::panicking();
        if panicking {
            let error_id = Some(ids::error_id(event.request_id));
            event.failure.get_or_insert_with(|| match faults::unwinding() {
                Some(panic) => Failure { kind: "panic", message: panic.message, error_id, location: panic.location },
                None => Failure { error_id, ..Failure::new("panic", "the handler panicked".to_owned()) },
            });
            event.status.get_or_insert(500);
        }
        event.cancelled = !self.ended && event.failure.is_none();
        let copies = self.copies.take().map(|copies| copies.finish(self.ended));
        let hand_over = AssertUnwindSafe(|| match copies {
            Some(copies) => self.bus.hand_over_copied(&self.event, copies),
            None => self.bus.hand_over(&self.event),
        });
        if panicking {
            // A second panic would end the process.
            let _ = catch_unwind(hand_over);
        } else {
            hand_over.0();
        }
    }
}

fn proxied(found: &Found) -> Proxied {
    if let Some(agent) = &found.agent {
        return Proxied {
            route_id: None,
            route_name: agent.handle.clone(),
            route: agent.handle.clone(),
            environment: "".into(),
            upstream_host: Some(agent.upstream.host.clone()),
            upstream_address: Some(agent.upstream.address.clone()),
        };
    }
    let upstream = found.environment.as_ref().map(|environment| &environment.upstream);
    Proxied {
        route_id: found.route.as_ref().map(|route| route.id),
        route_name: found.route.as_ref().map_or_else(|| "".into(), |route| route.name.clone()),
        route: found.route.as_ref().map_or_else(|| "".into(), |route| route.slug.clone()),
        environment: found.environment.as_ref().map_or_else(|| "".into(), |environment| environment.name.clone()),
        upstream_host: upstream.map(|upstream| upstream.host.clone()),
        upstream_address: upstream.map(|upstream| upstream.address.clone()),
    }
}

/// CONNECT has an authority for its target, and no path.
fn path(parts: &Parts) -> String {
    if parts.method == Method::CONNECT { String::new() } else { parts.uri.path().to_owned() }
}

fn address(host: Option<&HeaderValue>) -> (String, Option<u16>) {
    let text = host.and_then(|host| host.to_str().ok()).unwrap_or_default();
    match text.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => (unbracketed(name), port.parse().ok()),
        _ => (unbracketed(text), None),
    }
}

fn unbracketed(host: &str) -> String {
    host.trim_start_matches('[').trim_end_matches(']').to_owned()
}

const fn version(version: Version) -> &'static str {
    match version {
        Version::HTTP_10 => "1.0",
        Version::HTTP_2 => "2",
        _ => "1.1",
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::bus::{Interest, Listener};
    use crate::peers::Proxies;
    use crate::values::TenantId;

    #[derive(Default)]
    struct Keep(Mutex<Vec<Arc<Event>>>);

    impl Listener for Keep {
        fn interest(&self, _: Option<TenantId>) -> Interest {
            unreachable!("whoever opens a record has asked")
        }
        fn accept(&self, event: &Arc<Event>) {
            self.0.lock().unwrap().push(Arc::clone(event));
        }
    }

    fn record(bus: &Bus) -> Record {
        let (parts, ()) = http::Request::get("/a?secret=1").body(()).unwrap().into_parts();
        let begun = Begun { id: Uuid::nil(), wall: SystemTime::now(), clock: Instant::now(), words: Words::Proxy };
        let trace = crate::trace_context::begin(&parts.headers, true);
        let host = HeaderValue::from_static("[::1]:8080");
        let client = Client::new([127, 0, 0, 1].into(), None, &Proxies::default());
        Record::open(bus, begun, &client, &parts, Some(&host), &Found::default(), trace)
    }

    /// The wall clock says when it began, and only the other one how long it took.
    #[test]
    fn a_clock_that_is_set_back_makes_no_duration_negative() {
        let keep = Arc::new(Keep::default());
        let bus = Bus::default();
        bus.listen(&(Arc::clone(&keep) as Arc<dyn Listener>));
        let hour = std::time::Duration::from_secs(3600);
        let begun = SystemTime::now() + hour;
        let mut record = record(&bus);
        record.event().unwrap().started = begun;
        record.end();
        let events = keep.0.lock().unwrap();
        let [event] = &events[..] else { panic!("{events:?}") };
        let Event::Request(request) = &**event else { panic!("{event:?}") };
        assert!(request.started == begun && request.duration < hour, "{:?}", request.duration);
    }

    #[test]
    fn one_event_whatever_happens() {
        let keep = Arc::new(Keep::default());
        let bus = Bus::default();
        bus.listen(&(Arc::clone(&keep) as Arc<dyn Listener>));
        record(&bus).end();
        drop(record(&bus));
        let mut failed = record(&bus);
        failed.failed("timeout", || "first".to_owned());
        failed.failed("other", || "second".to_owned());
        drop(failed);
        let panicked = AssertUnwindSafe(record(&bus));
        let _ = catch_unwind(|| {
            let _record = panicked;
            panic!("as a handler might");
        });
        let events = keep.0.lock().unwrap();
        let seen: Vec<_> = events
            .iter()
            .map(|event| match &**event {
                Event::Request(request) => {
                    assert_eq!((request.path.as_str(), request.server_address.as_str(), request.server_port), ("/a", "::1", Some(8080)));
                    (request.cancelled, request.status, request.failure.as_ref().map(|failure| failure.kind))
                }
                _ => unreachable!(),
            })
            .collect();
        assert_eq!(seen, [(false, None, None), (true, None, None), (false, None, Some("timeout")), (false, Some(500), Some("panic"))]);
    }
}
