//! Proof of a role. A function that needs a right takes the witness as an argument, so that a call without it does not
//! compile; only this room can make one.

use crate::audit::{Actor, Who};
use crate::values::{Role, TenantId};

/// May change the Global scope and every workspace.
#[derive(Clone, Debug)]
pub struct Operator {
    who: Who,
}

impl Operator {
    pub(super) const fn new(who: Who) -> Self {
        Self { who }
    }

    /// For the bootstrap file and `--demo`, which whoever starts the process controls.
    #[must_use]
    pub(crate) fn at_startup() -> Self {
        Self { who: Actor::Bootstrap.into() }
    }

    #[must_use]
    pub const fn actor(&self) -> &Actor {
        &self.who.actor
    }

    /// For the audit log.
    #[must_use]
    pub const fn who(&self) -> &Who {
        &self.who
    }

    /// An operator may do in any workspace what its admins may. The workspace must exist; the caller has looked it up.
    #[must_use]
    pub fn admin_of(&self, workspace: TenantId) -> WorkspaceAdmin {
        WorkspaceAdmin::new(self.who.clone(), workspace, true)
    }

    /// And see what its members see, likewise.
    #[must_use]
    pub fn member_of(&self, workspace: TenantId) -> WorkspaceMember {
        WorkspaceMember::new(self.who.clone(), workspace, Role::Admin, true)
    }
}

/// May change one workspace.
#[derive(Clone, Debug)]
pub struct WorkspaceAdmin {
    who: Who,
    workspace: TenantId,
    operator: bool,
}

impl WorkspaceAdmin {
    pub(super) const fn new(who: Who, workspace: TenantId, operator: bool) -> Self {
        Self { who, workspace, operator }
    }

    /// Whether it is the operator who acts here, and not one of the workspace's own.
    #[must_use]
    pub const fn is_operator(&self) -> bool {
        self.operator
    }

    #[must_use]
    pub const fn actor(&self) -> &Actor {
        &self.who.actor
    }

    /// For the audit log.
    #[must_use]
    pub const fn who(&self) -> &Who {
        &self.who
    }

    #[must_use]
    pub const fn workspace(&self) -> TenantId {
        self.workspace
    }
}

/// May look at one workspace: a member of either role, or the operator (who counts as an admin).
#[derive(Clone, Debug)]
pub struct WorkspaceMember {
    who: Who,
    workspace: TenantId,
    role: Role,
    operator: bool,
}

impl WorkspaceMember {
    pub(super) const fn new(who: Who, workspace: TenantId, role: Role, operator: bool) -> Self {
        Self { who, workspace, role, operator }
    }

    #[must_use]
    pub const fn actor(&self) -> &Actor {
        &self.who.actor
    }

    /// For the audit log.
    #[must_use]
    pub const fn who(&self) -> &Who {
        &self.who
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
        (self.operator || self.role == Role::Admin).then(|| WorkspaceAdmin::new(self.who.clone(), self.workspace, self.operator))
    }
}

/// Witnesses for the tests of rooms that demand them.
#[cfg(test)]
impl Operator {
    pub(crate) fn for_test(actor: Actor) -> Self {
        Self::new(actor.into())
    }
}

#[cfg(test)]
impl WorkspaceMember {
    pub(crate) fn for_test(actor: Actor, workspace: TenantId, role: Role) -> Self {
        Self::new(actor.into(), workspace, role, false)
    }
}
