//! Stops before the disk is full. Once sled has met a disk that takes nothing it refuses everything until it is opened anew, so
//! nothing is written any more while little is left, and saving works again as soon as there is room.

use std::path::Path;
use std::sync::Arc;

use super::CommitError;

/// Bytes that have to be free before a transaction. sled's log grows by half a MiB at a time.
const LEAST: u64 = 16 * 1024 * 1024;

#[derive(Clone, Debug)]
pub(super) struct Room {
    folder: Arc<Path>,
    pub(super) least: u64,
}

impl Room {
    pub(super) fn new(folder: &Path) -> Self {
        Self { folder: folder.into(), least: LEAST }
    }

    /// # Errors
    /// There is too little. A disk that does not say counts as one that has enough.
    pub(super) fn check(&self) -> Result<(), CommitError> {
        match rustix::fs::statvfs(&*self.folder) {
            Ok(stat) if stat.f_bavail.saturating_mul(stat.f_frsize) < self.least => Err(CommitError::NoRoom { mib: self.least >> 20 }),
            _ => Ok(()),
        }
    }
}
