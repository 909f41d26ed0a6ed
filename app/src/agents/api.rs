//! Server functions of AI agents. Each takes its services from the request before the first `await`, calls one contract
//! method and, after a change, says where to go.

use leptos::prelude::*;

use crate::contract::{AgentForm, AgentRow, AgentView, ApiError, WorkspaceRef};
#[cfg(feature = "ssr")]
use crate::service::{go_to, services};

/// # Errors
/// As the contract's.
#[server(endpoint = "agents/list")]
pub async fn agents(workspace: String) -> Result<(WorkspaceRef, Vec<AgentRow>), ApiError> {
    let services = services()?;
    let found = services.directory.workspace(&workspace).await?;
    Ok((found, services.agents.agents(&workspace).await?))
}

/// # Errors
/// As the contract's.
#[server(endpoint = "agents/detail")]
pub async fn agent(workspace: String, agent: String) -> Result<(WorkspaceRef, AgentView), ApiError> {
    let services = services()?;
    let found = services.directory.workspace(&workspace).await?;
    Ok((found, services.agents.agent(&workspace, &agent).await?))
}

/// # Errors
/// As the contract's.
#[server(endpoint = "agents/create")]
pub async fn create_agent(workspace: String, form: AgentForm) -> Result<(), ApiError> {
    let services = services()?;
    let agent = services.agents.create_agent(&workspace, form).await?;
    go_to(&format!("/w/{workspace}/agents/{agent}?saved=agent-created"));
    Ok(())
}

/// # Errors
/// As the contract's.
#[server(endpoint = "agents/save")]
pub async fn save_agent(workspace: String, agent: String, form: AgentForm) -> Result<(), ApiError> {
    let services = services()?;
    services.agents.save_agent(&workspace, &agent, form).await?;
    go_to(&format!("/w/{workspace}/agents/{agent}?saved=agent"));
    Ok(())
}

/// `enabled` is `true` or `false`.
///
/// # Errors
/// As the contract's.
#[server(endpoint = "agents/enable")]
pub async fn enable_agent(workspace: String, agent: String, enabled: bool) -> Result<(), ApiError> {
    let services = services()?;
    services.agents.enable_agent(&workspace, &agent, enabled).await?;
    let saved = if enabled { "agent-enabled" } else { "agent-disabled" };
    go_to(&format!("/w/{workspace}/agents/{agent}?saved={saved}"));
    Ok(())
}

/// # Errors
/// As the contract's.
#[server(endpoint = "agents/delete")]
pub async fn delete_agent(workspace: String, agent: String, confirmation: String) -> Result<(), ApiError> {
    let services = services()?;
    services.agents.delete_agent(&workspace, &agent, &confirmation).await?;
    go_to(&format!("/w/{workspace}/agents?saved=agent-deleted"));
    Ok(())
}
