//! What is stored and can't be used: how it is told, and how much of it there is.

use thiserror::Error as ThisError;

use super::{Scope, unsealed_webhook};
use crate::settings::secret::{self, Place};
use crate::store::{self, Store};
use crate::values::{Slug, TenantId};
use crate::vault::Vault;

/// Something stored that can't be used.
#[derive(Clone, Debug, PartialEq, Eq, ThisError)]
pub enum Problem {
    #[error(
        "the master key does not match this data folder; {unreadable} secrets can't be read. Start with the key they were saved with, or enter them again"
    )]
    WrongKey { unreadable: usize },
    #[error("{place} can't be decrypted; what needs it is off until it is entered again")]
    Secret { place: SecretPlace },
    #[error("a stored record of {} can't be read: {}", .0.tree, .0.reason)]
    Record(store::Problem),
}

/// Where a secret lies that does not open.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, ThisError)]
pub enum SecretPlace {
    #[error("the operator's telemetry headers")]
    OperatorHeaders,
    #[error("the telemetry headers of workspace {0}")]
    TenantHeaders(TenantId),
    #[error("the injected headers of environment {environment} of route {route} in workspace {workspace}", route = route.as_str(), environment = environment.as_str())]
    InjectedHeaders { workspace: TenantId, route: Slug, environment: Slug },
    #[error("a secret of webhook {name} in workspace {workspace}")]
    Webhook { workspace: TenantId, name: String },
    #[error("the credential of AI agent {agent} in workspace {workspace}", agent = agent.as_str())]
    AgentCredential { workspace: TenantId, agent: Slug },
}

impl SecretPlace {
    /// Whose it is; `None` for the operator's.
    #[must_use]
    pub const fn workspace(&self) -> Option<TenantId> {
        match self {
            Self::OperatorHeaders => None,
            Self::TenantHeaders(workspace)
            | Self::InjectedHeaders { workspace, .. }
            | Self::Webhook { workspace, .. }
            | Self::AgentCredential { workspace, .. } => Some(*workspace),
        }
    }

    pub(super) const fn scope(&self) -> Scope {
        match self.workspace() {
            None => Scope::Operator,
            Some(workspace) => Scope::Workspace(workspace),
        }
    }
}

/// Over everything stored, in force or not.
pub(in crate::settings) fn count_unreadable(store: &Store, vault: &Vault) -> usize {
    let exports = store.exports().all().unwrap_or_default();
    let of_exports =
        exports.iter().filter(|export| secret::open(vault, &Place::export(export.workspace), export.headers.as_ref()).is_err());
    let routes = store.routes().all().unwrap_or_default();
    let of_routes = routes.iter().flat_map(|route| route.environments.iter().map(move |environment| (route, environment))).filter(
        |(route, environment)| {
            let place = Place::environment(route.workspace, route.id, environment.id);
            secret::open(vault, &place, environment.inject_headers.as_ref()).is_err()
        },
    );
    let webhooks = store.webhooks().all().unwrap_or_default();
    let of_webhooks = webhooks.iter().filter(|webhook| unsealed_webhook(vault, webhook).is_none());
    let agents = store.agents().all().unwrap_or_default();
    let of_agents = agents.iter().filter(|agent| {
        let place = Place::agent(agent.workspace, agent.id);
        agent.credential.as_ref().is_some_and(|credential| secret::open_credential(vault, &place, credential).is_err())
    });
    of_exports.count() + of_routes.count() + of_webhooks.count() + of_agents.count()
}
