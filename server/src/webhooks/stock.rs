//! What everything that waits on disk comes to, in bytes and by workspace, so that a few can't fill the disk. Pure.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use crate::values::TenantId;

#[derive(Debug)]
pub struct Stock {
    most: usize,
    all: usize,
    /// None is zero.
    tenants: HashMap<TenantId, usize>,
}

impl Stock {
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self { most, all: 0, tenants: HashMap::new() }
    }

    /// Whether more of the workspace may wait besides `unwritten` bytes that are not counted yet. As with `crate::budget` nobody
    /// gets more than what is still free; what is asked for may go beyond it, once.
    #[must_use]
    pub fn has_room(&self, workspace: TenantId, unwritten: usize) -> bool {
        let own = self.tenants.get(&workspace).copied().unwrap_or(0);
        own + unwritten < self.most.saturating_sub(self.all + unwritten)
    }

    pub fn take(&mut self, workspace: TenantId, bytes: usize) {
        self.all += bytes;
        *self.tenants.entry(workspace).or_default() += bytes;
    }

    pub fn give(&mut self, workspace: TenantId, bytes: usize) {
        self.all = self.all.saturating_sub(bytes);
        if let Entry::Occupied(mut own) = self.tenants.entry(workspace) {
            *own.get_mut() = own.get().saturating_sub(bytes);
            if *own.get() == 0 {
                own.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn one_gets_half_of_what_the_others_leave_and_gives_it_back() {
        let mut stock = Stock::new(1_000);
        let [a, b] = [1, 2].map(|n| TenantId(Uuid::from_u128(n)));
        let fill = |stock: &mut Stock, workspace| {
            let mut took = 0;
            while stock.has_room(workspace, 0) {
                stock.take(workspace, 10);
                took += 10;
            }
            took
        };
        assert_eq!([fill(&mut stock, a), fill(&mut stock, b)], [500, 250]);
        assert!(stock.has_room(TenantId(Uuid::from_u128(3)), 0), "whoever comes next finds room");
        stock.give(a, 500);
        assert!(stock.has_room(a, 374) && !stock.has_room(a, 375), "what is about to be written counts");
        stock.give(b, 250);
        assert!(stock.all == 0 && stock.tenants.is_empty(), "nothing is kept of whoever has nothing waiting");
    }
}
