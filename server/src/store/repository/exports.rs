//! Telemetry destinations: the operator's and each workspace's.

use crate::store::{ExportRevision, ExportSettings, ReadError, Record, Store};
use crate::values::TenantId;

/// Shorter than a workspace's id, so that the two can't collide.
const OPERATOR: &[u8] = b"operator";

impl Record for ExportSettings {
    const TREE: &'static str = "exports";
    const VERSION: u16 = 1;

    fn key(&self) -> Vec<u8> {
        Self::key_of(self.workspace)
    }
}

impl ExportSettings {
    #[must_use]
    pub fn key_of(workspace: Option<TenantId>) -> Vec<u8> {
        workspace.map_or_else(|| OPERATOR.to_vec(), |workspace| workspace.0.as_bytes().to_vec())
    }
}

impl Record for ExportRevision {
    const TREE: &'static str = "export_history";
    const VERSION: u16 = 1;

    fn key(&self) -> Vec<u8> {
        Self::key_of(self.settings.workspace, self.settings.generation)
    }
}

impl ExportRevision {
    /// Big-endian, so that a destination's revisions lie in their order.
    #[must_use]
    pub fn key_of(workspace: Option<TenantId>, generation: u64) -> Vec<u8> {
        let mut key = ExportSettings::key_of(workspace);
        key.extend_from_slice(&generation.to_be_bytes());
        key
    }
}

#[derive(Clone, Copy, Debug)]
pub struct Exports<'a>(pub(in crate::store) &'a Store);

impl Exports<'_> {
    /// # Errors
    /// The record or the store can't be read.
    pub fn operator(&self) -> Result<Option<ExportSettings>, ReadError> {
        self.0.get(&ExportSettings::key_of(None))
    }

    /// # Errors
    /// The record or the store can't be read.
    pub fn of(&self, workspace: TenantId) -> Result<Option<ExportSettings>, ReadError> {
        self.0.get(&ExportSettings::key_of(Some(workspace)))
    }

    /// The operator's among them.
    ///
    /// # Errors
    /// The store can't be read.
    pub fn all(&self) -> Result<Vec<ExportSettings>, ReadError> {
        self.0.scan(&[])
    }

    /// The revisions that are kept of a destination, oldest first.
    ///
    /// # Errors
    /// The store can't be read.
    pub fn history(&self, workspace: Option<TenantId>) -> Result<Vec<ExportRevision>, ReadError> {
        self.0.scan(&ExportSettings::key_of(workspace))
    }
}
