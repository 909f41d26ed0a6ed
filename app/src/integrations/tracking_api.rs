//! Server functions of the card "Error tracking (Sentry)".

use leptos::prelude::*;

use crate::contract::{ApiError, TrackingForm, TrackingTest, TrackingView};
#[cfg(feature = "ssr")]
use crate::service::{go_to, services};

/// The card's page.
pub const PAGE: &str = "/settings/integrations/sentry";

/// # Errors
/// As the contract's.
#[server(endpoint = "integrations/tracking")]
pub async fn tracking() -> Result<TrackingView, ApiError> {
    services()?.error_tracking.tracking().await
}

/// # Errors
/// As the contract's.
#[server(endpoint = "integrations/save-tracking")]
pub async fn save_tracking(form: TrackingForm) -> Result<(), ApiError> {
    services()?.error_tracking.save_tracking(form).await?;
    go_to(&format!("{PAGE}?saved=tracking"));
    Ok(())
}

/// Sends a test as the form stands. The result is also on the card, for pages without scripts.
///
/// # Errors
/// As the contract's.
#[server(endpoint = "integrations/test-tracking")]
pub async fn test_tracking(form: TrackingForm) -> Result<TrackingTest, ApiError> {
    services()?.error_tracking.test_tracking(form).await
}
