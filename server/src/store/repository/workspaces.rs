//! Workspaces, by id, by slug and as pages; and everything that goes when one is deleted.

use crate::store::record::Unique;
use crate::store::{
    Agent, ApiKey, Changes, Delivery, ExportRevision, ExportSettings, Member, ReadError, Record, Route, Store, Webhook, WebhookHealth,
    Workspace,
};
use crate::values::{Slug, TenantId};

impl Record for Workspace {
    const TREE: &'static str = "workspaces";
    const VERSION: u16 = 1;
    const UNIQUE: Option<fn(&Self) -> Unique> = Some(|workspace| vec![("slug", workspace.slug.as_str().as_bytes().to_vec())]);

    fn key(&self) -> Vec<u8> {
        Self::key_of(self.id)
    }
}

impl Workspace {
    #[must_use]
    pub fn key_of(id: TenantId) -> Vec<u8> {
        id.0.as_bytes().to_vec()
    }
}

/// Some rows, and how many there are in all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rows<T> {
    pub rows: Vec<T>,
    pub total: u64,
}

#[derive(Clone, Copy, Debug)]
pub struct Workspaces<'a>(pub(in crate::store) &'a Store);

impl Workspaces<'_> {
    /// # Errors
    /// The record or the store can't be read.
    pub fn get(&self, id: TenantId) -> Result<Option<Workspace>, ReadError> {
        self.0.get(&Workspace::key_of(id))
    }

    /// # Errors
    /// The record or the store can't be read.
    pub fn by_slug(&self, slug: &Slug) -> Result<Option<Workspace>, ReadError> {
        self.0.by_unique("slug", slug.as_str().as_bytes())
    }

    /// # Errors
    /// The store can't be read.
    pub fn all(&self) -> Result<Vec<Workspace>, ReadError> {
        self.0.scan(&[])
    }

    /// One page (counted from 0) of those whose name, slug or id contains `search`, without regard to case, by name.
    ///
    /// # Errors
    /// The store can't be read.
    pub fn page(&self, search: &str, page: u32, per_page: u32) -> Result<Rows<Workspace>, ReadError> {
        let wanted = search.trim().to_lowercase();
        let matches = |workspace: &Workspace| {
            wanted.is_empty()
                || workspace.slug.as_str().contains(&wanted)
                || workspace.name.as_str().to_lowercase().contains(&wanted)
                || workspace.id.to_string() == wanted
        };
        let mut found = self.all()?;
        found.retain(matches);
        found.sort_by_cached_key(|workspace| (workspace.name.as_str().to_lowercase(), workspace.slug.clone()));
        let total = found.len() as u64;
        let skip = page as usize * per_page as usize;
        Ok(Rows { rows: found.into_iter().skip(skip).take(per_page as usize).collect(), total })
    }

    /// Removes a workspace with everything in it, unreadable records too. Accounts of its members stay.
    ///
    /// # Errors
    /// The store can't be read.
    pub fn deletion(&self, id: TenantId) -> Result<Changes, ReadError> {
        let prefix = id.0.as_bytes();
        let changes = self.delete_range::<Member>(Changes::new(), prefix)?;
        let changes = self.delete_range::<Route>(changes, prefix)?;
        let changes = self.delete_range::<ApiKey>(changes, prefix)?;
        let changes = self.delete_range::<Agent>(changes, prefix)?;
        let changes = self.delete_range::<ExportSettings>(changes, prefix)?;
        let changes = self.delete_range::<ExportRevision>(changes, prefix)?;
        let changes = self.delete_range::<Webhook>(changes, prefix)?;
        let changes = self.delete_range::<WebhookHealth>(changes, prefix)?;
        let changes = self.delete_range::<Delivery>(changes, prefix)?;
        Ok(changes.delete::<Workspace>(&Workspace::key_of(id)))
    }

    fn delete_range<R: Record>(&self, changes: Changes, prefix: &[u8]) -> Result<Changes, ReadError> {
        Ok(self.0.keys::<R>(prefix)?.iter().fold(changes, |changes, key| changes.delete::<R>(key)))
    }
}
