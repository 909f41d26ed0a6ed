//! What becomes of a session that can't be saved. The session layer answers that with an empty 500 and keeps the reason to itself, so
//! the store beneath it lays the reason down here, for whoever stands around the layer.

use std::cell::RefCell;

use thiserror::Error;
use tokio::task::JoinError;
use tower_sessions::session_store;

use crate::cause::Cause;
use crate::store::{CommitError, ReadError};

tokio::task_local! {
    static REASON: RefCell<Option<Unsaved>>;
}

/// Why a session could not be saved.
#[derive(Debug, Error)]
pub enum Unsaved {
    #[error("a session could not be saved: {0}")]
    Read(#[from] ReadError),
    #[error("a session could not be saved: {0}")]
    Commit(#[from] CommitError),
    #[error("a session could not be saved: {0}")]
    Encode(#[from] serde_json::Error),
    /// Of the look through the account's sessions.
    #[error("a session could not be saved: {0}")]
    Interrupted(#[from] JoinError),
}

impl Unsaved {
    #[must_use]
    pub const fn cause(&self) -> Cause {
        match self {
            Self::Read(error) => error.cause(),
            Self::Commit(error) => error.cause(),
            Self::Encode(_) | Self::Interrupted(_) => Cause::Session,
        }
    }

    /// Leaves it for [`saving`], and makes of it what the session layer wants to hear.
    pub(super) fn lay_down(self) -> session_store::Error {
        let heard = session_store::Error::Backend(self.to_string());
        // Nobody may be asking.
        let _ = REASON.try_with(|reason| reason.replace(Some(self)));
        heard
    }
}

/// Waits for what serves a request, its session layer included.
///
/// # Errors
/// A session could not be saved meanwhile; what the layer made of that says nothing and is dropped.
pub async fn saving<F: Future>(serving: F) -> Result<F::Output, Unsaved> {
    let watched = async {
        let output = serving.await;
        REASON.with(RefCell::take).map_or(Ok(output), Err)
    };
    REASON.scope(RefCell::default(), watched).await
}
