//! A destination's queue of events, bounded in bytes. Pushing never waits; the reader is woken twice per batch, not per
//! event.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use crate::event::Event;

#[derive(Debug)]
pub struct Queue {
    state: Mutex<State>,
    wake: Notify,
    /// Bytes it may hold, by [`Event::size`].
    limit: usize,
    /// Events at which the reader is woken before its delay is over.
    batch: usize,
}

#[derive(Debug, Default)]
struct State {
    events: Vec<Arc<Event>>,
    bytes: usize,
    /// When the first of `events` came.
    since: Option<Instant>,
    closed: bool,
}

/// The event was not taken: the queue is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

/// Events in the order they came, and when the first one did.
#[derive(Debug)]
pub struct Taken {
    pub events: Vec<Arc<Event>>,
    pub since: Instant,
}

impl Queue {
    #[must_use]
    pub fn new(limit: usize, batch: usize) -> Self {
        Self { state: Mutex::default(), wake: Notify::new(), limit, batch: batch.max(1) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// # Errors
    /// [`Full`], and then the caller counts it.
    pub fn push(&self, event: &Arc<Event>) -> Result<(), Full> {
        let size = event.size();
        let wake = {
            let mut state = self.lock();
            if state.closed || state.bytes + size > self.limit {
                return Err(Full);
            }
            state.bytes += size;
            state.events.push(Arc::clone(event));
            if state.events.len() == 1 {
                state.since = Some(Instant::now());
            }
            state.events.len() == 1 || state.events.len() == self.batch
        };
        if wake {
            self.wake.notify_one();
        }
        Ok(())
    }

    /// Nothing more comes; what is here can still be taken.
    pub fn close(&self) {
        self.lock().closed = true;
        self.wake.notify_one();
    }

    /// Everything that is here, once there is a batch or `delay` has passed since the first event. `None` once it is
    /// closed and empty. Dropping the future loses nothing.
    pub async fn take(&self, delay: Duration) -> Option<Taken> {
        loop {
            let due = {
                let mut state = self.lock();
                match state.since {
                    Some(_) if state.closed || state.events.len() >= self.batch => return state.take(),
                    Some(since) => Some(since + delay),
                    None if state.closed => return None,
                    None => None,
                }
            };
            match due {
                None => self.wake.notified().await,
                Some(due) => {
                    if timeout_at(due, self.wake.notified()).await.is_err() {
                        return self.lock().take();
                    }
                }
            }
        }
    }
}

impl State {
    fn take(&mut self) -> Option<Taken> {
        self.bytes = 0;
        let since = self.since.take()?;
        Some(Taken { events: std::mem::take(&mut self.events), since })
    }
}

#[cfg(test)]
mod tests {
    use super::super::signal::fixtures::request;
    use super::*;

    fn event() -> Arc<Event> {
        Arc::new(Event::Request(request()))
    }

    #[tokio::test]
    async fn a_batch_comes_at_once_and_a_rest_after_its_delay() {
        let queue = Queue::new(1 << 20, 3);
        for _ in 0..3 {
            queue.push(&event()).unwrap();
        }
        // The delay is far longer than the test may take.
        assert_eq!(queue.take(Duration::from_secs(3600)).await.unwrap().events.len(), 3);
        queue.push(&event()).unwrap();
        let delay = Duration::from_millis(20);
        let taken = queue.take(delay).await.unwrap();
        assert_eq!(taken.events.len(), 1);
        assert!(taken.since.elapsed() >= delay);
    }

    #[tokio::test]
    async fn interrupting_the_wait_loses_nothing_and_does_not_prolong_it() {
        let queue = Queue::new(1 << 20, 3);
        queue.push(&event()).unwrap();
        let pushed = Instant::now();
        let interrupted = tokio::time::timeout(Duration::from_millis(20), queue.take(Duration::from_secs(3600))).await;
        assert!(interrupted.is_err());
        let taken = queue.take(Duration::from_millis(20)).await.unwrap();
        assert_eq!(taken.events.len(), 1);
        assert!(taken.since <= pushed, "the delay counts from the first event");
    }

    #[tokio::test]
    async fn it_is_bounded_in_bytes_and_drains_after_closing() {
        let size = event().size();
        let queue = Queue::new(2 * size, 100);
        assert_eq!(queue.push(&event()), Ok(()));
        assert_eq!(queue.push(&event()), Ok(()));
        assert_eq!(queue.push(&event()), Err(Full));
        queue.close();
        assert_eq!(queue.take(Duration::from_secs(60)).await.unwrap().events.len(), 2);
        assert!(queue.take(Duration::from_secs(60)).await.is_none());
        assert_eq!(queue.push(&event()), Err(Full));
    }
}
