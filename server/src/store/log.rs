//! The audit logs: entries that are only ever appended, in the same transaction as the change they tell of, and each log's
//! head. A head lies in a tree of its own, so that a log whose end is missing shows it. How old ones leave is in `trim`.

use std::collections::BTreeSet;
use std::ops::Bound;

use serde::{Deserialize, Serialize};
use sled::IVec;
use tokio::sync::broadcast;
use uuid::Uuid;

use super::changes::{TxResult, unencodable};
use super::pieces::{Cut, Records};
use super::record::{self, Record};
use super::{CommitError, ReadError, Store, UnixMillis, now};
use crate::audit::{Chain, Filter, Hash, Log, Told, Verdict, Written};

/// How many entries may wait for whoever listens to what is written. Who falls further behind misses the oldest.
const TAIL: usize = 1024;
/// Read at once while a log is followed.
const STRIDE: usize = 512;
/// A page looks at no more entries than this, however few it finds.
const LOOKED_AT: usize = 20_000;

/// An entry as it lies: its canonical text, which is never written anew, and the hash that covers it and all before.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AuditEntry {
    pub log: Uuid,
    pub sequence: u64,
    pub text: String,
    pub hash: String,
}

impl Record for AuditEntry {
    const TREE: &'static str = "audit";
    const VERSION: u16 = 1;

    fn key(&self) -> Vec<u8> {
        Self::key_of(self.log, self.sequence)
    }
}

impl AuditEntry {
    /// Big-endian, so that a log's entries lie in their order.
    #[must_use]
    pub fn key_of(log: Uuid, sequence: u64) -> Vec<u8> {
        let mut key = log.as_bytes().to_vec();
        key.extend_from_slice(&sequence.to_be_bytes());
        key
    }

    pub(super) fn written(self) -> Option<Written> {
        Some(Written { entry: serde_json::from_str(&self.text).ok()?, hash: self.hash.parse().ok()?, text: self.text })
    }
}

/// Where a log ends.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AuditHead {
    pub log: Uuid,
    pub sequence: u64,
    pub hash: String,
    /// Every action that occurs in the log.
    #[serde(default)]
    pub actions: BTreeSet<String>,
}

impl Record for AuditHead {
    const TREE: &'static str = "audit_heads";
    const VERSION: u16 = 1;

    fn key(&self) -> Vec<u8> {
        Self::key_of(self.log)
    }
}

impl AuditHead {
    #[must_use]
    pub fn key_of(log: Uuid) -> Vec<u8> {
        log.as_bytes().to_vec()
    }
}

/// An entry that is about to be written.
pub(super) struct Pending<'a> {
    told: &'a Told,
    at: UnixMillis,
    /// The last entry there is. It matters only where the head is lost.
    last: u64,
}

impl<'a> Pending<'a> {
    /// In the order in which [`Pending::append`] takes them.
    pub(super) const TREES: [&'static str; 2] = [AuditEntry::TREE, AuditHead::TREE];

    pub(super) fn new(store: &Store, told: &'a Told) -> Result<Self, CommitError> {
        let last = store.tree(AuditEntry::TREE)?.scan_prefix(told.log().id().as_bytes()).next_back();
        let last = last.transpose().map_err(ReadError::from)?.map_or(0, |(key, _)| sequence_in(&key));
        Ok(Self { told, at: now(), last })
    }

    /// Part of the transaction that the entry tells of.
    pub(super) fn append(&self, entries: Records<'_>, heads: Records<'_>) -> TxResult<Written> {
        let log = self.told.log().id();
        let key = AuditHead::key_of(log);
        let stored = heads.get(&key)?.and_then(|bytes| record::decode::<AuditHead>(&key, &bytes).ok()).map(|decoded| decoded.record);
        // A log whose head is lost goes on behind what is there, but from the beginning of a chain: it stays broken at that place.
        let (sequence, before, mut actions) = match stored.and_then(|head| Some((head.sequence, head.hash.parse().ok()?, head.actions))) {
            Some(head) => head,
            None => (self.last, Hash::before_first(log), BTreeSet::new()),
        };
        let sequence = sequence.saturating_add(1);
        let entry = self.told.entry(sequence, self.at);
        let text = serde_json::to_string(&entry).map_err(|_| unencodable(AuditEntry::TREE))?;
        let hash = before.next(&text);
        let stored = AuditEntry { log, sequence, text: text.clone(), hash: hash.to_string() };
        actions.insert(entry.action.name().to_owned());
        let head = AuditHead { log, sequence, hash: hash.to_string(), actions };
        put(entries, &stored)?;
        put(heads, &head)?;
        Ok(Written { entry, text, hash })
    }
}

fn put<R: Record>(records: Records<'_>, record: &R) -> TxResult<()> {
    let cut = record::encode(record).and_then(Cut::new).map_err(|_| unencodable(R::TREE))?;
    records.put(&record.key(), &cut)
}

/// Tells what was written, once it is on disk. Never waits for whoever listens.
#[derive(Clone)]
pub(super) struct Tail(broadcast::Sender<Written>);

impl Default for Tail {
    fn default() -> Self {
        Self(broadcast::Sender::new(TAIL))
    }
}

impl Tail {
    pub(super) fn say(&self, written: Written) {
        // Nobody may be listening.
        let _ = self.0.send(written);
    }
}

/// Some entries, the newest first.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    pub entries: Vec<Written>,
    /// Where the next page begins; `None` at the log's beginning.
    pub next: Option<u64>,
    /// Every action that occurs in the log.
    pub actions: Vec<String>,
}

#[derive(Clone, Copy, Debug)]
pub struct AuditLogs<'a>(pub(super) &'a Store);

impl AuditLogs<'_> {
    /// Entries as they are written, from now on. Receivers are bounded: one that falls behind misses the oldest and is told
    /// how many.
    #[must_use]
    pub fn listen(&self) -> broadcast::Receiver<Written> {
        self.0.tail.0.subscribe()
    }

    /// Every log that has entries or a head.
    ///
    /// # Errors
    /// The store can't be read.
    pub fn logs(&self) -> Result<BTreeSet<Uuid>, ReadError> {
        let mut found = BTreeSet::new();
        for key in &self.0.tree(AuditHead::TREE)? {
            found.extend(log_in(&key?.0));
        }
        let entries = self.0.tree(AuditEntry::TREE)?;
        let mut from = Vec::new();
        while let Some(next) = entries.range::<&[u8], _>((Bound::Excluded(from.as_slice()), Bound::Unbounded)).keys().next() {
            let key = next?;
            found.extend(log_in(&key));
            from = key.get(..16).unwrap_or(&key).to_vec();
            // Behind every entry of that log.
            from.extend_from_slice(&[0xff; 32]);
        }
        Ok(found)
    }

    /// # Errors
    /// The head or the store can't be read.
    pub fn head(&self, log: Log) -> Result<Option<AuditHead>, ReadError> {
        self.0.get(&AuditHead::key_of(log.id()))
    }

    /// Up to `limit` entries that match, older than `before`, the newest first. Blocks.
    ///
    /// # Errors
    /// The store can't be read.
    pub fn page(&self, log: Log, filter: &Filter, before: Option<u64>, limit: usize) -> Result<Listing, ReadError> {
        let end = AuditEntry::key_of(log.id(), before.unwrap_or(u64::MAX));
        let entries = self.0.tree(AuditEntry::TREE)?;
        let mut listing = Listing { actions: self.actions(log)?, ..Listing::default() };
        let mut last = None;
        for (looked_at, found) in entries.range(AuditEntry::key_of(log.id(), 0)..end).rev().enumerate() {
            let (key, bytes) = found?;
            if listing.entries.len() >= limit || looked_at >= LOOKED_AT {
                listing.next = last;
                break;
            }
            last = Some(sequence_in(&key));
            listing.entries.extend(self.decoded(&entries, &key, bytes)?.filter(|written| filter.matches(&written.entry)));
        }
        Ok(listing)
    }

    /// Entries after the one with the number `after`, up to and with `until`, oldest first, and the number of the last that
    /// was looked at; `None` at the end. Blocks.
    ///
    /// # Errors
    /// The store can't be read.
    pub fn after(&self, log: Log, filter: &Filter, after: u64, until: u64) -> Result<Option<(Vec<Written>, u64)>, ReadError> {
        let mut last = None;
        let mut found = Vec::new();
        let range = (Bound::Excluded(AuditEntry::key_of(log.id(), after)), Bound::Included(AuditEntry::key_of(log.id(), until)));
        if after >= until {
            return Ok(None);
        }
        let entries = self.0.tree(AuditEntry::TREE)?;
        for entry in entries.range(range).take(STRIDE) {
            let (key, bytes) = entry?;
            last = Some(sequence_in(&key));
            found.extend(self.decoded(&entries, &key, bytes)?.filter(|written| filter.matches(&written.entry)));
        }
        Ok(last.map(|last| (found, last)))
    }

    /// Follows a log from where it begins. Blocks.
    ///
    /// # Errors
    /// The store can't be read. What can't be understood of the log itself is in the verdict.
    pub fn verify(&self, log: Log) -> Result<Verdict, ReadError> {
        loop {
            let floor = self.floor(log)?;
            let verdict = self.followed(log, Chain::after(log.id(), floor))?;
            // Old entries may leave while the log is followed.
            if matches!(verdict, Verdict::Intact { .. }) || self.floor(log)? == floor {
                return Ok(verdict);
            }
        }
    }

    fn followed(&self, log: Log, mut chain: Chain) -> Result<Verdict, ReadError> {
        let mut end = None;
        loop {
            let entries = self.lying_after(log, chain.sequence())?;
            for (sequence, entry) in &entries {
                let found = entry.as_ref().and_then(|entry| Some((entry.text.as_str(), entry.hash.parse().ok()?)));
                if !chain.follow(*sequence, found) {
                    return Ok(Verdict::Broken { sequence: chain.sequence() + 1 });
                }
            }
            if !entries.is_empty() {
                end = None;
                continue;
            }
            // Entries may be written while the log is followed: only a head that stays ahead of them is wrong.
            let head = match self.head(log) {
                Ok(head) => head.and_then(|head| Some((head.sequence, head.hash.parse().ok()?))),
                Err(ReadError::Undecodable { .. }) => None,
                Err(error) => return Err(error),
            };
            let verdict = chain.verdict(head);
            if matches!(verdict, Verdict::Intact { .. }) || end == Some(verdict) {
                return Ok(verdict);
            }
            end = Some(verdict);
        }
    }

    /// What lies behind an entry, readable or not.
    pub(super) fn lying_after(&self, log: Log, after: u64) -> Result<Vec<(u64, Option<AuditEntry>)>, ReadError> {
        let mut behind = AuditEntry::key_of(log.id(), u64::MAX);
        behind.push(0xff);
        // Nothing is written as number 0: what lies there does not belong there, and neither does what has a shorter key.
        let from = match after {
            0 => Bound::Included(AuditHead::key_of(log.id())),
            after => Bound::Excluded(AuditEntry::key_of(log.id(), after)),
        };
        let mut found = Vec::new();
        let entries = self.0.tree(AuditEntry::TREE)?;
        for entry in entries.range((from, Bound::Excluded(behind))).take(STRIDE) {
            let (key, bytes) = entry?;
            let Some(bytes) = self.0.whole(&entries, &key, bytes)? else { continue };
            found.push((sequence_in(&key), record::decode::<AuditEntry>(&key, &bytes).ok().map(|decoded| decoded.record)));
        }
        Ok(found)
    }

    fn actions(&self, log: Log) -> Result<Vec<String>, ReadError> {
        match self.head(log) {
            Ok(head) => Ok(head.map(|head| head.actions.into_iter().collect()).unwrap_or_default()),
            Err(ReadError::Undecodable { .. }) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// An entry that can't be read is left out and reported, as every record is.
    fn decoded(&self, entries: &sled::Tree, key: &[u8], found: IVec) -> Result<Option<Written>, ReadError> {
        let Some(bytes) = self.0.whole(entries, key, found)? else { return Ok(None) };
        match record::decode::<AuditEntry>(key, &bytes) {
            Ok(decoded) => Ok(decoded.record.written()),
            Err(reason) => {
                self.0.problems.note(AuditEntry::TREE, key, reason);
                Ok(None)
            }
        }
    }
}

fn log_in(key: &[u8]) -> Option<Uuid> {
    Uuid::from_slice(key.get(..16)?).ok()
}

/// The number in an entry's key; 0 where there is none.
fn sequence_in(key: &[u8]) -> u64 {
    key.get(16..24).and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_be_bytes)
}

#[cfg(test)]
#[path = "log_tests.rs"]
mod tests;
