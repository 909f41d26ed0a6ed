//! What the overviews are made of.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

#[cfg(feature = "ssr")]
use crate::contract::ExportScope;
use crate::contract::{AgentRow, ApiError, ExportStatus, KeyRow, Page, RouteRow, WebhookRow, WorkspaceRef, WorkspaceRow};
#[cfg(feature = "ssr")]
use crate::integrations::still_failing_sentence;
#[cfg(feature = "ssr")]
use crate::routes::request_to_try;
#[cfg(feature = "ssr")]
use crate::service::{go_to, services};

/// The whole gateway, for the operator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GatewaySummary {
    pub workspaces: Page<WorkspaceRow>,
    pub endpoint: String,
    pub export: ExportStatus,
    /// [`ExportStatus::still_failing`] in words, which the code of this page need not have then.
    pub still_failing: Vec<String>,
    /// What is stored and can't be used.
    pub problems: Vec<String>,
}

/// One workspace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkspaceSummary {
    pub workspace: WorkspaceRef,
    pub routes: Vec<RouteRow>,
    pub keys: Vec<KeyRow>,
    pub webhooks: Vec<WebhookRow>,
    pub agents: Vec<AgentRow>,
    pub endpoint: String,
    pub export: ExportStatus,
    /// A request to try, where there is a route and a key for it.
    pub curl: Option<String>,
}

/// Takes the operator.
#[server(endpoint = "overview/gateway")]
pub async fn load_gateway_summary() -> Result<GatewaySummary, ApiError> {
    let services = services()?;
    let workspaces = services.directory.workspaces("", 0).await?;
    let export = services.integrations.export(&ExportScope::Global).await?;
    let problems = services.directory.problems().await?;
    let still_failing = export.status.still_failing.iter().map(still_failing_sentence).collect();
    Ok(GatewaySummary { workspaces, endpoint: export.endpoint.value, export: export.status, still_failing, problems })
}

/// Takes a member of the workspace.
#[server(endpoint = "overview/workspace")]
pub async fn load_workspace_summary(workspace: String) -> Result<WorkspaceSummary, ApiError> {
    let services = services()?;
    let found = services.directory.workspace(&workspace).await?;
    let routes = services.routing.routes(&workspace).await?;
    let keys = services.routing.keys(&workspace).await?;
    let webhooks = services.webhooks.webhooks(&workspace).await?;
    let agents = services.agents.agents(&workspace).await?;
    let curl = request_to_try(&services, &workspace, &routes, &keys).await?;
    let export = services.integrations.export(&ExportScope::Workspace(workspace)).await?;
    let (endpoint, export) = (export.endpoint.value, export.status);
    Ok(WorkspaceSummary { workspace: found, routes, keys, webhooks, agents, endpoint, export, curl })
}

/// Gives the workspace another name; its slug stays.
#[server(endpoint = "directory/rename-workspace")]
pub async fn rename_workspace(workspace: String, name: String) -> Result<(), ApiError> {
    services()?.directory.rename_workspace(&workspace, &name).await?;
    go_to(&format!("/w/{workspace}?saved=workspace-renamed"));
    Ok(())
}
