//! The one door through which the server's rooms reach the parsers they share with the browser's forms.
//!
//! Only this file, `backend` and `web` may name the crate `app`.

pub use app::contract::FailureKind;
pub use app::contract::values::{
    Compression, DeliveryMethod, DisplayName, Dsn, EgressRule, Email, Endpoint, EventType, HeaderList, Password, Preset, Provider, Role,
    Signal, Slug, Temporality, TenantId, WebhookAuth, parse_credential, parse_export_timeout, parse_models, parse_sentry_environment,
    parse_sentry_release, parse_tokens,
};
pub use app::contract::{Field, Rule, Variable};
