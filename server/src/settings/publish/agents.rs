//! One workspace's AI agents, as the gateway calls them.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::Arc;

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use zeroize::Zeroizing;

use super::SecretPlace;
use crate::live::{Agent, Upstream};
use crate::settings::secret::{self, Place};
use crate::store;
use crate::values::Provider;
use crate::vault::Vault;

/// Enabled ones, by slug. One whose credential does not open is left out: its callers' calls are not made without it.
pub(super) fn build(vault: &Vault, agents: &[store::Agent], broken: &mut Vec<SecretPlace>) -> HashMap<Arc<str>, Arc<Agent>> {
    let built = agents.iter().filter(|agent| agent.enabled).filter_map(|agent| build_one(vault, agent, broken));
    built.map(|agent| (Arc::clone(&agent.slug), Arc::new(agent))).collect()
}

fn build_one(vault: &Vault, agent: &store::Agent, broken: &mut Vec<SecretPlace>) -> Option<Agent> {
    let place = Place::agent(agent.workspace, agent.id);
    let opened = agent.credential.as_ref().map(|credential| secret::open_credential(vault, &place, credential)).transpose();
    let Some(inject) = opened.ok().and_then(|credential| headers(agent.provider, credential)) else {
        broken.push(SecretPlace::AgentCredential { workspace: agent.workspace, agent: agent.slug.clone() });
        return None;
    };
    Some(Agent {
        id: agent.id,
        slug: agent.slug.as_str().into(),
        handle: format!("ai/{}", agent.slug).into(),
        provider: agent.provider,
        upstream: Upstream::new(&agent.base_url.0)?,
        inject,
        models: agent.models.iter().map(|model| model.as_str().into()).collect(),
        max_output_tokens: agent.max_output_tokens.and_then(NonZeroU32::new),
        tokens_per_minute: agent.tokens_per_minute.and_then(NonZeroU32::new),
    })
}

/// The credential as its provider takes it.
fn headers(provider: Provider, credential: Option<Zeroizing<String>>) -> Option<HeaderMap> {
    let Some(credential) = credential else { return Some(HeaderMap::new()) };
    let (name, text) = match provider {
        Provider::Anthropic => (HeaderName::from_static("x-api-key"), credential),
        Provider::OpenAi | Provider::OpenAiCompatible => (header::AUTHORIZATION, Zeroizing::new(format!("Bearer {}", credential.as_str()))),
    };
    let mut value = HeaderValue::from_str(&text).ok()?;
    value.set_sensitive(true);
    Some(HeaderMap::from_iter([(name, value)]))
}
