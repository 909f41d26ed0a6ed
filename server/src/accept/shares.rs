//! How many connections each network has, so that one can't take all places. An entry lives as long as it has any.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Clones are about the same connections.
#[derive(Clone, Debug, Default)]
pub(super) struct Shares(Arc<Mutex<HashMap<IpAddr, usize>>>);

/// One connection of a network.
#[derive(Debug)]
pub(super) struct Share {
    shares: Shares,
    network: IpAddr,
}

impl Shares {
    /// One more connection of this network, if it has less than `most`.
    pub(super) fn take(&self, network: IpAddr, most: usize) -> Option<Share> {
        let mut all = self.lock();
        // Nothing is kept of whoever is refused.
        if all.get(&network).copied().unwrap_or_default() >= most {
            return None;
        }
        *all.entry(network).or_default() += 1;
        Some(Share { shares: self.clone(), network })
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        if let Entry::Occupied(mut own) = self.shares.lock().entry(self.network) {
            *own.get_mut() = own.get().saturating_sub(1);
            if *own.get() == 0 {
                own.remove();
            }
        }
    }
}
