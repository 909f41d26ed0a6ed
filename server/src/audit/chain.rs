//! The chain of hashes. Each entry's hash covers its text and the hash before, so that no entry can be changed, moved,
//! put in or left out without all later ones being wrong; the head, kept apart, shows whether the end is missing.
//!
//! Whoever can rewrite the whole folder can rewrite the chain and the head as well. Only a head that was noted elsewhere
//! shows that.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};
use uuid::Uuid;

/// What the first entry's hash covers in place of a hash before, with the log's id behind it.
const LABEL: &[u8] = b"knoxcall audit log v1\0";

#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Hash([u8; 32]);

impl Hash {
    /// What stands before the first entry of a log.
    #[must_use]
    pub fn before_first(log: Uuid) -> Self {
        Self(Sha256::new().chain_update(LABEL).chain_update(log.as_bytes()).finalize().into())
    }

    /// Of the entry that follows, by its canonical text.
    #[must_use]
    pub fn next(self, text: &str) -> Self {
        Self(Sha256::new().chain_update(self.0).chain_update(text.as_bytes()).finalize().into())
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Hash {
    type Err = hex::FromHexError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes)?;
        Ok(Self(bytes))
    }
}

/// What following a chain found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every entry follows from the one before, and the last one is the head. Those with numbers up to `removed` have left.
    Intact { entries: u64, removed: u64, head: Hash },
    /// The first entry that does not, is unreadable, or is missing.
    Broken { sequence: u64 },
}

/// Follows a log from where it begins.
#[derive(Clone, Copy, Debug)]
pub struct Chain {
    /// The last entry that left the log; 0 where none has.
    floor: u64,
    sequence: u64,
    hash: Hash,
}

impl Chain {
    /// Behind the last entry that left the log, if any has.
    #[must_use]
    pub fn after(log: Uuid, floor: Option<(u64, Hash)>) -> Self {
        let (floor, hash) = floor.unwrap_or_else(|| (0, Hash::before_first(log)));
        Self { floor, sequence: floor, hash }
    }

    /// Of the entry it was followed to.
    #[must_use]
    pub const fn hash(&self) -> Hash {
        self.hash
    }

    /// How far it was followed.
    #[must_use]
    pub const fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Takes what lies at `sequence`: text and hash, or `None` for what can't be read. Says whether it follows.
    pub fn follow(&mut self, sequence: u64, found: Option<(&str, Hash)>) -> bool {
        let follows = sequence == self.sequence + 1 && found.is_some_and(|(text, hash)| self.hash.next(text) == hash);
        if let Some((_, hash)) = found.filter(|_| follows) {
            (self.sequence, self.hash) = (sequence, hash);
        }
        follows
    }

    /// After the last entry there is: whether that is where the log ended, by the head that is kept apart.
    #[must_use]
    pub fn verdict(&self, head: Option<(u64, Hash)>) -> Verdict {
        // A log without a head never had an entry.
        let none = if self.sequence == 0 { self.hash } else { Hash([0; 32]) };
        let head = head.unwrap_or((0, none));
        if head == (self.sequence, self.hash) {
            return Verdict::Intact { entries: self.sequence - self.floor, removed: self.floor, head: self.hash };
        }
        // Where one is longer than the other it is the first entry beyond; else the last one is not the one that was written.
        let sequence = if head.0 == self.sequence { self.sequence } else { self.sequence.min(head.0) + 1 };
        Verdict::Broken { sequence }
    }
}

#[cfg(test)]
#[path = "chain_tests.rs"]
mod tests;
