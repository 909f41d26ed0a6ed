//! Who changed a destination, when, and what.

use serde::{Deserialize, Serialize};

use super::{Field, UnixMillis};

/// One generation of a destination's settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportRevision {
    pub generation: u64,
    pub at: UnixMillis,
    /// `None`: the bootstrap file, or the export itself.
    pub by: Option<String>,
    pub cause: RevisionCause,
    /// Against the generation before.
    pub changes: Vec<FieldChange>,
    /// It is not the current one, and everything it needs is still there.
    pub can_revert: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RevisionCause {
    Saved,
    Bootstrap,
    Reverted {
        to: u64,
    },
    Paused,
    Resumed,
    /// It had only failed for too long.
    PausedItself {
        failing_since: UnixMillis,
        attempts: u64,
    },
}

/// A field that differs. Secrets only say so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldChange {
    pub field: Field,
    /// From and to, as the form shows them; `None` for a secret.
    pub values: Option<(String, String)>,
}
