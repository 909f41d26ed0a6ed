//! Workspaces and their members.

use app::contract::{ApiError, DISK, Directory, MemberRow, NO_ROOM, Page, ShownOnce, WorkspaceRef, WorkspaceRow};
use async_trait::async_trait;
use uuid::Uuid;

use super::Bound;
use super::accounts::workspace_ref;
use crate::auth::Membership;
use crate::settings::{AddedAccount, MemberEntry, WorkspaceEntry};
use crate::store::{CommitError, Workspace};

const PER_PAGE: u32 = 50;

#[async_trait]
impl Directory for Bound {
    async fn workspace(&self, workspace: &str) -> Result<WorkspaceRef, ApiError> {
        let (workspace, member) = self.visitor.member_of(workspace)?;
        let role = (!member.is_operator()).then(|| member.role());
        Ok(workspace_ref(Membership { workspace, role }))
    }

    async fn workspaces(&self, search: &str, page: u32) -> Result<Page<WorkspaceRow>, ApiError> {
        let operator = self.visitor.operator()?;
        let found = self.settings().workspaces(&operator, search, page, PER_PAGE)?;
        Ok(Page { rows: found.rows.into_iter().map(row).collect(), total: found.total, page, per_page: PER_PAGE })
    }

    async fn create_workspace(&self, slug: &str, name: &str) -> Result<WorkspaceRef, ApiError> {
        let operator = self.visitor.operator()?;
        let made = self.settings().create_workspace(&operator, slug, name).await?;
        Ok(workspace_ref(Membership { workspace: made, role: None }))
    }

    async fn rename_workspace(&self, workspace: &str, name: &str) -> Result<(), ApiError> {
        let (_, admin) = self.visitor.admin_of(workspace)?;
        Ok(self.settings().rename_workspace(&admin, name).await?)
    }

    async fn enable_workspace(&self, workspace: &str, enabled: bool) -> Result<(), ApiError> {
        let operator = self.visitor.operator()?;
        let (Workspace { id, .. }, _) = self.visitor.member_of(workspace)?;
        Ok(self.settings().enable_workspace(&operator, id, enabled).await?)
    }

    async fn delete_workspace(&self, workspace: &str, confirmation: &str) -> Result<(), ApiError> {
        let operator = self.visitor.operator()?;
        let (Workspace { id, .. }, _) = self.visitor.member_of(workspace)?;
        Ok(self.settings().delete_workspace(&operator, id, confirmation).await?)
    }

    async fn problems(&self) -> Result<Vec<String>, ApiError> {
        self.visitor.operator()?;
        let unsaved = self.settings().store().check_saving().err().map(|error| match error {
            CommitError::NoRoom { .. } => NO_ROOM.to_owned(),
            _ => DISK.to_owned(),
        });
        Ok(unsaved.into_iter().chain(self.settings().problems().iter().map(ToString::to_string)).collect())
    }

    async fn members(&self, workspace: &str) -> Result<Vec<MemberRow>, ApiError> {
        let (_, member) = self.visitor.member_of(workspace)?;
        Ok(self.settings().members(&member)?.into_iter().map(member_row).collect())
    }

    async fn add_member(&self, workspace: &str, email: &str, role: &str) -> Result<Uuid, ApiError> {
        let (_, admin) = self.visitor.admin_of(workspace)?;
        let added = self.settings().add_member(&admin, email, role).await?;
        self.invite(&added).await?;
        Ok(added.user)
    }

    async fn take_invitation(&self, workspace: &str, user_id: Uuid) -> Result<Option<ShownOnce>, ApiError> {
        let (_, member) = self.visitor.member_of(workspace)?;
        let Some(admin) = member.admin() else { return Ok(None) };
        if !self.settings().may_invite(&admin, user_id).unwrap_or(false) {
            return Ok(None);
        }
        self.take(user_id)
    }

    async fn renew_invitation(&self, workspace: &str, user_id: Uuid) -> Result<(), ApiError> {
        let (_, admin) = self.visitor.admin_of(workspace)?;
        let account = self.settings().renew_invitation(&admin, user_id)?;
        self.invite(&account).await
    }

    async fn enable_member(&self, workspace: &str, user_id: Uuid, enabled: bool) -> Result<(), ApiError> {
        let (_, admin) = self.visitor.admin_of(workspace)?;
        Ok(self.settings().enable_member(&admin, user_id, enabled).await?)
    }

    async fn set_member_role(&self, workspace: &str, user_id: Uuid, role: &str) -> Result<(), ApiError> {
        let (_, admin) = self.visitor.admin_of(workspace)?;
        Ok(self.settings().set_member_role(&admin, user_id, role).await?)
    }

    async fn remove_member(&self, workspace: &str, user_id: Uuid) -> Result<(), ApiError> {
        let (_, admin) = self.visitor.admin_of(workspace)?;
        Ok(self.settings().remove_member(&admin, user_id).await?)
    }
}

impl Bound {
    /// Makes the link that an account may be given, and keeps it for the viewer to see once.
    pub(super) async fn invite(&self, account: &AddedAccount) -> Result<(), ApiError> {
        if account.invite {
            let auth = self.visitor.auth();
            let link = auth.invite(account.user, account.epoch, account.renewed.clone()).await?.url(&self.parts.console_url);
            auth.reveal().put(self.visitor.user()?.id, account.user, account.email.to_string(), link);
        }
        Ok(())
    }

    /// What the viewer made and has not seen yet.
    pub(super) fn take(&self, item: Uuid) -> Result<Option<ShownOnce>, ApiError> {
        let taken = self.visitor.auth().reveal().take(self.visitor.user()?.id, item);
        Ok(taken.map(|one| ShownOnce { label: one.label, secret: one.secret.to_string() }))
    }
}

fn row(entry: WorkspaceEntry) -> WorkspaceRow {
    let WorkspaceEntry { workspace, routes, members, exporting } = entry;
    WorkspaceRow {
        id: workspace.id,
        slug: workspace.slug.into(),
        name: workspace.name.into(),
        enabled: workspace.enabled,
        created_at: workspace.created_at,
        routes: count(routes),
        members: count(members),
        exporting,
    }
}

fn member_row(entry: MemberEntry) -> MemberRow {
    MemberRow {
        user_id: entry.user,
        email: entry.email.into(),
        role: entry.role,
        active: entry.active,
        enabled: entry.enabled,
        account_enabled: entry.account_enabled,
        may_invite: entry.may_invite,
        added_at: entry.added_at,
        is_self: entry.is_self,
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
