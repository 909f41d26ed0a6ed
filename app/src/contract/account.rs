//! Accounts: who is signed in, signing in and out, and the one-time links with which an account gets its password.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

#[cfg(feature = "ssr")]
use super::ApiError;
use super::values::{Role, TenantId};

/// Whoever is signed in, and what they may see.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Viewer {
    pub user_id: Uuid,
    pub email: String,
    /// Operators may open the Global scope and every workspace.
    pub operator: bool,
    /// For the workspace switch: at most 50, by name. An operator finds others under `/settings/workspaces`.
    pub workspaces: Vec<WorkspaceRef>,
}

/// A workspace as navigation needs it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkspaceRef {
    pub id: TenantId,
    pub slug: String,
    pub name: String,
    pub enabled: bool,
    /// What the viewer may do here.
    pub access: Access,
}

/// What the viewer may do in one workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Access {
    Operator,
    Member(Role),
}

impl Access {
    /// Whether changes are allowed; a viewer only looks.
    #[must_use]
    pub const fn may_write(self) -> bool {
        !matches!(self, Self::Member(Role::Viewer))
    }
}

/// What a one-time link at `/setup?token=…` is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SetupLink {
    /// Makes the first operator; the person gives the e-mail address.
    FirstOperator,
    /// Sets the password of an account that an admin made.
    Invitation { email: String },
    /// Used, expired or never valid.
    Invalid,
}

/// Accounts and sessions, for the session of the request at hand.
#[cfg(feature = "ssr")]
#[async_trait::async_trait]
pub trait Accounts: Send + Sync {
    /// Whoever is signed in; `None` for nobody.
    async fn viewer(&self) -> Result<Option<Viewer>, ApiError>;
    /// What a setup token is for. Does not use it up.
    async fn setup_link(&self, token: &str) -> Result<SetupLink, ApiError>;
    /// Uses the token up, sets the password (and for the first operator the e-mail address), and signs in.
    async fn complete_setup(&self, token: &str, email: &str, password: &str) -> Result<(), ApiError>;
    async fn sign_in(&self, email: &str, password: &str) -> Result<(), ApiError>;
    async fn sign_out(&self) -> Result<(), ApiError>;
    /// Ends every other session of the viewer.
    async fn change_password(&self, current: &str, new: &str) -> Result<(), ApiError>;
}
