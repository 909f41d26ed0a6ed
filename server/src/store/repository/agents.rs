//! A workspace's AI agents, by slug.

use uuid::Uuid;

use super::{in_workspace, slug_key};
use crate::store::record::Unique;
use crate::store::{Agent, ReadError, Record, Store};
use crate::values::{Slug, TenantId};

impl Record for Agent {
    const TREE: &'static str = "agents";
    const VERSION: u16 = 1;
    const UNIQUE: Option<fn(&Self) -> Unique> = Some(|agent| vec![("slug", slug_key(agent.workspace, &agent.slug))]);

    fn key(&self) -> Vec<u8> {
        Self::key_of(self.workspace, self.id)
    }
}

impl Agent {
    #[must_use]
    pub fn key_of(workspace: TenantId, id: Uuid) -> Vec<u8> {
        in_workspace(workspace, id)
    }
}

#[derive(Clone, Copy, Debug)]
pub struct Agents<'a>(pub(in crate::store) &'a Store);

impl Agents<'_> {
    /// # Errors
    /// The record or the store can't be read.
    pub fn by_slug(&self, workspace: TenantId, slug: &Slug) -> Result<Option<Agent>, ReadError> {
        self.0.by_unique("slug", &slug_key(workspace, slug))
    }

    /// In the order they were made, as far as ids of version 7 tell.
    ///
    /// # Errors
    /// The store can't be read.
    pub fn of_workspace(&self, workspace: TenantId) -> Result<Vec<Agent>, ReadError> {
        self.0.scan(workspace.0.as_bytes())
    }

    /// # Errors
    /// The store can't be read.
    pub fn all(&self) -> Result<Vec<Agent>, ReadError> {
        self.0.scan(&[])
    }
}
