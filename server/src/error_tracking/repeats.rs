//! Holds back an error that comes over and over: the first few of a minute tell what there is to tell. What counts against a
//! workspace has a share, and never holds back what counts against none.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use tokio::time::Instant;

use crate::per_minute::{MINUTE, PerMinute};
use crate::values::TenantId;

/// Of one kind, within a minute.
const EACH: usize = 10;
/// Kinds that count against no workspace and are told apart; beyond it another one is held back. There are fewer in the code.
const KINDS: usize = 1000;
/// Of one workspace within a minute, whatever their kinds. Well below what may wait, so that there is room for another one's.
const SHARE: usize = 50;
/// Of all workspaces within a minute, and so in memory.
const SHARED: usize = 1000;

#[derive(Debug)]
pub struct Repeats {
    own: Mutex<PerMinute<String>>,
    tenants: Mutex<Tenants>,
}

impl Default for Repeats {
    fn default() -> Self {
        Self { own: Mutex::new(PerMinute::new(EACH).of_things(KINDS)), tenants: Mutex::default() }
    }
}

impl Repeats {
    /// Whether one more of this kind may go out, which counts against this workspace or against none. Without one it never waits:
    /// a panic hook may be asking, with the lock held below it.
    pub fn admit(&self, key: &str, tenant: Option<TenantId>, now: Instant) -> bool {
        match tenant {
            None => self.own.try_lock().is_ok_and(|mut seen| seen.admit(key, now).is_ok()),
            Some(tenant) => self.tenants.lock().unwrap_or_else(PoisonError::into_inner).admit(tenant, key, now),
        }
    }
}

/// What was let through within the last minute, oldest first: few enough to look through.
#[derive(Debug, Default)]
struct Tenants(VecDeque<Told>);

#[derive(Debug)]
struct Told {
    at: Instant,
    tenant: TenantId,
    key: String,
}

impl Tenants {
    /// By the rule of `budget`, nobody gets more than what is still free: no workspace of the whole, and no kind of its workspace's
    /// share. So there is room for a workspace that begins to fail, and for another kind in one that fails already.
    fn admit(&mut self, tenant: TenantId, key: &str, now: Instant) -> bool {
        while self.0.front().is_some_and(|told| now.saturating_duration_since(told.at) >= MINUTE) {
            self.0.pop_front();
        }
        let (mut own, mut same) = (0, 0);
        for told in self.0.iter().filter(|told| told.tenant == tenant) {
            own += 1;
            same += usize::from(told.key == key);
        }
        let free = SHARED.saturating_sub(self.0.len());
        let admitted = own < SHARE.min(free) && same < EACH.min(SHARE - own);
        if admitted {
            self.0.push_back(Told { at: now, tenant, key: key.to_owned() });
        }
        admitted
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn tenant(n: u128) -> Option<TenantId> {
        Some(TenantId(Uuid::from_u128(n)))
    }

    #[test]
    fn the_first_few_of_a_kind_in_each_minute() {
        for whose in [None, tenant(1)] {
            let repeats = Repeats::default();
            let start = Instant::now();
            let admitted = |key, at| (0..EACH + 5).filter(|_| repeats.admit(key, whose, at)).count();
            assert_eq!(admitted("a", start), EACH);
            assert_eq!(admitted("b", start), EACH);
            assert_eq!(admitted("a", start + MINUTE / 2), 0);
            assert_eq!(admitted("a", start + MINUTE), EACH);
        }
    }

    #[test]
    fn a_workspace_with_thousands_of_kinds_holds_back_nobody_elses() {
        let (repeats, start) = (Repeats::default(), Instant::now());
        let admitted = |at| (0..5_000).filter(|route| repeats.admit(&format!("route {route}"), tenant(1), at)).count();
        assert_eq!(admitted(start), SHARE);
        assert!(repeats.admit("panic", None, start), "what counts against no workspace");
        assert!(repeats.admit("route 0", tenant(2), start), "another one's first");
        assert_eq!(admitted(start + MINUTE / 2), 0);
        assert_eq!(admitted(start + MINUTE), SHARE, "the share comes back");
    }

    #[test]
    fn what_a_workspace_meets_over_and_over_leaves_room_for_its_next() {
        let (repeats, now) = (Repeats::default(), Instant::now());
        let admitted = (0..5_000).filter(|n| repeats.admit(&format!("route {}", n % 5), tenant(1), now)).count();
        assert!((30..SHARE).contains(&admitted), "{admitted}");
        assert!(repeats.admit("another route", tenant(1), now));
    }

    #[test]
    fn many_that_want_all_they_can_get_leave_room_for_the_next() {
        let (repeats, now) = (Repeats::default(), Instant::now());
        for route in 0..100 {
            for n in 1..=100 {
                repeats.admit(&format!("route {route}"), tenant(n), now);
            }
        }
        assert!(repeats.admit("first", tenant(101), now));
    }

    #[test]
    fn ten_thousand_workspaces_take_no_more_than_the_whole() {
        let (repeats, now) = (Repeats::default(), Instant::now());
        let admitted = (0..10_000).filter(|n| repeats.admit("first", tenant(*n), now)).count();
        assert_eq!((admitted, repeats.tenants.lock().unwrap().0.len()), (SHARED, SHARED));
        assert!(repeats.admit("panic", None, now));
        assert!(repeats.admit("second", tenant(1), now + MINUTE));
        assert_eq!(repeats.tenants.lock().unwrap().0.len(), 1);
    }
}
