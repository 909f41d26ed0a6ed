//! What happened lately at one destination: its last attempts, its last hour minute by minute, and for how long it has only
//! failed. Outlives a change of the settings, so that a card does not forget why it was changed. Never content.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::status::Reason;
use crate::values::{FailureKind, Signal};

/// How many attempts are kept.
const ATTEMPTS: usize = 20;
/// How many minutes are kept.
const MINUTES: u64 = 60;

/// One request to the collector, with what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    pub at: SystemTime,
    pub signal: Signal,
    pub outcome: Outcome,
    /// The answer's, when there was one.
    pub status: Option<u16>,
    pub failure: Option<FailureKind>,
    /// Spans, log records or metric points in it.
    pub items: u64,
    /// As it went out.
    pub bytes: u64,
    pub latency: Duration,
    /// 1 for the first.
    pub number: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Delivered,
    PartlyRejected,
    Retrying,
    GivenUp,
}

/// Spans, log records and metric points of one minute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Minute {
    /// Since the Unix epoch.
    pub number: u64,
    pub sent: u64,
    pub rejected: u64,
    pub dropped: [u64; Reason::ALL.len()],
}

/// It has failed and never succeeded since.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Streak {
    pub since: SystemTime,
    /// The same moment, for how long it lasts: clocks are set.
    pub begun: Instant,
    pub attempts: u64,
}

/// Nothing is allocated before the first attempt or drop.
#[derive(Debug, Default)]
pub struct Recent(Mutex<Option<Box<Inner>>>);

#[derive(Debug, Default)]
struct Inner {
    attempts: VecDeque<Attempt>,
    minutes: VecDeque<Minute>,
    streak: Option<Streak>,
}

/// A reading.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lately {
    /// The newest first.
    pub attempts: Vec<Attempt>,
    /// Those of the last hour in which something happened, oldest first.
    pub minutes: Vec<Minute>,
    pub streak: Option<Streak>,
}

impl Recent {
    fn lock(&self) -> MutexGuard<'_, Option<Box<Inner>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the streak of failures that this attempt belongs to, if it does to one.
    pub fn attempt(&self, attempt: Attempt) -> Option<Streak> {
        let mut guard = self.lock();
        let inner = guard.get_or_insert_default();
        match attempt.outcome {
            Outcome::Delivered | Outcome::PartlyRejected => inner.streak = None,
            Outcome::Retrying | Outcome::GivenUp => {
                let streak = inner.streak.get_or_insert(Streak { since: attempt.at, begun: Instant::now(), attempts: 0 });
                streak.attempts += 1;
            }
        }
        if inner.attempts.len() == ATTEMPTS {
            inner.attempts.pop_back();
        }
        inner.attempts.push_front(attempt);
        inner.streak
    }

    pub fn delivered(&self, items: u64, rejected: u64) {
        let rejected = rejected.min(items);
        self.in_minute(|minute| {
            minute.sent += items - rejected;
            minute.rejected += rejected;
        });
    }

    pub fn dropped(&self, reason: Reason, items: u64) {
        if items > 0 {
            self.in_minute(|minute| minute.dropped[reason as usize] += items);
        }
    }

    /// New settings are given their own time.
    pub fn settings_changed(&self) {
        if let Some(inner) = self.lock().as_mut() {
            inner.streak = None;
        }
    }

    #[must_use]
    pub fn read(&self) -> Lately {
        let oldest = minute_of(SystemTime::now()).saturating_sub(MINUTES - 1);
        self.lock().as_ref().map_or_else(Lately::default, |inner| Lately {
            attempts: inner.attempts.iter().cloned().collect(),
            minutes: inner.minutes.iter().filter(|minute| minute.number >= oldest).cloned().collect(),
            streak: inner.streak,
        })
    }

    fn in_minute(&self, change: impl FnOnce(&mut Minute)) {
        self.in_minute_at(minute_of(SystemTime::now()), change);
    }

    fn in_minute_at(&self, now: u64, change: impl FnOnce(&mut Minute)) {
        let mut guard = self.lock();
        let minutes = &mut guard.get_or_insert_default().minutes;
        // A clock that was set back writes into the newest minute there is, unless it was wrong by more than what is shown.
        while minutes.back().is_some_and(|last| last.number > now + MINUTES) {
            minutes.pop_back();
        }
        if minutes.back().is_none_or(|last| last.number < now) {
            minutes.push_back(Minute { number: now, sent: 0, rejected: 0, dropped: Default::default() });
            while minutes.front().is_some_and(|first| first.number + MINUTES <= now) {
                minutes.pop_front();
            }
        }
        if let Some(last) = minutes.back_mut() {
            change(last);
        }
    }
}

fn minute_of(at: SystemTime) -> u64 {
    at.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs() / 60
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(seconds: u64, outcome: Outcome) -> Attempt {
        Attempt {
            at: UNIX_EPOCH + Duration::from_secs(seconds),
            signal: Signal::Logs,
            outcome,
            status: None,
            failure: None,
            items: 1,
            bytes: 10,
            latency: Duration::ZERO,
            number: 1,
        }
    }

    #[test]
    fn the_last_twenty_attempts_are_kept_newest_first() {
        let recent = Recent::default();
        for second in 0..30 {
            recent.attempt(attempt(second, Outcome::Delivered));
        }
        let attempts = recent.read().attempts;
        assert_eq!(attempts.len(), 20);
        assert_eq!((attempts[0].at, attempts[19].at), (attempt(29, Outcome::Delivered).at, attempt(10, Outcome::Delivered).at));
    }

    #[test]
    fn a_streak_ends_with_a_success_and_with_new_settings() {
        let recent = Recent::default();
        assert_eq!(recent.attempt(attempt(5, Outcome::Retrying)).map(|streak| streak.attempts), Some(1));
        let streak = recent.attempt(attempt(9, Outcome::GivenUp)).unwrap();
        assert_eq!((streak.attempts, streak.since), (2, attempt(5, Outcome::Retrying).at));
        assert_eq!(recent.attempt(attempt(10, Outcome::PartlyRejected)), None);
        recent.attempt(attempt(11, Outcome::Retrying));
        recent.settings_changed();
        assert_eq!(recent.read().streak, None);
        assert_eq!(recent.read().attempts.len(), 4, "what happened is not forgotten");
    }

    #[test]
    fn minutes_add_up_and_make_room() {
        let recent = Recent::default();
        for minute in 100..200 {
            recent.in_minute_at(minute, |minute| minute.sent += 1);
            recent.in_minute_at(minute, |minute| minute.rejected += 2);
        }
        recent.in_minute_at(150, |minute| minute.sent += 5);
        let guard = recent.lock();
        let minutes = &guard.as_ref().unwrap().minutes;
        assert_eq!((minutes.len(), minutes[0].number), (60, 140));
        assert_eq!((minutes[59].sent, minutes[59].rejected), (6, 2), "a clock set back loses nothing");
        drop(guard);
        assert!(recent.read().minutes.is_empty(), "long ago is not the last hour");
    }
}
