//! Records that can't be read. They stay on disk as they are, are left out, and are reported; they never stop the start.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use thiserror::Error;

/// One record that can't be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub tree: &'static str,
    /// The record's key in hex: it is binary, and for sessions and tokens the hash of a secret.
    pub key: String,
    pub reason: Reason,
}

/// Why a record can't be read. Holds no part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Reason {
    #[error("it is not JSON with a version")]
    NotJson,
    #[error("its fields are not those of version {version}, or hold what a form would refuse")]
    Shape { version: u16 },
    #[error("it was written by a newer version of this program (record version {found}, known is {known})")]
    Newer { found: u16, known: u16 },
    #[error("it can't be brought from version {from} to the present one")]
    Migration { from: u16 },
    #[error("it lies under a key that is not its own")]
    WrongKey,
    #[error("a part of it is missing")]
    Incomplete,
}

/// By tree and key.
type Noted = BTreeMap<(&'static str, Vec<u8>), Reason>;

/// Collects problems; each is logged once.
#[derive(Clone, Debug, Default)]
pub(super) struct Problems(Arc<Mutex<Noted>>);

impl Problems {
    pub(super) fn note(&self, tree: &'static str, key: &[u8], reason: Reason) {
        if self.lock().insert((tree, key.to_vec()), reason) != Some(reason) {
            tracing::warn!(tree, key = hex::encode(key), %reason, "a stored record can't be read and is left out");
        }
    }

    /// The record was written anew or deleted.
    pub(super) fn clear(&self, tree: &'static str, key: &[u8]) {
        let mut problems = self.lock();
        if !problems.is_empty() {
            problems.remove(&(tree, key.to_vec()));
        }
    }

    pub(super) fn list(&self) -> Vec<Problem> {
        self.lock().iter().map(|((tree, key), reason)| Problem { tree, key: hex::encode(key), reason: *reason }).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Noted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
