//! Old entries leave an audit log from its beginning, and the chain stays whole: number and hash of the last one that left are kept
//! apart, and behind it the log begins.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::log::{AuditEntry, AuditLogs};
use super::record::Record;
use super::{Changes, ReadError, UnixMillis};
use crate::audit::{Action, Chain, Hash, Log};

/// Removed in one transaction.
const MOST: u64 = 2_000;

/// The last entry that left a log.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AuditFloor {
    pub log: Uuid,
    pub sequence: u64,
    pub hash: String,
}

impl Record for AuditFloor {
    const TREE: &'static str = "audit_floors";
    const VERSION: u16 = 1;

    fn key(&self) -> Vec<u8> {
        Self::key_of(self.log)
    }
}

impl AuditFloor {
    #[must_use]
    pub fn key_of(log: Uuid) -> Vec<u8> {
        log.as_bytes().to_vec()
    }
}

/// Entries whose time is over, by their numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expired {
    log: Log,
    pub first: u64,
    pub last: u64,
    /// Of the last.
    hash: Hash,
}

impl Expired {
    /// What removes them.
    pub fn changes(&self) -> Changes {
        let floor = AuditFloor { log: self.log.id(), sequence: self.last, hash: self.hash.to_string() };
        let gone = (self.first..=self.last).map(|sequence| AuditEntry::key_of(self.log.id(), sequence));
        gone.fold(Changes::new(), |changes, key| changes.delete::<AuditEntry>(&key)).put(&floor)
    }
}

impl AuditLogs<'_> {
    /// Where the log begins: the last entry that left it. One that can't be read is as if it were not there, and the log is
    /// broken from its beginning.
    pub(super) fn floor(&self, log: Log) -> Result<Option<(u64, Hash)>, ReadError> {
        match self.0.get::<AuditFloor>(&AuditFloor::key_of(log.id())) {
            Ok(floor) => Ok(floor.and_then(|floor| Some((floor.sequence, floor.hash.parse().ok()?)))),
            Err(ReadError::Undecodable { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The oldest entries, as far as they were written before `before` and follow from one another: what is broken stays to be
    /// looked at. Not all at once, and `None` where they only tell of others that left. Blocks.
    ///
    /// # Errors
    /// The store can't be read.
    pub fn expired(&self, log: Log, before: UnixMillis) -> Result<Option<Expired>, ReadError> {
        let mut chain = Chain::after(log.id(), self.floor(log)?);
        let (first, mut only_notes) = (chain.sequence() + 1, true);
        'all: while chain.sequence() < first + MOST {
            let lying = self.lying_after(log, chain.sequence())?;
            if lying.is_empty() {
                break;
            }
            for (sequence, entry) in lying {
                let Some(written) = entry.and_then(AuditEntry::written) else { break 'all };
                let old = written.entry.at.unix_timestamp_nanos() / 1_000_000 < i128::from(before);
                if !old || !chain.follow(sequence, Some((&written.text, written.hash))) {
                    break 'all;
                }
                only_notes &= written.entry.action == Action::AuditTrimmed;
            }
        }
        let last = chain.sequence();
        Ok((last >= first && !only_notes).then(|| Expired { log, first, last, hash: chain.hash() }))
    }
}
