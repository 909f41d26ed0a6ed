//! Reading the audit logs: the Global one takes the operator, a workspace's one of its members.

use super::{Error, Settings};
use crate::audit::{Filter, Log, Verdict, Written};
use crate::auth::{Operator, WorkspaceMember};
use crate::store::{AuditLogs, Listing, ReadError, Store};

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

impl Settings {
    /// Up to `limit` entries older than `before`, the newest first.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn audit_page(&self, reader: &LogReader, filter: Filter, before: Option<u64>, limit: usize) -> Result<Listing, Error> {
        let log = reader.log();
        reading(self.store(), move |logs| logs.page(log, &filter, before, limit)).await
    }

    /// Follows the chain of hashes from the log's beginning.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn verify_audit(&self, reader: &LogReader) -> Result<Verdict, Error> {
        let log = reader.log();
        reading(self.store(), move |logs| logs.verify(log)).await
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
    Ok(read.map_err(|_| Error::Store("reading the audit log was interrupted".to_owned()))??)
}
