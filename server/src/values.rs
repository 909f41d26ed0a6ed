//! The one door through which the server's rooms reach the parsers they share with the browser's forms.
//!
//! Only this file, `backend` and `web` may name the crate `app`.

pub use app::contract::FailureKind;
pub use app::contract::values::{
    Compression, DisplayName, Dsn, EgressRule, Email, Endpoint, HeaderList, Password, Preset, Role, Signal, Slug, Temporality, TenantId,
    parse_export_timeout, parse_sentry_environment, parse_sentry_release,
};
pub use app::contract::{Field, Rule, Variable};
