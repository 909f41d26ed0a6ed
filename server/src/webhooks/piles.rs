//! What the deliveries that have ended and are kept come to, in bytes, by workspace and endpoint, so that many endpoints of one
//! workspace can't fill the disk. Pure.

use std::collections::HashMap;

use uuid::Uuid;

use crate::values::TenantId;

/// No endpoint has zero, and no workspace none.
#[derive(Debug, Default)]
pub struct Piles(HashMap<TenantId, HashMap<Uuid, usize>>);

impl Piles {
    pub fn put(&mut self, workspace: TenantId, endpoint: Uuid, bytes: usize) {
        if bytes > 0 {
            *self.0.entry(workspace).or_default().entry(endpoint).or_default() += bytes;
        }
    }

    pub fn take(&mut self, workspace: TenantId, endpoint: Uuid, bytes: usize) {
        let Some(pile) = self.0.get_mut(&workspace).and_then(|all| all.get_mut(&endpoint)) else { return };
        *pile = pile.saturating_sub(bytes);
        if *pile == 0 {
            self.forget(workspace, endpoint);
        }
    }

    pub fn forget(&mut self, workspace: TenantId, endpoint: Uuid) {
        let Some(all) = self.0.get_mut(&workspace) else { return };
        all.remove(&endpoint);
        if all.is_empty() {
            self.0.remove(&workspace);
        }
    }

    /// All the workspace's. It has few endpoints.
    #[must_use]
    pub fn of(&self, workspace: TenantId) -> usize {
        self.0.get(&workspace).map_or(0, |all| all.values().sum())
    }

    /// The endpoint that has most.
    #[must_use]
    pub fn largest(&self, workspace: TenantId) -> Option<Uuid> {
        self.0.get(&workspace)?.iter().max_by_key(|(id, bytes)| (**bytes, **id)).map(|(id, _)| *id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_kept_of_whoever_has_nothing() {
        let mut piles = Piles::default();
        let [a, b] = [1, 2].map(|n| TenantId(Uuid::from_u128(n)));
        let [first, second] = [11, 12].map(Uuid::from_u128);
        for (workspace, endpoint, bytes) in [(a, first, 10), (a, second, 30), (a, first, 5), (b, first, 1), (b, second, 0)] {
            piles.put(workspace, endpoint, bytes);
        }
        assert_eq!((piles.of(a), piles.largest(a), piles.of(b), piles.largest(b)), (45, Some(second), 1, Some(first)));
        piles.take(a, second, 20);
        assert_eq!((piles.of(a), piles.largest(a)), (25, Some(first)));
        piles.forget(a, first);
        piles.take(a, second, 10);
        piles.take(b, first, 1);
        piles.take(b, first, 1);
        assert!(piles.0.is_empty() && piles.of(a) == 0 && piles.largest(a).is_none());
    }
}
