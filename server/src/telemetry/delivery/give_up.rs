//! When a destination that only fails is reported, so that whoever owns the settings can pause it. Says it; does nothing.

use std::time::{Duration, SystemTime};

use tokio::sync::mpsc;

use crate::live::{ExportTarget, Owner};
use crate::telemetry::recent::Streak;

/// It has only failed for as long as it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exhausted {
    pub owner: Owner,
    /// Of the settings that failed.
    pub generation: u64,
    pub since: SystemTime,
    pub attempts: u64,
}

/// After how long, and whom to tell.
#[derive(Clone, Debug)]
pub struct GiveUp {
    pub after: Duration,
    pub attempts: u64,
    /// A report that finds no room is made again with the next failure.
    pub reports: Option<mpsc::Sender<Exhausted>>,
}

impl Default for GiveUp {
    fn default() -> Self {
        Self { after: Duration::from_secs(24 * 60 * 60), attempts: 20, reports: None }
    }
}

impl GiveUp {
    /// When this streak is to be reported, if nothing succeeds before and there are attempts enough.
    #[must_use]
    pub fn due(&self, streak: &Streak) -> SystemTime {
        streak.since + self.after
    }

    pub(super) fn report(&self, target: &ExportTarget, streak: Streak) {
        if streak.attempts < self.attempts || streak.begun.elapsed() < self.after {
            return;
        }
        if let Some(reports) = &self.reports {
            let _ = reports.try_send(Exhausted {
                owner: target.owner,
                generation: target.generation,
                since: streak.since,
                attempts: streak.attempts,
            });
        }
    }
}
