//! Workspaces, their members, and the operators.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::UnixMillis;
use super::values::{Role, TenantId};
#[cfg(feature = "ssr")]
use super::{ApiError, WorkspaceRef};

/// One row of the operator's list of workspaces.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkspaceRow {
    pub id: TenantId,
    pub slug: String,
    pub name: String,
    pub enabled: bool,
    pub created_at: UnixMillis,
    pub routes: u32,
    pub members: u32,
    pub exporting: bool,
}

/// A page of rows, with the total so that the list can say what it leaves out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page<T> {
    pub rows: Vec<T>,
    pub total: u64,
    /// Counted from 0.
    pub page: u32,
    pub per_page: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberRow {
    pub user_id: Uuid,
    pub email: String,
    pub role: Role,
    /// False until the person has opened the invitation and chosen a password.
    pub active: bool,
    /// False: the workspace is not there for this member.
    pub enabled: bool,
    /// False: an operator has disabled the account; the person can't sign in at all.
    pub account_enabled: bool,
    /// Whether the viewer may be given a new link with which the person chooses a password.
    pub may_invite: bool,
    pub added_at: UnixMillis,
    /// The viewer's own row: it can't be removed, demoted or disabled by accident.
    pub is_self: bool,
}

/// Somebody who may open the Global scope and every workspace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperatorRow {
    pub user_id: Uuid,
    pub email: String,
    /// False until the person has opened the invitation and chosen a password.
    pub active: bool,
    pub enabled: bool,
    pub created_at: UnixMillis,
    /// The viewer's own row: nobody takes their own rights.
    pub is_self: bool,
}

/// Something that is shown exactly once after it was made: an API key or an invitation link.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownOnce {
    /// What it belongs to, as the list names it.
    pub label: String,
    pub secret: String,
}

impl std::fmt::Debug for ShownOnce {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ShownOnce").field("label", &self.label).finish_non_exhaustive()
    }
}

/// Workspaces (operator) and members (operator or the workspace's admin). `workspace` arguments are slugs; one that the
/// viewer may not see answers [`ApiError::NotFound`], as one that is not there.
#[cfg(feature = "ssr")]
#[async_trait::async_trait]
pub trait Directory: Send + Sync {
    async fn workspace(&self, workspace: &str) -> Result<WorkspaceRef, ApiError>;
    async fn workspaces(&self, search: &str, page: u32) -> Result<Page<WorkspaceRow>, ApiError>;
    async fn create_workspace(&self, slug: &str, name: &str) -> Result<WorkspaceRef, ApiError>;
    async fn rename_workspace(&self, workspace: &str, name: &str) -> Result<(), ApiError>;
    /// A disabled workspace's keys are refused and it exports nothing; its data stays.
    async fn enable_workspace(&self, workspace: &str, enabled: bool) -> Result<(), ApiError>;
    /// `confirmation` must be the slug.
    async fn delete_workspace(&self, workspace: &str, confirmation: &str) -> Result<(), ApiError>;
    /// What is stored and can't be read or decrypted, and whether anything can be saved, one sentence each; for the operator.
    async fn problems(&self) -> Result<Vec<String>, ApiError>;

    async fn members(&self, workspace: &str) -> Result<Vec<MemberRow>, ApiError>;
    /// Adds a member. An address without an account gets one, and an invitation link that
    /// [`Directory::take_invitation`] yields once. Returns the member's id.
    async fn add_member(&self, workspace: &str, email: &str, role: &str) -> Result<Uuid, ApiError>;
    async fn take_invitation(&self, workspace: &str, user_id: Uuid) -> Result<Option<ShownOnce>, ApiError>;
    /// Makes a new link for a member without a password, for [`Directory::take_invitation`]; earlier ones stop working.
    async fn renew_invitation(&self, workspace: &str, user_id: Uuid) -> Result<(), ApiError>;
    /// For a disabled member the workspace is not there, from the next request on. Never oneself, nor the last admin.
    async fn enable_member(&self, workspace: &str, user_id: Uuid, enabled: bool) -> Result<(), ApiError>;
    async fn set_member_role(&self, workspace: &str, user_id: Uuid, role: &str) -> Result<(), ApiError>;
    async fn remove_member(&self, workspace: &str, user_id: Uuid) -> Result<(), ApiError>;
}

/// Operators, for operators. Nobody disables or removes themselves, and one who can sign in always stays.
#[cfg(feature = "ssr")]
#[async_trait::async_trait]
pub trait Operators: Send + Sync {
    async fn operators(&self) -> Result<Vec<OperatorRow>, ApiError>;
    /// Gives an address the rights of an operator. One without an account, or whose password a workspace's admin may know,
    /// gets a link that [`Operators::take_operator_invitation`] yields once. Returns the account's id.
    async fn add_operator(&self, email: &str) -> Result<Uuid, ApiError>;
    async fn take_operator_invitation(&self, user_id: Uuid) -> Result<Option<ShownOnce>, ApiError>;
    /// Makes a new link for an operator without a password; earlier ones stop working.
    async fn renew_operator_invitation(&self, user_id: Uuid) -> Result<(), ApiError>;
    /// A disabled operator can't sign in, and is signed out at once.
    async fn enable_operator(&self, user_id: Uuid, enabled: bool) -> Result<(), ApiError>;
    /// The account stays, with its memberships; one that never got a password and belongs nowhere goes.
    async fn remove_operator(&self, user_id: Uuid) -> Result<(), ApiError>;
}
