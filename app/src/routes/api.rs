//! Server functions of routes and their environments. Each takes its services from the request before the first
//! `await`, calls one contract method and, after a change, says where to go.

use leptos::prelude::*;

use super::view_model::RouteForm;
use crate::contract::{ApiError, EnvironmentForm, RouteDetail, RouteRow, WorkspaceRef};
#[cfg(feature = "ssr")]
use crate::service::{go_to, services};

/// # Errors
/// As the contract's.
#[server(endpoint = "routes/list")]
pub async fn routes(workspace: String) -> Result<(WorkspaceRef, Vec<RouteRow>), ApiError> {
    let services = services()?;
    let found = services.directory.workspace(&workspace).await?;
    Ok((found, services.routing.routes(&workspace).await?))
}

/// # Errors
/// As the contract's.
#[server(endpoint = "routes/detail")]
pub async fn route(workspace: String, route: String) -> Result<(WorkspaceRef, RouteDetail), ApiError> {
    let services = services()?;
    let found = services.directory.workspace(&workspace).await?;
    Ok((found, services.routing.route(&workspace, &route).await?))
}

/// The workspace that a page is in, and what the viewer may do there.
///
/// # Errors
/// As the contract's.
#[server(endpoint = "routes/workspace")]
pub async fn workspace(workspace: String) -> Result<WorkspaceRef, ApiError> {
    let services = services()?;
    services.directory.workspace(&workspace).await
}

/// # Errors
/// As the contract's.
#[server(endpoint = "routes/create")]
pub async fn create_route(workspace: String, name: String, slug: String, target_base_url: String) -> Result<(), ApiError> {
    let services = services()?;
    let slug = services.routing.create_route(&workspace, &slug, &name, &target_base_url).await?;
    go_to(&format!("/w/{workspace}/routes/{slug}?saved=route-created"));
    Ok(())
}

/// # Errors
/// [`ApiError::Invalid`] for a number that is none or out of range, otherwise as the contract's.
#[server(endpoint = "routes/update")]
pub async fn update_route(workspace: String, route: String, form: RouteForm) -> Result<(), ApiError> {
    let services = services()?;
    let settings = form.settings()?;
    services.routing.update_route(&workspace, &route, &form.name, settings).await?;
    go_to(&format!("/w/{workspace}/routes/{route}?saved=route"));
    Ok(())
}

/// `enabled` is `true` or `false`.
///
/// # Errors
/// As the contract's.
#[server(endpoint = "routes/enable")]
pub async fn enable_route(workspace: String, route: String, enabled: bool) -> Result<(), ApiError> {
    let services = services()?;
    services.routing.enable_route(&workspace, &route, enabled).await?;
    let saved = if enabled { "route-enabled" } else { "route-disabled" };
    go_to(&format!("/w/{workspace}/routes/{route}?saved={saved}"));
    Ok(())
}

/// # Errors
/// As the contract's.
#[server(endpoint = "routes/delete")]
pub async fn delete_route(workspace: String, route: String, confirmation: String) -> Result<(), ApiError> {
    let services = services()?;
    services.routing.delete_route(&workspace, &route, &confirmation).await?;
    go_to(&format!("/w/{workspace}/routes?saved=route-deleted"));
    Ok(())
}

/// # Errors
/// As the contract's.
#[server(endpoint = "routes/save-environment")]
pub async fn save_environment(workspace: String, route: String, form: EnvironmentForm) -> Result<(), ApiError> {
    let services = services()?;
    services.routing.save_environment(&workspace, &route, form).await?;
    go_to(&format!("/w/{workspace}/routes/{route}?saved=environment"));
    Ok(())
}

/// `enabled` is `true` or `false`.
///
/// # Errors
/// As the contract's.
#[server(endpoint = "routes/enable-environment")]
pub async fn enable_environment(workspace: String, route: String, name: String, enabled: bool) -> Result<(), ApiError> {
    let services = services()?;
    services.routing.enable_environment(&workspace, &route, &name, enabled).await?;
    let saved = if enabled { "environment-enabled" } else { "environment-disabled" };
    go_to(&format!("/w/{workspace}/routes/{route}?saved={saved}"));
    Ok(())
}

/// # Errors
/// As the contract's.
#[server(endpoint = "routes/delete-environment")]
pub async fn delete_environment(workspace: String, route: String, name: String) -> Result<(), ApiError> {
    let services = services()?;
    services.routing.delete_environment(&workspace, &route, &name).await?;
    go_to(&format!("/w/{workspace}/routes/{route}?saved=environment-deleted"));
    Ok(())
}
