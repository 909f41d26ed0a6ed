//! A request and an endpoint for the tests of this room.

use std::time::{Duration, UNIX_EPOCH};

use http::HeaderMap;
use uuid::Uuid;

use crate::capture::Wanted;
use crate::event::{Component, Proxied, Request, TraceContext};
use crate::live::Webhook;
use crate::values::{DeliveryMethod, EventType, TenantId, WebhookUrl};

pub fn request() -> Request {
    Request {
        component: Component::Gateway,
        started: UNIX_EPOCH + Duration::from_secs(1000),
        duration: Duration::ZERO,
        request_id: Uuid::from_u128(1),
        tenant: Some(TenantId(Uuid::from_u128(2))),
        method: http::Method::GET,
        path: "/invoices".to_owned(),
        scheme: "http",
        server_address: "gateway.example".to_owned(),
        server_port: None,
        client_address: Some([192, 0, 2, 1].into()),
        user_agent: None,
        protocol_version: "1.1",
        http_route: None,
        status: None,
        proxied: Some(Proxied {
            route_id: Some(Uuid::from_u128(7)),
            route_name: "Billing API".into(),
            route: "billing".into(),
            environment: "production".into(),
            upstream_host: None,
            upstream_address: None,
        }),
        failure: None,
        user: None,
        cancelled: false,
        trace: TraceContext { trace_id: [1; 16], span_id: [2; 8], parent_span_id: None, flags: 1, state: None, invented: false },
    }
}

pub fn webhook() -> Webhook {
    Webhook {
        id: Uuid::from_u128(9),
        workspace: TenantId(Uuid::from_u128(2)),
        generation: 1,
        name: "errors".into(),
        url: WebhookUrl::parse("http://127.0.0.1:9/hook").unwrap(),
        events: [EventType::RequestError].into_iter().collect(),
        method: DeliveryMethod::Post,
        headers: HeaderMap::new(),
        signing: Vec::new(),
        routes: Vec::new(),
        include: Wanted::default(),
        timeout: Duration::from_secs(15),
        retries: 3,
        enabled_at: 0,
    }
}
