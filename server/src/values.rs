//! The one door through which the server's rooms reach the parsers they share with the browser's forms.
//!
//! Only this file, `backend` and `web` may name the crate `app`.

pub use app::contract::FailureKind;
pub use app::contract::values::{DisplayName, EgressRule, Email, Endpoint, HeaderList, Password, Role, Signal, Slug, TenantId};
pub use app::contract::{Field, Rule, Variable};
