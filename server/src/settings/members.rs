//! Members of a workspace. Nobody removes, demotes or disables themselves, so a workspace never loses its last admin by
//! accident; one without any is the operator's to look after.

use uuid::Uuid;

use super::limits::{MAX_MEMBERS, room_for_one};
use super::service::Writing;
use super::told::{self, Step};
use super::{Error, Settings};
use crate::audit::{Log, Told};
use crate::auth::{Actor, WorkspaceAdmin, WorkspaceMember};
use crate::store::{Changes, Member, SetupToken, UnixMillis, User, now};
use crate::values::{Email, Field, Role, Rule, TenantId};

/// One row of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberEntry {
    pub user: Uuid,
    pub email: Email,
    pub role: Role,
    /// False until the person has opened the invitation and chosen a password.
    pub active: bool,
    /// False: the workspace is not there for this member.
    pub enabled: bool,
    /// False: the person can't sign in at all.
    pub account_enabled: bool,
    /// Whether whoever asked may be given a link that sets the account's password.
    pub may_invite: bool,
    pub added_at: UnixMillis,
    pub is_self: bool,
}

/// An account that was added somewhere, or that a new link is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddedAccount {
    pub user: Uuid,
    pub email: Email,
    /// Whether whoever added it may be given a link that sets the account's password.
    pub invite: bool,
    /// The account's epoch that the link has to carry.
    pub epoch: u64,
    /// For the audit log, where the link is all that is new; see [`crate::auth::Auth::invite`].
    pub renewed: Option<Told>,
}

impl AddedAccount {
    pub(super) fn new(user: User, invite: bool) -> Self {
        Self { user: user.id, email: user.email, invite, epoch: user.session_epoch, renewed: None }
    }

    pub(super) fn renewed(self, told: Told) -> Self {
        Self { renewed: Some(told), ..self }
    }
}

impl Settings {
    /// By e-mail address.
    ///
    /// # Errors
    /// The store can't be read.
    pub fn members(&self, witness: &WorkspaceMember) -> Result<Vec<MemberEntry>, Error> {
        let mut rows = Vec::new();
        let admin = witness.admin();
        for member in self.store().members().of_workspace(witness.workspace())? {
            // Accounts that can't be read are among the store's problems.
            let Ok(Some(user)) = self.store().users().get(member.user) else { continue };
            let may_invite = match &admin {
                Some(admin) => self.may_link(admin, &user)?,
                None => false,
            };
            rows.push(MemberEntry {
                may_invite,
                user: user.id,
                email: user.email,
                role: member.role,
                active: user.password_hash.is_some(),
                enabled: !member.disabled,
                account_enabled: !user.disabled,
                added_at: member.added_at,
                is_self: is_self(witness.actor(), user.id),
            });
        }
        rows.sort_by(|a, b| a.email.cmp(&b.email));
        Ok(rows)
    }

    /// Adds a member; an address without an account gets one, without a password.
    ///
    /// # Errors
    /// A field breaks a rule, the address is a member already ([`Error::Taken`] of the e-mail address), or its account was
    /// made by another workspace, so that nobody here knows whose it is. The operator may add it all the same; it then
    /// loses its password and its links, and gets a new link.
    pub async fn add_member(&self, witness: &WorkspaceAdmin, email: &str, role: &str) -> Result<AddedAccount, Error> {
        let email = Email::parse(email).map_err(Error::invalid(Field::Email))?;
        let role: Role = role.parse().map_err(Error::invalid(Field::Role))?;
        let workspace = witness.workspace();
        let guard = self.writing().await;
        self.store().workspaces().get(workspace)?.ok_or(Error::NotFound)?;
        let existing = self.store().users().by_email(&email)?;
        let (mut changes, mut reset) = (Changes::new(), false);
        let (user, invite) = match existing {
            Some(user) => {
                if self.store().members().get(workspace, user.id)?.is_some() {
                    return Err(Error::Taken(Field::Email));
                }
                let elsewhere = user.vouched_by.is_some_and(|by| by != workspace);
                if elsewhere && !witness.is_operator() {
                    return Err(Error::Invalid { field: Field::Email, rule: Rule::AccountElsewhere });
                }
                if elsewhere && !user.operator {
                    let fresh = User { password_hash: None, vouched_by: None, session_epoch: user.session_epoch + 1, ..user.clone() };
                    changes = changes.expect_unchanged(&user).put(&fresh).and(self.without_links(user.id)?);
                    reset = told::new_password(&Step::Changed(&user, &fresh));
                    (fresh, true)
                } else {
                    let invite = self.is_pending_here(&user, workspace)? && may_vouch(witness, &user);
                    (user, invite)
                }
            }
            None => {
                let user = User { vouched_by: (!witness.is_operator()).then_some(workspace), ..new_user(email) };
                changes = changes.put(&user);
                (user, true)
            }
        };
        room_for_one(self.store().members().of_workspace(workspace)?.len(), MAX_MEMBERS, Field::Email)?;
        let member = Member { workspace, user: user.id, role, added_at: now(), disabled: false };
        changes = changes.expect_absent::<Member>(&Member::key_of(workspace, user.id)).put(&member);
        let told = told::member(witness.who(), Some(&user), &Step::Made(&member)).secret(Field::Password.label(), reset);
        self.save(guard, changes, super::publish::Scope::Nothing, told).await?;
        Ok(AddedAccount::new(user, invite))
    }

    /// Whether who acts here may be given a link that sets this member's password: only while the account has none and,
    /// for an admin of the workspace, belongs to this workspace alone. Otherwise the admin could enter other workspaces in
    /// the member's name.
    ///
    /// # Errors
    /// There is no such member.
    pub fn may_invite(&self, witness: &WorkspaceAdmin, user: Uuid) -> Result<bool, Error> {
        let account = self.member_account(witness.workspace(), user)?;
        self.may_link(witness, &account)
    }

    /// What a new link for a member is for; see [`Settings::may_invite`].
    ///
    /// # Errors
    /// There is no such member; it needs no link meanwhile ([`Error::Stale`]); or nobody here may vouch for the account.
    pub fn renew_invitation(&self, witness: &WorkspaceAdmin, user: Uuid) -> Result<AddedAccount, Error> {
        let account = self.member_account(witness.workspace(), user)?;
        if self.may_link(witness, &account)? {
            let told = told::invitation(witness.who(), Log::Workspace(witness.workspace()), &account);
            Ok(AddedAccount::new(account, true).renewed(told))
        } else if may_have_link(&account) {
            Err(Error::Invalid { field: Field::Email, rule: Rule::AccountElsewhere })
        } else {
            Err(Error::Stale)
        }
    }

    fn may_link(&self, witness: &WorkspaceAdmin, user: &User) -> Result<bool, Error> {
        if !may_have_link(user) {
            return Ok(false);
        }
        Ok(witness.is_operator() || (self.is_pending_here(user, witness.workspace())? && may_vouch(witness, user)))
    }

    fn member_account(&self, workspace: TenantId, user: Uuid) -> Result<User, Error> {
        self.store().members().get(workspace, user)?.ok_or(Error::NotFound)?;
        self.store().users().get(user)?.ok_or(Error::NotFound)
    }

    /// Whether the account waits for its first password and belongs to no other workspace.
    fn is_pending_here(&self, user: &User, workspace: TenantId) -> Result<bool, Error> {
        let elsewhere = self.store().members().of_user(user.id)?.iter().any(|member| member.workspace != workspace);
        Ok(user.password_hash.is_none() && !user.operator && !elsewhere)
    }

    /// Removes every link of an account.
    pub(super) fn without_links(&self, user: Uuid) -> Result<Changes, Error> {
        let links = self.store().setup_tokens().of_user(Some(user))?;
        Ok(links.iter().fold(Changes::new(), |changes, link| changes.delete::<SetupToken>(&SetupToken::key_of(&link.hash))))
    }

    /// # Errors
    /// The role is unknown, there is no such member, or it is oneself.
    pub async fn set_member_role(&self, witness: &WorkspaceAdmin, user: Uuid, role: &str) -> Result<(), Error> {
        let role: Role = role.parse().map_err(Error::invalid(Field::Role))?;
        let guard = self.writing().await;
        let old = self.store().members().get(witness.workspace(), user)?.ok_or(Error::NotFound)?;
        if old.role == role {
            return Ok(());
        }
        self.may_lose_member(witness, &old, witness.is_operator())?;
        self.change_member(guard, witness, &old, &Member { role, ..old.clone() }).await
    }

    /// For a disabled member the workspace is not there, from the next request on; the account stays as it is.
    ///
    /// # Errors
    /// There is no such member, or it is oneself or the last admin who is enabled ([`Error::LastAdmin`]).
    pub async fn enable_member(&self, witness: &WorkspaceAdmin, user: Uuid, enabled: bool) -> Result<(), Error> {
        let guard = self.writing().await;
        let old = self.store().members().get(witness.workspace(), user)?.ok_or(Error::NotFound)?;
        if old.disabled != enabled {
            return Ok(());
        }
        if !enabled {
            self.may_lose_member(witness, &old, false)?;
        }
        self.change_member(guard, witness, &old, &Member { disabled: !enabled, ..old.clone() }).await
    }

    async fn change_member(&self, guard: Writing, witness: &WorkspaceAdmin, old: &Member, new: &Member) -> Result<(), Error> {
        let account = self.store().users().get(old.user).ok().flatten();
        let told = told::member(witness.who(), account.as_ref(), &Step::Changed(old, new));
        self.save(guard, Changes::new().expect_unchanged(old).put(new), super::publish::Scope::Nothing, told).await
    }

    /// Refuses oneself and, unless `deliberate`, the last admin who is enabled. The second matters between admins when two
    /// act at the same moment.
    fn may_lose_member(&self, witness: &WorkspaceAdmin, member: &Member, deliberate: bool) -> Result<(), Error> {
        let counts = member.role == Role::Admin && !member.disabled && !deliberate;
        let last = is_self(witness.actor(), member.user) || (counts && !self.has_other_admin(member)?);
        if last { Err(Error::LastAdmin) } else { Ok(()) }
    }

    /// Whether another enabled member can administer the workspace.
    fn has_other_admin(&self, member: &Member) -> Result<bool, Error> {
        for other in self.store().members().of_workspace(member.workspace)? {
            let able = other.user != member.user && other.role == Role::Admin && !other.disabled;
            if able && self.store().users().get(other.user).is_ok_and(|user| user.is_some_and(|user| !user.disabled)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// An account that never got a password and belongs nowhere else goes too, with its invitations.
    ///
    /// # Errors
    /// There is no such member, or it is oneself.
    pub async fn remove_member(&self, witness: &WorkspaceAdmin, user: Uuid) -> Result<(), Error> {
        let guard = self.writing().await;
        let workspace = witness.workspace();
        let member = self.store().members().get(workspace, user)?.ok_or(Error::NotFound)?;
        self.may_lose_member(witness, &member, witness.is_operator())?;
        let mut changes = Changes::new().delete::<Member>(&Member::key_of(workspace, user));
        let account = self.store().users().get(user)?;
        let mut told = told::member(witness.who(), account.as_ref(), &Step::Gone(&member));
        if let Some(account) = account
            && self.is_pending_here(&account, workspace)?
        {
            changes = changes.delete::<User>(&User::key_of(user)).and(self.without_links(user)?);
            told = told.change("Account", "invited", "");
        }
        self.save(guard, changes, super::publish::Scope::Nothing, told).await
    }
}

pub(super) fn is_self(actor: &Actor, user: Uuid) -> bool {
    matches!(actor, Actor::User { id, .. } if *id == user)
}

/// Whether there is a link to give at all. Those of operators are other operators' to give, on a page of their own.
fn may_have_link(user: &User) -> bool {
    user.password_hash.is_none() && !user.operator && !user.disabled
}

/// Whether who acts here may be given a link to the account: the operator, or the workspace that made it.
fn may_vouch(witness: &WorkspaceAdmin, user: &User) -> bool {
    witness.is_operator() || user.vouched_by == Some(witness.workspace())
}

/// An account without a password, for which the operator stands.
pub(super) fn new_user(email: Email) -> User {
    User {
        id: Uuid::now_v7(),
        email,
        password_hash: None,
        operator: false,
        disabled: false,
        created_at: now(),
        session_epoch: 0,
        vouched_by: None,
    }
}
