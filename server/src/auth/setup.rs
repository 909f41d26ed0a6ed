//! One-time links: they make the first operator, or give an invited account its password.
//!
//! A token has 256 random bits; the store keeps its SHA-256. Using one up and what it does are one transaction, so that it
//! works once however many use it at the same moment.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::account::{Auth, Visitor};
use super::clock::{Clock, millis};
use super::error::AuthError;
use crate::audit::{Action, Log, Resource, Told};
use crate::store::{Changes, SetupToken, User};
use crate::values::{Email, Field, Password};

/// How long the link for the first operator works.
pub const FIRST_OPERATOR_FOR: Duration = Duration::from_secs(24 * 60 * 60);
/// How long an invitation works.
pub const INVITATION_FOR: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// What a link is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Link {
    FirstOperator,
    Invitation(Email),
    /// Used, expired or never valid.
    Invalid,
}

/// A token as it stands in a link. Never printed by `Debug`.
pub struct SetupSecret(Zeroizing<String>);

impl SetupSecret {
    /// A fresh token and the record that recognises it; the caller commits the record.
    ///
    /// # Errors
    /// [`AuthError::Random`]
    pub fn make(user: Option<Uuid>, epoch: u64, valid_for: Duration, clock: &Clock) -> Result<(Self, SetupToken), AuthError> {
        let mut bytes = Zeroizing::new([0_u8; 32]);
        getrandom::fill(&mut *bytes).map_err(|error| AuthError::Random(error.to_string()))?;
        let secret = Zeroizing::new(URL_SAFE_NO_PAD.encode(*bytes));
        let record = SetupToken { hash: hash(&secret), user, epoch, expires_at: clock.now_ms().saturating_add(millis(valid_for)) };
        Ok((Self(secret), record))
    }

    /// The link to hand out. `base` is the console's URL without a trailing slash.
    #[must_use]
    pub fn url(&self, base: &str) -> String {
        format!("{}/setup?token={}", base.trim_end_matches('/'), *self.0)
    }
}

impl std::fmt::Debug for SetupSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SetupSecret([redacted])")
    }
}

impl Auth {
    /// The link with which whoever started the process becomes the first operator; `None` once there is one who
    /// can sign in. Earlier links stop working.
    ///
    /// # Errors
    /// The store can't be read or written.
    pub async fn setup_url(&self, base: &str) -> Result<Option<String>, AuthError> {
        if !self.store().users().active_operators()?.is_empty() {
            return Ok(None);
        }
        let (secret, record) = SetupSecret::make(None, 0, FIRST_OPERATOR_FOR, self.clock())?;
        self.replace_links(None, &record, None).await?;
        Ok(Some(secret.url(base)))
    }

    /// The link with which an account gets a password. Earlier links of the account stop working, and this one does as
    /// soon as the account's epoch is no longer the one for which it was allowed. `told` is for the audit log; `None` where
    /// the link comes with an account that was just added, which is told of already.
    ///
    /// # Errors
    /// The store can't be read or written.
    pub async fn invite(&self, user: Uuid, epoch: u64, told: Option<Told>) -> Result<SetupSecret, AuthError> {
        let (secret, record) = SetupSecret::make(Some(user), epoch, INVITATION_FOR, self.clock())?;
        self.replace_links(Some(user), &record, told).await?;
        Ok(secret)
    }

    async fn replace_links(&self, user: Option<Uuid>, record: &SetupToken, told: Option<Told>) -> Result<(), AuthError> {
        let changes = self.without_links(user)?.put(record);
        match told {
            Some(told) => Ok(self.store().commit_told(changes, told).await?),
            None => Ok(self.store().commit(changes).await?),
        }
    }

    /// Changes that remove every link of an account (`None`: those for the first operator).
    fn without_links(&self, user: Option<Uuid>) -> Result<Changes, AuthError> {
        let earlier = self.store().setup_tokens().of_user(user)?;
        Ok(earlier.iter().fold(Changes::new(), |changes, token| changes.delete::<SetupToken>(&SetupToken::key_of(&token.hash))))
    }

    fn find(&self, token: &str) -> Result<Option<SetupToken>, AuthError> {
        let found = self.store().setup_tokens().get(&hash(token))?;
        Ok(found.filter(|found| found.expires_at > self.clock().now_ms()))
    }

    fn invited(&self, user: Uuid, epoch: u64) -> Result<User, AuthError> {
        self.store().users().get(user)?.filter(|user| !user.disabled && user.session_epoch == epoch).ok_or(AuthError::LinkInvalid)
    }
}

impl Visitor {
    /// What a link is for; does not use it up.
    ///
    /// # Errors
    /// The store can't be read.
    pub fn setup_link(&self, token: &str) -> Result<Link, AuthError> {
        let Some(found) = self.auth.find(token)? else { return Ok(Link::Invalid) };
        match found.user {
            None if !self.auth.store().users().active_operators()?.is_empty() => Ok(Link::Invalid),
            None => Ok(Link::FirstOperator),
            Some(user) => match self.auth.invited(user, found.epoch) {
                Ok(user) => Ok(Link::Invitation(user.email)),
                Err(AuthError::LinkInvalid) => Ok(Link::Invalid),
                Err(error) => Err(error),
            },
        }
    }

    /// Uses a link up: sets the password (for the first operator also the e-mail address, which may be that of an operator who has
    /// no password yet) and signs in.
    ///
    /// # Errors
    /// [`AuthError::LinkInvalid`], the rule that the address or the password breaks, or a failure of the store.
    pub async fn complete_setup(&self, token: &str, email: &str, password: &str) -> Result<(), AuthError> {
        let found = self.auth.find(token)?.ok_or(AuthError::LinkInvalid)?;
        let password = Password::parse(password).map_err(AuthError::Password);
        let (user, before) = match found.user {
            None => {
                if !self.auth.store().users().active_operators()?.is_empty() {
                    return Err(AuthError::LinkInvalid);
                }
                let email = Email::parse(email).map_err(AuthError::Email)?;
                // The bootstrap file may have made the operator without a password.
                match self.auth.store().users().by_email(&email)?.filter(waits_for_password) {
                    Some(user) => (user.clone(), Some(user)),
                    None => (self.first_operator(email), None),
                }
            }
            Some(user) => {
                let user = self.auth.invited(user, found.epoch)?;
                (user.clone(), Some(user))
            }
        };
        let user = User {
            password_hash: Some(self.auth.passwords().hash(&password?).await?),
            session_epoch: user.session_epoch.saturating_add(1),
            ..user
        };
        let mut changes = Changes::new().expect_unchanged(&found);
        if let Some(before) = &before {
            changes = changes.expect_unchanged(before);
        }
        let changes = changes.and(self.auth.without_links(found.user)?).put(&user);
        let told = Told::new(&self.who(&user), Log::Global, Action::AccountSetUp, Resource::new("account", &user.email, Some(user.id)))
            .switch("Operator", before.as_ref().is_some_and(|before| before.operator), user.operator)
            .secret(Field::Password.label(), true);
        match self.auth.store().commit_told(changes, told).await.map_err(AuthError::from) {
            // Somebody else used it in the same moment.
            Err(AuthError::Stale) => Err(AuthError::LinkInvalid),
            Err(error) => Err(error),
            Ok(()) => self.start_session(&user).await,
        }
    }

    fn first_operator(&self, email: Email) -> User {
        User {
            id: Uuid::now_v7(),
            email,
            password_hash: None,
            operator: true,
            disabled: false,
            created_at: self.auth.clock().now_ms(),
            session_epoch: 0,
            vouched_by: None,
        }
    }
}

fn waits_for_password(user: &User) -> bool {
    user.operator && !user.disabled && user.password_hash.is_none()
}

fn hash(token: &str) -> String {
    hex::encode(Sha256::digest(token.as_bytes()))
}
