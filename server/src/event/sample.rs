//! One request for all tests and benchmarks, which set what they are about and take the rest from here: a new field is made up
//! in one place. Nothing that serves uses it.

use std::time::{Duration, UNIX_EPOCH};

use uuid::Uuid;

use super::{Component, Proxied, Request, TraceContext};
use crate::values::TenantId;

/// Whose request it is.
pub const TENANT: TenantId = TenantId(Uuid::from_u128(0xacac));

/// A proxied `GET` that went well.
#[must_use]
pub fn request() -> Request {
    Request {
        component: Component::Gateway,
        started: UNIX_EPOCH + Duration::from_secs(1_700_000_000),
        duration: Duration::from_micros(12_500),
        request_id: Uuid::from_u128(7),
        tenant: Some(TENANT),
        method: http::Method::GET,
        path: "/v1/invoices".to_owned(),
        scheme: "http",
        server_address: "gateway.test".to_owned(),
        server_port: Some(8080),
        client_address: Some([192, 0, 2, 7].into()),
        user_agent: Some("curl/8".to_owned()),
        protocol_version: "1.1",
        http_route: None,
        status: Some(200),
        proxied: Some(proxied()),
        failure: None,
        user: None,
        cancelled: false,
        trace: trace(),
    }
}

/// Where it went.
#[must_use]
pub fn proxied() -> Proxied {
    Proxied {
        route_id: Some(Uuid::from_u128(17)),
        route_name: "Billing".into(),
        route: "billing".into(),
        environment: "production".into(),
        upstream_host: Some("api.upstream.test".into()),
        upstream_address: Some("api.upstream.test:443".into()),
    }
}

/// A sampled trace that begins with it.
#[must_use]
pub const fn trace() -> TraceContext {
    TraceContext { trace_id: [1; 16], span_id: [2; 8], parent_span_id: None, flags: 1, state: None, invented: false }
}
