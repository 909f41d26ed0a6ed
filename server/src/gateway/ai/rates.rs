//! How many tokens an agent has used in the running minute.
//!
//! A minute begins with the first call after the last one ended. Tokens count when their call has ended, so calls that are
//! under way together may go over. It counts this process alone, by the agent's id: a change of settings forgives nothing.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use uuid::Uuid;

const MINUTE: Duration = Duration::from_secs(60);
/// Above this, minutes that are over are forgotten when a new one begins.
const PRUNE_ABOVE: usize = 4096;

#[derive(Default)]
pub(in crate::gateway) struct Rates(Mutex<HashMap<Uuid, Minute>>);

struct Minute {
    began: Instant,
    used: u64,
}

impl Minute {
    fn is_over(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.began) >= MINUTE
    }
}

impl Rates {
    /// Whether another call may be made, or how long to wait.
    pub(in crate::gateway) fn check(&self, agent: Uuid, limit: NonZeroU32, now: Instant) -> Result<(), Duration> {
        let mut minutes = self.lock();
        if minutes.len() >= PRUNE_ABOVE {
            minutes.retain(|_, minute| !minute.is_over(now));
        }
        let minute = minutes.entry(agent).or_insert(Minute { began: now, used: 0 });
        if minute.is_over(now) {
            *minute = Minute { began: now, used: 0 };
        }
        if minute.used < u64::from(limit.get()) { Ok(()) } else { Err(MINUTE - now.saturating_duration_since(minute.began)) }
    }

    pub(super) fn add(&self, agent: Uuid, tokens: u64, now: Instant) {
        let mut minutes = self.lock();
        let minute = minutes.entry(agent).or_insert(Minute { began: now, used: 0 });
        if minute.is_over(now) {
            *minute = Minute { began: now, used: 0 };
        }
        minute.used = minute.used.saturating_add(tokens);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Uuid, Minute>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_is_used_up_and_comes_back() {
        let rates = Rates::default();
        let (agent, other, limit) = (Uuid::from_u128(1), Uuid::from_u128(2), NonZeroU32::new(100).unwrap());
        let start = Instant::now();
        assert_eq!(rates.check(agent, limit, start), Ok(()));
        rates.add(agent, 99, start);
        assert_eq!(rates.check(agent, limit, start + Duration::from_secs(10)), Ok(()));
        rates.add(agent, 1_000, start + Duration::from_secs(20));
        assert_eq!(rates.check(agent, limit, start + Duration::from_secs(45)), Err(Duration::from_secs(15)));
        assert_eq!(rates.check(other, limit, start + Duration::from_secs(45)), Ok(()), "agents do not share");
        assert_eq!(rates.check(agent, limit, start + MINUTE), Ok(()));
        rates.add(agent, u64::MAX, start + 2 * MINUTE);
        rates.add(agent, 1, start + 2 * MINUTE);
        assert!(rates.check(agent, limit, start + 2 * MINUTE).is_err());
    }
}
