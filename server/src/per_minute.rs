//! So many of each thing within any minute, and no more: tests that somebody may start, errors that are told. Pure: it
//! reads no clock. (Requests of a route are limited by `gateway`, sign-ins by `auth`: their rules are others.)

use std::borrow::Borrow;
use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::time::Duration;

use thiserror::Error;
use tokio::time::Instant;

/// How long each one counts.
pub const MINUTE: Duration = Duration::from_secs(60);
/// Tests of one destination: a test is a request to an address that somebody typed.
pub const TESTS: usize = 6;
/// Things that are told apart, where nothing else bounds them.
const THINGS: usize = 10_000;

/// There were too many lately.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("there were too many within the last minute")]
pub struct TooMany {
    pub retry_after: Duration,
}

/// When each thing was let through within the last minute.
#[derive(Debug)]
pub struct PerMinute<K> {
    each: usize,
    things: usize,
    lately: HashMap<K, VecDeque<Instant>>,
}

impl<K: Eq + Hash> PerMinute<K> {
    /// So many of each.
    #[must_use]
    pub fn new(each: usize) -> Self {
        Self { each, things: THINGS, lately: HashMap::new() }
    }

    /// Of so many things at most; one more is refused until another one's minute is over.
    #[must_use]
    pub fn of_things(self, things: usize) -> Self {
        Self { things, ..self }
    }

    /// Lets one more through, and counts it.
    ///
    /// # Errors
    /// [`TooMany`], with how long until the next may come.
    pub fn admit<Q>(&mut self, thing: &Q, now: Instant) -> Result<(), TooMany>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ToOwned<Owned = K> + ?Sized,
    {
        let Some(times) = self.lately.get_mut(thing) else { return self.admit_first(thing.to_owned(), now) };
        forget(times, now);
        match times.front() {
            Some(first) if times.len() >= self.each => {
                Err(TooMany { retry_after: MINUTE.saturating_sub(now.saturating_duration_since(*first)) })
            }
            _ => {
                times.push_back(now);
                Ok(())
            }
        }
    }

    fn admit_first(&mut self, thing: K, now: Instant) -> Result<(), TooMany> {
        if self.lately.len() >= self.things {
            self.lately.retain(|_, times| {
                forget(times, now);
                !times.is_empty()
            });
            if self.lately.len() >= self.things {
                return Err(TooMany { retry_after: MINUTE });
            }
        }
        self.lately.insert(thing, VecDeque::from([now]));
        Ok(())
    }
}

fn forget(times: &mut VecDeque<Instant>, now: Instant) {
    while times.front().is_some_and(|at| now.saturating_duration_since(*at) >= MINUTE) {
        times.pop_front();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_of_each_thing_within_any_minute() {
        let mut tests = PerMinute::<String>::new(TESTS);
        let begun = Instant::now();
        for second in 0..6 {
            assert_eq!(tests.admit("a", begun + Duration::from_secs(second)), Ok(()));
        }
        let later = begun + Duration::from_secs(20);
        assert_eq!(tests.admit("a", later), Err(TooMany { retry_after: Duration::from_secs(40) }));
        assert_eq!(tests.admit("b", later), Ok(()), "another one's");
        assert_eq!(tests.admit("a", begun + MINUTE), Ok(()), "the first is over");
        assert_eq!(tests.admit("a", begun + MINUTE), Err(TooMany { retry_after: Duration::from_secs(1) }));
        assert_eq!(tests.admit("a", begun + MINUTE * 10), Ok(()));
    }

    #[test]
    fn it_stays_small_whatever_comes() {
        let mut told = PerMinute::<u32>::new(1).of_things(100);
        let now = Instant::now();
        assert_eq!((0..500).filter(|thing| told.admit(thing, now).is_ok()).count(), 100);
        assert_eq!(told.admit(&7, now + Duration::from_secs(59)), Err(TooMany { retry_after: Duration::from_secs(1) }));
        assert_eq!((1000..1500).filter(|thing| told.admit(thing, now + MINUTE).is_ok()).count(), 100);
        assert_eq!(told.lately.len(), 100);
    }
}
