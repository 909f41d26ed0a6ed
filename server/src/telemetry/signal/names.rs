//! The names that leave in telemetry: the stable conventions' from their crate, this product's own written once, here.

pub use opentelemetry_semantic_conventions::attribute::{
    CLIENT_ADDRESS, ERROR_TYPE, HTTP_REQUEST_METHOD, HTTP_REQUEST_METHOD_ORIGINAL, HTTP_REQUEST_RESEND_COUNT, HTTP_RESPONSE_STATUS_CODE,
    HTTP_ROUTE, NETWORK_PROTOCOL_VERSION, SERVER_ADDRESS, SERVER_PORT, SERVICE_NAME, SERVICE_VERSION, URL_PATH, URL_SCHEME,
    USER_AGENT_ORIGINAL,
};
pub use opentelemetry_semantic_conventions::metric::HTTP_SERVER_REQUEST_DURATION;

/// What the SDK calls the series that takes in what no longer fits.
pub const OVERFLOW: &str = "otel.metric.overflow";

/// Instrumentation scope of everything that is exported.
pub const SCOPE: &str = "knoxcall";
/// Of both the scope and the resource.
pub const SCHEMA_URL: &str = opentelemetry_semantic_conventions::SCHEMA_URL;

/// The conventions now say it with the record's own field; older backends read only this attribute.
pub const EVENT_NAME: &str = "event.name";

pub const PROXY_REQUEST: &str = "knoxcall.proxy.request";
pub const PROXY_REQUESTS: &str = "knoxcall.proxy.requests";
pub const PROXY_REQUEST_DURATION: &str = "knoxcall.proxy.request.duration";

pub const WEBHOOK_DELIVERY: &str = "knoxcall.webhook.delivery";
pub const WEBHOOK_EVENT_TYPE: &str = "knoxcall.webhook.event_type";
pub const WEBHOOK_SUCCESS: &str = "knoxcall.webhook.success";
pub const WEBHOOK_RETRY_COUNT: &str = "knoxcall.webhook.retry_count";
/// The endpoint's id.
pub const WEBHOOK_ID: &str = "knoxcall.webhook.id";
/// The same in every attempt, and in the receiver's `webhook-id`.
pub const WEBHOOK_DELIVERY_ID: &str = "knoxcall.webhook.delivery_id";
/// The slug by which callers name an AI agent.
pub const AI_AGENT: &str = "knoxcall.ai.agent";

pub const COMPONENT: &str = "knoxcall.component";
pub const REQUEST_ID: &str = "knoxcall.request_id";
pub const TENANT_ID: &str = "knoxcall.tenant_id";
pub const ROUTE_NAME: &str = "knoxcall.route_name";
pub const ENVIRONMENT: &str = "knoxcall.environment";
/// Milliseconds as a double, with the fraction: a gateway's own share is often below one millisecond.
pub const LATENCY_MS: &str = "knoxcall.latency_ms";
/// Only where it is true: the client went away before the answer's end.
pub const CANCELLED: &str = "knoxcall.cancelled";
pub const UPSTREAM_ADDRESS: &str = "knoxcall.upstream.address";
pub const SECURITY_EVENT: &str = "knoxcall.security.event";
pub const SECURITY_SEVERITY: &str = "knoxcall.security.severity";
/// How often it happened, where one event stands for many.
pub const SECURITY_COUNT: &str = "knoxcall.security.count";
/// Of `egress.blocked`: the rule that forbids it.
pub const EGRESS_RULE: &str = "knoxcall.egress.rule";
/// `2xx` and so on.
pub const STATUS_CLASS: &str = "http.response.status_class";
/// Whether the request ended with a 5xx or a transport failure.
pub const ERROR: &str = "error";
/// Marks what a test sent; also the name of its span, event and metric.
pub const TEST: &str = "knoxcall.test";
