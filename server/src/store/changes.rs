//! A set of writes that happens whole or not at all, with the unique indexes kept in step.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use serde_json::Value;
use sled::transaction::{
    ConflictableTransactionError, ConflictableTransactionResult, TransactionError, Transactional, TransactionalTree,
    UnabortableTransactionError,
};

use super::database::INTERRUPTED;
use super::log::Pending;
use super::pieces::{self, Cut, Records};
use super::record::{self, Record, Unique};
use super::{CommitError, Store};
use crate::audit::{Told, Written};

/// The tree of all unique indexes: `tree NUL index NUL value` to the record's key.
pub(super) const UNIQUE_TREE: &str = "unique";

/// The tree of facts about the database itself.
pub(super) const META_TREE: &str = "meta";
/// There: how many transactions there were, big-endian.
pub(super) const COMMITS: &str = "commits";

pub(super) type TxResult<T> = ConflictableTransactionResult<T, CommitError>;

/// Writes that belong together. Applied in order.
#[derive(Default)]
#[must_use]
pub struct Changes {
    ops: Vec<Op>,
    /// A record could not be encoded; the whole set is refused.
    broken: Option<&'static str>,
}

/// The unique values of a stored record, by its key and bytes; `None` when it can't be read.
type UniqueOf = fn(&[u8], &[u8]) -> Option<Unique>;

struct Op {
    tree: &'static str,
    key: Vec<u8>,
    action: Action,
    /// If anything is unique about this kind of record.
    unique_of: Option<UniqueOf>,
    /// A stored record of this kind as a comparable value.
    value_of: fn(&[u8], &[u8]) -> Option<Value>,
}

enum Action {
    Put { cut: Cut, unique: Unique },
    Delete,
    ExpectUnchanged(Value),
    ExpectAbsent,
}

impl Changes {
    pub fn new() -> Self {
        Self::default()
    }

    /// Writes a record, in place of what lies under its key.
    pub fn put<R: Record>(mut self, record: &R) -> Self {
        match record::encode(record).and_then(Cut::new) {
            Ok(cut) => self.push::<R>(record.key(), Action::Put { cut, unique: record::unique(record) }),
            Err(_) => self.broken = Some(R::TREE),
        }
        self
    }

    /// Removes what lies under a key (see `key_of` of each kind), readable or not.
    pub fn delete<R: Record>(mut self, key: &[u8]) -> Self {
        self.push::<R>(key.to_vec(), Action::Delete);
        self
    }

    /// Refuses the whole set with [`CommitError::Stale`] unless the record still is as given.
    pub fn expect_unchanged<R: Record>(mut self, record: &R) -> Self {
        match serde_json::to_value(record) {
            Ok(value) => self.push::<R>(record.key(), Action::ExpectUnchanged(value)),
            Err(_) => self.broken = Some(R::TREE),
        }
        self
    }

    /// Refuses the whole set with [`CommitError::Stale`] if something lies under the key.
    pub fn expect_absent<R: Record>(mut self, key: &[u8]) -> Self {
        self.push::<R>(key.to_vec(), Action::ExpectAbsent);
        self
    }

    /// Everything of `other` after everything of this one.
    pub fn and(mut self, other: Self) -> Self {
        self.ops.extend(other.ops);
        self.broken = self.broken.or(other.broken);
        self
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ops.is_empty() && self.broken.is_none()
    }

    fn push<R: Record>(&mut self, key: Vec<u8>, action: Action) {
        self.ops.push(Op {
            tree: R::TREE,
            key,
            action,
            unique_of: R::UNIQUE.map(|_| stored_unique::<R> as UniqueOf),
            value_of: |key, bytes| record::decode::<R>(key, bytes).ok().and_then(|d| serde_json::to_value(d.record).ok()),
        });
    }
}

fn stored_unique<R: Record>(key: &[u8], bytes: &[u8]) -> Option<Unique> {
    record::decode::<R>(key, bytes).ok().map(|decoded| record::unique(&decoded.record))
}

impl std::fmt::Debug for Changes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Changes({})", self.ops.len())
    }
}

impl Store {
    /// Applies the changes in one transaction and returns when they are on disk.
    ///
    /// # Errors
    /// Nothing was written: a unique value is taken, an expectation failed, or the disk refused.
    pub async fn commit(&self, changes: Changes) -> Result<(), CommitError> {
        self.run(changes, Vec::new(), true).await
    }

    /// As [`Store::commit`], with the audit log's entry of what the changes do: both are written, or neither.
    ///
    /// # Errors
    /// As [`Store::commit`].
    pub async fn commit_told(&self, changes: Changes, told: Told) -> Result<(), CommitError> {
        self.run(changes, vec![told], true).await
    }

    /// As [`Store::commit_told`], where several logs are told, or one several things.
    ///
    /// # Errors
    /// As [`Store::commit`].
    pub async fn commit_all_told(&self, changes: Changes, told: Vec<Told>) -> Result<(), CommitError> {
        self.run(changes, told, true).await
    }

    /// As [`Store::commit`], but returns before the changes are on disk; they follow within half a second. For what may be
    /// lost in a power failure, such as the time a session was last used.
    ///
    /// # Errors
    /// As [`Store::commit`].
    pub async fn commit_relaxed(&self, changes: Changes) -> Result<(), CommitError> {
        self.run(changes, Vec::new(), false).await
    }

    async fn run(&self, changes: Changes, told: Vec<Told>, flush: bool) -> Result<(), CommitError> {
        if changes.is_empty() && told.is_empty() {
            return Ok(());
        }
        let store = self.clone();
        // A task of its own: whoever asked may go away, and the change is still looked after.
        let done = tokio::spawn(async move {
            let (database, turn) = (Arc::clone(&store.database), store.database.turn().await?);
            let change = tokio::task::spawn_blocking(move || {
                let _turn = turn;
                store.apply_told(&changes, &told, flush)
            });
            database.watched(change).await
        });
        done.await.unwrap_or_else(|_| Err(CommitError::Io(INTERRUPTED.to_owned())))
    }

    /// The blocking part of [`Store::commit`].
    pub(super) fn apply(&self, changes: &Changes, flush: bool) -> Result<(), CommitError> {
        self.apply_told(changes, &[], flush)
    }

    fn apply_told(&self, changes: &Changes, told: &[Told], flush: bool) -> Result<(), CommitError> {
        if let Some(tree) = changes.broken {
            return Err(CommitError::Io(format!("a record of {tree} can't be encoded")));
        }
        self.room.check()?;
        let pending: Vec<Pending<'_>> = told.iter().map(|told| Pending::new(self, told)).collect::<Result<_, _>>()?;
        let mut names = vec![UNIQUE_TREE, META_TREE, pieces::TREE];
        if !pending.is_empty() {
            names.extend(Pending::TREES);
        }
        for op in &changes.ops {
            if !names.contains(&op.tree) {
                names.push(op.tree);
            }
        }
        let trees: Vec<sled::Tree> = names.iter().map(|name| self.tree(name)).collect::<Result<_, _>>()?;
        // Until then a failure, or a panic of sled's, is one of reading, and nothing is written.
        let decided = Cell::new(false);
        let failed = |why: &str| if decided.get() { self.database.broken(why) } else { CommitError::Io(why.to_owned()) };
        let transaction = || {
            trees.as_slice().transaction(|views: &Vec<TransactionalTree>| {
                let [unique, meta, pieces, rest @ ..] = views.as_slice() else { return Ok((0, Vec::new())) };
                for op in &changes.ops {
                    // It is there: `names` was made from these very operations.
                    if let Some(tree) = names.iter().position(|name| *name == op.tree).and_then(|at| views.get(at)) {
                        op.apply(Records { tree, pieces }, unique)?;
                    }
                }
                let before = get(meta, COMMITS.as_bytes())?.and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_be_bytes);
                meta.insert(COMMITS, &(before + 1).to_be_bytes()).map_err(storage)?;
                let written = match rest {
                    [entries, heads, ..] => {
                        let (entries, heads) = (Records { tree: entries, pieces }, Records { tree: heads, pieces });
                        pending.iter().map(|pending| pending.append(entries, heads)).collect::<TxResult<_>>()?
                    }
                    _ => Vec::new(),
                };
                decided.set(true);
                Ok((before + 1, written))
            })
        };
        let (count, written): (u64, Vec<Written>) = match catch_unwind(AssertUnwindSafe(transaction)) {
            Ok(done) => done.map_err(|error| match error {
                TransactionError::Abort(error) => error,
                TransactionError::Storage(error) => failed(&error.to_string()),
            })?,
            Err(_) => return Err(failed(INTERRUPTED)),
        };
        for op in &changes.ops {
            if matches!(op.action, Action::Put { .. } | Action::Delete) {
                self.problems.clear(op.tree, &op.key);
            }
        }
        if flush {
            self.database.flush().map_err(|error| self.database.broken(&error.to_string()))?;
            self.ledger.note(count);
        }
        written.into_iter().for_each(|written| self.tail.say(written));
        Ok(())
    }
}

impl Op {
    fn apply(&self, records: Records<'_>, unique_tree: &TransactionalTree) -> TxResult<()> {
        match &self.action {
            Action::Put { cut, unique } => {
                for (index, value) in unique {
                    self.check_free(records, unique_tree, index, value)?;
                }
                self.forget(records, unique_tree)?;
                for (index, value) in unique {
                    unique_tree.insert(unique_key(self.tree, index, value), self.key.as_slice()).map_err(storage)?;
                }
                records.put(&self.key, cut)?;
            }
            Action::Delete => {
                self.forget(records, unique_tree)?;
                records.remove(&self.key)?;
            }
            Action::ExpectUnchanged(expected) => {
                let now = records.get(&self.key)?.and_then(|bytes| (self.value_of)(&self.key, &bytes));
                if now.as_ref() != Some(expected) {
                    return Err(ConflictableTransactionError::Abort(CommitError::Stale { tree: self.tree }));
                }
            }
            Action::ExpectAbsent => {
                if records.get(&self.key)?.is_some() {
                    return Err(ConflictableTransactionError::Abort(CommitError::Stale { tree: self.tree }));
                }
            }
        }
        Ok(())
    }

    /// An entry of the index counts only while its record is there and still has that value (one that could not be read
    /// when it was overwritten leaves its entries behind). A record that can't be read keeps its values.
    fn check_free(&self, records: Records<'_>, unique_tree: &TransactionalTree, index: &'static str, value: &[u8]) -> TxResult<()> {
        let Some(owner) = get(unique_tree, &unique_key(self.tree, index, value))? else { return Ok(()) };
        if owner == self.key {
            return Ok(());
        }
        let Some(bytes) = records.get(&owner)? else { return Ok(()) };
        let holds = self
            .unique_of
            .and_then(|of| of(&owner, &bytes))
            .is_none_or(|values| values.iter().any(|(other, held)| *other == index && held == value));
        if holds { Err(ConflictableTransactionError::Abort(CommitError::Taken { tree: self.tree, index })) } else { Ok(()) }
    }

    /// What lies under the key is to be there no more. Where nothing is unique about it, it is not even read: it may be long.
    fn forget(&self, records: Records<'_>, unique_tree: &TransactionalTree) -> TxResult<()> {
        let Some(unique_of) = self.unique_of else { return Ok(()) };
        let old = records.get(&self.key)?;
        for (index, value) in old.and_then(|bytes| unique_of(&self.key, &bytes)).unwrap_or_default() {
            let key = unique_key(self.tree, index, &value);
            if get(unique_tree, &key)?.is_some_and(|owner| owner == self.key) {
                unique_tree.remove(key).map_err(storage)?;
            }
        }
        Ok(())
    }
}

pub(super) fn unique_key(tree: &str, index: &str, value: &[u8]) -> Vec<u8> {
    let mut key = Vec::with_capacity(tree.len() + index.len() + value.len() + 2);
    key.extend_from_slice(tree.as_bytes());
    key.push(0);
    key.extend_from_slice(index.as_bytes());
    key.push(0);
    key.extend_from_slice(value);
    key
}

pub(super) fn get(tree: &TransactionalTree, key: &[u8]) -> TxResult<Option<Vec<u8>>> {
    Ok(tree.get(key).map_err(storage)?.map(|bytes| bytes.to_vec()))
}

pub(super) fn unencodable(tree: &str) -> ConflictableTransactionError<CommitError> {
    ConflictableTransactionError::Abort(CommitError::Io(format!("a record of {tree} can't be encoded")))
}

pub(super) fn storage(error: UnabortableTransactionError) -> ConflictableTransactionError<CommitError> {
    error.into()
}

#[cfg(test)]
#[path = "changes_tests.rs"]
mod tests;
