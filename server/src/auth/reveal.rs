//! Things shown exactly once after they were made (an API key, an invitation link), kept in memory from the request that
//! made them to the page that shows them.
//!
//! Nothing here is written to disk: after a restart or [`KEEP`] it is gone and has to be made again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use uuid::Uuid;
use zeroize::Zeroizing;

use super::clock::{Clock, millis};
use crate::store::UnixMillis;

/// How long a thing waits to be shown.
pub const KEEP: Duration = Duration::from_secs(10 * 60);
const MAX_PER_USER: usize = 20;
const MAX_ENTRIES: usize = 1_000;

struct Entry {
    label: String,
    secret: Zeroizing<String>,
    made_at: UnixMillis,
    order: u64,
}

/// Something to show, taken out of [`Reveal`].
pub struct Revealed {
    pub label: String,
    pub secret: Zeroizing<String>,
}

#[derive(Default)]
struct Inner {
    /// By the user who may see it, and by what it belongs to.
    entries: HashMap<(Uuid, Uuid), Entry>,
    made: u64,
}

/// What waits to be shown. Cheap to clone; clones share it.
#[derive(Clone)]
pub struct Reveal {
    clock: Clock,
    inner: Arc<Mutex<Inner>>,
}

impl Reveal {
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self { clock, inner: Arc::default() }
    }

    /// Keeps `secret` for `user`, who made `item`. The oldest give way when there are too many.
    pub fn put(&self, user: Uuid, item: Uuid, label: String, secret: String) {
        let now = self.clock.now_ms();
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.entries.retain(|_, entry| fresh(entry, now));
        inner.made += 1;
        let order = inner.made;
        inner.entries.insert((user, item), Entry { label, secret: Zeroizing::new(secret), made_at: now, order });
        let of_user = |(owner, _): &(Uuid, Uuid)| *owner == user;
        if inner.entries.keys().filter(|key| of_user(key)).count() > MAX_PER_USER {
            remove_oldest(&mut inner.entries, of_user);
        }
        if inner.entries.len() > MAX_ENTRIES {
            remove_oldest(&mut inner.entries, |_| true);
        }
    }

    /// Hands out what `user` made, once.
    #[must_use]
    pub fn take(&self, user: Uuid, item: Uuid) -> Option<Revealed> {
        let now = self.clock.now_ms();
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = inner.entries.remove(&(user, item)).filter(|entry| fresh(entry, now))?;
        Some(Revealed { label: entry.label, secret: entry.secret })
    }
}

impl std::fmt::Debug for Reveal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Reveal([redacted])")
    }
}

fn fresh(entry: &Entry, now: UnixMillis) -> bool {
    now - entry.made_at <= millis(KEEP)
}

fn remove_oldest(entries: &mut HashMap<(Uuid, Uuid), Entry>, of: impl Fn(&(Uuid, Uuid)) -> bool) {
    let oldest = entries.iter().filter(|(key, _)| of(key)).min_by_key(|(_, entry)| entry.order).map(|(key, _)| *key);
    if let Some(oldest) = oldest {
        entries.remove(&oldest);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::UNIX_EPOCH;

    use super::*;

    #[test]
    fn shows_once_to_its_maker_within_ten_minutes() {
        let seconds = Arc::new(AtomicU64::new(1_000));
        let shared = Arc::clone(&seconds);
        let reveal = Reveal::new(Clock::from_fn(move || UNIX_EPOCH + Duration::from_secs(shared.load(Ordering::Relaxed))));
        let (ana, bob, key) = (Uuid::from_u128(1), Uuid::from_u128(2), Uuid::from_u128(3));
        reveal.put(ana, key, "default".to_owned(), "tk_1".to_owned());
        assert!(reveal.take(bob, key).is_none());
        assert_eq!(*reveal.take(ana, key).unwrap().secret, "tk_1");
        assert!(reveal.take(ana, key).is_none());

        reveal.put(ana, key, "default".to_owned(), "tk_2".to_owned());
        seconds.fetch_add(KEEP.as_secs() + 1, Ordering::Relaxed);
        assert!(reveal.take(ana, key).is_none());
    }

    #[test]
    fn the_oldest_of_a_user_gives_way() {
        let reveal = Reveal::new(Clock::system());
        let ana = Uuid::from_u128(1);
        for n in 0..=MAX_PER_USER as u128 {
            reveal.put(ana, Uuid::from_u128(n), String::new(), n.to_string());
        }
        assert!(reveal.take(ana, Uuid::from_u128(0)).is_none());
        assert!(reveal.take(ana, Uuid::from_u128(1)).is_some());
        for n in 0..2 * MAX_ENTRIES as u128 {
            reveal.put(Uuid::from_u128(100 + n), ana, String::new(), String::new());
        }
        assert!(reveal.inner.lock().unwrap().entries.len() <= MAX_ENTRIES);
    }
}
