//! Notices lost writes. Where sled meets damaged bytes in its log it takes them for a torn last write: it drops them with
//! everything after them and says nothing. So each transaction counts itself in the database, and the count of what is on
//! disk for certain is noted in a file beside it, which a database that lost something can't reach.
//!
//! The file is written after the flush and not flushed itself: after a power failure it may lag behind, never lead.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// The file beside the database.
pub(super) const FILE: &str = "commits";

#[derive(Clone, Debug)]
pub(super) struct Ledger(Arc<Mutex<Noted>>);

#[derive(Debug)]
struct Noted {
    file: File,
    count: u64,
}

impl Ledger {
    /// A file that is missing or can't be understood counts as 0.
    pub(super) fn open(folder: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(folder.join(FILE))?;
        let mut text = [0_u8; 20];
        let read = file.read_at(&mut text, 0)?;
        let count = text.get(..read).and_then(|text| std::str::from_utf8(text).ok()).and_then(|text| text.parse().ok()).unwrap_or(0);
        Ok(Self(Arc::new(Mutex::new(Noted { file, count }))))
    }

    /// How many transactions were on disk for certain.
    pub(super) fn count(&self) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).count
    }

    /// Up to `count` transactions are on disk now.
    pub(super) fn note(&self, count: u64) {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if count > noted.count {
            noted.count = count;
            // The data itself is safe; only the next damage would go unnoticed.
            if let Err(error) = noted.file.write_all_at(format!("{count:020}").as_bytes(), 0) {
                tracing::warn!(%error, "the count of the store's writes could not be noted");
            }
        }
    }
}
