//! Newtypes that are parsed once, at the edge, by the same code in the browser's form and on the server.
//!
//! Every parser takes text and answers with the value or the [`Rule`](super::Rule) it breaks; it never panics.

mod dsn;
mod egress;
mod endpoint;
mod exact_url;
mod export;
mod headers;
mod injected_headers;
mod names;
mod preset;
mod provider;
mod route_limits;
mod webhook;
mod webhook_form;

pub use dsn::{Dsn, MAX_SENTRY_ENVIRONMENT, parse_sentry_environment, parse_sentry_release};
pub use egress::EgressRule;
pub use endpoint::{Endpoint, Signal};
pub use exact_url::{ExactUrl, WebhookUrl};
pub use export::{Compression, MAX_EXPORT_TIMEOUT_S, Temporality, parse_export_timeout};
pub use headers::HeaderList;
pub use injected_headers::{NEVER_INJECTED, as_injected_headers, is_injected, parse_injected_headers};
pub use names::{DisplayName, Email, Password, Role, Slug, TenantId};
pub use preset::{Preset, Template};
pub use provider::{MAX_MODELS, MAX_TOKENS, Provider, parse_credential, parse_models, parse_tokens};
pub use route_limits::{
    DEFAULT_BODY_LIMIT, DEFAULT_CONNECT_TIMEOUT_MS, DEFAULT_RESPONSE_TIMEOUT_MS, MAX_BODY_LIMIT, MAX_BODY_LIMIT_MIB,
    MAX_CONNECT_TIMEOUT_MS, MAX_METHODS, MAX_RESPONSE_TIMEOUT_MS, parse_methods,
};
pub use webhook::{DeliveryMethod, EventType, WebhookAuth};
pub use webhook_form::{
    DEFAULT_DELIVERY_TIMEOUT_S, DEFAULT_RETRIES, MAX_DELIVERY_TIMEOUT_S, MAX_RETRIES, parse_auth_header, parse_auth_secret,
    parse_basic_user, parse_delivery_headers, parse_delivery_timeout, parse_retries,
};
