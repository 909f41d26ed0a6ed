//! Reading the audit logs: the Global one takes the operator, a workspace's one of its members. And what leaves them with time.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use uuid::Uuid;

use super::publish::Scope;
use super::{Error, Settings};
use crate::audit::{Action, Actor, Filter, Log, Resource, Told, Verdict, Who, Written};
use crate::auth::{Operator, WorkspaceMember};
use crate::cause::Cause;
use crate::store::{AuditLogs, Expired, Listing, ReadError, Store, UnixMillis};

/// The right to look at one log.
#[derive(Clone, Debug)]
pub enum LogReader {
    Operator(Operator),
    Workspace(WorkspaceMember),
}

impl LogReader {
    const fn log(&self) -> Log {
        match self {
            Self::Operator(_) => Log::Global,
            Self::Workspace(member) => Log::Workspace(member.workspace()),
        }
    }
}

/// Logs whose chain is being followed.
#[derive(Clone, Debug, Default)]
pub(super) struct Verifying(Arc<Mutex<HashSet<Uuid>>>);

/// One of them, until it is dropped.
#[derive(Debug)]
pub(super) struct Following {
    all: Verifying,
    log: Log,
}

impl Verifying {
    /// `None` while it is being followed.
    pub(super) fn begin(&self, log: Log) -> Option<Following> {
        self.lock().insert(log.id()).then(|| Following { all: self.clone(), log })
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<Uuid>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        self.all.lock().remove(&self.log.id());
    }
}

impl Settings {
    /// Up to `limit` entries older than `before`, the newest first.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn audit_page(&self, reader: &LogReader, filter: Filter, before: Option<u64>, limit: usize) -> Result<Listing, Error> {
        let log = reader.log();
        reading(self.store(), move |logs| logs.page(log, &filter, before, limit)).await
    }

    /// Follows the chain of hashes from the log's beginning: one at a time of each log, also when whoever asked does not wait
    /// for it any more.
    ///
    /// # Errors
    /// It is being followed already ([`Error::Verifying`]), or the store can't be read.
    pub async fn verify_audit(&self, reader: &LogReader) -> Result<Verdict, Error> {
        let log = reader.log();
        let following = self.verifying().begin(log).ok_or(Error::Verifying)?;
        reading(self.store(), move |logs| {
            let verdict = logs.verify(log);
            drop(following);
            verdict
        })
        .await
    }

    /// Removes what was written before `before` from every log, each time with an entry that tells of it. Returns how many.
    ///
    /// # Errors
    /// The store can't be read or written.
    pub async fn trim_audit(&self, before: UnixMillis) -> Result<u64, Error> {
        let mut removed = 0;
        for log in reading(self.store(), |logs| logs.logs()).await?.into_iter().map(Log::of) {
            loop {
                let guard = self.writing().await;
                let Some(expired) = reading(self.store(), move |logs| logs.expired(log, before)).await? else { break };
                let Expired { first, last, .. } = expired;
                let oldest = Resource::new("audit_log", &format!("entries {first} to {last}"), None);
                let told = Told::new(&Who::from(Actor::System), log, Action::AuditTrimmed, oldest);
                self.save(guard, expired.changes(), Scope::Nothing, told).await?;
                removed += last - first + 1;
            }
        }
        Ok(removed)
    }

    /// The number of the log's last entry; 0 for an empty one.
    ///
    /// # Errors
    /// The head or the store can't be read.
    pub fn audit_end(&self, reader: &LogReader) -> Result<u64, Error> {
        Ok(self.store().audit().head(reader.log())?.map_or(0, |head| head.sequence))
    }

    /// Some entries that match, oldest first, and where the next ones begin; see [`AuditLogs::after`].
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn audit_after(
        &self,
        reader: &LogReader,
        filter: Filter,
        after: u64,
        until: u64,
    ) -> Result<Option<(Vec<Written>, u64)>, Error> {
        let log = reader.log();
        reading(self.store(), move |logs| logs.after(log, &filter, after, until)).await
    }
}

/// A log may be long: reading it must not hold up other requests.
async fn reading<T: Send + 'static>(
    store: &Store,
    read: impl FnOnce(AuditLogs<'_>) -> Result<T, ReadError> + Send + 'static,
) -> Result<T, Error> {
    let store = store.clone();
    let read = tokio::task::spawn_blocking(move || read(store.audit())).await;
    Ok(read.map_err(|_| Error::store(Cause::Interrupted, "reading the audit log was interrupted"))??)
}
