//! What can go wrong with the store. No text here quotes a record: records hold hashes, sealed secrets and addresses.

use std::path::PathBuf;

use thiserror::Error;

use super::Reason;
use crate::cause::Cause;

/// Why the store did not open.
#[derive(Debug, Error)]
pub enum OpenError {
    #[error("{} is in use by another process; stop that one first, or give this one a data folder of its own", path.display())]
    InUse { path: PathBuf },
    #[error("the database in {} is damaged ({detail}); restore it from a backup, or move it away to start empty", path.display())]
    Damaged { path: PathBuf, detail: String },
    /// The log was damaged and sled dropped the rest of it.
    #[error("the database in {} has lost {missing} of its {written} writes: its files are damaged; restore them from a backup, or \
             delete the file `commits` beside them to go on with what is left", path.display())]
    Lost { path: PathBuf, missing: u64, written: u64 },
    #[error("the database in {} could not be opened: {detail}", path.display())]
    Io { path: PathBuf, detail: String },
}

/// Why something could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ReadError {
    #[error("a record of {tree} can't be read: {reason}")]
    Undecodable { tree: &'static str, reason: Reason },
    #[error("the store could not be read: {0}")]
    Io(String),
}

impl ReadError {
    #[must_use]
    pub const fn cause(&self) -> Cause {
        match self {
            Self::Undecodable { tree, .. } => Cause::Unreadable { tree },
            Self::Io(_) => Cause::StoreRead,
        }
    }
}

impl From<sled::Error> for ReadError {
    fn from(error: sled::Error) -> Self {
        Self::Io(error.to_string())
    }
}

/// Why a change was not made.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CommitError {
    /// Another record of `tree` has this value in its unique `index` already.
    #[error("the {index} of a record of {tree} is taken")]
    Taken { tree: &'static str, index: &'static str },
    /// A record is no longer as the change expected it.
    #[error("a record of {tree} was changed meanwhile")]
    Stale { tree: &'static str },
    /// The disk has less than this left.
    #[error("the store could not be written: the disk has less than {mib} MiB left")]
    NoRoom { mib: u64 },
    /// The disk refused, or does not answer. The change may be visible until the restart, and may be there after it.
    #[error("the store could not be written: {0}")]
    Io(String),
}

impl CommitError {
    /// Whether the disk is why, and not what was to be saved.
    #[must_use]
    pub const fn is_of_the_disk(&self) -> bool {
        matches!(self, Self::NoRoom { .. } | Self::Io(_))
    }

    #[must_use]
    pub const fn cause(&self) -> Cause {
        match self {
            Self::Taken { .. } => Cause::StoreTaken,
            Self::Stale { .. } => Cause::StoreStale,
            Self::NoRoom { .. } => Cause::StoreNoRoom,
            Self::Io(_) => Cause::StoreWrite,
        }
    }
}

impl From<ReadError> for CommitError {
    fn from(error: ReadError) -> Self {
        Self::Io(error.to_string())
    }
}

/// A record of a version for which there is no step to the present one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("there is no migration from version {from}")]
pub struct MigrationError {
    pub from: u16,
}
