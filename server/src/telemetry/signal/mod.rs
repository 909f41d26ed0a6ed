//! Turns events into the three OTLP signals. Pure: nothing here waits, counts or knows where a record goes.

pub mod genai;
mod genai_names;
pub mod kinds;
pub mod log;
pub mod metric;
pub mod names;
pub mod probe;
mod series;
mod share;
pub mod span;
pub mod webhook;

use std::borrow::Cow;
use std::time::Duration;

use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_sdk::Resource;

use crate::event::{Failure, Proxied, Request};
use crate::live::{ExportTarget, Owner};

/// Who reads what is exported. Decides what a record may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    Operator,
    Tenant,
}

impl From<Owner> for Audience {
    fn from(owner: Owner) -> Self {
        match owner {
            Owner::Operator => Self::Operator,
            Owner::Tenant(_) => Self::Tenant,
        }
    }
}

#[must_use]
pub fn scope() -> InstrumentationScope {
    InstrumentationScope::builder(names::SCOPE).with_version(env!("CARGO_PKG_VERSION")).with_schema_url(names::SCHEMA_URL).build()
}

/// The destination's own resource. Built from nothing: the SDK's default builder would lay the process's
/// `OTEL_RESOURCE_ATTRIBUTES` into every workspace's records.
#[must_use]
pub fn resource(target: &ExportTarget) -> Resource {
    let further = target.resource.iter().map(|(key, value)| KeyValue::new(key.clone(), value.clone()));
    let own =
        [KeyValue::new(names::SERVICE_NAME, target.service_name.clone()), KeyValue::new(names::SERVICE_VERSION, env!("CARGO_PKG_VERSION"))];
    // Later values win: `service.name` is the destination's, whatever the operator's attributes say.
    let attributes: Vec<KeyValue> = further.chain(own).collect();
    Resource::builder_empty().with_schema_url(attributes, names::SCHEMA_URL).build()
}

/// How a request ended, as far as spans, logs and metrics agree about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Success,
    ClientError,
    /// A 5xx, or no answer at all because of a failure.
    ServerError,
}

fn outcome(request: &Request) -> Outcome {
    match request.status {
        Some(500..) => Outcome::ServerError,
        // A response that broke off after its status line is a failure too, whatever the status was.
        _ if request.failure.is_some() && !request.cancelled => Outcome::ServerError,
        Some(400..) => Outcome::ClientError,
        _ => Outcome::Success,
    }
}

/// `error.type`: the failure's kind, or else the status of a 5xx.
fn error_type(request: &Request) -> Option<Cow<'static, str>> {
    if outcome(request) != Outcome::ServerError {
        return None;
    }
    match (&request.failure, request.status) {
        (Some(failure), _) => Some(Cow::Borrowed(failure.kind)),
        (None, Some(status)) => Some(Cow::Owned(status.to_string())),
        (None, None) => None,
    }
}

/// `error.type` of a call that this process made: the failure's kind, or else the status from 400 on.
fn client_error_type(failure: Option<&Failure>, status: Option<u16>) -> Option<Cow<'static, str>> {
    match (failure, status) {
        (Some(failure), _) => Some(Cow::Borrowed(failure.kind)),
        (None, Some(status @ 400..)) => Some(Cow::Owned(status.to_string())),
        _ => None,
    }
}

/// The methods that the HTTP conventions know; any other one is `_OTHER`, so that callers cannot make up dimensions.
fn known_method(method: &str) -> Option<&'static str> {
    Some(match method {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "DELETE" => "DELETE",
        "CONNECT" => "CONNECT",
        "OPTIONS" => "OPTIONS",
        "TRACE" => "TRACE",
        "PATCH" => "PATCH",
        "QUERY" => "QUERY",
        _ => return None,
    })
}

fn method(request: &Request) -> &'static str {
    known_method(request.method.as_str()).unwrap_or("_OTHER")
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

fn route(proxied: &Proxied) -> Option<&str> {
    (!proxied.route.is_empty()).then_some(&*proxied.route)
}

#[cfg(test)]
pub(crate) mod fixtures;

#[cfg(test)]
mod tests {
    use super::fixtures::request;
    use super::*;

    #[test]
    fn outcome_and_error_type_follow_the_answer() {
        let failure = || Some(Failure::new("timeout", "no answer".to_owned()));
        for (status, failure, cancelled, expected, error) in [
            (Some(200), None, false, Outcome::Success, None),
            (Some(302), None, false, Outcome::Success, None),
            (Some(404), None, false, Outcome::ClientError, None),
            (Some(500), None, false, Outcome::ServerError, Some("500")),
            (Some(504), failure(), false, Outcome::ServerError, Some("timeout")),
            (Some(200), failure(), false, Outcome::ServerError, Some("timeout")),
            (None, failure(), false, Outcome::ServerError, Some("timeout")),
            (None, None, true, Outcome::Success, None),
            (None, failure(), true, Outcome::Success, None),
        ] {
            let request = Request { status, failure, cancelled, ..request() };
            assert_eq!(outcome(&request), expected, "{status:?} {cancelled}");
            assert_eq!(error_type(&request).as_deref(), error, "{status:?} {cancelled}");
        }
    }
}
