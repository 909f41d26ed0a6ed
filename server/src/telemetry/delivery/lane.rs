//! The payloads of one signal that wait to be sent, bounded in bytes. When it is full the oldest make room: what is
//! new says more about now.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::Payload;

#[derive(Debug)]
pub struct Lane {
    state: Mutex<State>,
    wake: Notify,
    limit: usize,
}

#[derive(Debug, Default)]
struct State {
    payloads: VecDeque<Payload>,
    bytes: usize,
    closed: bool,
}

impl Lane {
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self { state: Mutex::default(), wake: Notify::new(), limit }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a payload and answers with how many records were dropped to make room. One that is larger than the whole
    /// lane is still taken when the lane is empty: the bound is about a backlog.
    #[must_use = "what was dropped has to be counted"]
    pub fn push(&self, payload: Payload) -> u64 {
        let mut dropped = 0;
        {
            let mut state = self.lock();
            state.bytes += payload.body.len();
            state.payloads.push_back(payload);
            while state.bytes > self.limit && state.payloads.len() > 1 {
                if let Some(oldest) = state.payloads.pop_front() {
                    state.bytes -= oldest.body.len();
                    dropped += oldest.records;
                }
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
                if let Some(payload) = state.payloads.pop_front() {
                    state.bytes -= payload.body.len();
                    return Some(payload);
                }
                if state.closed {
                    return None;
                }
            }
            self.wake.notified().await;
        }
    }

    /// Gives up what is left and answers with its number of records.
    pub fn abandon(&self) -> u64 {
        let mut state = self.lock();
        state.closed = true;
        state.bytes = 0;
        state.payloads.drain(..).map(|payload| payload.records).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payload(bytes: usize, records: u64) -> Payload {
        Payload { body: vec![0; bytes].into(), gzip: false, records }
    }

    #[tokio::test]
    async fn the_oldest_make_room() {
        let lane = Lane::new(100);
        assert_eq!(lane.push(payload(60, 1)), 0);
        assert_eq!(lane.push(payload(40, 2)), 0);
        assert_eq!(lane.push(payload(50, 4)), 1);
        assert_eq!(lane.next().await.map(|p| p.records), Some(2));
        assert_eq!(lane.next().await.map(|p| p.records), Some(4));
        lane.close();
        assert!(lane.next().await.is_none());
    }

    #[test]
    fn one_large_payload_passes_an_empty_lane() {
        let lane = Lane::new(100);
        assert_eq!(lane.push(payload(500, 1)), 0);
        assert_eq!(lane.push(payload(10, 1)), 1);
        assert_eq!(lane.abandon(), 1);
    }
}
