//! Why a setting was not read or saved. Nothing was changed when one of these comes back, and none holds a secret.

use thiserror::Error;

use crate::cause::Cause;
use crate::store::{CommitError, ReadError};
use crate::values::{Field, Rule, Variable};
use crate::vault::SealError;

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Error {
    #[error("{}: {rule}", field.label())]
    Invalid { field: Field, rule: Rule },
    #[error("{} is managed by the environment variable {}", field.label(), variable.name())]
    Managed { field: Field, variable: Variable },
    #[error("there is no such thing")]
    NotFound,
    #[error("{}: this is taken already", .0.label())]
    Taken(Field),
    #[error("someone else changed this meanwhile")]
    Stale,
    /// Following a log reads all of it, so it is done once at a time.
    #[error("this log is being verified already")]
    Verifying,
    /// Nobody may remove or demote themselves.
    #[error("this would leave nobody who may administer it")]
    LastAdmin,
    /// The record that this is about can't be read; see [`crate::store::Store::problems`].
    #[error("a stored record of {tree} can't be read")]
    Unreadable { tree: &'static str },
    /// The disk is nearly full, refused, or does not answer.
    #[error(transparent)]
    Unsaved(CommitError),
    #[error("{text}")]
    Store { cause: Cause, text: String },
}

impl Error {
    pub(super) fn store(cause: Cause, text: &(impl ToString + ?Sized)) -> Self {
        Self::Store { cause, text: text.to_string() }
    }

    pub(super) const fn invalid(field: Field) -> impl FnOnce(Rule) -> Self {
        move |rule| Self::Invalid { field, rule }
    }
}

impl From<ReadError> for Error {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Undecodable { tree, .. } => Self::Unreadable { tree },
            ReadError::Io(_) => Self::store(Cause::StoreRead, &error),
        }
    }
}

impl From<CommitError> for Error {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Taken { index: "slug", .. } => Self::Taken(Field::Slug),
            CommitError::Taken { index: "email", .. } => Self::Taken(Field::Email),
            CommitError::Stale { .. } => Self::Stale,
            CommitError::NoRoom { .. } | CommitError::Io(_) => Self::Unsaved(error),
            CommitError::Taken { .. } => Self::store(error.cause(), &error),
        }
    }
}

impl From<SealError> for Error {
    fn from(error: SealError) -> Self {
        Self::store(Cause::Seal, &error)
    }
}
