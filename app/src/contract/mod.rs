//! What the browser may ask of the server, and in which words: data shapes, newtypes that are parsed once, one closed
//! error, and (on the server only) the object-safe traits behind which the server stands.
//!
//! This module must not know leptos, axum or sled. Nothing in it carries a secret towards the browser.

mod account;
mod agents;
mod audit;
mod directory;
mod draft;
mod error;
mod error_tracking;
mod export_health;
mod export_history;
mod integrations;
mod routing;
mod traffic;
pub mod values;
mod variable;
mod webhooks;

pub use account::*;
pub use agents::*;
pub use audit::*;
pub use directory::*;
pub use draft::*;
pub use error::*;
pub use error_tracking::*;
pub use export_health::*;
pub use export_history::*;
pub use integrations::*;
pub use routing::*;
pub use traffic::*;
pub use variable::*;
pub use webhooks::*;

/// Milliseconds since the Unix epoch, the one form in which points in time cross to the browser.
pub type UnixMillis = i64;
