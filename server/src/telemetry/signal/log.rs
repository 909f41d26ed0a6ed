//! Log records: one per proxied request. Holds no body, no query and no header.

use super::kinds::Encoded;
use super::span::{id, place};
use super::{Outcome, error_type, method, milliseconds, names, outcome};
use crate::event::{Proxied, Request};
use crate::telemetry::otlp::{Attributes, Log, Records, Severity};

/// Writes the request's record. The time is that of the request's end, when its outcome was known. `kept` is for all requests of its
/// kind.
pub fn request(out: &mut Records, request: &Request, proxied: &Proxied, kept: Option<&mut Encoded>, tenant: Option<&str>) {
    let head = Log {
        at: request.started + request.duration,
        severity: match outcome(request) {
            Outcome::Success => Severity::Info,
            Outcome::ClientError => Severity::Warn,
            Outcome::ServerError => Severity::Error,
        },
        event_name: names::PROXY_REQUEST,
        body: None,
        place: Some(place(&request.trace)),
    };
    out.log(&head, |out| {
        out.shared(kept.map(|kept| &mut kept.log), |out| of_its_kind(out, request, proxied, tenant));
        own(out, request);
    });
}

/// What all requests of its [kind](super::kinds::Kinds) have: nothing but what tells kinds apart.
fn of_its_kind(out: &mut Attributes<'_>, request: &Request, proxied: &Proxied, tenant: Option<&str>) {
    out.text(names::EVENT_NAME, names::PROXY_REQUEST);
    out.text(names::HTTP_REQUEST_METHOD, method(request));
    if let Some(status) = request.status {
        out.integer(names::HTTP_RESPONSE_STATUS_CODE, status);
    }
    if let Some(host) = &proxied.upstream_host {
        out.text(names::SERVER_ADDRESS, host);
    }
    if let Some(tenant) = tenant {
        out.text(names::TENANT_ID, tenant);
    }
    out.text(names::ROUTE_NAME, &proxied.route);
    out.text(names::ENVIRONMENT, &proxied.environment);
}

/// What differs from request to request. Last what always does: next to the trace's ids, so that gzip finds all the rest in longer
/// pieces.
fn own(out: &mut Attributes<'_>, request: &Request) {
    if request.cancelled {
        out.flag(names::CANCELLED, true);
    }
    if let Some(error) = error_type(request) {
        out.text(names::ERROR_TYPE, &error);
    }
    out.text(names::URL_PATH, &request.path);
    out.double(names::LATENCY_MS, milliseconds(request.duration));
    id(out, names::REQUEST_ID, request.request_id);
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::logs::v1::LogRecord;

    use super::super::fixtures::{TENANT, logs, request as fixture, told};
    use super::*;
    use crate::event::Failure;

    fn map(event: &Request) -> LogRecord {
        logs(|out| request(out, event, event.proxied.as_ref().unwrap(), None, Some(&TENANT.to_string()))).remove(0)
    }

    #[test]
    fn holds_the_envelope() {
        let record = map(&fixture());
        insta::assert_snapshot!(told(&record.attributes).join("\n"));
        assert_eq!(record.event_name, "knoxcall.proxy.request");
        assert_eq!((record.flags, &*record.trace_id, &*record.span_id), (1, &[1; 16][..], &[2; 8][..]));
        assert_eq!(record.time_unix_nano, 1_700_000_000_012_500_000);
        assert_eq!(record.observed_time_unix_nano, record.time_unix_nano);
    }

    #[test]
    fn severity_follows_the_outcome() {
        for (status, failure, expected) in [
            (Some(204), None, (9, "INFO")),
            (Some(304), None, (9, "INFO")),
            (Some(429), None, (13, "WARN")),
            (Some(503), None, (17, "ERROR")),
            (None, Some("connection_closed"), (17, "ERROR")),
        ] {
            let failure = failure.map(|kind| Failure::new(kind, String::new()));
            let record = map(&Request { status, failure, ..fixture() });
            assert_eq!((record.severity_number, &*record.severity_text), expected, "{status:?}");
        }
    }
}
