//! Signing in and out, one-time links, and who is looking.

use app::contract::{Access, Accounts, ApiError, SetupLink, Viewer, WorkspaceRef};
use async_trait::async_trait;

use super::Bound;
use crate::auth::{Link, Membership};

/// What the workspace switch lists.
const SWITCH_LENGTH: u32 = 50;

#[async_trait]
impl Accounts for Bound {
    async fn viewer(&self) -> Result<Option<Viewer>, ApiError> {
        let Some(user) = self.visitor.caller().user() else { return Ok(None) };
        if let Some(known) = self.viewer.get() {
            return Ok(Some(known.clone()));
        }
        let workspaces = self.visitor.workspaces(SWITCH_LENGTH)?;
        let viewer = Viewer {
            user_id: user.id,
            email: user.email.to_string(),
            operator: user.operator,
            workspaces: workspaces.into_iter().map(workspace_ref).collect(),
        };
        Ok(Some(self.viewer.get_or_init(|| viewer).clone()))
    }

    async fn setup_link(&self, token: &str) -> Result<SetupLink, ApiError> {
        Ok(match self.visitor.setup_link(token)? {
            Link::FirstOperator => SetupLink::FirstOperator,
            Link::Invitation(email) => SetupLink::Invitation { email: email.to_string() },
            Link::Invalid => SetupLink::Invalid,
        })
    }

    async fn complete_setup(&self, token: &str, email: &str, password: &str) -> Result<(), ApiError> {
        Ok(self.visitor.complete_setup(token, email, password).await?)
    }

    async fn sign_in(&self, email: &str, password: &str) -> Result<(), ApiError> {
        Ok(self.visitor.sign_in(email, password).await?)
    }

    async fn sign_out(&self) -> Result<(), ApiError> {
        Ok(self.visitor.sign_out().await?)
    }

    async fn change_password(&self, current: &str, new: &str) -> Result<(), ApiError> {
        Ok(self.visitor.change_password(current, new).await?)
    }
}

pub(super) fn workspace_ref(membership: Membership) -> WorkspaceRef {
    let workspace = membership.workspace;
    WorkspaceRef {
        id: workspace.id,
        slug: workspace.slug.to_string(),
        name: workspace.name.to_string(),
        enabled: workspace.enabled,
        access: membership.role.map_or(Access::Operator, Access::Member),
    }
}
