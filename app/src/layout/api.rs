//! Who is signed in, and signing out.

use leptos::prelude::*;

use crate::contract::{ApiError, Viewer};
#[cfg(feature = "ssr")]
use crate::service::{go_to, services};

/// Whoever is signed in.
#[server(endpoint = "account/viewer")]
pub async fn load_viewer() -> Result<Viewer, ApiError> {
    services()?.accounts.viewer().await?.ok_or(ApiError::SignedOut)
}

/// Ends the session.
#[server(endpoint = "account/sign-out")]
pub async fn sign_out() -> Result<(), ApiError> {
    services()?.accounts.sign_out().await?;
    go_to("/sign-in?saved=signed-out");
    Ok(())
}
