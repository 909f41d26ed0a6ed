//! Server functions of the page of requests. Both only read, and have the workspace's requests kept from the first time on.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::contract::{ApiError, TrafficFilter, TrafficPage};
#[cfg(feature = "ssr")]
use crate::routes::request_to_try;
#[cfg(feature = "ssr")]
use crate::service::services;

/// What the page shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrafficView {
    /// What a filter may ask for: the routes' slugs, and `ai/` with those of the agents.
    pub routes: Vec<String>,
    /// A request to try, where there is none to show, and a route and a key for it.
    pub curl: Option<String>,
    pub page: TrafficPage,
}

/// # Errors
/// As the contract's.
#[server(endpoint = "traffic/page")]
pub async fn load_traffic(
    workspace: String,
    #[server(default)] filter: TrafficFilter,
    #[server(default)] before: Option<Uuid>,
) -> Result<TrafficView, ApiError> {
    let services = services()?;
    let page = services.traffic.traffic(&workspace, filter, before).await?;
    let routes = services.routing.routes(&workspace).await?;
    let agents = services.agents.agents(&workspace).await?;
    let curl = if page.rows.is_empty() {
        let keys = services.routing.keys(&workspace).await?;
        request_to_try(&services, &workspace, &routes, &keys).await?
    } else {
        None
    };
    let agents = agents.into_iter().map(|agent| format!("ai/{}", agent.slug));
    let routes = routes.into_iter().map(|route| route.slug).chain(agents).collect();
    Ok(TrafficView { routes, curl, page })
}

/// The requests alone, for the live part of the page.
///
/// # Errors
/// As the contract's.
#[server(endpoint = "traffic/list")]
pub async fn load_requests(
    workspace: String,
    #[server(default)] filter: TrafficFilter,
    #[server(default)] before: Option<Uuid>,
) -> Result<TrafficPage, ApiError> {
    services()?.traffic.traffic(&workspace, filter, before).await
}
