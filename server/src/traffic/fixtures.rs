//! A request for the tests of this room. What must not be kept of it says `canary`.

use std::time::{Duration, UNIX_EPOCH};

use uuid::Uuid;

use super::entry::Entry;
use crate::event::{Component, Proxied, Request, TraceContext};
use crate::values::TenantId;

pub const TENANT: TenantId = TenantId(Uuid::from_u128(2));

pub fn request() -> Request {
    Request {
        component: Component::Gateway,
        started: UNIX_EPOCH + Duration::from_secs(1000),
        duration: Duration::from_millis(42),
        request_id: Uuid::from_u128(1),
        tenant: Some(TENANT),
        method: http::Method::GET,
        path: "/invoices".to_owned(),
        scheme: "http",
        server_address: "canary.gateway.example".to_owned(),
        server_port: Some(8080),
        client_address: Some([192, 0, 2, 1].into()),
        user_agent: Some("canary/1".to_owned()),
        protocol_version: "1.1",
        http_route: None,
        status: Some(200),
        proxied: Some(Proxied {
            route_id: Some(Uuid::from_u128(7)),
            route_name: "Billing API".into(),
            route: "billing".into(),
            environment: "production".into(),
            upstream_host: Some("api.example.com".into()),
            upstream_address: Some("api.example.com:443".into()),
        }),
        failure: None,
        user: None,
        cancelled: false,
        trace: TraceContext {
            trace_id: [0xab; 16],
            span_id: [2; 8],
            parent_span_id: None,
            flags: 1,
            state: Some("canary=1".to_owned()),
            invented: false,
        },
    }
}

/// What is kept of a request.
pub fn entry(request: &Request) -> Entry {
    Entry::of(request, request.proxied.as_ref().unwrap())
}
