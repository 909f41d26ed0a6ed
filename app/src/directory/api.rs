//! What the two lists ask for and do. Every change ends at the list, which says what was done.

use leptos::prelude::*;
use uuid::Uuid;

use crate::contract::{ApiError, MemberRow, Page, ShownOnce, WorkspaceRow};
#[cfg(feature = "ssr")]
use crate::service::{go_to, services};

/// Takes the operator. `page` counts from 0.
#[server(endpoint = "directory/workspaces")]
pub async fn load_workspaces(#[server(default)] search: String, page: u32) -> Result<Page<WorkspaceRow>, ApiError> {
    services()?.directory.workspaces(&search, page).await
}

#[server(endpoint = "directory/create-workspace")]
pub async fn create_workspace(slug: String, name: String) -> Result<(), ApiError> {
    services()?.directory.create_workspace(&slug, &name).await?;
    go_to("/settings/workspaces?saved=workspace-created");
    Ok(())
}

/// `enabled` is `true` or `false`.
#[server(endpoint = "directory/enable-workspace")]
pub async fn enable_workspace(workspace: String, enabled: bool) -> Result<(), ApiError> {
    services()?.directory.enable_workspace(&workspace, enabled).await?;
    go_to(if enabled { "/settings/workspaces?saved=workspace-enabled" } else { "/settings/workspaces?saved=workspace-disabled" });
    Ok(())
}

#[server(endpoint = "directory/delete-workspace")]
pub async fn delete_workspace(workspace: String, confirmation: String) -> Result<(), ApiError> {
    services()?.directory.delete_workspace(&workspace, &confirmation).await?;
    go_to("/settings/workspaces?saved=workspace-deleted");
    Ok(())
}

/// Takes a member of the workspace.
#[server(endpoint = "directory/members")]
pub async fn load_members(workspace: String) -> Result<Vec<MemberRow>, ApiError> {
    services()?.directory.members(&workspace).await
}

/// The page that follows shows the invitation link, once.
#[server(endpoint = "directory/add-member")]
pub async fn add_member(workspace: String, email: String, role: String) -> Result<(), ApiError> {
    let id = services()?.directory.add_member(&workspace, &email, &role).await?;
    go_to(&format!("/w/{workspace}/members?saved=member-added&added={id}"));
    Ok(())
}

/// An invitation link that was not shown yet; it is gone after this.
#[server(endpoint = "directory/take-invitation")]
pub async fn take_invitation(workspace: String, user_id: Uuid) -> Result<Option<ShownOnce>, ApiError> {
    services()?.directory.take_invitation(&workspace, user_id).await
}

#[server(endpoint = "directory/set-member-role")]
pub async fn set_member_role(workspace: String, user_id: Uuid, role: String) -> Result<(), ApiError> {
    services()?.directory.set_member_role(&workspace, user_id, &role).await?;
    go_to(&format!("/w/{workspace}/members?saved=member-role"));
    Ok(())
}

#[server(endpoint = "directory/remove-member")]
pub async fn remove_member(workspace: String, user_id: Uuid) -> Result<(), ApiError> {
    services()?.directory.remove_member(&workspace, user_id).await?;
    go_to(&format!("/w/{workspace}/members?saved=member-removed"));
    Ok(())
}
