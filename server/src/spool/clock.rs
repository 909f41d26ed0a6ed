//! How old what waits is, judged so that a clock that is set wrong destroys nothing.
//!
//! Within a process age is the time that has passed, whatever the clock is set to meanwhile. Across a start the clock alone knows,
//! and it is believed unless all of a log would expire by it at once, the newest record too: nobody can tell a clock that is wrong
//! from a process that did not run, so the log's time begins anew.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// 2020-01-01, in milliseconds since 1970: machines begin with 1970 until they are told the time.
const CLOCKS_WERE_SET: u64 = 1_577_836_800_000;

/// Cheap to clone.
#[derive(Clone)]
pub struct Clock(Arc<Inner>);

struct Inner {
    /// The time of day, and a clock that only goes on.
    read: Box<dyn Fn() -> (SystemTime, Instant) + Send + Sync>,
    /// Both, when the time of day was first seen to be set.
    start: OnceLock<(u64, Instant)>,
}

impl Clock {
    /// The machine's.
    #[must_use]
    pub fn system() -> Self {
        Self::from_fn(|| (SystemTime::now(), Instant::now()))
    }

    #[must_use]
    pub fn from_fn(read: impl Fn() -> (SystemTime, Instant) + Send + Sync + 'static) -> Self {
        let clock = Self(Arc::new(Inner { read: Box::new(read), start: OnceLock::new() }));
        // It starts now.
        let _ = clock.now();
        clock
    }

    /// Milliseconds since 1970: the time of day at the start, and what has passed since then.
    #[must_use]
    pub fn now(&self) -> u64 {
        let (day, steady) = (self.0.read)();
        let day = millis(day.duration_since(UNIX_EPOCH).unwrap_or_default());
        if self.0.start.get().is_none() && !is_set(day) {
            return day;
        }
        let (at, begun) = self.0.start.get_or_init(|| (day, steady));
        at.saturating_add(millis(steady.saturating_duration_since(*begun)))
    }

    /// Whether a moment is longer ago than that. One from before any clock was set has an age that nobody knows.
    #[must_use]
    pub fn is_older(&self, at: u64, than: Duration) -> bool {
        is_set(at) && self.now().saturating_sub(at) > millis(than)
    }

    /// How much younger a log is taken to be than its records say, in milliseconds: nothing, unless the newest was too old already
    /// when this process started. The same as long as it runs.
    #[must_use]
    pub fn offset(&self, newest: u64, max_age: Duration) -> u64 {
        let now = self.now();
        let gap = self.0.start.get().map_or(now, |(at, _)| *at).saturating_sub(newest);
        if is_set(newest) && gap > millis(max_age) { gap } else { 0 }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Whether whoever wrote this moment down knew the time.
#[must_use]
pub const fn is_set(at: u64) -> bool {
    at >= CLOCKS_WERE_SET
}

/// A moment so much earlier, but never one from before clocks were set.
#[must_use]
pub fn earlier(at: u64, by: u64) -> u64 {
    at.saturating_sub(by).max(CLOCKS_WERE_SET)
}

#[cfg(test)]
pub mod tests {
    use std::sync::Mutex;

    use super::*;

    pub const DAY: u64 = 24 * 60 * 60 * 1000;
    pub const T: u64 = 1_800_000_000_000;
    const WEEK: Duration = Duration::from_millis(7 * DAY);

    /// A clock that shows what it is told to, and how to tell it: the time of day, and what has passed since the start.
    pub fn told(day: u64) -> (Clock, Arc<Mutex<(u64, u64)>>) {
        let shown = Arc::new(Mutex::new((day, 0)));
        let (read, begun) = (Arc::clone(&shown), Instant::now());
        let clock = Clock::from_fn(move || {
            let (day, passed) = *read.lock().unwrap();
            (UNIX_EPOCH + Duration::from_millis(day), begun + Duration::from_millis(passed))
        });
        (clock, shown)
    }

    #[test]
    fn while_it_runs_only_time_that_passed_counts() {
        let (clock, shown) = told(T);
        for day in [T + 1000 * DAY, T - 1000 * DAY, 0, T] {
            *shown.lock().unwrap() = (day, DAY);
            assert_eq!(clock.now(), T + DAY, "{day}");
            assert!(!clock.is_older(T, WEEK) && clock.is_older(T - 6 * DAY - 1, WEEK));
        }
    }

    #[test]
    fn a_start_that_would_expire_everything_is_not_believed() {
        let (clock, shown) = told(T);
        for (newest, expected) in [(T + DAY, 0), (T, 0), (T - 7 * DAY, 0), (T - 8 * DAY, 8 * DAY), (5, 0)] {
            assert_eq!(clock.offset(newest, WEEK), expected, "{newest}");
        }
        *shown.lock().unwrap() = (T, 3 * DAY);
        assert_eq!(clock.offset(T - 8 * DAY, WEEK), 8 * DAY, "it stays so, and what waits grows older");
    }

    #[test]
    fn a_machine_that_is_told_the_time_late_begins_then() {
        let (clock, shown) = told(1_000);
        assert_eq!(clock.now(), 1_000);
        assert!(!clock.is_older(5, Duration::ZERO), "an age that nobody knows");
        *shown.lock().unwrap() = (T, 60_000);
        assert_eq!(clock.now(), T);
        *shown.lock().unwrap() = (T + DAY, 61_000);
        assert_eq!(clock.now(), T + 1_000);
    }
}
