//! The one door through which the server's rooms reach the parsers they share with the browser's forms.
//!
//! Only this file, `backend` and `web` may name the crate `app`.

pub use app::contract::values::{
    Compression, DEFAULT_BODY_LIMIT, DEFAULT_CONNECT_TIMEOUT_MS, DEFAULT_DELIVERY_TIMEOUT_S, DEFAULT_RESPONSE_TIMEOUT_MS, DEFAULT_RETRIES,
    DeliveryMethod, DisplayName, Dsn, EgressRule, Email, Endpoint, EventType, ExactUrl, HeaderList, MAX_BODY_LIMIT, MAX_CONNECT_TIMEOUT_MS,
    MAX_RESPONSE_TIMEOUT_MS, NEVER_INJECTED, Password, Preset, Provider, Role, Signal, Slug, Temporality, TenantId, WebhookAuth,
    WebhookUrl, as_injected_headers, is_injected, parse_auth_header, parse_auth_secret, parse_basic_user, parse_credential,
    parse_delivery_headers, parse_delivery_timeout, parse_export_timeout, parse_injected_headers, parse_methods, parse_models,
    parse_retries, parse_sentry_environment, parse_sentry_release, parse_tokens,
};
pub use app::contract::{DiskProblem, FailureKind, MAX_REQUESTS_KEPT, REQUESTS_KEPT_MIN, StatusClass};
pub use app::contract::{Field, Rule, Variable};
