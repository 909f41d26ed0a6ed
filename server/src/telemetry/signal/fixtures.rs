//! Events for the tests of this folder.

use std::time::{Duration, SystemTime};

use opentelemetry_sdk::trace::SpanData;
use uuid::Uuid;

use crate::event::{Ai, Component, Proxied, Request, TraceContext, Webhook};
use crate::values::{DeliveryMethod, EventType, TenantId};

pub const TENANT: TenantId = TenantId(Uuid::from_u128(0xacac));

/// A proxied `GET` that went well.
pub fn request() -> Request {
    Request {
        component: Component::Gateway,
        started: SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000),
        duration: Duration::from_micros(12_500),
        request_id: Uuid::from_u128(7),
        tenant: Some(TENANT),
        method: "GET".to_owned(),
        path: "/v1/invoices".to_owned(),
        scheme: "http",
        server_address: "gateway.test".to_owned(),
        server_port: Some(8080),
        client_address: Some([192, 0, 2, 7].into()),
        user_agent: Some("curl/8".to_owned()),
        protocol_version: "1.1",
        http_route: None,
        status: Some(200),
        proxied: Some(Proxied {
            route_id: None,
            route_name: "Billing".into(),
            route: "billing".into(),
            environment: "production".into(),
            upstream_host: Some("api.upstream.test".into()),
            upstream_address: Some("api.upstream.test:443".into()),
        }),
        failure: None,
        user: None,
        cancelled: false,
        trace: TraceContext {
            trace_id: [1; 16],
            span_id: [2; 8],
            parent_span_id: Some([3; 8]),
            flags: 1,
            state: Some("vendor=x".to_owned()),
        },
    }
}

/// A span for a snapshot.
pub fn lines(span: &SpanData) -> String {
    let mut lines: Vec<String> = span.attributes.iter().map(|a| format!("{} = {:?}", a.key, a.value)).collect();
    lines.sort();
    format!("{} {:?} {:?}\n{}", span.name, span.span_kind, span.status, lines.join("\n"))
}

/// A call's own span within the span of [`request`].
fn within() -> TraceContext {
    let request = request().trace;
    TraceContext { span_id: [8; 8], parent_span_id: Some(request.span_id), ..request }
}

/// An attempt that was taken.
pub fn webhook() -> Webhook {
    let request = request();
    Webhook {
        started: request.started,
        duration: Duration::from_millis(40),
        tenant: TENANT,
        endpoint: Uuid::from_u128(21),
        delivery: Uuid::from_u128(22),
        event_type: EventType::RequestServerError,
        method: DeliveryMethod::Post,
        server_address: "hooks.receiver.test".into(),
        server_port: 443,
        status: Some(204),
        retry_count: 0,
        failure: None,
        request_id: Some(request.request_id),
        trace: within(),
    }
}

/// A streamed chat that went well.
pub fn ai() -> Ai {
    let request = request();
    Ai {
        started: request.started,
        duration: Duration::from_secs(2),
        time_to_first_chunk: Some(Duration::from_millis(250)),
        tenant: TENANT,
        agent: "support-bot".into(),
        operation: "chat",
        provider: "openai",
        request_model: Some("gpt-4o".to_owned()),
        max_tokens: Some(400),
        temperature: Some(0.2),
        top_p: Some(0.9),
        stream: true,
        response_model: Some("gpt-4o-2024-08-06".to_owned()),
        response_id: Some("chatcmpl-1".to_owned()),
        finish_reasons: vec!["stop".to_owned()],
        input_tokens: Some(120),
        output_tokens: Some(34),
        server_address: "api.openai.com".into(),
        server_port: 443,
        status: Some(200),
        failure: None,
        cancelled: false,
        request_id: request.request_id,
        trace: within(),
    }
}
