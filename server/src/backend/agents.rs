//! A workspace's AI agents.

use app::contract::{AgentForm, AgentRow, AgentView, Agents, ApiError};
use async_trait::async_trait;

use super::{Bound, exact, secret_view};
use crate::settings::{AgentChange, AgentEntry};

#[async_trait]
impl Agents for Bound {
    async fn agents(&self, workspace: &str) -> Result<Vec<AgentRow>, ApiError> {
        let (_, member) = self.visitor.member_of(workspace)?;
        Ok(self.settings().agents(&member)?.into_iter().map(agent_row).collect())
    }

    async fn agent(&self, workspace: &str, agent: &str) -> Result<AgentView, ApiError> {
        let (_, member) = self.visitor.member_of(workspace)?;
        Ok(agent_view(self.settings().agent(&member, exact(agent)?)?, &self.parts.gateway_url))
    }

    async fn create_agent(&self, workspace: &str, form: AgentForm) -> Result<String, ApiError> {
        let (_, admin) = self.visitor.admin_of(workspace)?;
        let slug = form.slug.clone();
        Ok(self.settings().create_agent(&admin, &slug, &change(form)).await?.slug.into())
    }

    async fn save_agent(&self, workspace: &str, agent: &str, form: AgentForm) -> Result<(), ApiError> {
        let (_, admin) = self.visitor.admin_of(workspace)?;
        Ok(self.settings().save_agent(&admin, exact(agent)?, &change(form)).await?)
    }

    async fn enable_agent(&self, workspace: &str, agent: &str, enabled: bool) -> Result<(), ApiError> {
        let (_, admin) = self.visitor.admin_of(workspace)?;
        Ok(self.settings().enable_agent(&admin, exact(agent)?, enabled).await?)
    }

    async fn delete_agent(&self, workspace: &str, agent: &str, confirmation: &str) -> Result<(), ApiError> {
        let (_, admin) = self.visitor.admin_of(workspace)?;
        Ok(self.settings().delete_agent(&admin, exact(agent)?, confirmation).await?)
    }
}

fn change(form: AgentForm) -> AgentChange {
    AgentChange {
        provider: form.provider,
        base_url: form.base_url,
        credential: form.credential,
        clear_credential: form.clear_credential.is_some(),
        models: form.models,
        max_output_tokens: form.max_output_tokens,
        tokens_per_minute: form.tokens_per_minute,
        enabled: None,
        generation: form.generation,
    }
}

fn agent_row(entry: AgentEntry) -> AgentRow {
    let agent = entry.agent;
    AgentRow {
        id: agent.id,
        slug: agent.slug.into(),
        provider: agent.provider,
        base_url: agent.base_url.into(),
        models: agent.models,
        enabled: agent.enabled,
        broken: entry.credential.unreadable,
    }
}

fn agent_view(entry: AgentEntry, gateway_url: &str) -> AgentView {
    let AgentEntry { agent, credential } = entry;
    AgentView {
        call_url: format!("{gateway_url}/v1/ai/{}", agent.slug),
        id: agent.id,
        slug: agent.slug.into(),
        provider: agent.provider,
        base_url: agent.base_url.into(),
        credential: secret_view(credential),
        models: agent.models,
        max_output_tokens: agent.max_output_tokens,
        tokens_per_minute: agent.tokens_per_minute,
        enabled: agent.enabled,
        generation: agent.generation,
        saved_at: agent.saved_at,
        saved_by: agent.saved_by.map(String::from),
    }
}
