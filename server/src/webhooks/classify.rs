//! Which event types something that happened is. Pure.

use crate::event::{Event, Request};
use crate::live::EventSet;
use crate::values::EventType;

/// Empty for what no webhook tells of.
#[must_use]
pub fn types(event: &Event) -> EventSet {
    match event {
        Event::Received(request) if request.proxied.is_some() => [EventType::RequestReceived].into_iter().collect(),
        Event::Request(request) if request.proxied.is_some() => ended(request),
        Event::Audit(audit) if audit.tenant.is_some() => [EventType::AuditEvent].into_iter().collect(),
        _ => EventSet::default(),
    }
}

/// A request whose answer broke, or that has none, is an error whatever its status; one whose client went away is not.
fn ended(request: &Request) -> EventSet {
    use EventType::{RequestClientError, RequestError, RequestRedirect, RequestServerError, RequestSuccess, RequestTimeout};
    let failed = request.failure.is_some();
    let by_status: &[EventType] = match request.status {
        Some(200..=299) if !failed => &[RequestSuccess],
        Some(300..=399) => &[RequestRedirect, RequestError],
        Some(400..=499) => &[RequestClientError, RequestError],
        Some(500..=599) => &[RequestServerError, RequestError],
        Some(_) => &[RequestError],
        None if failed => &[RequestError],
        None => &[],
    };
    let timeout = request.failure.as_ref().is_some_and(|failure| failure.kind == "timeout");
    let timeout = timeout.then_some(RequestTimeout);
    by_status.iter().copied().chain(timeout).chain([EventType::RequestCompleted]).collect()
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::request;
    use super::*;
    use crate::event::Failure;

    fn named(event: &Event) -> Vec<&'static str> {
        let all = EventType::SELECTABLE.into_iter().chain([EventType::WebhookTest]);
        all.filter(|one| types(event).contains(*one)).map(EventType::name).collect()
    }

    fn of(status: Option<u16>, failure: Option<&'static str>) -> Vec<&'static str> {
        named(&Event::Request(Request {
            status,
            failure: failure.map(|kind| Failure::new(kind, String::new())),
            cancelled: status.is_none() && failure.is_none(),
            ..request()
        }))
    }

    #[test]
    fn requests_by_their_answer() {
        for (status, failure, expected) in [
            (Some(204), None, &["request.success", "request.completed"][..]),
            (Some(304), None, &["request.redirect", "request.error", "request.completed"]),
            (Some(404), None, &["request.client_error", "request.error", "request.completed"]),
            (Some(503), None, &["request.server_error", "request.error", "request.completed"]),
            (Some(504), None, &["request.server_error", "request.error", "request.completed"]),
            (Some(504), Some("timeout"), &["request.server_error", "request.timeout", "request.error", "request.completed"]),
            (Some(502), Some("tls"), &["request.server_error", "request.error", "request.completed"]),
            (Some(200), Some("connection_closed"), &["request.error", "request.completed"]),
            (None, Some("timeout"), &["request.timeout", "request.error", "request.completed"]),
            (None, None, &["request.completed"]),
        ] {
            assert_eq!(of(status, failure), expected, "{status:?} {failure:?}");
        }
        assert_eq!(named(&Event::Received(request())), ["request.received"]);
    }

    #[test]
    fn what_came_without_a_valid_key_is_nobodys_event() {
        assert!(types(&Event::Request(Request { proxied: None, ..request() })).is_empty());
        assert!(types(&Event::Received(Request { proxied: None, ..request() })).is_empty());
    }
}
