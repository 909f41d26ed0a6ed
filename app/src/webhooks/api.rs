//! Server functions of webhooks. Each takes its services from the request before the first `await`, calls the contract and,
//! after a change, says where to go. A signing secret is read once and never put into an address.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

#[cfg(feature = "ssr")]
use super::view_model::parse_since;
use crate::contract::{
    ApiError, Deliveries, DeliveryAttempt, RouteRow, ShownOnce, WebhookForm, WebhookLosses, WebhookRow, WebhookState, WebhookView,
    WorkspaceRef,
};
#[cfg(feature = "ssr")]
use crate::service::{go_to, services, stamp};

/// What the page of a webhook shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookDetail {
    pub workspace: WorkspaceRef,
    pub view: WebhookView,
    /// Those that it can be limited to.
    pub routes: Vec<RouteRow>,
    pub deliveries: Deliveries,
}

/// # Errors
/// As the contract's.
#[server(endpoint = "webhooks/list")]
pub async fn webhooks(workspace: String) -> Result<(WorkspaceRef, Vec<WebhookRow>, WebhookLosses), ApiError> {
    let services = services()?;
    let found = services.directory.workspace(&workspace).await?;
    let rows = services.webhooks.webhooks(&workspace).await?;
    Ok((found, rows, services.webhooks.losses(&workspace).await?))
}

/// # Errors
/// As the contract's.
#[server(endpoint = "webhooks/detail")]
pub async fn webhook(workspace: String, id: Uuid) -> Result<WebhookDetail, ApiError> {
    let services = services()?;
    let found = services.directory.workspace(&workspace).await?;
    let view = services.webhooks.webhook(&workspace, id).await?;
    let routes = services.routing.routes(&workspace).await?;
    let deliveries = services.webhooks.deliveries(&workspace, id, None, false).await?;
    Ok(WebhookDetail { workspace: found, view, routes, deliveries })
}

/// How a webhook is doing and what it was told last, for the live parts of its page.
///
/// # Errors
/// As the contract's.
#[server(endpoint = "webhooks/health")]
pub async fn webhook_health(workspace: String, id: Uuid) -> Result<(WebhookState, Deliveries), ApiError> {
    let services = services()?;
    let state = services.webhooks.webhook(&workspace, id).await?.state;
    Ok((state, services.webhooks.deliveries(&workspace, id, None, false).await?))
}

/// A page of its history. `before` is where it begins; with `failed` only what failed.
///
/// # Errors
/// As the contract's.
#[server(endpoint = "webhooks/deliveries")]
pub async fn history(
    workspace: String,
    id: Uuid,
    #[server(default)] before: Option<Uuid>,
    failed: bool,
) -> Result<(WorkspaceRef, WebhookView, Deliveries), ApiError> {
    let services = services()?;
    let found = services.directory.workspace(&workspace).await?;
    let view = services.webhooks.webhook(&workspace, id).await?;
    Ok((found, view, services.webhooks.deliveries(&workspace, id, before, failed).await?))
}

/// The signing secret that was just made: the first call yields it, later ones do not.
///
/// # Errors
/// As the contract's.
#[server(endpoint = "webhooks/take-secret")]
pub async fn take_secret(workspace: String, id: Uuid) -> Result<Option<ShownOnce>, ApiError> {
    let services = services()?;
    services.webhooks.take_secret(&workspace, id).await
}

/// The page that follows shows the signing secret, once.
///
/// # Errors
/// As the contract's.
#[server(endpoint = "webhooks/create")]
pub async fn create_webhook(workspace: String, form: WebhookForm) -> Result<(), ApiError> {
    let services = services()?;
    let id = services.webhooks.create_webhook(&workspace, form).await?;
    go_to(&format!("/w/{workspace}/webhooks/{id}?created={}", stamp()));
    Ok(())
}

/// # Errors
/// As the contract's.
#[server(endpoint = "webhooks/save")]
pub async fn save_webhook(workspace: String, id: Uuid, form: WebhookForm) -> Result<(), ApiError> {
    let services = services()?;
    services.webhooks.save_webhook(&workspace, id, form).await?;
    go_to(&format!("/w/{workspace}/webhooks/{id}?saved=webhook"));
    Ok(())
}

/// `enabled` is `true` or `false`.
///
/// # Errors
/// As the contract's.
#[server(endpoint = "webhooks/enable")]
pub async fn enable_webhook(workspace: String, id: Uuid, enabled: bool) -> Result<(), ApiError> {
    let services = services()?;
    services.webhooks.enable_webhook(&workspace, id, enabled).await?;
    let saved = if enabled { "webhook-enabled" } else { "webhook-disabled" };
    go_to(&format!("/w/{workspace}/webhooks/{id}?saved={saved}"));
    Ok(())
}

/// # Errors
/// As the contract's.
#[server(endpoint = "webhooks/delete")]
pub async fn delete_webhook(workspace: String, id: Uuid, confirmation: String) -> Result<(), ApiError> {
    let services = services()?;
    services.webhooks.delete_webhook(&workspace, id, &confirmation).await?;
    go_to(&format!("/w/{workspace}/webhooks?saved=webhook-deleted"));
    Ok(())
}

/// The page that follows shows the new secret, once.
///
/// # Errors
/// As the contract's.
#[server(endpoint = "webhooks/rotate-secret")]
pub async fn rotate_secret(workspace: String, id: Uuid) -> Result<(), ApiError> {
    let services = services()?;
    services.webhooks.rotate_secret(&workspace, id).await?;
    go_to(&format!("/w/{workspace}/webhooks/{id}?created={}", stamp()));
    Ok(())
}

/// Delivers `webhook.test` to what is saved. What came of it is in the history too, for pages without scripts.
///
/// # Errors
/// As the contract's.
#[server(endpoint = "webhooks/test")]
pub async fn test_webhook(workspace: String, id: Uuid) -> Result<DeliveryAttempt, ApiError> {
    let services = services()?;
    services.webhooks.test_webhook(&workspace, id).await
}

/// `shown` is the query of the page that asks, to come back to it.
///
/// # Errors
/// As the contract's.
#[server(endpoint = "webhooks/redeliver")]
pub async fn redeliver(workspace: String, id: Uuid, delivery: Uuid, #[server(default)] shown: String) -> Result<(), ApiError> {
    let services = services()?;
    services.webhooks.redeliver(&workspace, id, delivery).await?;
    go_to(&format!("/w/{workspace}/webhooks/{id}/deliveries?{shown}saved=webhook-redelivery"));
    Ok(())
}

/// `since` as the form has it: a date and a time in UTC.
///
/// # Errors
/// [`ApiError::Invalid`] for what is no date and time, otherwise as the contract's.
#[server(endpoint = "webhooks/redeliver-failed")]
pub async fn redeliver_failed(workspace: String, id: Uuid, #[server(default)] since: String) -> Result<(), ApiError> {
    let services = services()?;
    let since = parse_since(&since)?;
    let queued = services.webhooks.redeliver_failed(&workspace, id, since).await?;
    let saved = if queued == 0 { "webhook-nothing-failed" } else { "webhook-redeliveries" };
    go_to(&format!("/w/{workspace}/webhooks/{id}/deliveries?saved={saved}"));
    Ok(())
}
