//! Workspaces: the operator's list, making, renaming, switching off, deleting.

use uuid::Uuid;

use super::publish::Scope;
use super::told::{self, Step};
use super::{Error, Settings};
use crate::auth::{Operator, Who, WorkspaceAdmin, WorkspaceMember};
use crate::store::{Changes, ReadError, Rows, Workspace, now};
use crate::values::{DisplayName, Field, Rule, Slug, TenantId};

/// One row of the operator's list.
#[derive(Clone, Debug)]
pub struct WorkspaceEntry {
    pub workspace: Workspace,
    pub routes: usize,
    pub members: usize,
    /// It has a telemetry endpoint of its own, and is enabled.
    pub exporting: bool,
}

impl Settings {
    /// One page, counted from 0; see [`crate::store::Workspaces::page`].
    ///
    /// # Errors
    /// The store can't be read.
    pub fn workspaces(&self, _witness: &Operator, search: &str, page: u32, per_page: u32) -> Result<Rows<WorkspaceEntry>, Error> {
        let store = self.store();
        let found = store.workspaces().page(search, page, per_page)?;
        let exports = self.exports();
        let exports = exports.borrow();
        let rows = found.rows.into_iter().map(|workspace| {
            Ok(WorkspaceEntry {
                routes: store.routes().count_of(workspace.id)?,
                members: store.members().count_of(workspace.id)?,
                exporting: exports.tenants.contains_key(&workspace.id),
                workspace,
            })
        });
        Ok(Rows { rows: rows.collect::<Result<_, ReadError>>()?, total: found.total })
    }

    /// # Errors
    /// It is gone.
    pub fn workspace(&self, witness: &WorkspaceMember) -> Result<Workspace, Error> {
        self.store().workspaces().get(witness.workspace())?.ok_or(Error::NotFound)
    }

    /// # Errors
    /// Slug or name break a rule, or the slug is taken.
    pub async fn create_workspace(&self, witness: &Operator, slug: &str, name: &str) -> Result<Workspace, Error> {
        let workspace = Workspace {
            id: TenantId(Uuid::now_v7()),
            slug: Slug::parse(slug).map_err(Error::invalid(Field::Slug))?,
            name: DisplayName::parse(name).map_err(Error::invalid(Field::Name))?,
            enabled: true,
            created_at: now(),
        };
        let guard = self.writing().await;
        let told = told::workspace(witness.who(), &Step::Made(&workspace));
        self.save(guard, Changes::new().put(&workspace), Scope::Workspace(workspace.id), told).await?;
        Ok(workspace)
    }

    /// # Errors
    /// The name breaks a rule, or the workspace is gone.
    pub async fn rename_workspace(&self, witness: &WorkspaceAdmin, name: &str) -> Result<(), Error> {
        let name = DisplayName::parse(name).map_err(Error::invalid(Field::Name))?;
        self.change_workspace(witness.who(), witness.workspace(), |workspace| workspace.name = name).await
    }

    /// A disabled workspace's keys are refused and it exports nothing; its data stays.
    ///
    /// # Errors
    /// The workspace is gone.
    pub async fn enable_workspace(&self, witness: &Operator, id: TenantId, enabled: bool) -> Result<(), Error> {
        self.change_workspace(witness.who(), id, |workspace| workspace.enabled = enabled).await
    }

    /// Removes it with everything in it, in one commit; its audit log stays. `confirmation` must be its slug.
    ///
    /// # Errors
    /// The confirmation is wrong, or the workspace is gone.
    pub async fn delete_workspace(&self, witness: &Operator, id: TenantId, confirmation: &str) -> Result<(), Error> {
        let guard = self.writing().await;
        let workspace = self.store().workspaces().get(id)?.ok_or(Error::NotFound)?;
        confirm(confirmation, workspace.slug.as_str())?;
        let changes = self.store().workspaces().deletion(id)?;
        self.save(guard, changes, Scope::Workspace(id), told::workspace(witness.who(), &Step::Gone(&workspace))).await
    }

    async fn change_workspace(&self, who: &Who, id: TenantId, change: impl FnOnce(&mut Workspace)) -> Result<(), Error> {
        let guard = self.writing().await;
        let old = self.store().workspaces().get(id)?.ok_or(Error::NotFound)?;
        let mut new = old.clone();
        change(&mut new);
        let told = told::workspace(who, &Step::Changed(&old, &new));
        if told.is_empty() {
            return Ok(());
        }
        let scope = if new.enabled == old.enabled { Scope::Nothing } else { Scope::Workspace(id) };
        self.save(guard, Changes::new().expect_unchanged(&old).put(&new), scope, told).await
    }
}

pub(super) fn confirm(given: &str, expected: &str) -> Result<(), Error> {
    if given.trim() == expected { Ok(()) } else { Err(Error::Invalid { field: Field::Confirmation, rule: Rule::ConfirmationMismatch }) }
}
