//! What is in force right now: immutable values that `settings` publishes and that the gateway and telemetry read.
//!
//! Plain data, already parsed and unsealed. Nothing here reads the store, and nobody changes a published value.

mod error_tracking;
mod exports;
mod routing;

pub use error_tracking::{BrowserTracking, ServerTracking};
pub use exports::{Batch, Compression, ExportTarget, Exports, Owner, SignalTarget, Temporality};
pub use routing::{Agent, ApiKey, Environment, KeyHash, Limits, Route, Routing, Upstream, Workspace, hash_key};
