//! Server functions of API keys. Each takes its services from the request before the first `await`, calls one contract
//! method and, after a change, says where to go. A key's secret is read once and never put into an address.

use leptos::prelude::*;
use uuid::Uuid;

use crate::contract::{ApiError, KeyRow, RouteRow, ShownOnce, WorkspaceRef};
#[cfg(feature = "ssr")]
use crate::service::{go_to, services};

/// What the page needs: the workspace, its keys, and the routes that a new key may be restricted to.
///
/// # Errors
/// As the contract's.
#[server(endpoint = "keys/list")]
pub async fn keys(workspace: String) -> Result<(WorkspaceRef, Vec<KeyRow>, Vec<RouteRow>), ApiError> {
    let services = services()?;
    let found = services.directory.workspace(&workspace).await?;
    let keys = services.routing.keys(&workspace).await?;
    Ok((found, keys, services.routing.routes(&workspace).await?))
}

/// The secret of a key that was just made: the first call yields it, later ones do not.
///
/// # Errors
/// As the contract's.
#[server(endpoint = "keys/take")]
pub async fn take_key(workspace: String, id: Uuid) -> Result<Option<ShownOnce>, ApiError> {
    let services = services()?;
    services.routing.take_key(&workspace, id).await
}

/// `routes` are the slugs that the key may use; none means all.
///
/// # Errors
/// As the contract's.
#[server(endpoint = "keys/create")]
pub async fn create_key(workspace: String, name: String, #[server(default)] routes: Vec<String>) -> Result<(), ApiError> {
    let services = services()?;
    let id = services.routing.create_key(&workspace, &name, &routes.join(",")).await?;
    go_to(&format!("/w/{workspace}/keys?created={id}"));
    Ok(())
}

/// `routes` as for [`create_key`], and the id of a route that is gone where the key has it.
///
/// # Errors
/// As the contract's.
#[server(endpoint = "keys/update")]
pub async fn update_key(workspace: String, id: Uuid, name: String, #[server(default)] routes: Vec<String>) -> Result<(), ApiError> {
    let services = services()?;
    services.routing.update_key(&workspace, id, &name, &routes.join(",")).await?;
    go_to(&format!("/w/{workspace}/keys?saved=key"));
    Ok(())
}

/// `enabled` is `true` or `false`.
///
/// # Errors
/// As the contract's.
#[server(endpoint = "keys/enable")]
pub async fn enable_key(workspace: String, id: Uuid, enabled: bool) -> Result<(), ApiError> {
    let services = services()?;
    services.routing.enable_key(&workspace, id, enabled).await?;
    let saved = if enabled { "key-enabled" } else { "key-disabled" };
    go_to(&format!("/w/{workspace}/keys?saved={saved}"));
    Ok(())
}

/// # Errors
/// As the contract's.
#[server(endpoint = "keys/delete")]
pub async fn delete_key(workspace: String, id: Uuid) -> Result<(), ApiError> {
    let services = services()?;
    services.routing.delete_key(&workspace, id).await?;
    go_to(&format!("/w/{workspace}/keys?saved=key-deleted"));
    Ok(())
}
