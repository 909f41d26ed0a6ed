//! Who belongs to which workspace. Lies by workspace; an index by user makes the other direction as cheap.

use uuid::Uuid;

use super::{in_workspace, pair};
use crate::store::record::Unique;
use crate::store::{Member, ReadError, Record, Store};
use crate::values::TenantId;

impl Record for Member {
    const TREE: &'static str = "members";
    const VERSION: u16 = 1;
    const UNIQUE: Option<fn(&Self) -> Unique> = Some(|member| vec![("user", pair(member.user, member.workspace.0))]);

    fn key(&self) -> Vec<u8> {
        Self::key_of(self.workspace, self.user)
    }
}

impl Member {
    #[must_use]
    pub fn key_of(workspace: TenantId, user: Uuid) -> Vec<u8> {
        in_workspace(workspace, user)
    }
}

#[derive(Clone, Copy, Debug)]
pub struct Members<'a>(pub(in crate::store) &'a Store);

impl Members<'_> {
    /// # Errors
    /// The record or the store can't be read.
    pub fn get(&self, workspace: TenantId, user: Uuid) -> Result<Option<Member>, ReadError> {
        self.0.get(&Member::key_of(workspace, user))
    }

    /// # Errors
    /// The store can't be read.
    pub fn of_workspace(&self, workspace: TenantId) -> Result<Vec<Member>, ReadError> {
        self.0.scan(workspace.0.as_bytes())
    }

    /// # Errors
    /// The store can't be read.
    pub fn of_user(&self, user: Uuid) -> Result<Vec<Member>, ReadError> {
        self.0.by_unique_prefix("user", user.as_bytes())
    }

    /// # Errors
    /// The store can't be read.
    pub fn count_of(&self, workspace: TenantId) -> Result<usize, ReadError> {
        Ok(self.0.keys::<Member>(workspace.0.as_bytes())?.len())
    }
}
