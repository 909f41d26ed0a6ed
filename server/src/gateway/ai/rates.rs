//! How many tokens an agent has used in the running minute.
//!
//! A minute begins with the first call after the last one ended. A call that begins takes as many tokens as its answer may have,
//! where that is known, and settles with those it used when it has ended; so calls that are under way together go over by no
//! more than their prompts and the last one's answer. It counts this process alone, by the agent's id: a change of settings
//! forgives nothing.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
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

    /// How long to wait until another call may be made.
    fn wait(&self, limit: NonZeroU32, now: Instant) -> Result<(), Duration> {
        if self.used < u64::from(limit.get()) { Ok(()) } else { Err(MINUTE.saturating_sub(now.saturating_duration_since(self.began))) }
    }
}

/// What a call has taken. Dropped, it is given back.
pub(super) struct Reserved {
    rates: Arc<Rates>,
    agent: Uuid,
    /// The minute it was taken from.
    began: Instant,
    tokens: u64,
}

impl Rates {
    /// Whether another call may be made, or how long to wait.
    pub(in crate::gateway) fn check(&self, agent: Uuid, limit: NonZeroU32, now: Instant) -> Result<(), Duration> {
        minute(&mut self.lock(), agent, now).wait(limit, now)
    }

    /// The same for a call that begins now, which takes these tokens. Others see them taken at once.
    pub(super) fn reserve(self: &Arc<Self>, agent: Uuid, limit: NonZeroU32, tokens: u64, now: Instant) -> Result<Reserved, Duration> {
        let mut minutes = self.lock();
        let minute = minute(&mut minutes, agent, now);
        minute.wait(limit, now)?;
        let before = minute.used;
        minute.used = before.saturating_add(tokens);
        Ok(Reserved { rates: Arc::clone(self), agent, began: minute.began, tokens: minute.used - before })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Uuid, Minute>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The agent's running minute.
fn minute(minutes: &mut HashMap<Uuid, Minute>, agent: Uuid, now: Instant) -> &mut Minute {
    if minutes.len() >= PRUNE_ABOVE {
        minutes.retain(|_, minute| !minute.is_over(now));
    }
    let minute = minutes.entry(agent).or_insert(Minute { began: now, used: 0 });
    if minute.is_over(now) {
        *minute = Minute { began: now, used: 0 };
    }
    minute
}

impl Reserved {
    /// What it used in the end, which counts now; what was taken is given back.
    pub(super) fn settle(self, tokens: u64, now: Instant) {
        let mut minutes = self.rates.lock();
        let minute = minute(&mut minutes, self.agent, now);
        minute.used = minute.used.saturating_add(tokens);
        drop(minutes);
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        // A later minute knows nothing of it.
        if let Some(minute) = self.rates.lock().get_mut(&self.agent)
            && minute.began == self.began
        {
            minute.used = minute.used.saturating_sub(self.tokens);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: NonZeroU32 = NonZeroU32::new(100).unwrap();

    #[test]
    fn a_minute_is_used_up_and_comes_back() {
        let rates = Arc::new(Rates::default());
        let (agent, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let start = Instant::now();
        let call = |used, now| rates.reserve(agent, LIMIT, 0, now).map(|reserved| reserved.settle(used, now));
        assert_eq!(rates.check(agent, LIMIT, start), Ok(()));
        assert_eq!(call(99, start), Ok(()));
        assert_eq!(rates.check(agent, LIMIT, start + Duration::from_secs(10)), Ok(()));
        assert_eq!(call(1_000, start + Duration::from_secs(20)), Ok(()));
        let later = start + Duration::from_secs(45);
        assert_eq!((rates.check(agent, LIMIT, later), call(1, later)), (Err(Duration::from_secs(15)), Err(Duration::from_secs(15))));
        assert_eq!(rates.check(other, LIMIT, later), Ok(()), "agents do not share");
        assert_eq!(rates.check(agent, LIMIT, start + MINUTE), Ok(()));
        assert_eq!(call(u64::MAX, start + 2 * MINUTE), Ok(()));
        assert!(rates.check(agent, LIMIT, start + 2 * MINUTE).is_err());
    }

    #[test]
    fn calls_under_way_together_count_as_what_they_may_use() {
        let rates = Arc::new(Rates::default());
        let (agent, start) = (Uuid::from_u128(1), Instant::now());
        let begin = |tokens| rates.reserve(agent, LIMIT, tokens, start);
        let (Ok(first), Ok(second)) = (begin(60), begin(60)) else { panic!("the limit is not reached") };
        assert!(begin(1).is_err(), "120 of 100 are taken");
        first.settle(30, start);
        let Ok(third) = begin(5) else { panic!("90 of 100 are taken") };
        drop(second);
        third.settle(2, start);
        assert_eq!(rates.lock()[&agent].used, 32, "what was used remains");
        assert_eq!(begin(u64::MAX).map(drop), Ok(()));
        assert_eq!(rates.lock()[&agent].used, 32);
    }

    #[test]
    fn what_was_taken_in_one_minute_is_not_given_back_in_the_next() {
        let rates = Arc::new(Rates::default());
        let (agent, start) = (Uuid::from_u128(1), Instant::now());
        let Ok(long) = rates.reserve(agent, LIMIT, 80, start) else { panic!("nothing is taken") };
        let Ok(short) = rates.reserve(agent, LIMIT, 70, start + MINUTE) else { panic!("a new minute") };
        long.settle(50, start + MINUTE);
        assert_eq!(rates.lock()[&agent].used, 120);
        short.settle(10, start + MINUTE);
        assert_eq!(rates.lock()[&agent].used, 60);
    }
}
