//! What did not come to be told, by workspace, since the start: so that somebody sees it.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::values::TenantId;

/// Of one workspace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lost {
    /// Events that could not be queued, because the way to the disk was full or the disk refused.
    pub events: u64,
    /// Events that are told without some of their headers or bodies, because there was no room for copies.
    pub without_copies: u64,
    /// Deliveries that were not made, because too much waits on disk.
    pub no_room: u64,
}

#[derive(Debug, Default)]
pub struct Losses(Mutex<Counted>);

#[derive(Debug, Default)]
struct Counted {
    events: u64,
    tenants: HashMap<TenantId, Lost>,
}

impl Losses {
    fn counted(&self) -> MutexGuard<'_, Counted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn lost(&self, tenant: TenantId, events: u64) {
        let mut counted = self.counted();
        let before = counted.events;
        counted.events += events;
        counted.tenants.entry(tenant).or_default().events += events;
        let lost = counted.events;
        drop(counted);
        // Once for each power of two: a flood must not flood the log.
        if before.checked_ilog2() != lost.checked_ilog2() {
            tracing::warn!(lost, "events come faster than webhook deliveries can be written to disk; some are not told");
        }
    }

    pub fn without_copies(&self, tenant: TenantId) {
        self.counted().tenants.entry(tenant).or_default().without_copies += 1;
    }

    pub fn no_room(&self, tenant: TenantId) {
        let mut counted = self.counted();
        let own = counted.tenants.entry(tenant).or_default();
        own.no_room += 1;
        let lost = own.no_room;
        drop(counted);
        if lost.is_power_of_two() {
            tracing::warn!(workspace = %tenant, lost, "too much of what webhooks are to be told waits on disk; some deliveries are not made");
        }
    }

    #[must_use]
    pub fn of(&self, tenant: TenantId) -> Lost {
        self.counted().tenants.get(&tenant).copied().unwrap_or_default()
    }
}
