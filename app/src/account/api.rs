//! Changing one's password.

use leptos::prelude::*;

use crate::contract::ApiError;
#[cfg(feature = "ssr")]
use crate::service::{go_to, services};

/// Sets a new password and ends the viewer's other sessions.
#[server(endpoint = "account/change-password")]
pub async fn change_password(current: String, new: String) -> Result<(), ApiError> {
    services()?.accounts.change_password(&current, &new).await?;
    go_to("/account?saved=password");
    Ok(())
}
