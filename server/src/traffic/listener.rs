//! Takes requests off the bus for the workspaces that are looked at, and knows which those are: on the request path, so
//! nothing here waits.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::time::{Instant, sleep_until};

use super::entry::Entry;
use super::watch::Watch;
use crate::bus::{Interest, Listener};
use crate::event::Event;
use crate::values::TenantId;

/// Workspaces that are watched at a time; one more takes the place of the one that was looked at longest ago, if nobody looks at it now.
const MOST: usize = 64;

/// Who has looked within so long still looks: an open page asks every few seconds.
const LOOKING: Duration = Duration::from_secs(60);

type Watched = HashMap<TenantId, Arc<Watch>>;

pub struct TrafficListener {
    /// How long a watch lasts after the last look.
    lasts: Duration,
    watched: ArcSwap<Watched>,
    /// Held while `watched` is replaced; true while there is a task that lets go of what has lapsed.
    sweeper_runs: Mutex<bool>,
}

impl TrafficListener {
    pub fn new(lasts: Duration) -> Self {
        Self { lasts, watched: ArcSwap::default(), sweeper_runs: Mutex::new(false) }
    }

    /// Somebody looks: the workspace's requests are kept from now on, or go on to be. `None`: as many workspaces as may be are looked
    /// at just now. Has to be called within a runtime.
    pub fn watch(self: &Arc<Self>, tenant: TenantId, now: Instant) -> Option<Arc<Watch>> {
        let mut sweeper_runs = self.sweeper_runs();
        let watched = self.watched.load_full();
        if let Some(watch) = watched.get(&tenant) {
            watch.looked_at(now);
            return Some(Arc::clone(watch));
        }
        let mut next = Watched::clone(&watched);
        if next.len() >= MOST {
            let (longest_ago, looked) = next.iter().map(|(tenant, watch)| (*tenant, watch.looked())).min_by_key(|(_, looked)| *looked)?;
            if looked + LOOKING > now {
                return None;
            }
            next.remove(&longest_ago);
        }
        let watch = Arc::new(Watch::new(now));
        next.insert(tenant, Arc::clone(&watch));
        self.watched.store(Arc::new(next));
        if !std::mem::replace(&mut *sweeper_runs, true) {
            tokio::spawn(let_go(Arc::downgrade(self)));
        }
        Some(watch)
    }

    /// Lets go of what nobody has looked at for long enough, and says when to come again; `None`: nothing is watched any more,
    /// and whoever looks next has somebody else come.
    fn lapse(&self, now: Instant) -> Option<Instant> {
        let mut sweeper_runs = self.sweeper_runs();
        let watched = self.watched.load_full();
        let (mut kept, mut next) = (Watched::new(), None::<Instant>);
        for (tenant, watch) in watched.iter() {
            let lapses = watch.looked() + self.lasts;
            if lapses > now {
                kept.insert(*tenant, Arc::clone(watch));
                next = Some(next.map_or(lapses, |next| next.min(lapses)));
            }
        }
        if kept.len() < watched.len() {
            self.watched.store(Arc::new(kept));
        }
        *sweeper_runs = next.is_some();
        next
    }

    fn sweeper_runs(&self) -> MutexGuard<'_, bool> {
        self.sweeper_runs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn let_go(listener: Weak<TrafficListener>) {
    while let Some(next) = listener.upgrade().and_then(|listener| listener.lapse(Instant::now())) {
        sleep_until(next).await;
    }
}

impl Listener for TrafficListener {
    fn interest(&self, tenant: Option<TenantId>) -> Interest {
        let events = tenant.is_some_and(|tenant| self.watched.load().contains_key(&tenant));
        Interest { events, traces: false, more: false }
    }

    fn accept(&self, event: &Arc<Event>) {
        let Event::Request(request) = &**event else { return };
        let (Some(tenant), Some(proxied)) = (request.tenant, &request.proxied) else { return };
        if let Some(watch) = self.watched.load().get(&tenant) {
            watch.push(Entry::of(request, proxied));
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::super::fixtures::{TENANT, request};
    use super::super::watch::Wanted;
    use super::*;
    use crate::event::Request;

    const LASTS: Duration = Duration::from_secs(900);

    fn tenant(number: u128) -> TenantId {
        TenantId(Uuid::from_u128(number))
    }

    fn is_watched(listener: &TrafficListener, tenant: TenantId) -> bool {
        listener.interest(Some(tenant)).events
    }

    fn kept(watch: &Watch) -> usize {
        watch.page(&Wanted::default(), None, 100).entries.len()
    }

    #[tokio::test]
    async fn only_requests_with_a_key_of_a_workspace_that_is_looked_at_are_kept() {
        let listener = Arc::new(TrafficListener::new(LASTS));
        let accept = |event: Event| listener.accept(&Arc::new(event));
        accept(Event::Request(request()));
        assert_eq!((listener.interest(Some(TENANT)), listener.watched.load().len()), (Interest::default(), 0), "nobody looks");
        let watch = listener.watch(TENANT, Instant::now()).unwrap();
        assert_eq!(kept(&watch), 0);
        accept(Event::Request(request()));
        assert_eq!(kept(&watch), 1);
        accept(Event::Request(Request { proxied: None, ..request() }));
        accept(Event::Received(request()));
        accept(Event::Request(Request { tenant: Some(tenant(77)), ..request() }));
        accept(Event::Request(Request { tenant: None, ..request() }));
        assert_eq!((kept(&watch), listener.watched.load().len()), (1, 1));
    }

    #[tokio::test]
    async fn a_watch_lapses_so_long_after_the_last_look() {
        let (listener, begun) = (Arc::new(TrafficListener::new(LASTS)), Instant::now());
        let minutes = |minutes: u64| begun + Duration::from_secs(60 * minutes);
        listener.watch(TENANT, begun);
        listener.accept(&Arc::new(Event::Request(request())));
        let other = tenant(77);
        listener.watch(other, minutes(5));
        assert_eq!(kept(&listener.watch(TENANT, minutes(10)).unwrap()), 1, "renewed, and goes on");
        assert_eq!(listener.lapse(minutes(15)), Some(minutes(20)));
        assert!(is_watched(&listener, TENANT) && is_watched(&listener, other));
        assert_eq!(listener.lapse(minutes(20)), Some(minutes(25)));
        assert!(is_watched(&listener, TENANT) && !is_watched(&listener, other));
        assert!(*listener.sweeper_runs());
        assert_eq!(listener.lapse(minutes(25)), None);
        assert!(!is_watched(&listener, TENANT) && !*listener.sweeper_runs(), "nothing is left, no task either");
        assert_eq!(kept(&listener.watch(TENANT, minutes(26)).unwrap()), 0, "begun anew");
    }

    #[tokio::test]
    async fn one_too_many_takes_the_place_of_one_that_nobody_looks_at_now() {
        let (listener, begun) = (Arc::new(TrafficListener::new(LASTS)), Instant::now());
        let most = MOST as u128;
        for (number, second) in (1..=most).zip(0..) {
            assert!(listener.watch(tenant(number), begun + Duration::from_millis(second)).is_some());
        }
        listener.watch(tenant(1), begun + LOOKING / 2);
        assert!(listener.watch(tenant(most + 1), begun + LOOKING / 2).is_none() && is_watched(&listener, tenant(2)));
        assert!(listener.watch(tenant(most + 1), begun + LOOKING + Duration::from_millis(1)).is_some());
        assert!(is_watched(&listener, tenant(1)) && is_watched(&listener, tenant(most + 1)));
        assert!(!is_watched(&listener, tenant(2)));
        assert_eq!(listener.watched.load().len(), MOST);
    }

    #[tokio::test]
    async fn what_has_lapsed_is_let_go_by_itself() {
        let listener = Arc::new(TrafficListener::new(Duration::from_millis(20)));
        for _ in 0..2 {
            listener.watch(TENANT, Instant::now());
            assert!(is_watched(&listener, TENANT));
            let gone = async {
                while is_watched(&listener, TENANT) {
                    tokio::task::yield_now().await;
                }
            };
            tokio::time::timeout(Duration::from_secs(10), gone).await.expect("the task comes");
            assert!(!*listener.sweeper_runs(), "and ends");
        }
    }
}
