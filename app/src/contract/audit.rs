//! Who changed what, and when: the audit log of a workspace and of the Global scope.

use serde::{Deserialize, Serialize};

#[cfg(feature = "ssr")]
use super::ApiError;
use super::UnixMillis;

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditRow {
    /// Its place in its log, from 1 without gaps.
    pub sequence: u64,
    pub at: UnixMillis,
    pub actor: AuditActor,
    /// Such as `route.created`.
    pub action: String,
    /// Kind and handle of what it was done to, such as `route` and `billing`.
    pub resource_kind: String,
    pub resource: String,
    pub changes: Vec<AuditChange>,
    /// The address it was asked from; `None` for what nobody asked for over the network.
    pub address: Option<String>,
    /// Hex of the SHA-256 that covers this entry and, through the one before, all earlier ones.
    pub hash: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AuditActor {
    /// By e-mail address.
    User(String),
    Bootstrap,
    /// KnoxCall itself, such as an export that paused itself.
    System,
}

/// What was changed, as the form names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditChange {
    pub field: String,
    /// Before and after; `None` for a secret, of which only the change is told.
    pub values: Option<(String, String)>,
}

/// Which entries. Blank means any.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct AuditFilter {
    /// A part of the actor's address.
    #[serde(default)]
    pub actor: String,
    /// An action or its first part, such as `route`.
    #[serde(default)]
    pub action: String,
    /// A part of the resource's handle.
    #[serde(default)]
    pub resource: String,
    /// `YYYY-MM-DD`, in UTC, that day included.
    #[serde(default)]
    pub from: String,
    #[serde(default)]
    pub to: String,
}

/// A page of entries, the newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditPage {
    pub rows: Vec<AuditRow>,
    /// Where the next page begins; `None` on the last one.
    pub next: Option<u64>,
    /// Every action that occurs in this log, for the filter.
    pub actions: Vec<String>,
}

/// What following the chain of hashes found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AuditVerdict {
    Intact {
        entries: u64,
        /// Entries with numbers up to this one were removed when their time was over; 0 for none.
        removed: u64,
        head: String,
    },
    /// The first entry that does not follow from the one before, is unreadable, or is missing.
    Broken { sequence: u64 },
}

/// The audit logs. The Global one (`workspace` empty) takes the operator; a workspace's takes its members.
#[cfg(feature = "ssr")]
#[async_trait::async_trait]
pub trait Audit: Send + Sync {
    async fn audit(&self, workspace: &str, filter: AuditFilter, before: Option<u64>) -> Result<AuditPage, ApiError>;
    async fn verify_audit(&self, workspace: &str) -> Result<AuditVerdict, ApiError>;
}
