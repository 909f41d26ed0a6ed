//! What waits to be done for workspaces: a line for each, and whose turn it is. One that has much waiting holds up nobody else,
//! and leaves room for whoever comes next. Knows nothing of what waits.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::values::TenantId;

/// So many one turn takes at most.
const TURN: usize = 16;

/// The lines of all workspaces. Whoever takes from them is one task.
#[derive(Debug)]
pub struct Lines<T> {
    /// So many may wait, of all.
    all: usize,
    /// And of one workspace.
    each: usize,
    waiting: Mutex<Waiting<T>>,
    came: Notify,
}

#[derive(Debug)]
struct Waiting<T> {
    count: usize,
    /// None is empty.
    lines: HashMap<TenantId, VecDeque<T>>,
    /// Everybody who has a line, once: the first is next.
    turns: VecDeque<TenantId>,
}

impl<T> Lines<T> {
    #[must_use]
    pub fn new(all: usize, each: usize) -> Self {
        let waiting = Mutex::new(Waiting { count: 0, lines: HashMap::new(), turns: VecDeque::new() });
        Self { all, each, waiting, came: Notify::new() }
    }

    /// Held for a moment only: requests come by here.
    fn waiting(&self) -> MutexGuard<'_, Waiting<T>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// False: there is no room for it. Nobody gets more than what is still free, as with `crate::budget`, so that the lines of a
    /// few are not all there is.
    #[must_use]
    pub fn push(&self, tenant: TenantId, one: T) -> bool {
        {
            let mut waiting = self.waiting();
            let Waiting { count, lines, turns } = &mut *waiting;
            let own = lines.get(&tenant).map_or(0, VecDeque::len);
            if own >= self.each.min(self.all.saturating_sub(*count)) {
                return false;
            }
            if own == 0 {
                turns.push_back(tenant);
            }
            lines.entry(tenant).or_default().push_back(one);
            *count += 1;
        }
        self.came.notify_one();
        true
    }

    /// Some of the workspace whose turn it is, the oldest first; `None`: nothing waits.
    #[must_use]
    pub fn turn(&self) -> Option<(TenantId, VecDeque<T>)> {
        let mut waiting = self.waiting();
        let Waiting { count, lines, turns } = &mut *waiting;
        let tenant = turns.pop_front()?;
        let Entry::Occupied(mut line) = lines.entry(tenant) else { return None };
        let some = line.get().len().min(TURN);
        let taken: VecDeque<T> = line.get_mut().drain(..some).collect();
        *count = count.saturating_sub(taken.len());
        if line.get().is_empty() {
            line.remove();
        } else {
            turns.push_back(tenant);
        }
        Some((tenant, taken))
    }

    /// What a turn did not come to: it is first when the next one comes. It had its room already.
    pub fn put_back(&self, tenant: TenantId, left: VecDeque<T>) {
        if left.is_empty() {
            return;
        }
        let mut waiting = self.waiting();
        let Waiting { count, lines, turns } = &mut *waiting;
        *count += left.len();
        match lines.entry(tenant) {
            Entry::Occupied(mut line) => left.into_iter().rev().for_each(|one| line.get_mut().push_front(one)),
            Entry::Vacant(line) => {
                line.insert(left);
                turns.push_back(tenant);
            }
        }
    }

    /// Until something waits.
    pub async fn wait(&self) {
        while self.waiting().count == 0 {
            self.came.notified().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use uuid::Uuid;

    use super::*;

    fn tenant(n: u128) -> TenantId {
        TenantId(Uuid::from_u128(n))
    }

    #[test]
    fn each_workspace_has_its_turn_and_goes_on_where_it_was() {
        let lines = Lines::new(1_000, 100);
        for n in 0..40 {
            assert!(lines.push(tenant(1), n));
        }
        assert!(lines.push(tenant(2), 100));
        let (whose, mut taken) = lines.turn().unwrap();
        assert_eq!((whose, &taken), (tenant(1), &(0..16).collect::<VecDeque<i32>>()));
        lines.put_back(whose, taken.split_off(10));
        assert_eq!(lines.turn(), Some((tenant(2), VecDeque::from([100]))), "the other one has not waited for all of it");
        assert_eq!(lines.turn(), Some((tenant(1), (10..26).collect::<VecDeque<i32>>())));
        let (whose, taken) = lines.turn().unwrap();
        assert_eq!((taken.len(), lines.turn()), (14, None));
        assert!(lines.push(tenant(2), 101));
        lines.put_back(whose, taken);
        assert_eq!(lines.turn(), Some((tenant(2), VecDeque::from([101]))), "whoever came meanwhile is first");
        assert_eq!(lines.turn().map(|(whose, taken)| (whose, taken.len())), Some((tenant(1), 14)));
        let waiting = lines.waiting();
        assert!(waiting.lines.is_empty() && waiting.turns.is_empty(), "nothing is kept of whoever waits for nothing");
        assert_eq!(waiting.count, 0);
    }

    #[test]
    fn those_that_want_all_the_room_leave_some_for_others() {
        let lines = Lines::new(100, 40);
        let fill = |n: u128| (0..100).filter(|_| lines.push(tenant(n), ())).count();
        assert_eq!([1, 2, 3].map(fill), [40, 30, 15]);
        assert!(lines.push(tenant(4), ()));
    }

    #[tokio::test]
    async fn whoever_waits_is_woken() {
        let lines = Arc::new(Lines::new(10, 10));
        let other = Arc::clone(&lines);
        let waiting = tokio::spawn(async move { other.wait().await });
        tokio::task::yield_now().await;
        assert!(lines.push(tenant(1), 1));
        waiting.await.unwrap();
        lines.wait().await;
    }
}
