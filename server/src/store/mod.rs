//! What is kept on disk: sled, one tree and one typed repository per kind, every record with its version.
//!
//! The only room that knows sled. It holds no policy: who may write what is decided before a call gets here.

mod changes;
mod database;
mod error;
mod ledger;
mod log;
mod open;
mod pieces;
mod problem;
mod read;
mod record;
mod records;
mod repository;
mod room;
mod trim;
mod webhooks;

pub use changes::Changes;
pub use error::{CommitError, MigrationError, OpenError, ReadError};
pub use log::{AuditEntry, AuditHead, AuditLogs, Listing};
pub use open::Store;
pub use problem::{Problem, Reason};
pub use record::Record;
pub use records::{
    Agent, ApiKey, Environment, ErrorTracking, ExportRevision, ExportSettings, Member, Pause, RevisionCause, Route, RouteLimits,
    SecretRecord, Session, SetupToken, StoredEndpoint, UnixMillis, User, Workspace,
};
pub use repository::{Agents, ApiKeys, Exports, Members, Meta, Routes, Rows, Sessions, SetupTokens, Users, Webhooks, Workspaces};
pub use trim::{AuditFloor, Expired};
pub use webhooks::{Attempt, Delivery, DeliveryBody, DeliveryState, PreviousSecret, StopReason, Stopped, Trace, Webhook, WebhookHealth};

/// The time now, as records keep it.
#[must_use]
pub fn now() -> UnixMillis {
    unix_millis(std::time::SystemTime::now())
}

/// A point in time, as records keep it.
#[must_use]
pub fn unix_millis(at: std::time::SystemTime) -> UnixMillis {
    let since = at.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    UnixMillis::try_from(since.as_millis()).unwrap_or(UnixMillis::MAX)
}
