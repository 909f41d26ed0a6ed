//! Webhook endpoints: what the list and the form show, saving, switching on and off, signing secrets. Knows nothing of how
//! anything is delivered.

mod form;
mod save;
mod signing;
mod told;

pub use form::WebhookChange;
pub use signing::NewSigningSecret;

use uuid::Uuid;

use super::keys::route_handles;
use super::publish::unsealed_webhook;
use super::secret::{self, Place, SecretState};
use super::{Error, Settings};
use crate::auth::{WorkspaceAdmin, WorkspaceMember};
use crate::live;
use crate::store::{Webhook, WebhookHealth};
use crate::values::TenantId;

/// An endpoint with what may be shown of its secrets, and how it is doing.
#[derive(Clone, Debug)]
pub struct WebhookEntry {
    pub webhook: Webhook,
    /// Slugs of the routes it is told of (the id of one that is gone); empty means all.
    pub routes: Vec<String>,
    pub auth_secret: SecretState,
    pub headers: SecretState,
    pub signing: SecretState,
    pub health: WebhookHealth,
}

impl WebhookEntry {
    /// Something it needs does not open: nothing is delivered.
    #[must_use]
    pub const fn is_broken(&self) -> bool {
        self.auth_secret.unreadable || self.headers.unreadable || self.signing.unreadable
    }
}

impl Settings {
    /// In the order they were made.
    ///
    /// # Errors
    /// The store can't be read.
    pub fn webhooks(&self, witness: &WorkspaceMember) -> Result<Vec<WebhookEntry>, Error> {
        let found = self.store().webhooks().of_workspace(witness.workspace())?;
        found.into_iter().map(|webhook| self.webhook_entry(webhook)).collect()
    }

    /// # Errors
    /// There is no such endpoint.
    pub fn webhook(&self, witness: &WorkspaceMember, id: Uuid) -> Result<WebhookEntry, Error> {
        self.webhook_entry(self.find_webhook(witness.workspace(), id)?)
    }

    /// Where and how a test of it goes, whether it is on or off.
    ///
    /// # Errors
    /// There is no such endpoint, or something it needs does not open.
    pub fn webhook_target(&self, witness: &WorkspaceAdmin, id: Uuid) -> Result<live::Webhook, Error> {
        let webhook = self.find_webhook(witness.workspace(), id)?;
        unsealed_webhook(self.vault(), &webhook).ok_or(Error::Unreadable { tree: <Webhook as crate::store::Record>::TREE })
    }

    fn find_webhook(&self, workspace: TenantId, id: Uuid) -> Result<Webhook, Error> {
        self.store().webhooks().get(workspace, id)?.ok_or(Error::NotFound)
    }

    fn webhook_entry(&self, webhook: Webhook) -> Result<WebhookEntry, Error> {
        let (workspace, id) = (webhook.workspace, webhook.id);
        let place = |field| Place::webhook(workspace, id, field);
        let routes = self.store().routes().of_workspace(workspace)?;
        Ok(WebhookEntry {
            routes: route_handles(&routes, &webhook.routes),
            auth_secret: secret::text_state(self.vault(), &place(AUTH_SECRET), webhook.auth_secret.as_ref()),
            headers: secret::state(self.vault(), &place(HEADERS), webhook.headers.as_ref()),
            signing: secret::text_state(self.vault(), &place(SIGNING), Some(&webhook.signing)),
            health: self.store().webhooks().health(workspace, id)?,
            webhook,
        })
    }
}

/// The fields that sealed texts are bound to.
pub(super) const AUTH_SECRET: &str = "auth_secret";
pub(super) const HEADERS: &str = "headers";
pub(super) const SIGNING: &str = "signing";
pub(super) const PREVIOUS: &str = "previous";
