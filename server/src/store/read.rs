//! Reading, for the repositories: one record, a range, and by unique index. Scans leave out what can't be read and
//! report it.

use std::ops::ControlFlow;

use super::changes::{UNIQUE_TREE, unique_key};
use super::record::{self, Record};
use super::{ReadError, Store};

impl Store {
    pub(super) fn get<R: Record>(&self, key: &[u8]) -> Result<Option<R>, ReadError> {
        let tree = self.tree(R::TREE)?;
        let Some(bytes) = tree.get(key)? else { return Ok(None) };
        let Some(bytes) = self.whole(&tree, key, bytes)? else { return Ok(None) };
        match record::decode(key, &bytes) {
            Ok(decoded) => Ok(Some(decoded.record)),
            Err(reason) => {
                self.problems.note(R::TREE, key, reason);
                Err(ReadError::Undecodable { tree: R::TREE, reason })
            }
        }
    }

    /// All readable records whose key starts with `prefix`, in key order.
    pub(super) fn scan<R: Record>(&self, prefix: &[u8]) -> Result<Vec<R>, ReadError> {
        let mut found = Vec::new();
        self.each(prefix, |record| found.push(record))?;
        Ok(found)
    }

    /// As [`Store::scan`], one by one.
    pub(super) fn each<R: Record>(&self, prefix: &[u8], mut visit: impl FnMut(R)) -> Result<(), ReadError> {
        let tree = self.tree(R::TREE)?;
        for entry in tree.scan_prefix(prefix) {
            let (key, bytes) = entry?;
            let Some(bytes) = self.whole(&tree, &key, bytes)? else { continue };
            match record::decode(&key, &bytes) {
                Ok(decoded) => visit(decoded.record),
                Err(reason) => self.problems.note(R::TREE, &key, reason),
            }
        }
        Ok(())
    }

    /// As [`Store::each`], backwards from below `before`, until `visit` has seen enough.
    pub(super) fn each_back<R: Record>(
        &self,
        prefix: &[u8],
        before: &[u8],
        mut visit: impl FnMut(R) -> ControlFlow<()>,
    ) -> Result<(), ReadError> {
        let tree = self.tree(R::TREE)?;
        for entry in tree.range(prefix..before).rev() {
            let (key, bytes) = entry?;
            let Some(bytes) = self.whole(&tree, &key, bytes)? else { continue };
            match record::decode(&key, &bytes) {
                Ok(decoded) => {
                    if visit(decoded.record).is_break() {
                        break;
                    }
                }
                Err(reason) => self.problems.note(R::TREE, &key, reason),
            }
        }
        Ok(())
    }

    /// All keys that start with `prefix`, of readable records or not.
    pub(super) fn keys<R: Record>(&self, prefix: &[u8]) -> Result<Vec<Vec<u8>>, ReadError> {
        self.tree(R::TREE)?.scan_prefix(prefix).keys().map(|key| Ok(key?.to_vec())).collect()
    }

    pub(super) fn by_unique<R: Record>(&self, index: &'static str, value: &[u8]) -> Result<Option<R>, ReadError> {
        let Some(key) = self.tree(UNIQUE_TREE)?.get(unique_key(R::TREE, index, value))? else { return Ok(None) };
        let record: Option<R> = self.get(&key)?;
        // The entry may be one that an unreadable record left behind.
        Ok(record.filter(|record| record::unique(record).iter().any(|(other, held)| *other == index && held == value)))
    }

    /// All readable records that have a value with this prefix in the index, in the index's order.
    pub(super) fn by_unique_prefix<R: Record>(&self, index: &'static str, prefix: &[u8]) -> Result<Vec<R>, ReadError> {
        let records = self.tree(R::TREE)?;
        let mut found = Vec::new();
        for entry in self.tree(UNIQUE_TREE)?.scan_prefix(unique_key(R::TREE, index, prefix)) {
            let (_, key) = entry?;
            let Some(bytes) = records.get(&key)? else { continue };
            let Some(bytes) = self.whole(&records, &key, bytes)? else { continue };
            match record::decode::<R>(&key, &bytes) {
                Ok(decoded) if record::unique(&decoded.record).iter().any(|(other, held)| *other == index && held.starts_with(prefix)) => {
                    found.push(decoded.record);
                }
                Ok(_) => {}
                Err(reason) => self.problems.note(R::TREE, &key, reason),
            }
        }
        Ok(found)
    }
}
