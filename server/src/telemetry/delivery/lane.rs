//! The payloads of one signal that wait to be sent, bounded in bytes. When it is full the oldest make room: what is
//! new says more about now.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::Payload;
use crate::telemetry::status::Load;

#[derive(Debug)]
pub struct Lane {
    state: Mutex<State>,
    wake: Notify,
    limit: Limit,
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
    closed: bool,
}

impl State {
    fn push(&mut self, payload: Payload) {
        self.bytes += payload.body.len();
        self.records += payload.load.records;
        self.payloads.push_back(payload);
    }

    fn pop(&mut self) -> Option<Payload> {
        let payload = self.payloads.pop_front()?;
        self.bytes -= payload.body.len();
        self.records -= payload.load.records;
        Some(payload)
    }

    fn exceeds(&self, limit: Limit) -> bool {
        self.bytes > limit.bytes || limit.records.is_some_and(|records| self.records > records as u64)
    }
}

impl Lane {
    #[must_use]
    pub fn new(limit: Limit) -> Self {
        Self { state: Mutex::default(), wake: Notify::new(), limit }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a payload and answers with what was dropped to make room. One that is larger than the whole
    /// lane is still taken when the lane is empty: the bound is about a backlog.
    #[must_use = "what was dropped has to be counted"]
    pub fn push(&self, payload: Payload) -> Load {
        let mut dropped = Load::default();
        {
            let mut state = self.lock();
            state.push(payload);
            while state.exceeds(self.limit) && state.payloads.len() > 1 {
                dropped += state.pop().map_or_else(Load::default, |oldest| oldest.load);
            }
        }
        self.wake.notify_one();
        dropped
    }

    /// Payloads are waiting besides the one under way.
    #[must_use]
    pub fn is_behind(&self) -> bool {
        !self.lock().payloads.is_empty()
    }

    /// Nothing more comes; what is here is still sent.
    pub fn close(&self) {
        self.lock().closed = true;
        self.wake.notify_one();
    }

    /// The oldest payload; `None` once the lane is closed and empty.
    pub async fn next(&self) -> Option<Payload> {
        loop {
            {
                let mut state = self.lock();
                if let Some(payload) = state.pop() {
                    return Some(payload);
                }
                if state.closed {
                    return None;
                }
            }
            self.wake.notified().await;
        }
    }

    /// Gives up what is left and answers with what that was.
    pub fn abandon(&self) -> Load {
        let mut state = self.lock();
        state.closed = true;
        let mut left = Load::default();
        while let Some(payload) = state.pop() {
            left += payload.load;
        }
        left
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(bytes: usize) -> Limit {
        Limit { bytes, records: None }
    }

    fn payload(bytes: usize, records: u64) -> Payload {
        Payload { body: vec![0; bytes].into(), gzip: false, load: Load { records, items: records } }
    }

    #[tokio::test]
    async fn the_oldest_make_room() {
        let lane = Lane::new(bytes(100));
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
        let lane = Lane::new(Limit { bytes: 1000, records: Some(5) });
        assert_eq!(lane.push(payload(1, 3)).records, 0);
        assert_eq!(lane.push(payload(1, 2)).records, 0);
        assert_eq!(lane.push(payload(1, 1)).records, 3);
        assert_eq!(lane.abandon().records, 3);
    }

    #[test]
    fn one_large_payload_passes_an_empty_lane() {
        let lane = Lane::new(bytes(100));
        assert_eq!(lane.push(payload(500, 1)).records, 0);
        assert_eq!(lane.push(payload(10, 1)).records, 1);
        assert_eq!(lane.abandon().records, 1);
    }
}
