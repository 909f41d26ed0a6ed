//! The open database, and what is done where sled does less than a product needs: how it is opened, one writer at a time, and a disk
//! that refuses or does not answer.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::{JoinError, JoinHandle};
use tokio::time::timeout;

use super::{CommitError, OpenError};

/// sled's own default is 1 GiB; the whole configuration of ten thousand workspaces is some tens of megabytes.
const CACHE_BYTES: u64 = 64 * 1024 * 1024;
/// The file that everything is in.
const LOG: &str = "db";
/// How sled's unfinished snapshots end. It takes one that a crash or a full disk left behind for the newest, and no longer opens.
const UNFINISHED: &str = ".generating";

/// How often, and when again, it is tried to open what somebody else has: the process before, or sled's own threads.
const LOCK_TRIES: u32 = 50;
const LOCK_PAUSE: Duration = Duration::from_millis(20);
/// How long closing may take.
const CLOSING: Duration = Duration::from_secs(10);

/// How long a change may take before whoever made it is told that the disk does not answer.
const PATIENCE: Duration = Duration::from_secs(30);
pub(super) const INTERRUPTED: &str = "writing was interrupted";
/// How often a change that takes long is looked after in that time.
const LOOKS: u32 = 30;

pub(super) struct Database {
    /// There until this is dropped.
    sled: Option<sled::Db>,
    /// One change at a time: sled lets nobody read while a change waits for another one to be on disk.
    turn: Arc<Semaphore>,
    state: Mutex<State>,
    patience: Duration,
    /// Of the log, to sync it: sled only starts that.
    log: File,
}

#[derive(Clone, Debug)]
enum State {
    Fine,
    /// A change is under way for longer than anybody waits.
    Late,
    /// sled takes nothing more, or would write what is only half there.
    Broken(String),
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Database")
    }
}

impl Database {
    /// Blocks.
    pub(super) fn open(path: &Path, trees: &[&str]) -> Result<Arc<Self>, OpenError> {
        let io = |error: io::Error| OpenError::Io { path: path.to_owned(), detail: error.to_string() };
        let damaged = |detail: String| OpenError::Damaged { path: path.to_owned(), detail };
        fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(io)?;
        let mut tries = LOCK_TRIES;
        let mut locked = || {
            std::thread::sleep(LOCK_PAUSE);
            tries -= 1;
            if tries > 0 { Ok(()) } else { Err(OpenError::InUse { path: path.to_owned() }) }
        };
        while !prepared(path).map_err(io)? {
            locked()?;
        }
        let config = sled::Config::new().path(path).cache_capacity(CACHE_BYTES);
        let sled = loop {
            // sled panics on some kinds of damage.
            let opened = catch_unwind(AssertUnwindSafe(|| config.open())).map_err(|_| damaged("reading it failed".to_owned()))?;
            match opened {
                Ok(sled) => break sled,
                Err(error) if is_locked(&error) => locked()?,
                Err(sled::Error::Io(error)) => return Err(io(error)),
                Err(other) => return Err(damaged(other.to_string())),
            }
        };
        // Later a tree that is missing would be made by whoever reads it first.
        for tree in trees {
            sled.open_tree(tree).map_err(|error| damaged(error.to_string()))?;
        }
        let log = File::open(path.join(LOG)).map_err(io)?;
        let (turn, state) = (Arc::new(Semaphore::new(1)), Mutex::new(State::Fine));
        let this = Arc::new(Self { sled: Some(sled), turn, state, patience: PATIENCE, log });
        let _awake = this.kept_awake();
        this.flush().and_then(|()| settled(path)).map_err(io)?;
        Ok(this)
    }

    pub(super) fn tree(&self, name: &str) -> sled::Result<sled::Tree> {
        self.sled.as_ref().map_or_else(|| Err(sled::Error::Unsupported("closed".to_owned())), |sled| sled.open_tree(name))
    }

    /// Returns when everything that was written is on disk. Blocks.
    pub(super) fn flush(&self) -> io::Result<()> {
        if let Some(sled) = &self.sled {
            sled.flush().map_err(|error| io::Error::other(error.to_string()))?;
        }
        self.log.sync_data()
    }

    /// Waits until it is one's turn to write.
    pub(super) async fn turn(&self) -> Result<OwnedSemaphorePermit, CommitError> {
        self.check()?;
        let Ok(Ok(turn)) = timeout(self.patience, Arc::clone(&self.turn).acquire_owned()).await else { return Err(self.unanswered()) };
        self.check()?;
        Ok(turn)
    }

    /// Whether a change is under way.
    pub(super) fn is_writing(&self) -> bool {
        self.turn.available_permits() == 0
    }

    /// Waits for the end of what is under way, however long that takes.
    pub(super) async fn written(&self) {
        drop(self.turn.acquire().await);
    }

    /// Waits for a change that somebody's turn is for, and sees to it that it ends.
    pub(super) async fn watched<T: Send + 'static>(
        self: Arc<Self>,
        mut change: JoinHandle<Result<T, CommitError>>,
    ) -> Result<T, CommitError> {
        let since = Instant::now();
        while since.elapsed() < self.patience {
            match timeout(self.patience / LOOKS, &mut change).await {
                Ok(Ok(done)) => return done,
                // sled panics on some failures of the disk.
                Ok(Err(error)) => return Err(self.interrupted(&error)),
                Err(_) => self.rouse(),
            }
        }
        let error = self.late();
        tokio::spawn(async move {
            loop {
                match timeout(self.patience / LOOKS, &mut change).await {
                    Ok(Ok(_)) => return self.answers(),
                    Ok(Err(error)) => return drop(self.interrupted(&error)),
                    Err(_) => self.rouse(),
                }
            }
        });
        Err(error)
    }

    /// From now on nothing is written. What was read until now can be read on.
    pub(super) fn broken(&self, why: &str) -> CommitError {
        let mut state = self.state();
        if !matches!(*state, State::Broken(_)) {
            tracing::error!(why, "the disk refused what was to be saved; nothing more is saved until KnoxCall is restarted");
            *state = State::Broken(format!("{why}; nothing is saved until KnoxCall is restarted"));
        }
        CommitError::Io(why.to_owned())
    }

    /// A change panicked, or the process ends.
    fn interrupted(&self, error: &JoinError) -> CommitError {
        if error.is_panic() { self.broken(INTERRUPTED) } else { CommitError::Io(INTERRUPTED.to_owned()) }
    }

    fn late(&self) -> CommitError {
        let mut state = self.state();
        if matches!(*state, State::Fine) {
            tracing::error!(waited_s = self.patience.as_secs(), "the disk does not answer; nothing is saved until it does");
            *state = State::Late;
        }
        self.unanswered()
    }

    fn unanswered(&self) -> CommitError {
        CommitError::Io(format!("the disk has not answered for {} s", self.patience.as_secs()))
    }

    fn answers(&self) {
        let mut state = self.state();
        if matches!(*state, State::Late) {
            tracing::info!("the disk answers again");
            *state = State::Fine;
        }
    }

    pub(super) fn check(&self) -> Result<(), CommitError> {
        // It may have been refused what nobody waited for.
        if let Some(sled) = &self.sled
            && let Err(error) = sled.context.global_error()
        {
            self.broken(&error.to_string());
        }
        match &*self.state() {
            State::Fine => Ok(()),
            State::Late => Err(CommitError::Io("the disk does not answer".to_owned())),
            State::Broken(why) => Err(CommitError::Io(why.clone())),
        }
    }

    /// As [`Database::watched`], for what blocks at the start, until what is returned is dropped.
    pub(super) fn kept_awake(self: &Arc<Self>) -> mpsc::Sender<()> {
        let (awake, over) = mpsc::channel();
        let this = Arc::downgrade(self);
        let pace = self.patience / LOOKS;
        let rousing = move || {
            while over.recv_timeout(pace) == Err(RecvTimeoutError::Timeout)
                && let Some(this) = this.upgrade()
            {
                this.rouse();
            }
        };
        if let Err(error) = std::thread::Builder::new().name("store-start".to_owned()).spawn(rousing) {
            tracing::warn!(%error, "nobody looks after the start of the database");
        }
        awake
    }

    /// Where one of sled's threads met a disk that refuses, it does not tell whoever waits for it. This does, and nothing else.
    fn rouse(&self) {
        if let Some(sled) = &self.sled
            && sled.context.global_error().is_err()
        {
            drop(sled.context.pagecache.log.make_stable(i64::MAX));
        }
    }

    /// It waits for next to nothing from now on.
    #[cfg(test)]
    pub(super) fn lose_patience(this: &mut Arc<Self>) {
        // Whoever kept it awake at its start lets go of it soon.
        loop {
            if let Some(only) = Arc::get_mut(this) {
                only.patience = Duration::from_millis(90);
                return;
            }
            std::thread::yield_now();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Database {
    /// Closing flushes, which may never end on a disk that does not take anything.
    fn drop(&mut self) {
        let Some(sled) = self.sled.take() else { return };
        if !matches!(*self.state(), State::Fine) || sled.context.global_error().is_err() {
            return std::mem::forget(sled);
        }
        let (closed, closing) = mpsc::channel::<()>();
        let close = move || {
            drop(sled);
            drop(closed);
        };
        if std::thread::Builder::new().name("store-end".to_owned()).spawn(close).is_ok() {
            // Nothing is ever sent: it ends with its thread.
            let _ = closing.recv_timeout(CLOSING);
        }
    }
}

/// Answers whether nobody else has the database. If so, what would keep it from opening has been taken away, and all of it can be
/// read: where sled can't read, it takes the rest for empty.
fn prepared(folder: &Path) -> io::Result<bool> {
    let log = match OpenOptions::new().read(true).write(true).open(folder.join(LOG)) {
        Ok(log) => log,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
        Err(error) => return Err(error),
    };
    match flock(&log, FlockOperation::NonBlockingLockExclusive) {
        Err(Errno::WOULDBLOCK) => return Ok(false),
        locked => locked?,
    }
    for path in files(folder)? {
        if path.to_string_lossy().ends_with(UNFINISHED) {
            tracing::warn!(file = %path.display(), "an unfinished snapshot of the database is removed");
            fs::remove_file(path)?;
        } else {
            on(&path, |file| io::copy(file, &mut io::sink()).map(drop))?;
        }
    }
    Ok(true)
}

/// A new database is to be there after a power failure, and be read by nobody but its owner.
fn settled(folder: &Path) -> io::Result<()> {
    for path in files(folder)? {
        on(&path, |file| {
            file.set_permissions(Permissions::from_mode(0o600))?;
            file.sync_all()
        })?;
    }
    File::open(folder)?.sync_all()
}

/// An error says of which file it is.
fn on(path: &Path, work: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    let done = File::open(path).and_then(|mut file| work(&mut file));
    done.map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))
}

/// sled's own files; what else lies in the folder is none of its business.
fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let own = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name == LOG || name == "conf" || name.starts_with("snap.")
    };
    let within = |folder: &Path| fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>();
    let mut files: Vec<PathBuf> = within(folder)?.into_iter().filter(own).collect();
    // Of earlier versions, which did not cut long records.
    let blobs = folder.join("blobs");
    if blobs.is_dir() {
        files.extend(within(&blobs)?);
    }
    Ok(files)
}

/// sled wraps the refused lock in an error of its own, without a kind.
fn is_locked(error: &sled::Error) -> bool {
    matches!(error, sled::Error::Io(error) if error.to_string().contains("could not acquire lock"))
}

#[cfg(test)]
#[path = "database_tests.rs"]
mod tests;
