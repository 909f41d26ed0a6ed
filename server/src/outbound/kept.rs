//! What each workspace has of its own, for as long as it uses it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::values::TenantId;

/// What nobody used for so long is made anew.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(10 * 60);
const FIRST_SWEEP: usize = 64;

pub(super) struct Kept<T>(Mutex<Workspaces<T>>);

struct Workspaces<T> {
    by: HashMap<TenantId, Own<T>>,
    /// With so many, those that are not used are looked for.
    sweep_at: usize,
}

struct Own<T> {
    it: T,
    used: Instant,
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self(Mutex::new(Workspaces { by: HashMap::new(), sweep_at: FIRST_SWEEP }))
    }
}

impl<T: Clone> Kept<T> {
    pub(super) fn of(&self, workspace: TenantId, make: impl FnOnce() -> T) -> T {
        let mut workspaces = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Workspaces { by, sweep_at } = &mut *workspaces;
        if by.len() >= *sweep_at && !by.contains_key(&workspace) {
            by.retain(|_, own| own.used.elapsed() < FORGOTTEN_AFTER);
            *sweep_at = FIRST_SWEEP.max(2 * by.len());
        }
        let now = Instant::now();
        let own = by.entry(workspace).or_insert_with(|| Own { it: make(), used: now });
        own.used = now;
        own.it.clone()
    }
}
