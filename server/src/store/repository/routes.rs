//! A workspace's routes, by id and by slug.

use uuid::Uuid;

use super::{in_workspace, slug_key};
use crate::store::record::Unique;
use crate::store::{ReadError, Record, Route, Store};
use crate::values::{Slug, TenantId};

impl Record for Route {
    const TREE: &'static str = "routes";
    const VERSION: u16 = 1;
    const UNIQUE: Option<fn(&Self) -> Unique> = Some(|route| vec![("slug", slug_key(route.workspace, &route.slug))]);

    fn key(&self) -> Vec<u8> {
        Self::key_of(self.workspace, self.id)
    }
}

impl Route {
    #[must_use]
    pub fn key_of(workspace: TenantId, id: Uuid) -> Vec<u8> {
        in_workspace(workspace, id)
    }
}

#[derive(Clone, Copy, Debug)]
pub struct Routes<'a>(pub(in crate::store) &'a Store);

impl Routes<'_> {
    /// # Errors
    /// The record or the store can't be read.
    pub fn get(&self, workspace: TenantId, id: Uuid) -> Result<Option<Route>, ReadError> {
        self.0.get(&Route::key_of(workspace, id))
    }

    /// # Errors
    /// The record or the store can't be read.
    pub fn by_slug(&self, workspace: TenantId, slug: &Slug) -> Result<Option<Route>, ReadError> {
        self.0.by_unique("slug", &slug_key(workspace, slug))
    }

    /// In the order they were made, as far as ids of version 7 tell.
    ///
    /// # Errors
    /// The store can't be read.
    pub fn of_workspace(&self, workspace: TenantId) -> Result<Vec<Route>, ReadError> {
        self.0.scan(workspace.0.as_bytes())
    }

    /// # Errors
    /// The store can't be read.
    pub fn all(&self) -> Result<Vec<Route>, ReadError> {
        self.0.scan(&[])
    }

    /// # Errors
    /// The store can't be read.
    pub fn count_of(&self, workspace: TenantId) -> Result<usize, ReadError> {
        Ok(self.0.keys::<Route>(workspace.0.as_bytes())?.len())
    }
}
