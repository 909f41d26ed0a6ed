//! A workspace's API keys, by id. Their hashes are unique over all workspaces: a key names its workspace.

use uuid::Uuid;

use super::in_workspace;
use crate::store::record::Unique;
use crate::store::{ApiKey, ReadError, Record, Store};
use crate::values::TenantId;

impl Record for ApiKey {
    const TREE: &'static str = "api_keys";
    const VERSION: u16 = 1;
    const UNIQUE: Option<fn(&Self) -> Unique> = Some(|key| vec![("hash", key.hash.as_bytes().to_vec())]);

    fn key(&self) -> Vec<u8> {
        Self::key_of(self.workspace, self.id)
    }
}

impl ApiKey {
    #[must_use]
    pub fn key_of(workspace: TenantId, id: Uuid) -> Vec<u8> {
        in_workspace(workspace, id)
    }
}

#[derive(Clone, Copy, Debug)]
pub struct ApiKeys<'a>(pub(in crate::store) &'a Store);

impl ApiKeys<'_> {
    /// # Errors
    /// The record or the store can't be read.
    pub fn get(&self, workspace: TenantId, id: Uuid) -> Result<Option<ApiKey>, ReadError> {
        self.0.get(&ApiKey::key_of(workspace, id))
    }

    /// By the lower-case hex of the key's SHA-256.
    ///
    /// # Errors
    /// The record or the store can't be read.
    pub fn by_hash(&self, hash: &str) -> Result<Option<ApiKey>, ReadError> {
        self.0.by_unique("hash", hash.as_bytes())
    }

    /// # Errors
    /// The store can't be read.
    pub fn of_workspace(&self, workspace: TenantId) -> Result<Vec<ApiKey>, ReadError> {
        self.0.scan(workspace.0.as_bytes())
    }

    /// # Errors
    /// The store can't be read.
    pub fn all(&self) -> Result<Vec<ApiKey>, ReadError> {
        self.0.scan(&[])
    }
}
