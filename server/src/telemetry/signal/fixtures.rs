//! Events for the tests of this folder.

use std::time::{Duration, SystemTime};

use uuid::Uuid;

use crate::event::{Component, Proxied, Request, TraceContext};
use crate::values::TenantId;

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
