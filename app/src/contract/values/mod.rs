//! Newtypes that are parsed once, at the edge, by the same code in the browser's form and on the server.
//!
//! Every parser takes text and answers with the value or the [`Rule`](super::Rule) it breaks; it never panics.

mod dsn;
mod egress;
mod endpoint;
mod export;
mod headers;
mod names;
mod preset;
mod provider;
mod webhook;

pub use dsn::{Dsn, MAX_SENTRY_ENVIRONMENT, parse_sentry_environment, parse_sentry_release};
pub use egress::EgressRule;
pub use endpoint::{Endpoint, Signal};
pub use export::{Compression, MAX_EXPORT_TIMEOUT_S, Temporality, parse_export_timeout};
pub use headers::HeaderList;
pub use names::{DisplayName, Email, Password, Role, Slug, TenantId};
pub use preset::{Preset, Template};
pub use provider::{MAX_MODELS, MAX_TOKENS, Provider, parse_credential, parse_models, parse_tokens};
pub use webhook::{DeliveryMethod, EventType, WebhookAuth};
