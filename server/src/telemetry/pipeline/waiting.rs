//! Mapped records until they leave in a batch.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::time::Instant;

use crate::live::Batch;
use crate::telemetry::buffers::Buffers;
use crate::telemetry::otlp::Records;

/// How large a batch may grow while its lane is behind, if nobody chose its size.
const GROWN_BATCH: usize = 4096;

/// How many bytes a batch may hold before the next is begun, however many records may be in it: what is in hand is in no queue's bound,
/// and many collectors take no more than 20 MiB at once.
const GROWN_BYTES: usize = 8 * 1024 * 1024;

/// Mapped records that wait for their batch.
pub(super) struct Waiting {
    /// As many as a batch may hold.
    full: VecDeque<Records>,
    /// The newest, of which there may be more to come; holds nothing until there is a record.
    open: Records,
    pub(super) due: Option<Instant>,
    batch: Batch,
    buffers: Arc<Buffers>,
}

impl Waiting {
    pub(super) fn new(batch: Batch, buffers: Arc<Buffers>) -> Self {
        let batch = Batch { max_records: batch.max_records.max(1), ..batch };
        Self { full: VecDeque::new(), open: Records::default(), due: None, batch, buffers }
    }

    /// Where the next record is to be written; it came `since`.
    pub(super) fn next_to(&mut self, since: Instant) -> &mut Records {
        self.due.get_or_insert(since + self.batch.max_delay);
        if self.is_full() {
            // As much traffic as fills one batch is likely to fill the next.
            let next = Records::within(self.buffers.take(), self.batch.max_records.min(GROWN_BATCH));
            self.full.push_back(std::mem::replace(&mut self.open, next));
        } else if self.open.count() == 0 {
            // It may be the only one for long: no more room than there is.
            self.open = Records::within(self.buffers.take(), 0);
        }
        &mut self.open
    }

    fn is_full(&self) -> bool {
        self.open.count() >= self.batch.max_records as u64 || self.open.bytes() >= GROWN_BYTES
    }

    /// The next batch: a full one, or what there is once it is due or nothing more will come (`now` is `None`).
    pub(super) fn next(&mut self, now: Option<Instant>, behind: bool) -> Option<Records> {
        let due = now.is_none_or(|now| self.due.is_some_and(|due| due <= now));
        let mut batch = match self.full.pop_front() {
            Some(full) => full,
            None if self.is_full() || (due && self.open.count() > 0) => std::mem::take(&mut self.open),
            None => return None,
        };
        let most = if self.batch.fixed { self.batch.max_records } else { GROWN_BATCH } as u64;
        let fits = |batch: &Records, more: &Records| batch.count() + more.count() <= most && batch.bytes() + more.bytes() <= GROWN_BYTES;
        while behind && let Some(more) = self.full.pop_front_if(|more| fits(&batch, more)) {
            batch.append(more);
        }
        if self.full.is_empty() && self.open.count() == 0 {
            self.due = None;
        }
        Some(batch)
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::telemetry::otlp::{Log, Severity};

    fn small() -> Log<'static> {
        Log { at: SystemTime::now(), severity: Severity::Info, event_name: "e", body: None, place: None }
    }

    #[test]
    fn batches_are_joined_while_the_lane_is_behind_unless_their_size_was_chosen() {
        for (fixed, behind, expected) in [(false, true, vec![20, 5]), (true, true, vec![10, 10, 5]), (false, false, vec![10, 10, 5])] {
            let mut waiting = Waiting::new(Batch { max_records: 10, fixed, ..Batch::default() }, Arc::default());
            for _ in 0..25 {
                waiting.next_to(Instant::now()).log(&small(), |_| {});
            }
            let counts: Vec<_> = std::iter::from_fn(|| waiting.next(None, behind)).map(|batch| batch.count()).collect();
            assert_eq!(counts, expected, "fixed {fixed}, behind {behind}");
        }
    }

    #[test]
    fn what_has_left_holds_nothing_and_what_comes_next_gets_a_buffer_that_was_kept() {
        let buffers = Arc::new(Buffers::default());
        let mut waiting = Waiting::new(Batch { max_records: 2, ..Batch::default() }, Arc::clone(&buffers));
        for records in 1..=2 {
            for _ in 0..records {
                waiting.next_to(Instant::now()).log(&small(), |_| {});
            }
            assert_eq!(waiting.next(None, false).map(|batch| batch.count()), Some(records));
            assert_eq!(std::mem::take(&mut waiting.open).into_buffer().capacity(), 0);
        }
        buffers.give(Vec::with_capacity(100_000));
        waiting.next_to(Instant::now()).log(&small(), |_| {});
        assert!(waiting.next(None, false).unwrap().into_buffer().capacity() >= 100_000);
        assert_eq!(buffers.take().capacity(), 0, "it was the only one");
    }

    /// However many records a batch may have.
    #[test]
    fn a_batch_is_bounded_in_bytes() {
        let batch = Batch { max_records: 65_536, ..Batch::default() };
        let mut waiting = Waiting::new(batch, Arc::default());
        let body = "x".repeat(3 * 1024 * 1024);
        let log = Log { at: SystemTime::now(), severity: Severity::Info, event_name: "e", body: Some(&body), place: None };
        for _ in 0..7 {
            waiting.next_to(Instant::now()).log(&log, |_| {});
        }
        let sizes =
            std::iter::from_fn(|| waiting.next(None, true)).map(|batch| (batch.count(), batch.bytes() <= GROWN_BYTES + body.len() + 100));
        assert_eq!(sizes.collect::<Vec<_>>(), [(3, true), (3, true), (1, true)]);
    }
}
