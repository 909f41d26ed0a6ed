//! What all logs of a spool share: the key, the clock, the bound on all of them together, which are open, and the quarantine.

use std::collections::{BTreeMap, HashSet};
use std::ffi::OsStr;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::Options;
use super::clock::{Clock, Machine};
use crate::budget::Budget;
use crate::vault::Vault;

/// Bytes that the quarantine keeps. What comes when it is full is counted and not kept.
const QUARANTINE_BYTES: u64 = 16 * 1024 * 1024;

pub struct Shared {
    pub root: PathBuf,
    pub vault: Vault,
    pub options: Options,
    pub clock: Clock,
    /// Of the vault's key, as it ends the names of homes.
    pub key_id: String,
    pub total: Budget,
    pub quarantine: Quarantine,
    open: Mutex<HashSet<PathBuf>>,
    /// Bytes of logs that lie here and are nobody's now, by folder. They count as used.
    parked: Mutex<BTreeMap<PathBuf, usize>>,
    /// Held by whoever works on a log that is nobody's.
    parked_lock: Mutex<()>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("root", &self.root).finish_non_exhaustive()
    }
}

impl Shared {
    pub fn new(root: PathBuf, vault: Vault, options: Options, machine: Machine) -> Self {
        Self {
            quarantine: Quarantine { folder: root.join(Quarantine::NAME) },
            total: Budget::new(options.total),
            key_id: vault.key_id(),
            clock: Clock::new(root.clone(), options.max_age, machine),
            root,
            vault,
            options,
            open: Mutex::default(),
            parked: Mutex::default(),
            parked_lock: Mutex::default(),
        }
    }

    /// Whether a home's name says that what is in it was sealed with another key. Earlier versions wrote no key there: what is in such
    /// a home and does not open may be of another key as well as moved from elsewhere, which nobody can tell apart. It is damage then,
    /// and goes into quarantine as it is.
    pub fn is_sealed_otherwise(&self, home: &OsStr) -> bool {
        home.to_str().and_then(|name| name.split('-').nth(3)).is_some_and(|key| key != self.key_id)
    }

    /// Logs that are nobody's stay so, and as they are, until this is dropped.
    pub fn parked_lock(&self) -> MutexGuard<'_, ()> {
        self.parked_lock.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What each log would have of the whole if all that are here had the same: the same part stays free.
    pub fn fair_part(&self) -> usize {
        let logs = self.logs().len() + self.parked().len();
        self.total.ceiling() / (logs + 1)
    }

    fn logs(&self) -> MutexGuard<'_, HashSet<PathBuf>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn parked(&self) -> MutexGuard<'_, BTreeMap<PathBuf, usize>> {
        self.parked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Logs that are nobody's now, with their bytes, in a folder and below.
    pub fn parked_below(&self, folder: &Path) -> Vec<(PathBuf, usize)> {
        let parked = self.parked();
        let below = parked.range(folder.to_owned()..).take_while(|(log, _)| log.starts_with(folder));
        below.map(|(log, bytes)| (log.clone(), *bytes)).collect()
    }

    /// Makes the log in this folder the caller's if it was nobody's, and tells how many bytes were counted for it: whoever opens it
    /// counts what is really there.
    #[must_use]
    pub fn claim(&self, folder: &Path) -> Option<usize> {
        if !self.logs().insert(folder.to_owned()) {
            return None;
        }
        let parked = self.parked().remove(folder).unwrap_or_default();
        self.total.give(parked);
        Some(parked)
    }

    /// The log in this folder is nobody's any more, and so many of its bytes, which it had taken, stay.
    pub fn close(&self, folder: &Path, bytes: usize) {
        if bytes > 0 {
            *self.parked().entry(folder.to_owned()).or_default() += bytes;
        }
        self.logs().remove(folder);
    }

    /// Whether the log in this folder is somebody's, or counted already.
    pub fn knows(&self, folder: &Path) -> bool {
        self.logs().contains(folder) || self.parked().contains_key(folder)
    }

    /// Bytes lie in this folder that nobody has taken.
    pub fn park(&self, folder: &Path, bytes: usize) {
        self.total.take(bytes);
        self.close(folder, bytes);
    }

    /// What lay below this folder is gone.
    pub fn forget(&self, folder: &Path) {
        self.parked().retain(|parked, bytes| {
            let gone = parked.starts_with(folder);
            if gone {
                self.total.give(*bytes);
            }
            !gone
        });
    }
}

/// Where bytes go that were a record once, for whoever wants to know what happened to them. They stay sealed.
#[derive(Debug)]
pub struct Quarantine {
    folder: PathBuf,
}

impl Quarantine {
    pub const NAME: &str = "quarantine";

    /// Keeps the bytes if there is room, and says in the log where they were.
    pub fn put(&self, log: &Path, segment: u64, at: usize, bytes: &[u8]) {
        let place: Vec<_> = log.iter().rev().take(3).filter_map(|part| part.to_str()).collect();
        let name = format!("{}-{segment}-{at}.bad", place.into_iter().rev().collect::<Vec<_>>().join("-"));
        let kept = self.keep(&name, bytes).is_ok_and(|kept| kept);
        tracing::warn!(log = %log.display(), segment, at, length = bytes.len(), kept, "a spooled payload is damaged and is left out");
    }

    /// Lets go of what was kept of owners that are no more: a file's name begins with its owner's.
    pub fn forget(&self, gone: impl Fn(&str) -> bool) {
        let files = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        for file in files.filter(|file| file.file_name().to_str().is_some_and(&gone)) {
            if let Err(error) = fs::remove_file(file.path()) {
                tracing::warn!(file = %file.path().display(), %error, "what was damaged of an export that is off can't be removed");
            }
        }
    }

    fn keep(&self, name: &str, bytes: &[u8]) -> std::io::Result<bool> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
        let held: u64 = fs::read_dir(&self.folder)?.filter_map(|file| file.ok()?.metadata().ok()).map(|data| data.len()).sum();
        if held + bytes.len() as u64 > QUARANTINE_BYTES {
            return Ok(false);
        }
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(self.folder.join(name))?;
        file.write_all(bytes)?;
        Ok(true)
    }
}
