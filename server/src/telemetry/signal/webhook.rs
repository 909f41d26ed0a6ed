//! Webhook deliveries: one `CLIENT` span and one log record per attempt, the operator's only.
//!
//! The conventions ask HTTP clients for `url.full`; it is left out, since the path of a receiver's URL often is a secret.

use super::span::{Call, client, id, place};
use super::{client_error_type, names};
use crate::event::Webhook;
use crate::telemetry::otlp::{Log, Records, Severity};

/// Writes the attempt's span, unless its trace is not sampled.
pub fn span(out: &mut Records, webhook: &Webhook, tenant: Option<&str>) {
    let call = Call {
        name: (webhook.method.name(), None),
        started: webhook.started,
        duration: webhook.duration,
        failure: webhook.failure.as_ref(),
        failed: !webhook.succeeded(),
    };
    client(out, &webhook.trace, &call, |out| {
        out.text(names::HTTP_REQUEST_METHOD, webhook.method.name());
        out.text(names::SERVER_ADDRESS, &webhook.server_address);
        out.integer(names::SERVER_PORT, webhook.server_port);
        out.text(names::WEBHOOK_EVENT_TYPE, webhook.event_type.name());
        out.flag(names::WEBHOOK_SUCCESS, webhook.succeeded());
        out.integer(names::WEBHOOK_RETRY_COUNT, webhook.retry_count);
        id(out, names::WEBHOOK_ID, webhook.endpoint);
        id(out, names::WEBHOOK_DELIVERY_ID, webhook.delivery);
        if webhook.retry_count > 0 {
            out.integer(names::HTTP_REQUEST_RESEND_COUNT, webhook.retry_count);
        }
        if let Some(status) = webhook.status {
            out.integer(names::HTTP_RESPONSE_STATUS_CODE, status);
        }
        if let Some(request) = webhook.request_id {
            id(out, names::REQUEST_ID, request);
        }
        if let Some(tenant) = tenant {
            out.text(names::TENANT_ID, tenant);
        }
        if let Some(error) = error_type(webhook) {
            out.text(names::ERROR_TYPE, &error);
        }
    });
}

/// Writes the attempt's record. The time is that of the attempt's end, when its outcome was known.
pub fn log(out: &mut Records, webhook: &Webhook, tenant: Option<&str>) {
    let head = Log {
        at: webhook.started + webhook.duration,
        severity: match webhook.status {
            None | Some(500..) => Severity::Error,
            Some(400..) => Severity::Warn,
            Some(_) => Severity::Info,
        },
        event_name: names::WEBHOOK_DELIVERY,
        body: None,
        place: Some(place(&webhook.trace)),
    };
    out.log(&head, |out| {
        out.text(names::EVENT_NAME, names::WEBHOOK_DELIVERY);
        out.text(names::HTTP_REQUEST_METHOD, webhook.method.name());
        if let Some(status) = webhook.status {
            out.integer(names::HTTP_RESPONSE_STATUS_CODE, status);
        }
        out.text(names::SERVER_ADDRESS, &webhook.server_address);
        out.text(names::WEBHOOK_EVENT_TYPE, webhook.event_type.name());
        out.flag(names::WEBHOOK_SUCCESS, webhook.succeeded());
        out.integer(names::WEBHOOK_RETRY_COUNT, webhook.retry_count);
        if let Some(tenant) = tenant {
            out.text(names::TENANT_ID, tenant);
        }
        if let Some(request) = webhook.request_id {
            id(out, names::REQUEST_ID, request);
        }
        if let Some(error) = error_type(webhook) {
            out.text(names::ERROR_TYPE, &error);
        }
    });
}

fn error_type(webhook: &Webhook) -> Option<std::borrow::Cow<'static, str>> {
    client_error_type(webhook.failure.as_ref(), webhook.status)
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::logs::v1::LogRecord;
    use opentelemetry_proto::tonic::trace::v1::Span;

    use super::super::fixtures::{TENANT, lines, logs, spans, told, webhook as fixture};
    use super::*;
    use crate::event::{Failure, TraceContext};

    fn mapped(event: &Webhook, tenant: Option<&str>) -> Option<Span> {
        spans(|out| span(out, event, tenant)).pop()
    }

    fn record(event: &Webhook) -> LogRecord {
        logs(|out| log(out, event, Some(&TENANT.to_string()))).remove(0)
    }

    #[test]
    fn a_delivered_attempt() {
        let event = fixture();
        let span = mapped(&event, Some(&TENANT.to_string())).unwrap();
        insta::assert_snapshot!(lines(&span));
        assert_eq!(span.parent_span_id, [2; 8]);
        assert_eq!(span.flags, 0x101, "the request's span is this process's");
        let record = record(&event);
        insta::assert_snapshot!(told(&record.attributes).join("\n"));
        assert_eq!(record.event_name, "knoxcall.webhook.delivery");
        assert_eq!(record.span_id, [8; 8]);
    }

    #[test]
    fn a_retry_that_failed() {
        let failed = Webhook { status: Some(503), retry_count: 2, ..fixture() };
        insta::assert_snapshot!(lines(&mapped(&failed, None).unwrap()));
        let refused = Webhook { status: None, failure: Some(Failure::new("connection_refused", "refused".to_owned())), ..fixture() };
        let span = mapped(&refused, None).unwrap();
        assert_eq!(span.events.first().map(|event| &*event.name), Some("exception"));
        assert_eq!(span.status.unwrap().code, 2);
    }

    #[test]
    fn severity_follows_the_outcome() {
        for (status, expected) in [(Some(200), "INFO"), (Some(302), "INFO"), (Some(410), "WARN"), (Some(503), "ERROR"), (None, "ERROR")] {
            assert_eq!(record(&Webhook { status, ..fixture() }).severity_text, expected, "{status:?}");
        }
    }

    #[test]
    fn an_attempt_in_an_unsampled_trace_is_a_log_record_alone() {
        let event = Webhook { trace: TraceContext { flags: 0, ..fixture().trace }, ..fixture() };
        assert!(mapped(&event, None).is_none());
    }
}
