//! Holds back a flood of security events: whoever attacks may not fill the operator's traces, nor hide among them what else
//! happens. The first of a kind in each minute go out one by one; of the others one event tells how many there were.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::event::{Security, SecurityKind};
use crate::values::TenantId;

/// How long a window is.
pub const WINDOW: Duration = Duration::from_secs(60);
/// How many of a kind, in a workspace or outside of all, go out one by one in each window.
const EACH: u32 = 10;
/// Windows at a time; beyond it workspaces are not told apart.
const MOST: usize = 4096;

pub type Key = (SecurityKind, Option<TenantId>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It goes out as it is.
    Pass,
    /// It is the first that is held back: ask for the window's [`Flood::summary`] when it ends.
    FirstHeld { key: Key, ends: Instant },
    /// It is counted.
    Held,
}

#[derive(Debug, Default)]
pub struct Flood(Mutex<HashMap<Key, Window>>);

#[derive(Debug)]
struct Window {
    began: Instant,
    seen: u32,
    /// How many were held back, and the newest of them.
    held: u64,
    newest: Option<Security>,
}

impl Flood {
    pub fn admit(&self, security: &Security, now: Instant) -> Verdict {
        let mut windows = self.windows();
        let mut key = (security.kind, security.tenant);
        if windows.len() >= MOST && !windows.contains_key(&key) {
            // Those that held nothing back and are over are of no further use.
            windows.retain(|_, window| window.held > 0 || now.duration_since(window.began) < WINDOW);
            if windows.len() >= MOST {
                key.1 = None;
            }
        }
        let window = match windows.entry(key) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => entry.insert(Window { began: now, seen: 0, held: 0, newest: None }),
        };
        // One that held something back ends with its summary.
        if window.held == 0 && now.duration_since(window.began) >= WINDOW {
            *window = Window { began: now, seen: 0, held: 0, newest: None };
        }
        if window.seen < EACH {
            window.seen += 1;
            return Verdict::Pass;
        }
        window.held += 1;
        window.newest = Some(security.clone());
        if window.held == 1 { Verdict::FirstHeld { key, ends: window.began + WINDOW } } else { Verdict::Held }
    }

    /// One event for all that were held back, if any were; the window is over with it.
    pub fn summary(&self, key: Key) -> Option<Security> {
        let window = self.windows().remove(&key)?;
        Some(Security { tenant: key.1, count: window.held, ..window.newest? })
    }

    /// The summaries of all windows.
    pub fn all(&self) -> Vec<Security> {
        let keys: Vec<Key> = self.windows().keys().copied().collect();
        keys.into_iter().filter_map(|key| self.summary(key)).collect()
    }

    fn windows(&self) -> std::sync::MutexGuard<'_, HashMap<Key, Window>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use uuid::Uuid;

    use super::*;

    fn event(kind: SecurityKind, tenant: u128) -> Security {
        let tenant = (tenant > 0).then(|| TenantId(Uuid::from_u128(tenant)));
        Security { at: SystemTime::UNIX_EPOCH, kind, tenant, client_address: None, trace: None, count: 1 }
    }

    #[test]
    fn the_first_pass_and_the_rest_become_one() {
        let (flood, now) = (Flood::default(), Instant::now());
        let rejected = event(SecurityKind::ApiKeyRejected, 0);
        for _ in 0..EACH {
            assert_eq!(flood.admit(&rejected, now), Verdict::Pass);
        }
        let key = (SecurityKind::ApiKeyRejected, None);
        assert_eq!(flood.admit(&rejected, now + Duration::from_secs(5)), Verdict::FirstHeld { key, ends: now + WINDOW });
        for _ in 0..999 {
            assert_eq!(flood.admit(&rejected, now + Duration::from_secs(59)), Verdict::Held);
        }
        assert_eq!(flood.admit(&event(SecurityKind::AuthzDenied, 0), now), Verdict::Pass, "another kind");
        assert_eq!(flood.admit(&event(SecurityKind::ApiKeyRejected, 1), now), Verdict::Pass, "another workspace");
        assert_eq!(flood.summary(key).unwrap().count, 1000);
        assert!(flood.summary(key).is_none());
        assert_eq!(flood.admit(&rejected, now + WINDOW), Verdict::Pass, "a new window");
    }

    #[test]
    fn a_quiet_window_ends_by_itself() {
        let (flood, now) = (Flood::default(), Instant::now());
        let denied = event(SecurityKind::AuthzDenied, 1);
        for minute in 0..5 {
            for _ in 0..EACH {
                assert_eq!(flood.admit(&denied, now + WINDOW * minute), Verdict::Pass);
            }
        }
        assert!(flood.all().is_empty());
    }

    #[test]
    fn windows_stay_few_whatever_comes() {
        let (flood, now) = (Flood::default(), Instant::now());
        for tenant in 1..=2 * MOST as u128 {
            flood.admit(&event(SecurityKind::AuthzDenied, tenant), now);
        }
        assert!(flood.windows().len() <= MOST + 1);
        let told: u64 = flood.all().iter().map(|summary| summary.count).sum();
        assert_eq!(told, MOST as u64 - u64::from(EACH), "what no window was left for is counted together");
        flood.admit(&event(SecurityKind::AuthzDenied, 1), now);
        assert_eq!(flood.admit(&event(SecurityKind::AuthzDenied, 2), now + WINDOW), Verdict::Pass);
    }
}
