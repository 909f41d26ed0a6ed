//! What people set: reading it for the console, saving it, and publishing what is in force.
//!
//! Every save is checked, sealed, committed and published here, in this order, one at a time. Knows no exporter and no web:
//! what is in force leaves through [`Settings::routing`], [`Settings::exports`], [`Settings::webhooks_in_force`],
//! [`Settings::browser_tracking`] and [`Settings::server_tracking`].

mod agents;
mod audit;
mod bootstrap;
mod effective;
mod error;
mod error_tracking;
mod exports;
mod finish;
mod keys;
mod limits;
mod members;
mod operators;
mod publish;
mod routes;
mod secret;
mod service;
#[cfg(test)]
mod tests;
mod told;
mod webhooks;
mod workspaces;

pub use agents::{AgentChange, AgentEntry};
pub use audit::LogReader;
pub use bootstrap::{BootstrapError, BootstrapReport, Passwords};
pub use effective::{Effective, ManagedBy, StoredExport, operator, tenant};
pub use error::Error;
pub use error_tracking::{EffectiveTracking, StoredTracking, Tracking, TrackingChange, TrackingManagedBy, effective_tracking};
pub use exports::{Change, Exhausted, Export, ExportChange, ExportReader, ExportWriter, InEffect, Resume, Revision, Standing};
pub use keys::{KeyEntry, NewKey};
pub use members::{AddedAccount, MemberEntry};
pub use operators::OperatorEntry;
pub use publish::{Problem, SecretPlace};
pub use routes::{EnvironmentChange, RouteChange, RouteEntry};
pub use secret::SecretState;
pub use service::{Environment, Settings};
pub use webhooks::{NewSigningSecret, WebhookChange, WebhookEntry};
pub use workspaces::WorkspaceEntry;
