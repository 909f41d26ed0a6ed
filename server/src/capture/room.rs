//! How much memory copies may hold. Unlike `crate::budget` it knows who holds how much: copies come and go with each request of a
//! workspace, which has no place of its own to keep its sum.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::values::TenantId;

/// The memory that copies may hold, in bytes: all together, and those of one workspace.
#[derive(Debug)]
pub struct Room {
    all: usize,
    each: usize,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
pub(super) struct Held {
    all: usize,
    pub(super) tenants: HashMap<TenantId, usize>,
}

impl Default for Room {
    fn default() -> Self {
        Self::new(32 * 1024 * 1024, 8 * 1024 * 1024)
    }
}

impl Room {
    #[must_use]
    pub fn new(all: usize, each: usize) -> Self {
        Self { all, each, held: Mutex::default() }
    }

    pub(super) fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is held now.
    #[cfg(test)]
    #[must_use]
    pub fn in_use(&self) -> usize {
        self.held().all
    }

    fn take(&self, tenant: TenantId, bytes: usize) -> bool {
        let mut held = self.held();
        let own = held.tenants.get(&tenant).copied().unwrap_or(0);
        if held.all + bytes > self.all || own + bytes > self.each {
            return false;
        }
        held.all += bytes;
        held.tenants.insert(tenant, own + bytes);
        true
    }

    fn give_back(&self, tenant: TenantId, bytes: usize) {
        let mut held = self.held();
        held.all = held.all.saturating_sub(bytes);
        let left = held.tenants.get(&tenant).map_or(0, |own| own.saturating_sub(bytes));
        if left == 0 {
            held.tenants.remove(&tenant);
        } else {
            held.tenants.insert(tenant, left);
        }
    }
}

/// A share of the room, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Share {
    room: Arc<Room>,
    tenant: TenantId,
    bytes: usize,
}

impl Share {
    /// Nothing yet.
    pub(super) fn new(room: &Arc<Room>, tenant: TenantId) -> Self {
        Self { room: Arc::clone(room), tenant, bytes: 0 }
    }

    /// Whether there was room for so many bytes more.
    pub(super) fn grow(&mut self, bytes: usize) -> bool {
        let fits = bytes == 0 || self.room.take(self.tenant, bytes);
        self.bytes += if fits { bytes } else { 0 };
        fits
    }

    /// Gives it back.
    pub(super) fn end(&mut self) {
        if self.bytes > 0 {
            self.room.give_back(self.tenant, self.bytes);
            self.bytes = 0;
        }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.end();
    }
}
