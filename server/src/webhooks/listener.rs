//! Takes events off the bus, for workspaces that have an endpoint for them, and nothing else: on the request path.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use uuid::Uuid;

use super::classify;
use super::losses::Losses;
use crate::bus::{Interest, Listener};
use crate::capture::{Exchange, Wanted};
use crate::event::Event;
use crate::live::{Webhook, Webhooks};
use crate::values::{EventType, TenantId};

pub struct Ear {
    pub in_force: Arc<ArcSwap<Webhooks>>,
    pub events: mpsc::Sender<Heard>,
    pub pending: Arc<Pending>,
    pub losses: Arc<Losses>,
}

/// An event that some endpoint wants, and what was copied for it.
#[derive(Clone, Debug)]
pub struct Heard {
    pub event: Arc<Event>,
    /// Only where an endpoint that wants the event includes it.
    pub copies: Option<Arc<Exchange>>,
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
    pub fn done(&self, events: &[Heard]) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for tenant in events.iter().filter_map(|heard| heard.event.tenant()) {
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

    fn wants_copies(&self, tenant: TenantId, route: Option<Uuid>) -> Wanted {
        let in_force = self.in_force.load();
        match in_force.tenants.get(&tenant) {
            Some(own) if own.included.any() => own.included(route),
            _ => Wanted::default(),
        }
    }

    fn accept(&self, event: &Arc<Event>) {
        self.hear(event, None);
    }

    fn accept_copied(&self, event: &Arc<Event>, copies: &Arc<Exchange>) {
        self.hear(event, Some(copies));
    }
}

impl Ear {
    fn hear(&self, event: &Arc<Event>, copies: Option<&Arc<Exchange>>) {
        let Some(tenant) = event.tenant() else { return };
        let in_force = self.in_force.load();
        let Some(own) = in_force.tenants.get(&tenant) else { return };
        let types = classify::types(event);
        if !own.wanted.intersects(types) {
            return;
        }
        let includes = |endpoint: &Arc<Webhook>| endpoint.includes().any() && endpoint.events.intersects(types);
        let copies = copies.filter(|_| own.endpoints.iter().any(includes)).cloned();
        let heard = Heard { event: Arc::clone(event), copies };
        let room = self.pending.begin(tenant);
        if !room {
            return self.losses.lost(tenant, 1);
        }
        if let Err(TrySendError::Full(heard) | TrySendError::Closed(heard)) = self.events.try_send(heard) {
            self.pending.done(std::slice::from_ref(&heard));
            self.losses.lost(tenant, 1);
        }
    }
}
