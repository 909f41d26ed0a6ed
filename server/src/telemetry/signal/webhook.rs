//! Webhook deliveries: one `CLIENT` span and one log record per attempt, the operator's only.
//!
//! The conventions ask HTTP clients for `url.full`; it is left out, since the path of a receiver's URL often is a secret.

use std::sync::Arc;

use opentelemetry::logs::{AnyValue, LogRecord, Severity};
use opentelemetry::trace::Status;
use opentelemetry::{InstrumentationScope, KeyValue, SpanId, TraceFlags, TraceId};
use opentelemetry_sdk::trace::SpanData;

use super::span::{Call, client};
use super::{client_error_type, names};
use crate::event::Webhook;

/// The attempt's span, or `None` when its trace is not sampled.
#[must_use]
pub fn span(webhook: &Webhook, tenant: Option<&Arc<str>>, scope: &InstrumentationScope) -> Option<SpanData> {
    let mut attributes = vec![
        KeyValue::new(names::HTTP_REQUEST_METHOD, webhook.method.name()),
        KeyValue::new(names::SERVER_ADDRESS, Arc::clone(&webhook.server_address)),
        KeyValue::new(names::SERVER_PORT, i64::from(webhook.server_port)),
        KeyValue::new(names::WEBHOOK_EVENT_TYPE, webhook.event_type.name()),
        KeyValue::new(names::WEBHOOK_SUCCESS, webhook.succeeded()),
        KeyValue::new(names::WEBHOOK_RETRY_COUNT, i64::from(webhook.retry_count)),
        KeyValue::new(names::WEBHOOK_ID, webhook.endpoint.to_string()),
        KeyValue::new(names::WEBHOOK_DELIVERY_ID, webhook.delivery.to_string()),
    ];
    if webhook.retry_count > 0 {
        attributes.push(KeyValue::new(names::HTTP_REQUEST_RESEND_COUNT, i64::from(webhook.retry_count)));
    }
    if let Some(status) = webhook.status {
        attributes.push(KeyValue::new(names::HTTP_RESPONSE_STATUS_CODE, i64::from(status)));
    }
    if let Some(request) = webhook.request_id {
        attributes.push(KeyValue::new(names::REQUEST_ID, request.to_string()));
    }
    if let Some(tenant) = tenant {
        attributes.push(KeyValue::new(names::TENANT_ID, Arc::clone(tenant)));
    }
    if let Some(error) = error_type(webhook) {
        attributes.push(KeyValue::new(names::ERROR_TYPE, error));
    }
    let call = Call {
        name: webhook.method.name().into(),
        started: webhook.started,
        duration: webhook.duration,
        attributes,
        failure: webhook.failure.as_ref(),
        status: if webhook.succeeded() { Status::Unset } else { Status::error("") },
    };
    client(&webhook.trace, call, scope)
}

/// Writes the attempt into an empty record. The time is that of the attempt's end, when its outcome was known.
pub fn log(record: &mut impl LogRecord, webhook: &Webhook, tenant: Option<&Arc<str>>) {
    let (severity, text) = match webhook.status {
        None | Some(500..) => (Severity::Error, "ERROR"),
        Some(400..) => (Severity::Warn, "WARN"),
        Some(_) => (Severity::Info, "INFO"),
    };
    let at = webhook.started + webhook.duration;
    record.set_event_name(names::WEBHOOK_DELIVERY);
    record.set_timestamp(at);
    record.set_observed_timestamp(at);
    record.set_severity_number(severity);
    record.set_severity_text(text);
    record.set_trace_context(
        TraceId::from_bytes(webhook.trace.trace_id),
        SpanId::from_bytes(webhook.trace.span_id),
        Some(TraceFlags::new(webhook.trace.flags)),
    );
    record.add_attribute(names::EVENT_NAME, names::WEBHOOK_DELIVERY);
    record.add_attribute(names::HTTP_REQUEST_METHOD, webhook.method.name());
    if let Some(status) = webhook.status {
        record.add_attribute(names::HTTP_RESPONSE_STATUS_CODE, i64::from(status));
    }
    record.add_attribute(names::SERVER_ADDRESS, AnyValue::String(Arc::clone(&webhook.server_address).into()));
    record.add_attribute(names::WEBHOOK_EVENT_TYPE, webhook.event_type.name());
    record.add_attribute(names::WEBHOOK_SUCCESS, webhook.succeeded());
    record.add_attribute(names::WEBHOOK_RETRY_COUNT, i64::from(webhook.retry_count));
    if let Some(tenant) = tenant {
        record.add_attribute(names::TENANT_ID, AnyValue::String(Arc::clone(tenant).into()));
    }
    if let Some(request) = webhook.request_id {
        record.add_attribute(names::REQUEST_ID, request.to_string());
    }
    if let Some(error) = error_type(webhook) {
        record.add_attribute(names::ERROR_TYPE, AnyValue::String(error.into()));
    }
}

fn error_type(webhook: &Webhook) -> Option<std::borrow::Cow<'static, str>> {
    client_error_type(webhook.failure.as_ref(), webhook.status)
}

#[cfg(test)]
mod tests {
    use opentelemetry::logs::{Logger, LoggerProvider};
    use opentelemetry_sdk::logs::{SdkLogRecord, SdkLoggerProvider};

    use super::super::fixtures::{TENANT, lines, webhook as fixture};
    use super::super::scope;
    use super::*;
    use crate::event::{Failure, TraceContext};

    fn record(event: &Webhook) -> SdkLogRecord {
        let mut record = SdkLoggerProvider::builder().build().logger("test").create_log_record();
        log(&mut record, event, Some(&TENANT.to_string().into()));
        record
    }

    #[test]
    fn a_delivered_attempt() {
        let event = fixture();
        let span = span(&event, Some(&TENANT.to_string().into()), &scope()).unwrap();
        insta::assert_snapshot!(lines(&span));
        assert_eq!(span.parent_span_id, SpanId::from_bytes([2; 8]));
        assert!(!span.parent_span_is_remote, "the request's span is this process's");
        let record = record(&event);
        let attributes: Vec<String> = record.attributes_iter().map(|(key, value)| format!("{key} = {value:?}")).collect();
        insta::assert_snapshot!(attributes.join("\n"));
        assert_eq!(record.event_name(), Some("knoxcall.webhook.delivery"));
        assert_eq!(record.trace_context().unwrap().span_id, SpanId::from_bytes([8; 8]));
    }

    #[test]
    fn a_retry_that_failed() {
        let failed = Webhook { status: Some(503), retry_count: 2, ..fixture() };
        insta::assert_snapshot!(lines(&span(&failed, None, &scope()).unwrap()));
        let refused = Webhook { status: None, failure: Some(Failure::new("connection_refused", "refused".to_owned())), ..fixture() };
        let span = span(&refused, None, &scope()).unwrap();
        assert_eq!(span.events.first().map(|event| event.name.as_ref()), Some("exception"));
        assert_eq!(span.status, Status::error(""));
    }

    #[test]
    fn severity_follows_the_outcome() {
        for (status, expected) in [(Some(200), "INFO"), (Some(302), "INFO"), (Some(410), "WARN"), (Some(503), "ERROR"), (None, "ERROR")] {
            assert_eq!(record(&Webhook { status, ..fixture() }).severity_text(), Some(expected), "{status:?}");
        }
    }

    #[test]
    fn an_attempt_in_an_unsampled_trace_is_a_log_record_alone() {
        let event = Webhook { trace: TraceContext { flags: 0, ..fixture().trace }, ..fixture() };
        assert!(span(&event, None, &scope()).is_none());
    }
}
