//! Operators: accounts that may do everything. Nobody takes their own rights, and one operator who can sign in always stays.

use uuid::Uuid;

use super::members::{AddedAccount, is_self, new_user};
use super::publish::Scope;
use super::told::{self, Step};
use super::{Error, Settings};
use crate::audit::{Action, Log};
use crate::auth::Operator;
use crate::store::{Changes, UnixMillis, User};
use crate::values::{Email, Field};

/// One row of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperatorEntry {
    pub user: Uuid,
    pub email: Email,
    /// False until the person has opened the invitation and chosen a password.
    pub active: bool,
    pub enabled: bool,
    pub created_at: UnixMillis,
    pub is_self: bool,
}

impl Settings {
    /// By e-mail address.
    ///
    /// # Errors
    /// The store can't be read.
    pub fn operators(&self, witness: &Operator) -> Result<Vec<OperatorEntry>, Error> {
        let mut rows: Vec<_> = self
            .store()
            .users()
            .operators()?
            .into_iter()
            .map(|user| OperatorEntry {
                is_self: is_self(witness.actor(), user.id),
                user: user.id,
                email: user.email,
                active: user.password_hash.is_some(),
                enabled: !user.disabled,
                created_at: user.created_at,
            })
            .collect();
        rows.sort_by(|a, b| a.email.cmp(&b.email));
        Ok(rows)
    }

    /// Gives an address the rights of an operator, making an account where there is none. What others may know of an
    /// account that is there is worth nothing afterwards: see [`made_operator`].
    ///
    /// # Errors
    /// The address breaks a rule, or is an operator's already.
    pub async fn add_operator(&self, witness: &Operator, email: &str) -> Result<AddedAccount, Error> {
        let email = Email::parse(email).map_err(Error::invalid(Field::Email))?;
        let guard = self.writing().await;
        let (user, changes, told) = match self.store().users().by_email(&email)? {
            Some(user) if user.operator => return Err(Error::Taken(Field::Email)),
            Some(user) => {
                let fresh = made_operator(&user);
                let changes = Changes::new().expect_unchanged(&user).put(&fresh).and(self.without_links(user.id)?);
                let told = told::operator(witness.who(), Action::OperatorAdded, &Step::Changed(&user, &fresh));
                (fresh, changes, told)
            }
            None => {
                let user = User { operator: true, ..new_user(email) };
                let (changes, told) = (Changes::new().put(&user), told::operator(witness.who(), Action::OperatorAdded, &Step::Made(&user)));
                (user, changes, told)
            }
        };
        self.save(guard, changes, Scope::Nothing, told).await?;
        let invite = user.password_hash.is_none();
        Ok(AddedAccount::new(user, invite))
    }

    /// What a new link for an operator is for.
    ///
    /// # Errors
    /// There is no such operator, or it is disabled or has a password meanwhile ([`Error::Stale`]).
    pub fn renew_operator_invitation(&self, witness: &Operator, user: Uuid) -> Result<AddedAccount, Error> {
        let user = self.find_operator(user)?;
        if user.password_hash.is_some() || user.disabled {
            return Err(Error::Stale);
        }
        let told = told::invitation(witness.who(), Log::Global, &user);
        Ok(AddedAccount::new(user, true).renewed(told))
    }

    /// Whether a link that sets an operator's password may be shown.
    ///
    /// # Errors
    /// There is no such operator.
    pub fn may_invite_operator(&self, _witness: &Operator, user: Uuid) -> Result<bool, Error> {
        let user = self.find_operator(user)?;
        Ok(user.password_hash.is_none() && !user.disabled)
    }

    /// A disabled operator can't sign in; sessions and links of before are over for good.
    ///
    /// # Errors
    /// There is no such operator, or it is oneself or the last one who can sign in ([`Error::LastAdmin`]).
    pub async fn enable_operator(&self, witness: &Operator, user: Uuid, enabled: bool) -> Result<(), Error> {
        let guard = self.writing().await;
        let old = self.find_operator(user)?;
        if old.disabled != enabled {
            return Ok(());
        }
        let mut new = User { disabled: !enabled, ..old.clone() };
        let mut changes = Changes::new().expect_unchanged(&old);
        if !enabled {
            self.may_lose_operator(witness, &old)?;
            new.session_epoch += 1;
            changes = changes.and(self.without_links(old.id)?);
        }
        let told = told::operator(witness.who(), Action::OperatorChanged, &Step::Changed(&old, &new));
        self.save(guard, changes.put(&new), Scope::Nothing, told).await
    }

    /// Takes the rights of an operator. The account stays, with its memberships, and stays disabled if it was; one that
    /// never got a password and belongs nowhere goes too.
    ///
    /// # Errors
    /// As [`Settings::enable_operator`].
    pub async fn remove_operator(&self, witness: &Operator, user: Uuid) -> Result<(), Error> {
        let guard = self.writing().await;
        let old = self.find_operator(user)?;
        self.may_lose_operator(witness, &old)?;
        let changes = Changes::new().expect_unchanged(&old).and(self.without_links(old.id)?);
        let (who, action) = (witness.who(), Action::OperatorRemoved);
        let (changes, told) = if old.password_hash.is_none() && self.store().members().of_user(old.id)?.is_empty() {
            (changes.delete::<User>(&User::key_of(old.id)), told::operator(who, action, &Step::Gone(&old)))
        } else {
            let new = User { operator: false, session_epoch: old.session_epoch + 1, ..old.clone() };
            (changes.put(&new), told::operator(who, action, &Step::Changed(&old, &new)))
        };
        self.save(guard, changes, Scope::Nothing, told).await
    }

    /// Refuses oneself, and leaves somebody who can sign in. The second matters when two operators act at the same moment.
    fn may_lose_operator(&self, witness: &Operator, user: &User) -> Result<(), Error> {
        let others = self.store().users().active_operators()?.iter().any(|other| other.id != user.id);
        if is_self(witness.actor(), user.id) || !others { Err(Error::LastAdmin) } else { Ok(()) }
    }

    fn find_operator(&self, user: Uuid) -> Result<User, Error> {
        self.store().users().get(user)?.filter(|user| user.operator).ok_or(Error::NotFound)
    }
}

/// An account with the rights of an operator. Its sessions and links end, so that nothing that was begun with fewer rights
/// goes on with more. If a workspace vouches for it, or it was disabled, its password goes too: an admin may have set it.
pub(super) fn made_operator(user: &User) -> User {
    let doubtful = user.vouched_by.is_some() || user.disabled;
    User {
        operator: true,
        disabled: false,
        password_hash: user.password_hash.clone().filter(|_| !doubtful),
        vouched_by: None,
        session_epoch: user.session_epoch + 1,
        ..user.clone()
    }
}
