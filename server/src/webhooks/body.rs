//! What an endpoint is told: the JSON of one event. Pure.

use std::net::IpAddr;
use std::time::SystemTime;

use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use uuid::Uuid;

use super::include::{Included, Part};
use crate::event::{Event, Request};
use crate::live::Webhook;
use crate::values::EventType;

/// RFC 3339 in UTC, always with milliseconds: some parsers take no other number of digits.
const RFC_3339: &[BorrowedFormatItem<'static>] = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");

/// How much of a request's path is told, in bytes.
const MOST_OF_PATH: usize = 2048;

#[derive(Serialize)]
struct Body<'a> {
    event: &'static str,
    timestamp: String,
    data: Data<'a>,
    webhook_id: Uuid,
    webhook_name: &'a str,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Data<'a> {
    Request {
        route_id: Option<Uuid>,
        route_name: &'a str,
        environment: &'a str,
        request: Asked<'a>,
        /// `null` until there is one.
        response: Option<Answered<'a>>,
    },
    Audit(serde_json::Value),
    Test {
        message: &'static str,
    },
}

#[derive(Serialize)]
struct Asked<'a> {
    method: &'a str,
    path: &'a str,
    ip: Option<IpAddr>,
    #[serde(flatten)]
    part: Part<'a>,
}

#[derive(Serialize)]
struct Answered<'a> {
    /// `null` when the client went away before there was one.
    status: Option<u16>,
    latency_ms: u64,
    #[serde(flatten)]
    part: Part<'a>,
}

/// What an endpoint may be told of the request besides its event.
#[derive(Clone, Copy)]
pub struct Along<'a> {
    pub included: &'a Included,
    /// Too much waits for the endpoint already: it gets no bodies.
    pub backlog: bool,
}

/// The body for this endpoint; `None` for what no webhook tells of.
#[must_use]
pub fn of_event(event_type: EventType, event: &Event, along: Along<'_>, webhook: &Webhook) -> Option<String> {
    let part = |half| Part { half, wanted: webhook.includes(), backlog: along.backlog };
    let (at, data) = match event {
        Event::Received(request) => (request.started, of_request(request, part(&along.included.request), None)?),
        Event::Request(request) => {
            let latency_ms = u64::try_from(request.duration.as_millis()).unwrap_or(u64::MAX);
            let response = Answered { status: request.status, latency_ms, part: part(&along.included.response) };
            (request.started.checked_add(request.duration)?, of_request(request, part(&along.included.request), Some(response))?)
        }
        Event::Audit(audit) => (audit.at, Data::Audit(serde_json::from_str(&audit.entry).ok()?)),
        _ => return None,
    };
    write(event_type, at, data, webhook)
}

/// The body of a test delivery.
#[must_use]
pub fn of_test(at: SystemTime, webhook: &Webhook) -> Option<String> {
    write(EventType::WebhookTest, at, Data::Test { message: "A test delivery from KnoxCall." }, webhook)
}

fn of_request<'a>(request: &'a Request, part: Part<'a>, response: Option<Answered<'a>>) -> Option<Data<'a>> {
    let proxied = request.proxied.as_ref()?;
    Some(Data::Request {
        route_id: proxied.route_id,
        route_name: &proxied.route_name,
        environment: &proxied.environment,
        request: Asked { method: request.method.as_str(), path: cut(&request.path), ip: request.client_address, part },
        response,
    })
}

/// One request may be told many times over: a path of any length would be kept as often.
fn cut(path: &str) -> &str {
    &path[..path.floor_char_boundary(MOST_OF_PATH)]
}

fn write(event_type: EventType, at: SystemTime, data: Data<'_>, webhook: &Webhook) -> Option<String> {
    let timestamp = OffsetDateTime::from(at).format(RFC_3339).ok()?;
    let body = Body { event: event_type.name(), timestamp, data, webhook_id: webhook.id, webhook_name: &webhook.name };
    serde_json::to_string(&body).ok()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::{Duration, UNIX_EPOCH};

    use super::super::fixtures::{request, webhook};
    use super::*;
    use crate::event::Audit;

    fn alone() -> Along<'static> {
        Along { included: &Included::NOTHING, backlog: false }
    }

    #[test]
    fn a_request_as_the_contract_has_it() {
        let request = Request { duration: Duration::from_millis(1500), status: Some(503), ..request() };
        insta::assert_snapshot!(
            of_event(EventType::RequestServerError, &Event::Request(request), alone(), &webhook()).unwrap(),
            @r#"{"event":"request.server_error","timestamp":"2023-11-14T22:13:21.500Z","data":{"route_id":"00000000-0000-0000-0000-000000000011","route_name":"Billing","environment":"production","request":{"method":"GET","path":"/v1/invoices","ip":"192.0.2.7"},"response":{"status":503,"latency_ms":1500}},"webhook_id":"00000000-0000-0000-0000-000000000009","webhook_name":"errors"}"#
        );
    }

    #[test]
    fn one_that_has_just_come_in_has_no_answer_yet() {
        let body = of_event(EventType::RequestReceived, &Event::Received(request()), alone(), &webhook()).unwrap();
        let body: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!(body["timestamp"], "2023-11-14T22:13:20.000Z");
        assert_eq!((&body["event"], &body["data"]["response"]), (&"request.received".into(), &serde_json::Value::Null));
    }

    #[test]
    fn an_audit_entry_is_told_as_it_is_and_a_test_says_so() {
        let audit =
            Audit { at: UNIX_EPOCH, tenant: None, entry: Arc::from(r#"{"action":"route.created"}"#), request_id: None, trace: None };
        let body = of_event(EventType::AuditEvent, &Event::Audit(audit), alone(), &webhook()).unwrap();
        assert!(body.contains(r#""data":{"action":"route.created"}"#), "{body}");
        let body = of_test(UNIX_EPOCH, &webhook()).unwrap();
        assert!(body.contains(r#""event":"webhook.test""#) && body.contains("A test delivery"), "{body}");
    }
}
