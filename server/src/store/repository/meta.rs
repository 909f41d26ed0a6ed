//! Facts about the database itself.

use crate::store::changes::META_TREE;
use crate::store::{CommitError, ReadError, Store};
use crate::vault::Sealed;

const KEY_CHECK: &str = "key_check";

#[derive(Clone, Copy, Debug)]
pub struct Meta<'a>(pub(in crate::store) &'a Store);

impl Meta<'_> {
    /// A known text, sealed with the master key that this database belongs to. One that can't be read counts as none.
    ///
    /// # Errors
    /// The store can't be read.
    pub fn key_check(&self) -> Result<Option<Sealed>, ReadError> {
        let bytes = self.0.tree(META_TREE)?.get(KEY_CHECK)?;
        Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
    }

    /// Blocks until it is on disk; called at start-up.
    ///
    /// # Errors
    /// The store can't be written.
    pub fn set_key_check(&self, sealed: &Sealed) -> Result<(), CommitError> {
        let bytes = serde_json::to_vec(sealed).map_err(|_| CommitError::Io("the key check can't be encoded".to_owned()))?;
        let tree = self.0.tree(META_TREE)?;
        tree.insert(KEY_CHECK, bytes).map_err(|error| CommitError::Io(error.to_string()))?;
        let _awake = self.0.database.kept_awake();
        self.0.database.flush().map_err(|error| CommitError::Io(error.to_string()))
    }
}
