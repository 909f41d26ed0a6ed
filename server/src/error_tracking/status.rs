//! How the reporting goes: accepted = sent + dropped (by reason) + queued, always.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use crate::values::FailureKind;

/// Why an event did not arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dropped {
    /// Too many were waiting.
    QueueFull,
    /// Sentry asked to be left alone for a while.
    RateLimited,
    /// The same error, or errors of its workspace, came too often within a minute.
    Repeated,
    /// Sentry did not take it.
    Rejected,
    /// It could not be reached.
    Unreachable,
    /// It could not be scrubbed or encoded, so it was not sent.
    Unsendable,
    /// The process ended first.
    Shutdown,
}

impl Dropped {
    pub const ALL: [Self; 7] =
        [Self::QueueFull, Self::RateLimited, Self::Repeated, Self::Rejected, Self::Unreachable, Self::Unsendable, Self::Shutdown];

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::QueueFull => "queue_full",
            Self::RateLimited => "rate_limited",
            Self::Repeated => "repeated",
            Self::Rejected => "rejected",
            Self::Unreachable => "unreachable",
            Self::Unsendable => "unsendable",
            Self::Shutdown => "shutdown",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastFailure {
    pub at: SystemTime,
    pub kind: FailureKind,
    /// As configured.
    pub host: String,
}

/// A reading.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    pub accepted: u64,
    pub sent: u64,
    /// Only reasons that occurred.
    pub dropped: Vec<(Dropped, u64)>,
    pub queued: u64,
    pub last_sent: Option<SystemTime>,
    pub last_failure: Option<LastFailure>,
    /// Since when nothing arrived; `None` while it works.
    pub failing_since: Option<SystemTime>,
}

/// The counters of one client.
#[derive(Debug, Default)]
pub struct Ledger {
    accepted: AtomicU64,
    sent: AtomicU64,
    dropped: [AtomicU64; Dropped::ALL.len()],
    last: Mutex<Last>,
}

#[derive(Debug, Default)]
struct Last {
    sent: Option<SystemTime>,
    failure: Option<LastFailure>,
    failing_since: Option<SystemTime>,
}

impl Ledger {
    pub fn accepted(&self) {
        self.accepted.fetch_add(1, Ordering::Relaxed);
    }

    /// Of one that was accepted.
    pub fn dropped(&self, reason: Dropped) {
        self.dropped[reason as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Of one that got no further than the door.
    pub fn dropped_before(&self, reason: Dropped) {
        self.accepted();
        self.dropped(reason);
    }

    pub fn sent(&self, at: SystemTime) {
        self.sent.fetch_add(1, Ordering::Relaxed);
        let mut last = self.last();
        last.sent = Some(at);
        last.failing_since = None;
    }

    pub fn failed(&self, failure: LastFailure) {
        let mut last = self.last();
        last.failing_since.get_or_insert(failure.at);
        last.failure = Some(failure);
    }

    #[must_use]
    pub fn read(&self) -> Status {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let dropped: Vec<_> =
            Dropped::ALL.into_iter().map(|reason| (reason, count(&self.dropped[reason as usize]))).filter(|(_, n)| *n > 0).collect();
        let sent = count(&self.sent);
        let over = sent + dropped.iter().map(|(_, n)| n).sum::<u64>();
        // What is over is read first, so that none of it is missing here.
        let accepted = count(&self.accepted).max(over);
        let last = self.last();
        Status {
            accepted,
            sent,
            dropped,
            queued: accepted - over,
            last_sent: last.sent,
            last_failure: last.failure.clone(),
            failing_since: last.failing_since,
        }
    }

    fn last(&self) -> MutexGuard<'_, Last> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
