//! What a one-time link is for, and using it up.

use leptos::prelude::*;

use crate::contract::{ApiError, SetupLink};
#[cfg(feature = "ssr")]
use crate::service::{go_to, services};

/// Looks at the link without using it up.
#[server(endpoint = "account/setup-link")]
pub async fn load_setup_link(token: String) -> Result<SetupLink, ApiError> {
    services()?.accounts.setup_link(&token).await
}

/// Sets the password, signs in, and goes to the overview.
#[server(endpoint = "account/complete-setup")]
pub async fn complete_setup(token: String, #[server(default)] email: String, password: String) -> Result<(), ApiError> {
    services()?.accounts.complete_setup(&token, &email, &password).await?;
    go_to("/");
    Ok(())
}
