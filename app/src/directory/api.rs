//! What the lists ask for and do. Every change ends at the list, which says what was done.

use leptos::prelude::*;
use uuid::Uuid;

use crate::contract::{ApiError, MemberRow, OperatorRow, Page, ShownOnce, WorkspaceRow};
#[cfg(feature = "ssr")]
use crate::service::{go_to, services, stamp};

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

/// The page that follows shows the new link, once.
#[server(endpoint = "directory/renew-invitation")]
pub async fn renew_invitation(workspace: String, user_id: Uuid) -> Result<(), ApiError> {
    services()?.directory.renew_invitation(&workspace, user_id).await?;
    go_to(&format!("/w/{workspace}/members?saved=link-made&added={user_id}&at={}", stamp()));
    Ok(())
}

/// `enabled` is `true` or `false`.
#[server(endpoint = "directory/enable-member")]
pub async fn enable_member(workspace: String, user_id: Uuid, enabled: bool) -> Result<(), ApiError> {
    services()?.directory.enable_member(&workspace, user_id, enabled).await?;
    let saved = if enabled { "member-enabled" } else { "member-disabled" };
    go_to(&format!("/w/{workspace}/members?saved={saved}"));
    Ok(())
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

/// Takes the operator, as everything below.
#[server(endpoint = "operators/list")]
pub async fn load_operators() -> Result<Vec<OperatorRow>, ApiError> {
    services()?.operators.operators().await
}

/// The page that follows shows the link, once, if one was made.
#[server(endpoint = "operators/add")]
pub async fn add_operator(email: String) -> Result<(), ApiError> {
    let id = services()?.operators.add_operator(&email).await?;
    go_to(&format!("/settings/operators?saved=operator-added&added={id}&at={}", stamp()));
    Ok(())
}

/// A link that was not shown yet; it is gone after this.
#[server(endpoint = "operators/take-invitation")]
pub async fn take_operator_invitation(user_id: Uuid) -> Result<Option<ShownOnce>, ApiError> {
    services()?.operators.take_operator_invitation(user_id).await
}

/// The page that follows shows the new link, once.
#[server(endpoint = "operators/renew-invitation")]
pub async fn renew_operator_invitation(user_id: Uuid) -> Result<(), ApiError> {
    services()?.operators.renew_operator_invitation(user_id).await?;
    go_to(&format!("/settings/operators?saved=link-made&added={user_id}&at={}", stamp()));
    Ok(())
}

/// `enabled` is `true` or `false`.
#[server(endpoint = "operators/enable")]
pub async fn enable_operator(user_id: Uuid, enabled: bool) -> Result<(), ApiError> {
    services()?.operators.enable_operator(user_id, enabled).await?;
    go_to(if enabled { "/settings/operators?saved=operator-enabled" } else { "/settings/operators?saved=operator-disabled" });
    Ok(())
}

#[server(endpoint = "operators/remove")]
pub async fn remove_operator(user_id: Uuid) -> Result<(), ApiError> {
    services()?.operators.remove_operator(user_id).await?;
    go_to("/settings/operators?saved=operator-removed");
    Ok(())
}
