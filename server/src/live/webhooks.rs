//! Which endpoints are told of what, complete and unsealed. One that is off is simply not here.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use http::HeaderMap;
use tokio::sync::watch;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::capture::Wanted;
use crate::values::{DeliveryMethod, EventType, TenantId, WebhookUrl};

/// Every endpoint in force, by workspace.
#[derive(Debug, Default)]
pub struct Webhooks {
    pub tenants: HashMap<TenantId, Arc<TenantWebhooks>>,
}

impl Webhooks {
    /// The endpoint, if it is in force.
    #[must_use]
    pub fn find(&self, workspace: TenantId, id: Uuid) -> Option<&Arc<Webhook>> {
        self.tenants.get(&workspace)?.endpoints.iter().find(|endpoint| endpoint.id == id)
    }
}

/// One workspace's.
#[derive(Debug)]
pub struct TenantWebhooks {
    /// What any of them wants.
    pub wanted: EventSet,
    /// What any of them includes of the requests it is told of.
    pub included: Wanted,
    pub endpoints: Vec<Arc<Webhook>>,
}

impl TenantWebhooks {
    #[must_use]
    pub fn new(endpoints: Vec<Arc<Webhook>>) -> Self {
        Self {
            wanted: endpoints.iter().fold(EventSet::default(), |all, endpoint| all.union(endpoint.events)),
            included: endpoints.iter().fold(Wanted::default(), |all, endpoint| all.union(endpoint.includes())),
            endpoints,
        }
    }

    /// What is included of requests to this route.
    #[must_use]
    pub fn included(&self, route: Option<Uuid>) -> Wanted {
        let of_route = self.endpoints.iter().filter(|endpoint| endpoint.concerns(route));
        of_route.fold(Wanted::default(), |all, endpoint| all.union(endpoint.includes()))
    }
}

/// One endpoint.
#[derive(Debug)]
pub struct Webhook {
    pub id: Uuid,
    pub workspace: TenantId,
    /// Counts the saves of these settings.
    pub generation: u64,
    pub name: Arc<str>,
    pub url: WebhookUrl,
    pub events: EventSet,
    pub method: DeliveryMethod,
    /// The credential and the extra headers; values are marked sensitive.
    pub headers: HeaderMap,
    /// The newest first; empty where nothing is signed.
    pub signing: Vec<SigningSecret>,
    /// Empty means all.
    pub routes: Vec<Uuid>,
    /// What of a request and its answer goes along; ask [`Webhook::includes`].
    pub include: Wanted,
    pub timeout: Duration,
    /// Attempts after the first.
    pub retries: u32,
    /// Milliseconds since the Unix epoch: what failed before does not count against it.
    pub enabled_at: i64,
}

impl Webhook {
    /// What of a request and its answer it is told: nothing where it is told of no requests.
    #[must_use]
    pub fn includes(&self) -> Wanted {
        let only_audit: EventSet = [EventType::AuditEvent].into_iter().collect();
        if self.events.union(only_audit) == only_audit { Wanted::default() } else { self.include }
    }

    /// Whether it is told of requests to this route.
    #[must_use]
    pub fn concerns(&self, route: Option<Uuid>) -> bool {
        self.routes.is_empty() || route.is_some_and(|route| self.routes.contains(&route))
    }
}

/// `whsec_` and base64.
#[derive(Clone)]
pub struct SigningSecret {
    pub text: Zeroizing<String>,
    /// Milliseconds since the Unix epoch; `None` until it is rotated.
    pub until: Option<i64>,
}

impl std::fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SigningSecret([redacted])")
    }
}

/// A set of event types.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EventSet(u16);

impl EventSet {
    const fn bit(event: EventType) -> u16 {
        1 << event as u16
    }

    #[must_use]
    pub const fn contains(self, event: EventType) -> bool {
        self.0 & Self::bit(event) != 0
    }

    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    #[must_use]
    pub const fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl FromIterator<EventType> for EventSet {
    fn from_iter<I: IntoIterator<Item = EventType>>(events: I) -> Self {
        Self(events.into_iter().fold(0, |bits, event| bits | Self::bit(event)))
    }
}

/// What is in force, to be read on the request path, and word of when it changes.
#[derive(Clone, Debug)]
pub struct WebhooksInForce {
    pub now: Arc<ArcSwap<Webhooks>>,
    pub changed: watch::Receiver<()>,
}
