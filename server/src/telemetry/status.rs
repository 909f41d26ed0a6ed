//! How a destination is doing: counters that always add up, and what happened last. Cheap to write and to read.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use super::recent::{Lately, Recent};
pub use crate::values::DiskProblem;
use crate::values::{FailureKind, Signal};

/// Why records were dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    /// A queue of this destination was full.
    QueueFull,
    /// The collector refused the request for good.
    NotRetryable,
    /// It was tried again for as long as it may be.
    Expired,
    /// The destination was switched off or changed, or the process ended, before the records could be sent.
    Disabled,
    /// The request would have been larger than OTLP allows.
    TooLarge,
    /// What waited on disk made room for what is newer.
    SpoolFull,
    /// What waited on disk could not be read as it was written.
    Damaged,
}

impl Reason {
    pub const ALL: [Self; 7] =
        [Self::QueueFull, Self::NotRetryable, Self::Expired, Self::Disabled, Self::TooLarge, Self::SpoolFull, Self::Damaged];

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::QueueFull => "queue_full",
            Self::NotRetryable => "not_retryable",
            Self::Expired => "expired",
            Self::Disabled => "disabled",
            Self::TooLarge => "too_large",
            Self::SpoolFull => "spool_full",
            Self::Damaged => "damaged",
        }
    }
}

/// A reading. Counts are spans and log records since the destination's settings were last changed, or since the start;
/// always accepted = delivered + rejected + dropped + queued. Metric points are not among them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    pub accepted: u64,
    pub delivered: u64,
    /// Refused by the collector in a partial success.
    pub rejected: u64,
    /// Only reasons that occurred.
    pub dropped: Vec<(Reason, u64)>,
    /// Waiting or under way.
    pub queued: u64,
    /// Of these, what waits on disk.
    pub on_disk: OnDisk,
    /// Why what waits can't go to the disk at the moment; it waits in memory then.
    pub disk_problem: Option<DiskProblem>,
    pub last_success: Option<SystemTime>,
    pub last_failure: Option<Failure>,
    /// Since when some signal has had no success.
    pub failing_since: Option<SystemTime>,
    /// Of each signal that has had no success since it failed, how it failed last.
    pub failing: Vec<Failure>,
    /// Instruments that have more series than they may, at the last collection.
    pub overflowing_instruments: u64,
    pub lately: Lately,
}

impl Status {
    #[must_use]
    pub fn dropped_total(&self) -> u64 {
        self.dropped.iter().map(|(_, count)| count).sum()
    }
}

/// What waits in a destination's spool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OnDisk {
    /// Spans and log records.
    pub records: u64,
    pub bytes: u64,
}

impl std::ops::AddAssign for OnDisk {
    fn add_assign(&mut self, other: Self) {
        self.records += other.records;
        self.bytes += other.bytes;
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub at: SystemTime,
    pub signal: Signal,
    pub kind: FailureKind,
    /// The collector's host, as configured.
    pub host: String,
}

/// What a payload, or several, hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// Spans and log records: what the counts are about.
    pub records: u64,
    /// These and metric points.
    pub items: u64,
}

impl std::ops::AddAssign for Load {
    fn add_assign(&mut self, other: Self) {
        self.records += other.records;
        self.items += other.items;
    }
}

/// Where the parts of one destination write.
#[derive(Debug, Default)]
pub struct Ledger {
    accepted: AtomicU64,
    delivered: AtomicU64,
    rejected: AtomicU64,
    dropped: [AtomicU64; Reason::ALL.len()],
    overflowing: AtomicU64,
    last: Mutex<Last>,
    recent: Arc<Recent>,
}

#[derive(Debug, Default)]
struct Last {
    success: Option<SystemTime>,
    failure: Option<Box<Failure>>,
    failing: [Option<Box<Failing>>; Signal::ALL.len()],
    on_disk: [OnDisk; Signal::ALL.len()],
    disk_problems: [Option<DiskProblem>; Signal::ALL.len()],
}

#[derive(Debug)]
struct Failing {
    since: SystemTime,
    last: Failure,
}

impl Ledger {
    /// `recent` is what earlier settings of the same destination left.
    #[must_use]
    pub fn new(recent: Arc<Recent>) -> Self {
        Self { recent, ..Self::default() }
    }

    #[must_use]
    pub fn recent(&self) -> &Arc<Recent> {
        &self.recent
    }

    pub fn accept(&self, records: u64) {
        // Before any other count of the same records: see `read`.
        self.accepted.fetch_add(records, Ordering::SeqCst);
    }

    /// Records that another destination took over, with what it is to do.
    pub fn hand_over(&self, records: u64) {
        self.accepted.fetch_sub(records, Ordering::SeqCst);
    }

    pub fn on_disk(&self, signal: Signal, on_disk: OnDisk) {
        self.last().on_disk[signal as usize] = on_disk;
    }

    /// Answers whether that is news.
    pub fn disk_problem(&self, signal: Signal, problem: Option<DiskProblem>) -> bool {
        let slot = &mut self.last().disk_problems[signal as usize];
        std::mem::replace(slot, problem) != problem
    }

    pub fn deliver(&self, load: Load, rejected: u64) {
        let of_records = rejected.min(load.records);
        self.rejected.fetch_add(of_records, Ordering::SeqCst);
        self.delivered.fetch_add(load.records - of_records, Ordering::SeqCst);
        self.recent.delivered(load.items, rejected);
    }

    /// What a payload held: metric points are told of, but are not among the counts.
    pub fn drop_payload(&self, reason: Reason, load: Load) {
        self.dropped[reason as usize].fetch_add(load.records, Ordering::SeqCst);
        self.recent.dropped(reason, load.items);
    }

    pub fn overflowing(&self, instruments: u64) {
        self.overflowing.store(instruments, Ordering::Relaxed);
    }

    fn last(&self) -> MutexGuard<'_, Last> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn succeeded(&self, signal: Signal) {
        let mut last = self.last();
        last.success = Some(SystemTime::now());
        last.failing[signal as usize] = None;
    }

    /// A request failed, whether or not it will be tried again.
    pub fn failed(&self, signal: Signal, kind: FailureKind, host: &str) {
        let at = SystemTime::now();
        let failure = Failure { at, signal, kind, host: host.to_owned() };
        let mut last = self.last();
        let slot = &mut last.failing[signal as usize];
        let since = slot.as_ref().map_or(at, |failing| failing.since);
        *slot = Some(Box::new(Failing { since, last: failure.clone() }));
        last.failure = Some(Box::new(failure));
    }

    /// The request was taken but records in it were refused: told, yet the destination works.
    pub fn partly_rejected(&self, signal: Signal, rejected: u64, host: &str) {
        let kind = FailureKind::PartialSuccess { rejected };
        self.last().failure = Some(Box::new(Failure { at: SystemTime::now(), signal, kind, host: host.to_owned() }));
    }

    #[must_use]
    pub fn read(&self) -> Status {
        // A record is accepted before it ends anywhere, so what ended is read first and the rest is still queued.
        let delivered = self.delivered.load(Ordering::SeqCst);
        let rejected = self.rejected.load(Ordering::SeqCst);
        let dropped: Vec<(Reason, u64)> = Reason::ALL
            .into_iter()
            .map(|reason| (reason, self.dropped[reason as usize].load(Ordering::SeqCst)))
            .filter(|(_, count)| *count > 0)
            .collect();
        let accepted = self.accepted.load(Ordering::SeqCst);
        let ended = delivered + rejected + dropped.iter().map(|(_, count)| count).sum::<u64>();
        let last = self.last();
        Status {
            accepted,
            delivered,
            rejected,
            dropped,
            queued: accepted.saturating_sub(ended),
            on_disk: last.on_disk.iter().fold(OnDisk::default(), |mut sum, part| {
                sum += *part;
                sum
            }),
            disk_problem: last.disk_problems.iter().flatten().next().copied(),
            last_success: last.success,
            last_failure: last.failure.as_deref().cloned(),
            failing_since: last.failing.iter().flatten().map(|failing| failing.since).min(),
            failing: last.failing.iter().flatten().map(|failing| failing.last.clone()).collect(),
            overflowing_instruments: self.overflowing.load(Ordering::Relaxed),
            lately: self.recent.read(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(records: u64) -> Load {
        Load { records, items: records }
    }

    #[test]
    fn adds_up_and_names_only_what_occurred() {
        let ledger = Ledger::default();
        ledger.accept(10);
        ledger.deliver(load(5), 2);
        ledger.drop_payload(Reason::Expired, Load { records: 1, items: 1 });
        let status = ledger.read();
        assert_eq!((status.accepted, status.delivered, status.rejected, status.queued), (10, 3, 2, 4));
        assert_eq!(status.dropped, [(Reason::Expired, 1)]);
    }

    #[test]
    fn a_collector_cannot_reject_more_than_it_was_sent() {
        let ledger = Ledger::default();
        ledger.accept(3);
        ledger.deliver(load(3), u64::MAX);
        assert_eq!((ledger.read().rejected, ledger.read().queued), (3, 0));
    }

    #[test]
    fn failing_lasts_until_the_same_signal_succeeds() {
        let ledger = Ledger::default();
        ledger.failed(Signal::Traces, FailureKind::Refused, "a");
        let since = ledger.read().failing_since;
        ledger.failed(Signal::Traces, FailureKind::Timeout, "a");
        ledger.succeeded(Signal::Logs);
        assert_eq!(ledger.read().failing_since, since);
        assert!(since.is_some());
        // Whatever another signal meets, and is told as the last failure of all.
        ledger.failed(Signal::Metrics, FailureKind::Refused, "b");
        ledger.succeeded(Signal::Metrics);
        ledger.partly_rejected(Signal::Metrics, 1, "b");
        let failing: Vec<_> = ledger.read().failing.into_iter().map(|failure| (failure.signal, failure.kind, failure.host)).collect();
        assert_eq!(failing, [(Signal::Traces, FailureKind::Timeout, "a".to_owned())]);
        ledger.succeeded(Signal::Traces);
        assert_eq!((ledger.read().failing_since, ledger.read().failing), (None, Vec::new()));
        assert_eq!(ledger.read().last_failure.unwrap().kind, FailureKind::PartialSuccess { rejected: 1 });
    }
}
