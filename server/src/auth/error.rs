//! Why somebody was not let in, or not let further.

use thiserror::Error;

use super::password::PasswordError;
use crate::store::{CommitError, ReadError};
use crate::values::Rule;

#[derive(Debug, Error)]
pub enum AuthError {
    #[error("nobody is signed in")]
    SignedOut,
    /// Also for what is there and may not be seen.
    #[error("there is nothing here that the caller may see")]
    NotFound,
    #[error("the caller may look but not write")]
    Forbidden,
    #[error("wrong e-mail address or password")]
    SignInFailed,
    #[error("too many attempts; again in {retry_after_s} s")]
    Throttled { retry_after_s: u32 },
    #[error("the link is used, expired or was never valid")]
    LinkInvalid,
    #[error("the e-mail address: {0}")]
    Email(Rule),
    #[error("the new password: {0}")]
    Password(Rule),
    /// The account was changed by somebody else in the same moment.
    #[error("the account was changed meanwhile")]
    Stale,
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Commit(CommitError),
    #[error("the session could not be kept: {0}")]
    Session(#[from] tower_sessions::session::Error),
    #[error("passwords: {0}")]
    Hash(String),
    #[error("no random numbers: {0}")]
    Random(String),
}

impl From<CommitError> for AuthError {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Taken { tree: "users", .. } => Self::Email(Rule::Taken),
            CommitError::Stale { .. } => Self::Stale,
            other => Self::Commit(other),
        }
    }
}

impl From<PasswordError> for AuthError {
    fn from(error: PasswordError) -> Self {
        match error {
            PasswordError::Busy => Self::Throttled { retry_after_s: 2 },
            PasswordError::Hash(text) => Self::Hash(text),
        }
    }
}
