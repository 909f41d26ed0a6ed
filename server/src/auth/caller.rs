//! Who asks, and what they may do: the only place where witnesses are made for somebody signed in.
//!
//! What a caller may not see is answered as what is not there ([`AuthError::NotFound`]); [`AuthError::Forbidden`] is for
//! a viewer who writes.

use std::sync::Arc;

use super::account::Visitor;
use super::error::AuthError;
use super::witness::{Operator, WorkspaceAdmin, WorkspaceMember};
use crate::audit::{Actor, Trace, Who};
use crate::event::SecurityKind;
use crate::store::{User, Workspace};
use crate::values::{Role, Slug, TenantId};

/// Whoever made a request.
#[derive(Clone, Debug)]
pub enum Caller {
    Nobody,
    /// Signed in, not disabled.
    User(Arc<User>),
}

impl Caller {
    #[must_use]
    pub fn user(&self) -> Option<&User> {
        match self {
            Self::Nobody => None,
            Self::User(user) => Some(user),
        }
    }
}

/// A workspace that the caller may see, and as what.
#[derive(Clone, Debug)]
pub struct Membership {
    pub workspace: Workspace,
    /// `None` for an operator.
    pub role: Option<Role>,
}

impl Visitor {
    #[must_use]
    pub const fn caller(&self) -> &Caller {
        &self.caller
    }

    /// # Errors
    /// [`AuthError::SignedOut`]
    pub fn user(&self) -> Result<&User, AuthError> {
        self.caller.user().ok_or(AuthError::SignedOut)
    }

    /// # Errors
    /// [`AuthError::SignedOut`], or [`AuthError::NotFound`] for anybody but an operator.
    pub fn operator(&self) -> Result<Operator, AuthError> {
        let user = self.user()?;
        if user.operator {
            return Ok(Operator::new(self.who(user)));
        }
        self.security(SecurityKind::AuthzDenied, None);
        Err(AuthError::NotFound)
    }

    /// The right to look at a workspace.
    ///
    /// # Errors
    /// [`AuthError::SignedOut`], or [`AuthError::NotFound`] for one that is not there, not the caller's, or in which the
    /// caller is disabled.
    pub fn member_of(&self, slug: &str) -> Result<(Workspace, WorkspaceMember), AuthError> {
        let user = self.user()?;
        // As it stands: a path is not trimmed as a form's field is, and it comes back in redirects.
        let slug = Slug::parse(slug).ok().filter(|parsed| parsed.as_str() == slug).ok_or(AuthError::NotFound)?;
        let workspace = self.auth.store().workspaces().by_slug(&slug)?.ok_or(AuthError::NotFound)?;
        let member = self.auth.store().members().get(workspace.id, user.id)?;
        let role = match (user.operator, member.filter(|member| !member.disabled)) {
            (true, _) => Role::Admin,
            (false, Some(member)) => member.role,
            (false, None) => {
                self.security(SecurityKind::AuthzDenied, Some(workspace.id));
                return Err(AuthError::NotFound);
            }
        };
        if let Some(slot) = &self.origin.workspace {
            // A request that touches several is about the first.
            let _ = slot.set(workspace.id);
        }
        let witness = WorkspaceMember::new(self.who(user), workspace.id, role, user.operator);
        Ok((workspace, witness))
    }

    /// The right to change a workspace.
    ///
    /// # Errors
    /// As [`Visitor::member_of`], and [`AuthError::Forbidden`] for a viewer.
    pub fn admin_of(&self, slug: &str) -> Result<(Workspace, WorkspaceAdmin), AuthError> {
        let (workspace, member) = self.member_of(slug)?;
        match member.admin() {
            Some(admin) => Ok((workspace, admin)),
            None => {
                self.security(SecurityKind::AuthzDenied, Some(workspace.id));
                Err(AuthError::Forbidden)
            }
        }
    }

    /// Workspaces that the caller may see, by name, at most `limit`.
    ///
    /// # Errors
    /// [`AuthError::SignedOut`], or the store can't be read.
    pub fn workspaces(&self, limit: u32) -> Result<Vec<Membership>, AuthError> {
        let user = self.user()?;
        let store = self.auth.store();
        let mut found: Vec<Membership> = if user.operator {
            let rows = store.workspaces().page("", 0, limit)?.rows;
            rows.into_iter().map(|workspace| Membership { workspace, role: None }).collect()
        } else {
            let mut found = Vec::new();
            for member in store.members().of_user(user.id)?.into_iter().filter(|member| !member.disabled) {
                if let Some(workspace) = store.workspaces().get(member.workspace)? {
                    found.push(Membership { workspace, role: Some(member.role) });
                }
            }
            found
        };
        found.sort_by_key(|one| one.workspace.name.as_str().to_lowercase());
        found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(found)
    }

    /// Tells whoever listens, in the name of this request.
    pub fn security(&self, kind: SecurityKind, tenant: Option<TenantId>) {
        self.auth.security(kind, tenant, &self.origin);
    }

    /// The account as who changes something in this request.
    pub(super) fn who(&self, user: &User) -> Who {
        let trace = self.origin.trace.as_ref().filter(|trace| !trace.invented);
        Who {
            actor: Actor::User { id: user.id, email: user.email.clone() },
            address: self.origin.address,
            request_id: self.origin.request_id,
            trace: trace.map(|trace| Trace { trace_id: trace.trace_id, span_id: trace.span_id, flags: trace.flags }),
        }
    }
}
