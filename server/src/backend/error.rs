//! The one crossing from the server's errors to the closed [`ApiError`] that browsers see.
//!
//! What is not the caller's to know becomes an id; the log line with that id says the rest, once.

use app::contract::{ApiError, Field, Rule};
use uuid::Uuid;

use crate::auth::{AuthError, Unsaved};
use crate::cause::Cause;
use crate::store::CommitError;
use crate::{faults, settings};

/// Logs a failure and names it for the browser, and for whoever records the request. By its cause whoever reports errors tells those
/// apart that are all logged here.
pub(super) fn internal(cause: Cause, error: &dyn std::error::Error) -> ApiError {
    ApiError::Internal { error_id: failed(cause, error) }
}

/// As [`internal`], where `commit` is why: what the disk lacks is the caller's to know.
pub(super) fn unsaved(commit: &CommitError, error: &dyn std::error::Error) -> ApiError {
    let error_id = failed(commit.cause(), error);
    match commit {
        CommitError::NoRoom { .. } => ApiError::NoRoom { error_id },
        CommitError::Io(_) => ApiError::Disk { error_id },
        CommitError::Taken { .. } | CommitError::Stale { .. } => ApiError::Internal { error_id },
    }
}

fn failed(cause: Cause, error: &dyn std::error::Error) -> Uuid {
    let (error_id, cause) = (Uuid::now_v7(), cause.name());
    tracing::error!(errorId = %error_id, cause = &*cause, %error, "a request of the console failed");
    faults::failed(error_id);
    error_id
}

/// For middleware that fails before a service is reached.
pub fn to_api(error: impl Into<ApiError>) -> ApiError {
    error.into()
}

impl From<AuthError> for ApiError {
    fn from(error: AuthError) -> Self {
        match error {
            AuthError::SignedOut => Self::SignedOut,
            AuthError::NotFound => Self::NotFound,
            AuthError::Forbidden => Self::Forbidden,
            AuthError::SignInFailed => Self::SignInFailed,
            AuthError::Throttled { retry_after_s } => Self::Throttled { retry_after_s },
            AuthError::LinkInvalid => Self::LinkInvalid,
            AuthError::Email(rule) => Self::Invalid { field: Field::Email, rule },
            AuthError::Password(rule) => Self::Invalid { field: Field::Password, rule },
            AuthError::Stale => Self::Stale,
            AuthError::Read(ref read) => internal(read.cause(), &error),
            AuthError::Commit(ref commit) => unsaved(commit, &error),
            AuthError::Session(_) => internal(Cause::Session, &error),
            AuthError::Hash(_) => internal(Cause::PasswordHash, &error),
            AuthError::Random(_) => internal(Cause::Random, &error),
        }
    }
}

impl From<Unsaved> for ApiError {
    fn from(unsaved: Unsaved) -> Self {
        Self::SessionUnsaved { error_id: failed(unsaved.cause(), &unsaved) }
    }
}

impl From<settings::Error> for ApiError {
    fn from(error: settings::Error) -> Self {
        match error {
            settings::Error::Invalid { field, rule } => Self::Invalid { field, rule },
            settings::Error::Managed { field, variable } => Self::Managed { field, variable },
            settings::Error::NotFound => Self::NotFound,
            settings::Error::Taken(field) => Self::Invalid { field, rule: Rule::Taken },
            settings::Error::Stale => Self::Stale,
            settings::Error::Verifying => Self::Verifying,
            settings::Error::LastAdmin => Self::LastAdmin,
            settings::Error::Unsaved(ref commit) => unsaved(commit, &error),
            settings::Error::Unreadable { tree } => internal(Cause::Unreadable { tree }, &error),
            settings::Error::Store { cause, .. } => internal(cause, &error),
        }
    }
}
