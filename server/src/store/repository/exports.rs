//! Telemetry destinations: the operator's and each workspace's.

use crate::store::{ExportSettings, ReadError, Record, Store};
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
}
