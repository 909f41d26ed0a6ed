//! Log records: one per proxied request. Holds no body, no query and no header.

use std::sync::Arc;

use opentelemetry::logs::{AnyValue, LogRecord, Severity};
use opentelemetry::{SpanId, TraceFlags, TraceId};

use super::{Outcome, error_type, method, milliseconds, names, outcome};
use crate::event::{Proxied, Request};

/// Writes the request into an empty record. The time is that of the request's end, when its outcome was known.
pub fn request(record: &mut impl LogRecord, request: &Request, proxied: &Proxied, tenant: Option<&Arc<str>>) {
    let (severity, text) = match outcome(request) {
        Outcome::Success => (Severity::Info, "INFO"),
        Outcome::ClientError => (Severity::Warn, "WARN"),
        Outcome::ServerError => (Severity::Error, "ERROR"),
    };
    let at = request.started + request.duration;
    record.set_event_name(names::PROXY_REQUEST);
    record.set_timestamp(at);
    record.set_observed_timestamp(at);
    record.set_severity_number(severity);
    record.set_severity_text(text);
    record.set_trace_context(
        TraceId::from_bytes(request.trace.trace_id),
        SpanId::from_bytes(request.trace.span_id),
        Some(TraceFlags::new(request.trace.flags)),
    );
    record.add_attribute(names::EVENT_NAME, names::PROXY_REQUEST);
    record.add_attribute(names::HTTP_REQUEST_METHOD, method(request));
    record.add_attribute(names::URL_PATH, request.path.clone());
    if let Some(status) = request.status {
        record.add_attribute(names::HTTP_RESPONSE_STATUS_CODE, i64::from(status));
    }
    if let Some(host) = &proxied.upstream_host {
        record.add_attribute(names::SERVER_ADDRESS, shared(host));
    }
    record.add_attribute(names::REQUEST_ID, request.request_id.to_string());
    if let Some(tenant) = tenant {
        record.add_attribute(names::TENANT_ID, shared(tenant));
    }
    record.add_attribute(names::ROUTE_NAME, shared(&proxied.route));
    record.add_attribute(names::ENVIRONMENT, shared(&proxied.environment));
    record.add_attribute(names::LATENCY_MS, milliseconds(request.duration));
    if request.cancelled {
        record.add_attribute(names::CANCELLED, true);
    }
    if let Some(error) = error_type(request) {
        record.add_attribute(names::ERROR_TYPE, AnyValue::String(error.into()));
    }
}

fn shared(text: &Arc<str>) -> AnyValue {
    AnyValue::String(Arc::clone(text).into())
}

#[cfg(test)]
mod tests {
    use opentelemetry::logs::{Logger, LoggerProvider};
    use opentelemetry_sdk::logs::{SdkLogRecord, SdkLoggerProvider};

    use super::super::fixtures::{TENANT, request as fixture};
    use super::*;
    use crate::event::Failure;

    fn map(event: &Request) -> SdkLogRecord {
        let mut record = SdkLoggerProvider::builder().build().logger("test").create_log_record();
        request(&mut record, event, event.proxied.as_ref().unwrap(), Some(&TENANT.to_string().into()));
        record
    }

    #[test]
    fn holds_the_envelope() {
        let record = map(&fixture());
        let lines: Vec<String> = record.attributes_iter().map(|(key, value)| format!("{key} = {value:?}")).collect();
        insta::assert_snapshot!(lines.join("\n"));
        assert_eq!(record.event_name(), Some("knoxcall.proxy.request"));
        let context = record.trace_context().unwrap();
        assert_eq!(context.trace_flags, Some(TraceFlags::SAMPLED));
        assert_eq!(context.span_id, SpanId::from_bytes([2; 8]));
    }

    #[test]
    fn severity_follows_the_outcome() {
        for (status, failure, expected) in [
            (Some(204), None, (Severity::Info, "INFO")),
            (Some(304), None, (Severity::Info, "INFO")),
            (Some(429), None, (Severity::Warn, "WARN")),
            (Some(503), None, (Severity::Error, "ERROR")),
            (None, Some("connection_closed"), (Severity::Error, "ERROR")),
        ] {
            let failure = failure.map(|kind| Failure::new(kind, String::new()));
            let record = map(&Request { status, failure, ..fixture() });
            assert_eq!((record.severity_number(), record.severity_text()), (Some(expected.0), Some(expected.1)), "{status:?}");
        }
    }
}
