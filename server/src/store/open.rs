//! Opens the database, brings older records to the present version, and hands out the repositories.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use super::changes::{COMMITS, META_TREE, UNIQUE_TREE};
use super::database::Database;
use super::ledger::Ledger;
use super::log::{AuditLogs, Tail};
use super::pieces;
use super::problem::{Problem, Problems};
use super::record::{self, Record};
use super::room::Room;
use super::{
    Agent, Agents, ApiKey, ApiKeys, AuditEntry, AuditFloor, AuditHead, Changes, CommitError, Delivery, ErrorTracking, ExportRevision,
    ExportSettings, Exports, Member, Members, Meta, OpenError, ReadError, Route, Routes, Session, Sessions, SetupToken, SetupTokens, User,
    Users, Webhook, WebhookHealth, Webhooks, Workspace, Workspaces,
};

/// All there are.
const TREES: &[&str] = &[
    UNIQUE_TREE,
    META_TREE,
    pieces::TREE,
    AuditEntry::TREE,
    AuditHead::TREE,
    AuditFloor::TREE,
    User::TREE,
    Workspace::TREE,
    Member::TREE,
    Route::TREE,
    ApiKey::TREE,
    Agent::TREE,
    ExportSettings::TREE,
    ExportRevision::TREE,
    ErrorTracking::TREE,
    Webhook::TREE,
    WebhookHealth::TREE,
    Delivery::TREE,
    SetupToken::TREE,
    Session::TREE,
];
/// Older records are rewritten in transactions of this many.
const REWRITE_BATCH: usize = 500;

/// The database. Cheap to clone; the last clone to go closes it.
#[derive(Clone)]
pub struct Store {
    pub(super) database: Arc<Database>,
    pub(super) problems: Problems,
    pub(super) ledger: Ledger,
    pub(super) tail: Tail,
    pub(super) room: Room,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Store")
    }
}

impl Store {
    /// Opens the database in the folder `path`, making it (mode 0700) when it is not there. Blocks; call it at start-up.
    ///
    /// Every record is looked at once: older versions are rewritten, and what can't be read is in [`Store::problems`].
    ///
    /// # Errors
    /// The folder is in use by another process, the database is damaged, or the disk refuses.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        let io = |detail: String| OpenError::Io { path: path.to_owned(), detail };
        let damaged = |detail: String| OpenError::Damaged { path: path.to_owned(), detail };
        let database = Database::open(path, TREES)?;
        let _awake = database.kept_awake();
        let ledger = Ledger::open(path).map_err(|error| io(error.to_string()))?;
        let store = Self { database, problems: Problems::default(), ledger, tail: Tail::default(), room: Room::new(path) };
        let (there, written) = (store.commits().map_err(|error| io(error.to_string()))?, store.ledger.count());
        if there < written {
            return Err(OpenError::Lost { path: path.to_owned(), missing: written - there, written });
        }
        catch_unwind(AssertUnwindSafe(|| store.check_all()))
            .map_err(|_| damaged("reading it failed".to_owned()))?
            .map_err(|error| io(error.to_string()))?;
        Ok(store)
    }

    #[must_use]
    pub fn users(&self) -> Users<'_> {
        Users(self)
    }

    #[must_use]
    pub fn workspaces(&self) -> Workspaces<'_> {
        Workspaces(self)
    }

    #[must_use]
    pub fn members(&self) -> Members<'_> {
        Members(self)
    }

    #[must_use]
    pub fn routes(&self) -> Routes<'_> {
        Routes(self)
    }

    #[must_use]
    pub fn api_keys(&self) -> ApiKeys<'_> {
        ApiKeys(self)
    }

    #[must_use]
    pub fn agents(&self) -> Agents<'_> {
        Agents(self)
    }

    #[must_use]
    pub fn exports(&self) -> Exports<'_> {
        Exports(self)
    }

    /// Where errors are reported.
    ///
    /// # Errors
    /// The record or the store can't be read.
    pub fn error_tracking(&self) -> Result<Option<ErrorTracking>, ReadError> {
        self.get(&ErrorTracking::KEY)
    }

    #[must_use]
    pub fn webhooks(&self) -> Webhooks<'_> {
        Webhooks(self)
    }

    #[must_use]
    pub fn setup_tokens(&self) -> SetupTokens<'_> {
        SetupTokens(self)
    }

    #[must_use]
    pub fn sessions(&self) -> Sessions<'_> {
        Sessions(self)
    }

    #[must_use]
    pub fn meta(&self) -> Meta<'_> {
        Meta(self)
    }

    #[must_use]
    pub fn audit(&self) -> AuditLogs<'_> {
        AuditLogs(self)
    }

    /// Records that can't be read, as far as they have been met since the start.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        self.problems.list()
    }

    /// Whether anything can be saved now, as far as the disk goes.
    ///
    /// # Errors
    /// There is no room, or it has refused, or it does not answer.
    pub fn check_saving(&self) -> Result<(), CommitError> {
        self.database.check()?;
        self.room.check()
    }

    /// The end of the change that is under way, if there is one. Whoever made it may have been told that the disk does not answer, and it
    /// is written all the same.
    #[must_use]
    pub fn under_way(&self) -> Option<impl Future<Output = ()> + Send + use<>> {
        let database = Arc::clone(&self.database);
        database.is_writing().then_some(async move { database.written().await })
    }

    /// The same store, which waits for next to nothing.
    #[cfg(test)]
    #[must_use]
    pub fn impatient(mut self) -> Self {
        Database::lose_patience(&mut self.database);
        self
    }

    /// The same store on a disk that is nearly full.
    #[cfg(test)]
    #[must_use]
    pub fn with_little_room(&self) -> Self {
        let mut store = self.clone();
        store.room.least = u64::MAX;
        store
    }

    /// From now on the disk refuses.
    #[cfg(test)]
    pub fn refuse(&self) {
        self.database.broken("no such device");
    }

    /// Makes a stored record one that nobody can read.
    #[cfg(test)]
    pub fn damage<R: super::Record>(&self, key: &[u8]) {
        assert!(self.tree(R::TREE).unwrap().insert(key, b"damaged").unwrap().is_some(), "there is such a record");
    }

    pub(super) fn tree(&self, name: &str) -> Result<sled::Tree, ReadError> {
        Ok(self.database.tree(name)?)
    }

    /// How many transactions the database has seen.
    pub(super) fn commits(&self) -> Result<u64, ReadError> {
        let bytes = self.tree(META_TREE)?.get(COMMITS)?;
        Ok(bytes.and_then(|bytes| bytes.as_ref().try_into().ok()).map_or(0, u64::from_be_bytes))
    }

    /// Not the audit logs: they have no end, an entry is never written anew, and following a log is what checks it.
    fn check_all(&self) -> Result<(), CommitError> {
        self.check::<User>()?;
        self.check::<Workspace>()?;
        self.check::<Member>()?;
        self.check::<Route>()?;
        self.check::<ApiKey>()?;
        self.check::<Agent>()?;
        self.check::<ExportSettings>()?;
        self.check::<ExportRevision>()?;
        self.check::<ErrorTracking>()?;
        self.check::<Webhook>()?;
        self.check::<WebhookHealth>()?;
        self.check::<Delivery>()?;
        self.check::<SetupToken>()?;
        self.check::<Session>()
    }

    /// Reads every record of a kind once and rewrites those of older versions, and those that earlier versions did not cut.
    pub(super) fn check<R: Record>(&self) -> Result<(), CommitError> {
        let mut rewrite = Vec::new();
        let tree = self.tree(R::TREE)?;
        for entry in &tree {
            let (key, bytes) = entry.map_err(ReadError::from)?;
            let long = pieces::is_long(&bytes);
            let Some(bytes) = self.whole(&tree, &key, bytes)? else { continue };
            match record::decode::<R>(&key, &bytes) {
                Ok(decoded) if decoded.outdated || long => rewrite.push(decoded.record),
                Ok(_) => {}
                Err(reason) => self.problems.note(R::TREE, &key, reason),
            }
        }
        if rewrite.is_empty() {
            return Ok(());
        }
        for batch in rewrite.chunks(REWRITE_BATCH) {
            let changes = batch.iter().fold(Changes::new(), Changes::put);
            match self.apply(&changes, true) {
                // As they are they can be read, too.
                Err(error @ CommitError::NoRoom { .. }) => {
                    tracing::warn!(tree = R::TREE, %error, "stored records were not brought to the present version");
                    return Ok(());
                }
                done => done?,
            }
        }
        tracing::info!(tree = R::TREE, records = rewrite.len(), version = R::VERSION, "stored records were brought to the present version");
        Ok(())
    }
}
