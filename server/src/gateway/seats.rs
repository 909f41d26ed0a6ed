//! How many requests of one workspace are under way at once. Each holds memory and connections for as long as its client, its
//! upstream and its limits let it, and one workspace's must not use up what all have.
//!
//! The count belongs to the workspace's id and not to a published routing table, so that a change of settings forgives nothing.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arc_swap::ArcSwap;

use crate::values::TenantId;

/// Above this, workspaces without any request are forgotten when a new one comes.
const PRUNE_ABOVE: usize = 4096;

pub(super) struct Seats {
    most: usize,
    taken: ArcSwap<HashMap<TenantId, Arc<AtomicUsize>>>,
}

/// One request's, until both its bodies are over.
#[derive(Debug)]
pub(super) struct Seat(Arc<AtomicUsize>);

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Seats {
    pub(super) fn new(most: usize) -> Self {
        Self { most, taken: ArcSwap::default() }
    }

    /// `None` when all of the workspace's are taken.
    pub(super) fn take(&self, workspace: TenantId) -> Option<Seat> {
        let known = self.taken.load().get(&workspace).map(Arc::clone);
        let taken = known.unwrap_or_else(|| self.add(workspace));
        let before = taken.fetch_add(1, Ordering::Relaxed);
        let seat = Seat(taken);
        (before < self.most).then_some(seat)
    }

    fn add(&self, workspace: TenantId) -> Arc<AtomicUsize> {
        let fresh = Arc::new(AtomicUsize::new(0));
        self.taken.rcu(|current| {
            let mut next = HashMap::clone(current);
            if next.len() >= PRUNE_ABOVE {
                // One that begins in this moment is counted anew; the bound may be passed by it, once.
                next.retain(|_, taken| taken.load(Ordering::Relaxed) > 0);
            }
            next.entry(workspace).or_insert_with(|| Arc::clone(&fresh));
            next
        });
        self.taken.load().get(&workspace).map_or(fresh, Arc::clone)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn each_workspace_has_so_many_and_gets_them_back() {
        let seats = Seats::new(2);
        let [a, b] = [1, 2].map(|id| TenantId(Uuid::from_u128(id)));
        let held = [seats.take(a), seats.take(a)];
        assert!(held.iter().all(Option::is_some) && seats.take(a).is_none() && seats.take(a).is_none());
        assert!(seats.take(b).is_some());
        drop(held);
        assert!(seats.take(a).is_some());
        for id in 0..2 * PRUNE_ABOVE as u128 {
            assert!(seats.take(TenantId(Uuid::from_u128(id))).is_some());
        }
        assert!(seats.taken.load().len() <= PRUNE_ABOVE);
    }
}
