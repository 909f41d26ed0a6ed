//! Proof of a role. A function that needs a right takes the witness as an argument, so that a call without it does not
//! compile; only this room can make one.

use uuid::Uuid;

use crate::values::{Email, Role, TenantId};

/// On whose behalf something is changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    User {
        id: Uuid,
        email: Email,
    },
    /// The bootstrap file or `--demo`, at start-up.
    Bootstrap,
}

impl Actor {
    #[must_use]
    pub fn email(&self) -> Option<&Email> {
        match self {
            Self::User { email, .. } => Some(email),
            Self::Bootstrap => None,
        }
    }
}

/// May change the Global scope and every workspace.
#[derive(Clone, Debug)]
pub struct Operator {
    actor: Actor,
}

impl Operator {
    pub(super) const fn new(actor: Actor) -> Self {
        Self { actor }
    }

    /// For the bootstrap file and `--demo`, which whoever starts the process controls.
    #[must_use]
    pub(crate) const fn at_startup() -> Self {
        Self { actor: Actor::Bootstrap }
    }

    #[must_use]
    pub const fn actor(&self) -> &Actor {
        &self.actor
    }

    /// An operator may do in any workspace what its admins may. The workspace must exist; the caller has looked it up.
    #[must_use]
    pub fn admin_of(&self, workspace: TenantId) -> WorkspaceAdmin {
        WorkspaceAdmin::new(self.actor.clone(), workspace, true)
    }
}

/// May change one workspace.
#[derive(Clone, Debug)]
pub struct WorkspaceAdmin {
    actor: Actor,
    workspace: TenantId,
    operator: bool,
}

impl WorkspaceAdmin {
    pub(super) const fn new(actor: Actor, workspace: TenantId, operator: bool) -> Self {
        Self { actor, workspace, operator }
    }

    /// Whether it is the operator who acts here, and not one of the workspace's own.
    #[must_use]
    pub const fn is_operator(&self) -> bool {
        self.operator
    }

    #[must_use]
    pub const fn actor(&self) -> &Actor {
        &self.actor
    }

    #[must_use]
    pub const fn workspace(&self) -> TenantId {
        self.workspace
    }
}

/// May look at one workspace: a member of either role, or the operator (who counts as an admin).
#[derive(Clone, Debug)]
pub struct WorkspaceMember {
    actor: Actor,
    workspace: TenantId,
    role: Role,
    operator: bool,
}

impl WorkspaceMember {
    pub(super) const fn new(actor: Actor, workspace: TenantId, role: Role, operator: bool) -> Self {
        Self { actor, workspace, role, operator }
    }

    #[must_use]
    pub const fn actor(&self) -> &Actor {
        &self.actor
    }

    #[must_use]
    pub const fn workspace(&self) -> TenantId {
        self.workspace
    }

    #[must_use]
    pub const fn role(&self) -> Role {
        self.role
    }

    #[must_use]
    pub const fn is_operator(&self) -> bool {
        self.operator
    }

    /// The right to change the workspace, if this role has it.
    #[must_use]
    pub fn admin(&self) -> Option<WorkspaceAdmin> {
        (self.operator || self.role == Role::Admin).then(|| WorkspaceAdmin::new(self.actor.clone(), self.workspace, self.operator))
    }
}

/// Witnesses for the tests of rooms that demand them.
#[cfg(test)]
impl Operator {
    pub(crate) const fn for_test(actor: Actor) -> Self {
        Self::new(actor)
    }
}

#[cfg(test)]
impl WorkspaceMember {
    pub(crate) const fn for_test(actor: Actor, workspace: TenantId, role: Role) -> Self {
        Self::new(actor, workspace, role, false)
    }
}
