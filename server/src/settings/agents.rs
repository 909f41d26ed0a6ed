//! AI agents: which provider a workspace's callers reach under which name, with which credential and within which limits.

use uuid::Uuid;

use super::limits::{MAX_AGENTS, room_for_one};
use super::publish::Scope;
use super::secret::{self, CredentialChange, Place, SecretState};
use super::told::{self, Step};
use super::workspaces::confirm;
use super::{Error, Settings};
use crate::auth::{Actor, WorkspaceAdmin, WorkspaceMember};
use crate::egress::Scope as Reach;
use crate::store::{Agent, Changes, StoredEndpoint, now};
use crate::values::{Endpoint, Field, Provider, Rule, Slug, TenantId, parse_models, parse_tokens};

/// An agent with what may be shown of its credential.
#[derive(Clone, Debug)]
pub struct AgentEntry {
    pub agent: Agent,
    pub credential: SecretState,
}

/// The form of an agent.
#[derive(Clone, Default)]
pub struct AgentChange {
    /// By name.
    pub provider: String,
    /// Blank is the provider's own.
    pub base_url: String,
    /// Blank keeps what is stored.
    pub credential: String,
    pub clear_credential: bool,
    pub models: String,
    pub max_output_tokens: String,
    pub tokens_per_minute: String,
    /// `None` leaves it as it is; a new one is enabled.
    pub enabled: Option<bool>,
    /// The stored one's as the form was loaded.
    pub generation: u64,
}

impl std::fmt::Debug for AgentChange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AgentChange").field("provider", &self.provider).finish_non_exhaustive()
    }
}

impl Settings {
    /// By slug.
    ///
    /// # Errors
    /// The store can't be read.
    pub fn agents(&self, witness: &WorkspaceMember) -> Result<Vec<AgentEntry>, Error> {
        let mut agents = self.store().agents().of_workspace(witness.workspace())?;
        agents.sort_by(|a, b| a.slug.cmp(&b.slug));
        Ok(agents.into_iter().map(|agent| self.agent_entry(agent)).collect())
    }

    /// # Errors
    /// There is no such agent.
    pub fn agent(&self, witness: &WorkspaceMember, slug: &str) -> Result<AgentEntry, Error> {
        self.find_agent(witness.workspace(), slug).map(|agent| self.agent_entry(agent))
    }

    /// # Errors
    /// A field breaks a rule, or the slug is taken.
    pub async fn create_agent(&self, witness: &WorkspaceAdmin, slug: &str, change: &AgentChange) -> Result<Agent, Error> {
        let slug = super::routes::addressable(slug)?;
        let guard = self.writing().await;
        self.store().workspaces().get(witness.workspace())?.ok_or(Error::NotFound)?;
        room_for_one(self.store().agents().of_workspace(witness.workspace())?.len(), MAX_AGENTS, Field::Slug)?;
        let agent = self.changed_agent(witness, slug, None, change)?;
        let changes = Changes::new().expect_absent::<Agent>(&Agent::key_of(agent.workspace, agent.id)).put(&agent);
        let told = told::agent(witness.who(), &Step::Made(&agent));
        self.save(guard, changes, Scope::Workspace(agent.workspace), told).await?;
        Ok(agent)
    }

    /// The slug stays.
    ///
    /// # Errors
    /// A field breaks a rule, somebody saved meanwhile, or there is no such agent.
    pub async fn save_agent(&self, witness: &WorkspaceAdmin, slug: &str, change: &AgentChange) -> Result<(), Error> {
        self.put_agent(witness, slug, change).await.map(drop)
    }

    /// Returns whether anything changed. The bootstrap file knows no generation.
    pub(super) async fn put_agent(&self, witness: &WorkspaceAdmin, slug: &str, change: &AgentChange) -> Result<bool, Error> {
        let guard = self.writing().await;
        let old = self.find_agent(witness.workspace(), slug)?;
        if *witness.actor() != Actor::Bootstrap && change.generation != old.generation {
            return Err(Error::Stale);
        }
        let new = self.changed_agent(witness, old.slug.clone(), Some(&old), change)?;
        if same_agent(&old, &new) {
            return Ok(false);
        }
        let told = told::agent(witness.who(), &Step::Changed(&old, &new));
        self.save(guard, Changes::new().expect_unchanged(&old).put(&new), Scope::Workspace(old.workspace), told).await?;
        Ok(true)
    }

    /// A disabled agent answers as one that is not there.
    ///
    /// # Errors
    /// There is no such agent.
    pub async fn enable_agent(&self, witness: &WorkspaceAdmin, slug: &str, enabled: bool) -> Result<(), Error> {
        let guard = self.writing().await;
        let old = self.find_agent(witness.workspace(), slug)?;
        if old.enabled == enabled {
            return Ok(());
        }
        let new = Agent { enabled, ..old.clone() };
        let told = told::agent(witness.who(), &Step::Changed(&old, &new));
        self.save(guard, Changes::new().expect_unchanged(&old).put(&new), Scope::Workspace(old.workspace), told).await
    }

    /// `confirmation` must be its slug.
    ///
    /// # Errors
    /// The confirmation is wrong, or there is no such agent.
    pub async fn delete_agent(&self, witness: &WorkspaceAdmin, slug: &str, confirmation: &str) -> Result<(), Error> {
        let guard = self.writing().await;
        let agent = self.find_agent(witness.workspace(), slug)?;
        confirm(confirmation, agent.slug.as_str())?;
        let changes = Changes::new().delete::<Agent>(&Agent::key_of(agent.workspace, agent.id));
        let told = told::agent(witness.who(), &Step::Gone(&agent));
        self.save(guard, changes, Scope::Workspace(agent.workspace), told).await
    }

    /// The record that the form makes of the stored one, credential sealed.
    fn changed_agent(&self, witness: &WorkspaceAdmin, slug: Slug, old: Option<&Agent>, change: &AgentChange) -> Result<Agent, Error> {
        let unknown = Error::Invalid { field: Field::Provider, rule: Rule::Unknown };
        let provider = Provider::parse(change.provider.trim()).ok_or(unknown)?;
        let given = change.base_url.trim();
        let base_url = if given.is_empty() { provider.base_url().unwrap_or_default() } else { given };
        let base_url = Endpoint::parse_exact(base_url).map_err(Error::invalid(Field::BaseUrl))?;
        self.check_egress(witness.actor(), Reach::Tenant, Field::BaseUrl, &base_url)?;
        let models = parse_models(&change.models).map_err(Error::invalid(Field::Models))?;
        let max_output_tokens = parse_tokens(&change.max_output_tokens).map_err(Error::invalid(Field::MaxOutputTokens))?;
        let tokens_per_minute = parse_tokens(&change.tokens_per_minute).map_err(Error::invalid(Field::TokensPerMinute))?;
        let id = old.map_or_else(Uuid::now_v7, |old| old.id);
        let credential_change = CredentialChange { text: &change.credential, clear: change.clear_credential, endpoint: &base_url };
        let stored = old.and_then(|old| old.credential.as_ref());
        let place = Place::agent(witness.workspace(), id);
        let credential = secret::change_credential(self.vault(), &place, stored, &credential_change, witness.actor())?;
        if credential.is_none() && provider != Provider::OpenAiCompatible {
            return Err(Error::Invalid { field: Field::Credential, rule: Rule::Required });
        }
        Ok(Agent {
            id,
            workspace: witness.workspace(),
            slug,
            provider,
            base_url: StoredEndpoint(base_url),
            credential,
            models,
            max_output_tokens,
            tokens_per_minute,
            enabled: change.enabled.unwrap_or_else(|| old.is_none_or(|old| old.enabled)),
            generation: old.map_or(0, |old| old.generation) + 1,
            saved_at: now(),
            saved_by: witness.actor().email().cloned(),
        })
    }

    fn find_agent(&self, workspace: TenantId, slug: &str) -> Result<Agent, Error> {
        let slug = Slug::parse(slug).map_err(|_| Error::NotFound)?;
        self.store().agents().by_slug(workspace, &slug)?.ok_or(Error::NotFound)
    }

    fn agent_entry(&self, agent: Agent) -> AgentEntry {
        let place = Place::agent(agent.workspace, agent.id);
        AgentEntry { credential: secret::credential_state(self.vault(), &place, agent.credential.as_ref()), agent }
    }
}

fn same_agent(old: &Agent, new: &Agent) -> bool {
    (old.provider, &old.base_url, &old.models, old.enabled) == (new.provider, &new.base_url, &new.models, new.enabled)
        && (old.max_output_tokens, old.tokens_per_minute) == (new.max_output_tokens, new.tokens_per_minute)
        && secret::ciphertext(old.credential.as_ref()) == secret::ciphertext(new.credential.as_ref())
}
