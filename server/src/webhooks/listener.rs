//! Takes events off the bus, for workspaces that have an endpoint for them, and nothing else: on the request path.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

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
    pub pending: Arc<Pending>,
    /// Events that found the way to the disk full.
    pub lost: Arc<AtomicU64>,
}

/// How many of a workspace's events may wait for the disk: it can't fill the way for all.
const EACH: u32 = 1_024;

/// How many events of each workspace wait for the disk.
#[derive(Debug, Default)]
pub struct Pending(Mutex<HashMap<TenantId, u32>>);

impl Pending {
    /// Whether one more may wait. Held for a moment only, and by workspaces that have webhooks.
    fn begin(&self, tenant: TenantId) -> bool {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = waiting.entry(tenant).or_default();
        let room = *waiting < EACH;
        *waiting += u32::from(room);
        room
    }

    /// These wait no longer.
    pub fn done(&self, events: &[Arc<Event>]) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for tenant in events.iter().filter_map(|event| event.tenant()) {
            if let Entry::Occupied(mut entry) = waiting.entry(tenant) {
                *entry.get_mut() = entry.get().saturating_sub(1);
                if *entry.get() == 0 {
                    entry.remove();
                }
            }
        }
    }
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
        if !wanted {
            return;
        }
        let room = self.pending.begin(tenant);
        let taken = room && self.events.try_send(Arc::clone(event)).is_ok();
        if room && !taken {
            self.pending.done(std::slice::from_ref(event));
        }
        if !taken {
            let lost = self.lost.fetch_add(1, Ordering::Relaxed) + 1;
            // Once for each power of two: a flood must not flood the log.
            if lost.is_power_of_two() {
                tracing::warn!(lost, "events come faster than webhook deliveries can be written to disk; some are not told");
            }
        }
    }
}
