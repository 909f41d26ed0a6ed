//! Takes events off the bus, for workspaces that have an endpoint for them, and nothing else: on the request path.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;
use tokio::sync::mpsc;

use super::classify;
use crate::bus::{Interest, Listener};
use crate::event::Event;
use crate::live::Webhooks;
use crate::values::{EventType, TenantId};

pub struct Ear {
    pub in_force: Arc<ArcSwap<Webhooks>>,
    pub events: mpsc::Sender<Arc<Event>>,
    /// Events that found the way to the disk full.
    pub lost: Arc<AtomicU64>,
}

impl Listener for Ear {
    fn interest(&self, tenant: Option<TenantId>) -> Interest {
        let events = tenant.is_some_and(|tenant| self.in_force.load().tenants.contains_key(&tenant));
        Interest { events, traces: false }
    }

    fn wants_received(&self, tenant: TenantId) -> bool {
        let in_force = self.in_force.load();
        in_force.tenants.get(&tenant).is_some_and(|own| own.wanted.contains(EventType::RequestReceived))
    }

    fn accept(&self, event: &Arc<Event>) {
        let Some(tenant) = event.tenant() else { return };
        let in_force = self.in_force.load();
        let wanted = in_force.tenants.get(&tenant).is_some_and(|own| own.wanted.intersects(classify::types(event)));
        if wanted && self.events.try_send(Arc::clone(event)).is_err() {
            let lost = self.lost.fetch_add(1, Ordering::Relaxed) + 1;
            // Once for each power of two: a flood must not flood the log.
            if lost.is_power_of_two() {
                tracing::warn!(lost, "events come faster than webhook deliveries can be written to disk; some are not told");
            }
        }
    }
}
