//! What lies in the spool and is nobody's now: it counts, it grows old, and some of it only another key opens.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::Path;
use std::sync::Arc;

use super::count::Losses;
use super::log::Log;
use super::record::{self, Found, HEAD};
use super::{Spool, segment};
use crate::budget::Budget;

impl Spool {
    /// Counts what lies here of an owner until somebody takes it over.
    pub fn park(&self, owner: &str) {
        // This start counts, however soon it ends.
        self.shared.clock.keep();
        let homes = fs::read_dir(self.shared.root.join(owner)).into_iter().flatten().flatten();
        for folder in homes.flat_map(|home| fs::read_dir(home.path()).into_iter().flatten().flatten()) {
            let files = fs::read_dir(folder.path()).into_iter().flatten().flatten();
            let bytes = files.filter_map(|file| usize::try_from(file.metadata().ok()?.len()).ok()).sum();
            if !self.shared.knows(&folder.path()) {
                self.shared.park(&folder.path(), bytes);
            }
        }
    }

    /// Bytes of an owner that were sealed with another key: nobody reads, moves or removes them for that.
    #[must_use]
    pub fn other_key_bytes(&self, owner: &str) -> usize {
        let logs = self.shared.parked_below(&self.shared.root.join(owner)).into_iter();
        let home = |log: &Path| log.parent().and_then(Path::file_name).is_some_and(|home| self.shared.is_sealed_otherwise(home));
        logs.filter(|(log, _)| home(log)).map(|(_, bytes)| bytes).sum()
    }

    /// Removes what lies here of an owner that is no more and that this process can't open: what it can is its destination's to end.
    ///
    /// # Errors
    /// The disk's.
    pub fn destroy_other_key(&self, owner: &str) -> io::Result<()> {
        let homes = fs::read_dir(self.shared.root.join(owner)).into_iter().flatten().flatten();
        let _held = self.shared.parked_lock();
        for home in homes.filter(|home| self.shared.is_sealed_otherwise(&home.file_name())) {
            fs::remove_dir_all(home.path())?;
            self.shared.forget(&home.path());
        }
        Ok(())
    }

    /// Removes what has waited for too long though nobody reads it, file by file, and tells how much it was, by owner.
    #[must_use = "what was removed has to be counted"]
    pub fn expire(&self) -> BTreeMap<String, Losses> {
        let mut lost: BTreeMap<String, Losses> = BTreeMap::new();
        if !self.owners().is_empty() {
            self.shared.clock.keep();
        }
        for (folder, _) in self.shared.parked_below(&self.shared.root) {
            let owner = folder.strip_prefix(&self.shared.root).ok().and_then(|place| place.iter().next()?.to_str());
            let Some(owner) = owner.filter(|_| self.is_due(&folder)) else { continue };
            let losses = self.expire_in(&folder);
            if losses != Losses::default() {
                *lost.entry(owner.to_owned()).or_default() += losses;
            }
        }
        lost
    }

    fn expire_in(&self, folder: &Path) -> Losses {
        // Whoever takes it over meanwhile waits.
        let _held = self.shared.parked_lock();
        let Some(parked) = self.shared.claim(folder) else { return Losses::default() };
        // It is no destination's while this lasts.
        let nobody = Arc::new(Budget::new(0));
        match Log::open(Arc::clone(&self.shared), folder.to_owned(), nobody) {
            Ok(mut log) => {
                if let Err(error) = log.expire() {
                    tracing::debug!(folder = %folder.display(), %error, "what was spooled can't be read for now; it stays where it is");
                }
                log.take_losses()
            }
            Err(error) => {
                tracing::debug!(folder = %folder.display(), %error, "what was spooled can't be read for now; it stays where it is");
                self.shared.park(folder, parked);
                Losses::default()
            }
        }
    }

    /// Whether everything in a log's oldest file has waited for too long. Of most the first head says that it has not.
    fn is_due(&self, folder: &Path) -> bool {
        let files = fs::read_dir(folder).into_iter().flatten().flatten();
        let Some(first) = files.filter_map(|file| segment::number_of(&file.path())).min() else { return false };
        let path = segment::path(folder, first);
        let too_old = |head: &record::Head| self.shared.clock.is_older(head.written, self.shared.options.max_age);
        let mut start = [0; HEAD];
        let read = File::open(&path).and_then(|mut file| file.read_exact(&mut start));
        if read.is_ok() && record::head(&start).is_some_and(|head| !too_old(&head)) {
            return false;
        }
        let Ok(bytes) = fs::read(&path) else { return false };
        record::scan(&bytes).iter().all(|found| match found {
            Found::Record { head, .. } => head.done || too_old(head),
            Found::Damaged { .. } => true,
        })
    }
}
