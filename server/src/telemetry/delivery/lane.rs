//! The payloads of one signal that wait to be sent, bounded in bytes. When it is full the oldest make room: what is
//! new says more about now.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::Payload;
use crate::budget::Budget;
use crate::telemetry::status::Load;

#[derive(Debug)]
pub struct Lane {
    state: Mutex<State>,
    wake: Notify,
    /// It is half full: what waits had better go to the disk soon.
    pressed: Notify,
    closing: CancellationToken,
    /// Something waits on disk, too.
    spooling: AtomicBool,
    limit: Limit,
    /// What all queues and lanes share.
    memory: Arc<Budget>,
}

/// What a lane may hold besides the payload under way.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    pub bytes: usize,
    pub records: Option<usize>,
}

#[derive(Debug, Default)]
struct State {
    payloads: VecDeque<Payload>,
    bytes: usize,
    records: u64,
    /// Bytes that were drained and are in nobody else's keeping yet.
    drained: usize,
}

/// What a lane gave away at once, oldest first. Until this is dropped it counts as the lane's: it is in memory as long as the
/// disk has not taken it.
#[must_use]
pub struct Drained<'a> {
    pub payloads: Vec<Payload>,
    lane: &'a Lane,
    bytes: usize,
}

impl Drop for Drained<'_> {
    fn drop(&mut self) {
        self.lane.lock().drained -= self.bytes;
        self.lane.memory.give(self.bytes);
    }
}

impl State {
    fn exceeds(&self, limit: Limit, more: &Payload) -> bool {
        let records = |most: usize| self.records + more.load.records > most as u64;
        self.bytes + more.body.len() > limit.bytes || limit.records.is_some_and(records)
    }
}

impl Lane {
    #[must_use]
    pub fn new(limit: Limit, memory: Arc<Budget>) -> Self {
        Self {
            state: Mutex::default(),
            wake: Notify::new(),
            pressed: Notify::new(),
            closing: CancellationToken::new(),
            spooling: AtomicBool::new(false),
            limit,
            memory,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether there is room for so many bytes within what all share.
    fn allows(&self, state: &State, more: usize) -> bool {
        self.memory.allows(state.bytes + state.drained, more)
    }

    fn put(&self, state: &mut State, payload: Payload) {
        self.memory.take(payload.body.len());
        state.bytes += payload.body.len();
        state.records += payload.load.records;
        state.payloads.push_back(payload);
    }

    fn pop(&self, state: &mut State) -> Option<Payload> {
        let payload = state.payloads.pop_front()?;
        self.memory.give(payload.body.len());
        state.bytes -= payload.body.len();
        state.records -= payload.load.records;
        Some(payload)
    }

    /// Adds a payload and answers with what was dropped to make room. One that is larger than the whole
    /// lane is still taken when the lane is empty: the bound is about a backlog. One for which all lanes together have no
    /// room is dropped itself.
    #[must_use = "what was dropped has to be counted"]
    pub fn push(&self, payload: Payload) -> Load {
        let (dropped, half) = self.insert(payload);
        self.wake.notify_one();
        if half {
            self.pressed.notify_one();
        }
        dropped
    }

    /// Answers with what was dropped, and whether it is half full.
    fn insert(&self, payload: Payload) -> (Load, bool) {
        let mut dropped = Load::default();
        let half = {
            let mut state = self.lock();
            let size = payload.body.len();
            while !state.payloads.is_empty() && (state.exceeds(self.limit, &payload) || !self.allows(&state, size)) {
                dropped += self.pop(&mut state).map_or_else(Load::default, |oldest| oldest.load);
            }
            if self.allows(&state, size) {
                self.put(&mut state, payload);
            } else {
                dropped += payload.load;
            }
            state.bytes > self.limit.bytes / 2
        };
        (dropped, half)
    }

    /// Payloads are waiting besides the one under way.
    #[must_use]
    pub fn is_behind(&self) -> bool {
        self.spooling.load(Ordering::Relaxed) || !self.lock().payloads.is_empty()
    }

    pub fn set_spooling(&self, spooling: bool) {
        self.spooling.store(spooling, Ordering::Relaxed);
    }

    /// Nothing more comes; what is here is still sent.
    pub fn close(&self) {
        self.closing.cancel();
        self.wake.notify_one();
    }

    #[must_use]
    pub const fn closing(&self) -> &CancellationToken {
        &self.closing
    }

    /// Returns once it is half full.
    pub async fn pressed(&self) {
        self.pressed.notified().await;
    }

    /// The oldest payload; `None` once the lane is closed and empty. Dropping the future loses nothing.
    pub async fn next(&self) -> Option<Payload> {
        loop {
            {
                let mut state = self.lock();
                if let Some(payload) = self.pop(&mut state) {
                    return Some(payload);
                }
                if self.closing.is_cancelled() {
                    return None;
                }
            }
            self.wake.notified().await;
        }
    }

    /// Everything that is here.
    pub fn drain(&self) -> Drained<'_> {
        let mut state = self.lock();
        let bytes = std::mem::take(&mut state.bytes);
        state.records = 0;
        state.drained += bytes;
        Drained { payloads: std::mem::take(&mut state.payloads).into(), lane: self, bytes }
    }

    /// Puts back what [`Lane::drain`] gave, and answers with what there was no room for. Nobody is told of it: whoever puts
    /// something back could do nothing with it.
    #[must_use = "what was dropped has to be counted"]
    pub fn put_back(&self, payloads: Vec<Payload>) -> Load {
        let newer: Vec<Payload> = {
            let mut state = self.lock();
            std::iter::from_fn(|| self.pop(&mut state)).collect()
        };
        let mut dropped = Load::default();
        for payload in payloads.into_iter().chain(newer) {
            dropped += self.insert(payload).0;
        }
        self.wake.notify_one();
        dropped
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        let bytes = self.lock().bytes;
        self.memory.give(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(bytes: usize) -> Limit {
        Limit { bytes, records: None }
    }

    fn lane(limit: Limit) -> Lane {
        Lane::new(limit, Arc::new(Budget::new(1 << 30)))
    }

    fn payload(bytes: usize, records: u64) -> Payload {
        Payload { body: vec![0; bytes].into(), gzip: false, load: Load { records, items: records }, written: None }
    }

    fn records(payloads: &[Payload]) -> Vec<u64> {
        payloads.iter().map(|payload| payload.load.records).collect()
    }

    #[tokio::test]
    async fn the_oldest_make_room() {
        let lane = lane(bytes(100));
        assert_eq!(lane.push(payload(60, 1)).records, 0);
        assert_eq!(lane.push(payload(40, 2)).records, 0);
        assert_eq!(lane.push(payload(50, 4)).records, 1);
        assert_eq!(lane.next().await.map(|p| p.load.records), Some(2));
        assert_eq!(lane.next().await.map(|p| p.load.records), Some(4));
        lane.close();
        assert!(lane.next().await.is_none());
    }

    #[test]
    fn it_is_bounded_in_records_too() {
        let lane = lane(Limit { bytes: 1000, records: Some(5) });
        assert_eq!(lane.push(payload(1, 3)).records, 0);
        assert_eq!(lane.push(payload(1, 2)).records, 0);
        assert_eq!(lane.push(payload(1, 1)).records, 3);
        assert_eq!(records(&lane.drain().payloads), [2, 1]);
    }

    #[test]
    fn one_large_payload_passes_an_empty_lane() {
        let lane = lane(bytes(100));
        assert_eq!(lane.push(payload(500, 1)).records, 0);
        assert_eq!(lane.push(payload(10, 1)).records, 1);
        assert_eq!(records(&lane.drain().payloads), [1]);
    }

    #[test]
    fn what_is_put_back_comes_before_what_came_meanwhile() {
        let lane = lane(bytes(100));
        assert_eq!(lane.push(payload(10, 1)).records + lane.push(payload(10, 2)).records, 0);
        let drained = std::mem::take(&mut lane.drain().payloads);
        assert_eq!(lane.push(payload(85, 3)).records, 0);
        assert_eq!(lane.put_back(drained).records, 1);
        assert_eq!(records(&lane.drain().payloads), [2, 3]);
    }

    /// It is in memory as long as the disk has not taken it, whoever has it.
    #[test]
    fn what_was_drained_counts_until_it_is_let_go() {
        let memory = Arc::new(Budget::new(100));
        let (one, other) = (Lane::new(bytes(1000), Arc::clone(&memory)), Lane::new(bytes(1000), Arc::clone(&memory)));
        assert_eq!(one.push(payload(40, 1)).records, 0);
        let drained = one.drain();
        assert_eq!((drained.payloads.len(), memory.used()), (1, 40));
        assert_eq!(one.push(payload(30, 2)).records, 2, "it would hold 70 of 100 then");
        assert_eq!(other.push(payload(70, 4)).records, 4);
        assert_eq!(other.push(payload(50, 8)).records, 0);
        drop(drained);
        assert_eq!(memory.used(), 50);
        assert_eq!(one.push(payload(30, 2)).records, 0);
        drop((one, other));
        assert_eq!(memory.used(), 0);
    }

    #[test]
    fn what_all_may_hold_bounds_each_and_is_given_back() {
        let memory = Arc::new(Budget::new(100));
        let (one, other) = (Lane::new(bytes(1000), Arc::clone(&memory)), Lane::new(bytes(1000), Arc::clone(&memory)));
        assert_eq!((0..5).map(|n| one.push(payload(20, 1 << n)).records).sum::<u64>(), 1 + 2, "alone: about half, and the newest");
        assert_eq!(other.push(payload(20, 1)).records, 0);
        assert_eq!(other.push(payload(70, 1)).records, 2, "no room for it even in an empty lane");
        drop((one, other));
        assert_eq!(memory.used(), 0);
    }
}
