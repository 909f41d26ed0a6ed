//! Where connections may lead: to anything public, and for a workspace to nothing else unless the operator allowed it.
//!
//! Pure: judges hosts as they are written and addresses as they were resolved. It must not resolve, connect or read
//! settings. `outbound` enforces it on every connection; `settings` uses it to refuse what could never be reached. `config` asks
//! what is public.

mod class;
mod host;
mod policy;

pub use class::hold_all_public;
pub use host::Host;
pub use policy::{Policy, Scope};
