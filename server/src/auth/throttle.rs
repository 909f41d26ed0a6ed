//! Slows down guessing at sign-in, per account and address and per address, exponentially and in bounded memory.
//!
//! An attempt counts when it begins, so that many at once get no further than one after another. There is no lock on an
//! account alone: that would let anybody lock anybody else out.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::clock::{Clock, millis};
use crate::peers::network_of;
use crate::store::UnixMillis;
use crate::values::Email;

/// Attempts that cost nothing, then a wait that doubles from one second.
const FREE_PER_ACCOUNT: u32 = 5;
const FREE_PER_ADDRESS: u32 = 30;
/// Of IPv6, what counts as one address: the smallest network that a customer has.
const NETWORK_BITS: u32 = 64;
const LONGEST_WAIT: Duration = Duration::from_secs(15 * 60);
/// An entry is forgotten this long after its last attempt.
const FORGET_AFTER: Duration = Duration::from_secs(60 * 60);
const MAX_ENTRIES: usize = 20_000;

/// Refused without looking at the password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Throttled {
    /// Seconds, rounded up; at least 1.
    pub retry_after_s: u32,
    /// Whether this is the first refusal of the present wait; later ones are not worth another security event.
    pub first: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Key {
    Account(Email, Option<IpAddr>),
    Address(Option<IpAddr>),
}

#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    attempts: u32,
    last: UnixMillis,
    closed_until: UnixMillis,
    reported: bool,
}

#[derive(Clone, Debug)]
pub struct Throttle {
    clock: Clock,
    entries: Arc<Mutex<HashMap<Key, Entry>>>,
}

/// An attempt that was let through. Dropped, it stays counted as a failure.
#[derive(Debug)]
pub struct Attempt {
    throttle: Throttle,
    keys: Vec<Key>,
}

impl Throttle {
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self { clock, entries: Arc::default() }
    }

    /// Lets an attempt through and counts it, or says how long to wait. `account` is `None` for text that is no e-mail
    /// address.
    ///
    /// # Errors
    /// [`Throttled`]
    pub fn begin(&self, account: Option<&Email>, address: Option<IpAddr>) -> Result<Attempt, Throttled> {
        let address = address.map(|address| network_of(address, NETWORK_BITS));
        let mut keys = vec![Key::Address(address)];
        keys.extend(account.map(|account| Key::Account(account.clone(), address)));
        let now = self.clock.now_ms();
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        for key in &keys {
            if let Some(entry) = entries.get_mut(key)
                && entry.closed_until > now
            {
                let first = !std::mem::replace(&mut entry.reported, true);
                return Err(Throttled { retry_after_s: seconds_up(entry.closed_until - now), first });
            }
        }
        for key in &keys {
            make_room(&mut entries, key, now);
            let free = if matches!(key, Key::Account(..)) { FREE_PER_ACCOUNT } else { FREE_PER_ADDRESS };
            let entry = entries.entry(key.clone()).or_default();
            if now - entry.last > millis(FORGET_AFTER) {
                *entry = Entry::default();
            }
            entry.attempts = entry.attempts.saturating_add(1);
            entry.last = now;
            if entry.attempts >= free {
                entry.closed_until = now + millis(wait(entry.attempts - free));
                entry.reported = false;
            }
        }
        Ok(Attempt { throttle: self.clone(), keys })
    }
}

impl Attempt {
    /// The attempt was no failure: this account starts afresh from this address, and the address gets its attempt back.
    pub fn succeeded(self) {
        let mut entries = self.throttle.entries.lock().unwrap_or_else(PoisonError::into_inner);
        for key in &self.keys {
            match key {
                Key::Account(..) => {
                    entries.remove(key);
                }
                Key::Address(_) => {
                    if let Some(entry) = entries.get_mut(key) {
                        entry.attempts = entry.attempts.saturating_sub(1);
                        entry.closed_until = 0;
                    }
                }
            }
        }
    }
}

fn wait(beyond: u32) -> Duration {
    Duration::from_secs(1_u64.checked_shl(beyond).unwrap_or(u64::MAX)).min(LONGEST_WAIT)
}

fn seconds_up(ms: UnixMillis) -> u32 {
    u32::try_from((ms.max(0) + 999) / 1000).unwrap_or(u32::MAX).max(1)
}

/// Keeps the table bounded: drops what is forgotten anyway, then the entry that was touched longest ago.
fn make_room(entries: &mut HashMap<Key, Entry>, key: &Key, now: UnixMillis) {
    if entries.len() < MAX_ENTRIES || entries.contains_key(key) {
        return;
    }
    entries.retain(|_, entry| now - entry.last <= millis(FORGET_AFTER));
    if entries.len() >= MAX_ENTRIES
        && let Some(oldest) = entries.iter().min_by_key(|(_, entry)| entry.last).map(|(key, _)| key.clone())
    {
        entries.remove(&oldest);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::UNIX_EPOCH;

    use super::*;

    fn at(start_s: u64) -> (Throttle, Arc<AtomicU64>) {
        let seconds = Arc::new(AtomicU64::new(start_s));
        let shared = Arc::clone(&seconds);
        let clock = Clock::from_fn(move || UNIX_EPOCH + Duration::from_secs(shared.load(Ordering::Relaxed)));
        (Throttle::new(clock), seconds)
    }

    fn email(text: &str) -> Email {
        Email::parse(text).unwrap()
    }

    const HERE: Option<IpAddr> = Some(IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1)));
    const THERE: Option<IpAddr> = Some(IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2)));

    #[test]
    fn waits_double_after_the_free_attempts() {
        let (throttle, seconds) = at(1_000_000);
        let ana = email("ana@example.com");
        for _ in 0..FREE_PER_ACCOUNT {
            throttle.begin(Some(&ana), HERE).unwrap();
        }
        assert_eq!(throttle.begin(Some(&ana), HERE).unwrap_err(), Throttled { retry_after_s: 1, first: true });
        assert_eq!(throttle.begin(Some(&ana), HERE).unwrap_err(), Throttled { retry_after_s: 1, first: false });
        for expected in [2, 4, 8, 16] {
            seconds.fetch_add(expected / 2, Ordering::Relaxed);
            throttle.begin(Some(&ana), HERE).unwrap();
            let refused = throttle.begin(Some(&ana), HERE).unwrap_err();
            assert_eq!(u64::from(refused.retry_after_s), expected);
        }
    }

    #[test]
    fn another_address_and_another_account_are_not_held_up() {
        let (throttle, _) = at(1_000_000);
        let ana = email("ana@example.com");
        while throttle.begin(Some(&ana), HERE).is_ok() {}
        assert!(throttle.begin(Some(&ana), THERE).is_ok());
        assert!(throttle.begin(Some(&email("bob@example.com")), HERE).is_ok());
    }

    #[test]
    fn an_address_that_tries_many_accounts_is_held_up() {
        let (throttle, _) = at(1_000_000);
        let refused_after = (0..).find(|n| throttle.begin(Some(&email(&format!("u{n}@example.com"))), HERE).is_err()).unwrap();
        assert_eq!(refused_after, FREE_PER_ADDRESS);
        assert!(throttle.begin(None, HERE).is_err());
    }

    #[test]
    fn success_starts_afresh_and_time_forgets() {
        let (throttle, seconds) = at(1_000_000);
        let ana = email("ana@example.com");
        for _ in 0..FREE_PER_ACCOUNT - 1 {
            throttle.begin(Some(&ana), HERE).unwrap();
        }
        throttle.begin(Some(&ana), HERE).unwrap().succeeded();
        for _ in 0..FREE_PER_ACCOUNT {
            throttle.begin(Some(&ana), HERE).unwrap();
        }
        assert!(throttle.begin(Some(&ana), HERE).is_err());
        seconds.fetch_add(FORGET_AFTER.as_secs() + 1, Ordering::Relaxed);
        for _ in 0..FREE_PER_ACCOUNT {
            throttle.begin(Some(&ana), HERE).unwrap();
        }
    }

    #[test]
    fn an_ipv6_network_is_held_up_as_one() {
        let (throttle, _) = at(1_000_000);
        let from = |n: u32| Some(format!("2001:db8::{n}").parse::<IpAddr>().unwrap());
        for n in 0..FREE_PER_ADDRESS {
            throttle.begin(None, from(n)).unwrap();
        }
        assert!(throttle.begin(None, from(9999)).is_err());
        assert!(throttle.begin(None, Some("2001:db8:0:1::1".parse().unwrap())).is_ok());
    }

    #[test]
    fn memory_is_bounded() {
        let (throttle, seconds) = at(1_000_000);
        for n in 0..u32::try_from(MAX_ENTRIES).unwrap() {
            throttle.begin(None, Some(IpAddr::V4(n.into()))).unwrap();
        }
        seconds.fetch_add(1, Ordering::Relaxed);
        for n in 0..100_u32 {
            throttle.begin(None, Some(IpAddr::V4((u32::MAX - n).into()))).unwrap();
        }
        assert_eq!(throttle.entries.lock().unwrap().len(), MAX_ENTRIES);
    }
}
