//! Requests per second of a route, as GCRA: one atomic word per route, no lock, no timer.
//!
//! The state belongs to the route's id and not to a published routing table, so that a change of settings forgives
//! nothing. It counts this process alone.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use uuid::Uuid;

const SECOND: u64 = 1_000_000_000;
/// Above this, routes that have been quiet are forgotten when a new one comes; a quiet one is as good as a new one.
const PRUNE_ABOVE: usize = 4096;

pub(super) struct Limiter {
    epoch: Instant,
    /// Per route: when, in nanoseconds since `epoch`, it will have paid for all that it was let through.
    routes: ArcSwap<HashMap<Uuid, Arc<AtomicU64>>>,
}

impl Default for Limiter {
    fn default() -> Self {
        Self { epoch: Instant::now(), routes: ArcSwap::default() }
    }
}

impl Limiter {
    /// Takes one request of the route's, or says how long to wait. A second's worth may come at once.
    pub(super) fn take(&self, route: Uuid, per_second: NonZeroU32, now: Instant) -> Result<(), Duration> {
        let now = u64::try_from(now.saturating_duration_since(self.epoch).as_nanos()).unwrap_or(u64::MAX);
        let known = self.routes.load().get(&route).map(Arc::clone);
        let paid_at = known.unwrap_or_else(|| self.add(route, now));
        let cost = SECOND / u64::from(per_second.get());
        let mut current = paid_at.load(Ordering::Relaxed);
        loop {
            let next = current.max(now) + cost;
            let ahead = next - now;
            if ahead > SECOND.max(cost) {
                return Err(Duration::from_nanos(ahead - SECOND.max(cost)));
            }
            match paid_at.compare_exchange_weak(current, next, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return Ok(()),
                Err(changed) => current = changed,
            }
        }
    }

    fn add(&self, route: Uuid, now: u64) -> Arc<AtomicU64> {
        let fresh = Arc::new(AtomicU64::new(0));
        self.routes.rcu(|current| {
            let mut next = HashMap::clone(current);
            if next.len() >= PRUNE_ABOVE {
                next.retain(|_, paid_at| paid_at.load(Ordering::Relaxed) > now);
            }
            next.entry(route).or_insert_with(|| Arc::clone(&fresh));
            next
        });
        self.routes.load().get(&route).map_or(fresh, Arc::clone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lets_a_second_worth_through_and_then_the_rate() {
        let limiter = Limiter::default();
        let (route, other, rate) = (Uuid::from_u128(1), Uuid::from_u128(2), NonZeroU32::new(10).unwrap());
        let start = Instant::now();
        for _ in 0..10 {
            assert_eq!(limiter.take(route, rate, start), Ok(()));
        }
        let wait = limiter.take(route, rate, start).unwrap_err();
        assert!(wait > Duration::from_millis(90) && wait <= Duration::from_millis(100), "{wait:?}");
        assert_eq!(limiter.take(other, rate, start), Ok(()), "routes do not share");
        assert_eq!(limiter.take(route, rate, start + wait), Ok(()));
        assert!(limiter.take(route, rate, start + wait).is_err());
        let later = start + Duration::from_secs(5);
        assert_eq!((0..20).filter(|_| limiter.take(route, rate, later).is_ok()).count(), 10, "quiet time saves up one second only");
    }

    #[test]
    fn one_per_second_is_possible() {
        let limiter = Limiter::default();
        let start = Instant::now();
        assert!(limiter.take(Uuid::nil(), NonZeroU32::MIN, start).is_ok());
        assert!(limiter.take(Uuid::nil(), NonZeroU32::MIN, start).is_err());
        assert!(limiter.take(Uuid::nil(), NonZeroU32::MIN, start + Duration::from_secs(1)).is_ok());
    }

    #[test]
    fn threads_together_get_no_more_than_the_rate() {
        let limiter = Limiter::default();
        let (rate, now) = (NonZeroU32::new(100).unwrap(), Instant::now());
        let passed: usize = std::thread::scope(|scope| {
            let threads: Vec<_> =
                (0..8).map(|_| scope.spawn(|| (0..200).filter(|_| limiter.take(Uuid::nil(), rate, now).is_ok()).count())).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(passed, 100);
    }
}
