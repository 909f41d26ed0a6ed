//! A workspace's AI agents: what callers name in `/v1/ai/{agent}/…`, and which provider answers.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

#[cfg(feature = "ssr")]
use super::ApiError;
use super::values::Provider;
use super::{SecretView, UnixMillis};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentRow {
    pub id: Uuid,
    pub slug: String,
    pub provider: Provider,
    pub base_url: String,
    pub models: Vec<String>,
    pub enabled: bool,
    /// Its credential can't be read: calls are refused until it is entered again.
    pub broken: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentView {
    pub id: Uuid,
    pub slug: String,
    pub provider: Provider,
    pub base_url: String,
    pub credential: SecretView,
    /// Names of models that callers may ask for; empty allows all.
    pub models: Vec<String>,
    /// The most that a request may ask for in its answer; `None` is no limit.
    pub max_output_tokens: Option<u32>,
    /// The most input and output tokens in a minute over all callers, as the provider reports them; `None` is no limit.
    pub tokens_per_minute: Option<u32>,
    pub enabled: bool,
    pub generation: u64,
    pub saved_at: UnixMillis,
    pub saved_by: Option<String>,
    /// How callers reach it, without a trailing slash: the gateway's `/v1/ai/{slug}`.
    pub call_url: String,
}

/// The form of an agent.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentForm {
    #[serde(default)]
    pub slug: String,
    /// By name.
    #[serde(default)]
    pub provider: String,
    /// Blank is the provider's own.
    #[serde(default)]
    pub base_url: String,
    /// Blank keeps what is stored, never towards another origin.
    #[serde(default)]
    pub credential: String,
    #[serde(default)]
    pub clear_credential: Option<String>,
    /// Names separated by commas or lines; empty allows all.
    #[serde(default)]
    pub models: String,
    /// A whole number; blank is no limit.
    #[serde(default)]
    pub max_output_tokens: String,
    /// A whole number; blank is no limit.
    #[serde(default)]
    pub tokens_per_minute: String,
    /// [`AgentView::generation`] as the form was loaded; 0 for a new one.
    #[serde(default)]
    pub generation: u64,
}

impl std::fmt::Debug for AgentForm {
    /// Without the credential.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AgentForm").field("slug", &self.slug).field("provider", &self.provider).finish_non_exhaustive()
    }
}

/// AI agents. Reading takes any membership, writing takes the operator or a workspace's admin.
#[cfg(feature = "ssr")]
#[async_trait::async_trait]
pub trait Agents: Send + Sync {
    async fn agents(&self, workspace: &str) -> Result<Vec<AgentRow>, ApiError>;
    /// By slug.
    async fn agent(&self, workspace: &str, agent: &str) -> Result<AgentView, ApiError>;
    /// Returns its slug.
    async fn create_agent(&self, workspace: &str, form: AgentForm) -> Result<String, ApiError>;
    /// The slug stays: callers know it.
    async fn save_agent(&self, workspace: &str, agent: &str, form: AgentForm) -> Result<(), ApiError>;
    /// A disabled one answers as one that is not there.
    async fn enable_agent(&self, workspace: &str, agent: &str, enabled: bool) -> Result<(), ApiError>;
    /// `confirmation` must be its slug.
    async fn delete_agent(&self, workspace: &str, agent: &str, confirmation: &str) -> Result<(), ApiError>;
}
