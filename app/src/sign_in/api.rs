//! Signing in.

use leptos::prelude::*;

use crate::contract::ApiError;
#[cfg(feature = "ssr")]
use crate::service::{go_to, services};

/// Starts a session and goes to `next`, a path of this console, or to the overview.
#[server(endpoint = "account/sign-in")]
pub async fn sign_in(email: String, password: String, #[server(default)] next: String) -> Result<(), ApiError> {
    services()?.accounts.sign_in(&email, &password).await?;
    go_to(&next);
    Ok(())
}
