//! The one crossing from the server's errors to the closed [`ApiError`] that browsers see.
//!
//! What is not the caller's to know becomes an id; the log line with that id says the rest, once.

use app::contract::{ApiError, Field, Rule};
use uuid::Uuid;

use crate::auth::AuthError;
use crate::settings;
use crate::store::CommitError;

/// Logs a failure and names it for the browser.
pub(super) fn internal(error: &dyn std::error::Error) -> ApiError {
    let error_id = Uuid::now_v7();
    tracing::error!(error_id = %error_id, %error, "a request of the console failed");
    ApiError::Internal { error_id }
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
            AuthError::Commit(CommitError::NoRoom { .. }) => Self::NoRoom,
            AuthError::Read(_) | AuthError::Commit(_) | AuthError::Session(_) | AuthError::Hash(_) | AuthError::Random(_) => {
                internal(&error)
            }
        }
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
            settings::Error::NoRoom => Self::NoRoom,
            settings::Error::Unreadable { .. } | settings::Error::Store(_) => internal(&error),
        }
    }
}
