//! Payloads that can't be sent for now, on disk: sealed, in order, bounded, and there after a restart or a crash.
//!
//! ```text
//! <data>/spool/<owner>/<home>/<kind>/00000000000000000000.seg
//! <data>/spool/clock
//! ```
//! An owner is a destination's; a home is one life of its settings, so that an old one that still sends and the one that
//! follows it never write to the same files; a kind is a signal. Nothing is made before something has to be written, and
//! nothing stays when it is empty. A home's name ends with the id of the key that sealed it: one that another key sealed is left
//! alone. It knows bytes and numbers only: not what a payload means, nor where it goes.

mod clock;
mod count;
mod log;
mod parked;
mod record;
mod segment;
mod shared;

use std::collections::HashSet;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::Semaphore;

pub use count::{Count, Losses};
pub use log::{Log, Ticket};
pub use record::Meta;

use crate::budget::Budget;
use crate::vault::Vault;
use clock::{Machine, machine};
use shared::{Quarantine, Shared};

/// How many threads work on the disk at once, for all destinations together. A few that wait for it at the same time are brought
/// there together by most filesystems.
const AT_ONCE: usize = 8;

#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Bytes on disk for all destinations together; one kind of one destination gets at most half of what others leave.
    pub total: usize,
    /// Likewise for all kinds of one destination.
    pub per_destination: usize,
    /// At about how many bytes a new file is begun: what is dropped to make room is a whole file.
    pub segment_bytes: usize,
    /// What has waited for longer is not sent any more.
    pub max_age: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self { total: 4 << 30, per_destination: 512 << 20, segment_bytes: 2 << 20, max_age: Duration::from_secs(7 * 24 * 60 * 60) }
    }
}

/// A folder of logs. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Spool {
    shared: Arc<Shared>,
    disk: Arc<Semaphore>,
    homes: Arc<AtomicU64>,
}

impl Spool {
    /// Changes nothing yet.
    #[must_use]
    pub fn new(root: PathBuf, vault: Vault, options: Options) -> Self {
        Self::with_machine(root, vault, options, machine())
    }

    fn with_machine(root: PathBuf, vault: Vault, options: Options, machine: Machine) -> Self {
        let shared = Arc::new(Shared::new(root, vault, options, machine));
        Self { shared, disk: Arc::new(Semaphore::new(AT_ONCE)), homes: Arc::default() }
    }

    /// For tests of rooms that know no vault.
    #[cfg(test)]
    #[must_use]
    pub fn to_test(folder: &Path, options: Options) -> Self {
        Self::new(folder.join("spool"), Vault::from_key([7; 32]), options)
    }

    /// Works on the disk beside the runtime's own threads, with a bounded number of others.
    pub async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
        let _permit = self.disk.acquire().await.map_err(io::Error::other)?;
        tokio::task::spawn_blocking(work).await.map_err(io::Error::other)
    }

    /// A place for one life of a destination's settings.
    #[must_use]
    pub fn home(&self, owner: &str) -> Home {
        Home {
            spool: self.clone(),
            owner: owner.to_owned(),
            budget: Arc::new(Budget::new(self.shared.options.per_destination)),
            folder: OnceLock::new(),
        }
    }

    /// Owners of whom something lies here.
    #[must_use]
    pub fn owners(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.shared.root).into_iter().flatten().flatten();
        let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
        folders.filter_map(|folder| folder.file_name().into_string().ok()).filter(|name| name != Quarantine::NAME).collect()
    }

    /// Bytes that lie here of an owner.
    #[must_use]
    pub fn bytes_of(&self, owner: &str) -> u64 {
        fn below(folder: &Path) -> u64 {
            let entries = fs::read_dir(folder).into_iter().flatten().flatten();
            entries.map(|entry| entry.metadata().map_or(0, |data| if data.is_dir() { below(&entry.path()) } else { data.len() })).sum()
        }
        below(&self.shared.root.join(owner))
    }

    /// What has waited for longer is not sent any more.
    #[must_use]
    pub fn max_age(&self) -> Duration {
        self.shared.options.max_age
    }

    /// Bytes on disk, of all together.
    #[cfg(test)]
    #[must_use]
    pub fn total_used(&self) -> usize {
        self.shared.total.used()
    }

    /// Removes what was damaged and kept of an owner that is no more.
    pub fn forget_damaged(&self, owner: &str) {
        let prefix = format!("{owner}-");
        self.shared.quarantine.forget(|name| name.starts_with(&prefix));
    }

    /// As [`Spool::forget_damaged`], of all but these owners.
    pub fn forget_damaged_but(&self, owners: &HashSet<String>) {
        // A home's name comes after its owner's, which may hold the same sign.
        let is_of = |name: &str, owner: &String| name.strip_prefix(owner.as_str()).is_some_and(|rest| rest.starts_with('-'));
        self.shared.quarantine.forget(|name| !owners.iter().any(|owner| is_of(name, owner)));
    }

    /// Removes what lies here of an owner that is no more.
    ///
    /// # Errors
    /// The disk's.
    pub fn destroy(&self, owner: &str) -> io::Result<()> {
        self.forget_damaged(owner);
        let folder = self.shared.root.join(owner);
        let _held = self.shared.parked_lock();
        fs::remove_dir_all(&folder)?;
        self.shared.forget(&folder);
        self.shared.clock.forget();
        Ok(())
    }
}

/// What earlier lives left.
#[derive(Debug, Default)]
pub struct Left {
    pub logs: Vec<Log>,
    /// Why that is not all of it: what could not be read stays where it is, to be asked for again.
    pub error: Option<io::Error>,
}

/// Where one destination's logs are, for one life of its settings.
#[derive(Debug)]
pub struct Home {
    spool: Spool,
    owner: String,
    budget: Arc<Budget>,
    folder: OnceLock<PathBuf>,
}

impl Home {
    #[must_use]
    pub const fn spool(&self) -> &Spool {
        &self.spool
    }

    #[must_use]
    pub const fn budget(&self) -> &Arc<Budget> {
        &self.budget
    }

    /// Whether something lies here of an earlier life.
    #[must_use]
    pub fn has_left(&self) -> bool {
        self.spool.shared.root.join(&self.owner).is_dir()
    }

    /// A new log of this life.
    ///
    /// # Errors
    /// The disk's.
    pub fn log(&self, kind: &str) -> io::Result<Log> {
        let shared = &self.spool.shared;
        let folder = self.folder.get_or_init(|| {
            // Sorts by time, and is new even if the clock stood still.
            let millis = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
            let nth = self.spool.homes.fetch_add(1, Ordering::Relaxed);
            shared.root.join(&self.owner).join(format!("{millis:016}-{nth:06}-{}-{}", std::process::id(), shared.key_id))
        });
        let folder = folder.join(kind);
        let _ = shared.claim(&folder);
        Log::open(Arc::clone(shared), folder.clone(), Arc::clone(&self.budget)).inspect_err(|_| shared.close(&folder, 0))
    }

    /// The logs of earlier lives that are nobody's, oldest first, but for those that another key sealed.
    #[must_use]
    pub fn left(&self, kind: &str) -> Left {
        let shared = &self.spool.shared;
        let homes = match fs::read_dir(shared.root.join(&self.owner)) {
            Ok(homes) => homes,
            Err(error) if error.kind() == ErrorKind::NotFound => return Left::default(),
            Err(error) => return Left { logs: Vec::new(), error: Some(error) },
        };
        let own = homes.flatten().filter(|home| !shared.is_sealed_otherwise(&home.file_name()));
        let mut folders: Vec<PathBuf> = own.map(|home| home.path().join(kind)).filter(|path| path.is_dir()).collect();
        folders.sort();
        let mut left = Left::default();
        for folder in folders {
            let claimed = {
                let _held = shared.parked_lock();
                shared.claim(&folder)
            };
            let Some(parked) = claimed else { continue };
            match Log::open(Arc::clone(shared), folder.clone(), Arc::clone(&self.budget)) {
                Ok(log) => left.logs.push(log),
                Err(error) => {
                    shared.park(&folder, parked);
                    tracing::debug!(folder = %folder.display(), %error, "what was spooled can't be read for now; it stays where it is");
                    left.error = Some(error);
                }
            }
        }
        left
    }
}

#[cfg(test)]
mod tests;
