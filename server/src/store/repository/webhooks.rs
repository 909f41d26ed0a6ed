//! A workspace's webhooks, what is delivered to them, and everything that goes with one.

use std::ops::ControlFlow;

use uuid::Uuid;

use super::in_workspace;
use crate::store::{Changes, Delivery, ReadError, Record, Store, Webhook, WebhookHealth};
use crate::values::TenantId;

impl Record for Webhook {
    const TREE: &'static str = "webhooks";
    const VERSION: u16 = 1;

    fn key(&self) -> Vec<u8> {
        Self::key_of(self.workspace, self.id)
    }
}

impl Webhook {
    #[must_use]
    pub fn key_of(workspace: TenantId, id: Uuid) -> Vec<u8> {
        in_workspace(workspace, id)
    }
}

impl Record for WebhookHealth {
    const TREE: &'static str = "webhook_health";
    const VERSION: u16 = 1;

    fn key(&self) -> Vec<u8> {
        Webhook::key_of(self.workspace, self.endpoint)
    }
}

impl Record for Delivery {
    const TREE: &'static str = "webhook_deliveries";
    const VERSION: u16 = 1;

    fn key(&self) -> Vec<u8> {
        Self::key_of(self.workspace, self.endpoint, self.id)
    }
}

impl Delivery {
    /// An endpoint's deliveries are one range, in the order they were made.
    #[must_use]
    pub fn key_of(workspace: TenantId, endpoint: Uuid, id: Uuid) -> Vec<u8> {
        let mut key = in_workspace(workspace, endpoint);
        key.extend_from_slice(id.as_bytes());
        key
    }
}

#[derive(Clone, Copy, Debug)]
pub struct Webhooks<'a>(pub(in crate::store) &'a Store);

impl Webhooks<'_> {
    /// # Errors
    /// The record or the store can't be read.
    pub fn get(&self, workspace: TenantId, id: Uuid) -> Result<Option<Webhook>, ReadError> {
        self.0.get(&Webhook::key_of(workspace, id))
    }

    /// In the order they were made.
    ///
    /// # Errors
    /// The store can't be read.
    pub fn of_workspace(&self, workspace: TenantId) -> Result<Vec<Webhook>, ReadError> {
        self.0.scan(workspace.0.as_bytes())
    }

    /// # Errors
    /// The store can't be read.
    pub fn all(&self) -> Result<Vec<Webhook>, ReadError> {
        self.0.scan(&[])
    }

    /// Whether something lies there, readable or not.
    ///
    /// # Errors
    /// The store can't be read.
    pub fn is_there(&self, workspace: TenantId, id: Uuid) -> Result<bool, ReadError> {
        Ok(!self.0.keys::<Webhook>(&Webhook::key_of(workspace, id))?.is_empty())
    }

    /// Nothing noted, or nothing that can be read, is as if nothing had been delivered yet.
    ///
    /// # Errors
    /// The store can't be read.
    pub fn health(&self, workspace: TenantId, id: Uuid) -> Result<WebhookHealth, ReadError> {
        match self.0.get(&Webhook::key_of(workspace, id)) {
            Ok(health) => Ok(health.unwrap_or_else(|| WebhookHealth::new(workspace, id))),
            Err(ReadError::Undecodable { .. }) => Ok(WebhookHealth::new(workspace, id)),
            Err(error) => Err(error),
        }
    }

    /// # Errors
    /// The record or the store can't be read.
    pub fn delivery(&self, workspace: TenantId, endpoint: Uuid, id: Uuid) -> Result<Option<Delivery>, ReadError> {
        self.0.get(&Delivery::key_of(workspace, endpoint, id))
    }

    /// Of one endpoint, the oldest first.
    ///
    /// # Errors
    /// The store can't be read.
    pub fn deliveries(&self, workspace: TenantId, endpoint: Uuid) -> Result<Vec<Delivery>, ReadError> {
        self.0.scan(&Webhook::key_of(workspace, endpoint))
    }

    /// Of one endpoint, the newest first, from below `before` on, until `visit` has seen enough: their bodies are long.
    ///
    /// # Errors
    /// The store can't be read.
    pub fn newest_deliveries(
        &self,
        workspace: TenantId,
        endpoint: Uuid,
        before: Option<Uuid>,
        visit: impl FnMut(Delivery) -> ControlFlow<()>,
    ) -> Result<(), ReadError> {
        let before = Delivery::key_of(workspace, endpoint, before.unwrap_or(Uuid::max()));
        self.0.each_back(&Webhook::key_of(workspace, endpoint), &before, visit)
    }

    /// Every endpoint's, one by one: there may be more than fit in memory.
    ///
    /// # Errors
    /// The store can't be read.
    pub fn each_delivery(&self, visit: impl FnMut(Delivery)) -> Result<(), ReadError> {
        self.0.each(&[], visit)
    }

    /// Of every endpoint of which something is noted.
    ///
    /// # Errors
    /// The store can't be read.
    pub fn all_health(&self) -> Result<Vec<WebhookHealth>, ReadError> {
        self.0.scan(&[])
    }

    /// Removes an endpoint with everything that was or is to be delivered to it, unreadable records too.
    ///
    /// # Errors
    /// The store can't be read.
    pub fn deletion(&self, workspace: TenantId, id: Uuid) -> Result<Changes, ReadError> {
        let key = Webhook::key_of(workspace, id);
        let changes = Changes::new().delete::<Webhook>(&key).delete::<WebhookHealth>(&key);
        Ok(self.0.keys::<Delivery>(&key)?.iter().fold(changes, |changes, key| changes.delete::<Delivery>(key)))
    }
}
