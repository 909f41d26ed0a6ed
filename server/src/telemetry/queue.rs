//! A destination's queue of events, bounded in bytes. Pushing never waits; the reader is woken once per handful, not per
//! event.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use crate::budget::Budget;
use crate::event::Event;

#[derive(Debug)]
pub struct Queue {
    state: Mutex<State>,
    wake: Notify,
    /// Bytes it may hold, by [`Event::size`].
    limit: usize,
    /// What all queues and lanes share.
    memory: Arc<Budget>,
    /// Events at which the reader is woken before its delay is over.
    handful: usize,
}

#[derive(Debug, Default)]
struct State {
    events: Vec<Arc<Event>>,
    bytes: usize,
    /// When the first of `events` came.
    since: Option<Instant>,
    /// The reader looks by itself in a while, because there was something lately: waking it costs whoever pushes more than the
    /// rest of pushing.
    alert: bool,
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
    pub fn new(limit: usize, handful: usize, memory: Arc<Budget>) -> Self {
        Self { state: Mutex::default(), wake: Notify::new(), limit, memory, handful: handful.max(1) }
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
            if state.closed || state.bytes + size > self.limit || !self.memory.allows(state.bytes, size) {
                return Err(Full);
            }
            self.memory.take(size);
            state.bytes += size;
            state.events.push(Arc::clone(event));
            if state.events.len() == 1 {
                state.since = Some(Instant::now());
            }
            state.events.len() == self.handful || state.events.len() == 1 && !state.alert
        };
        if wake {
            self.wake.notify_one();
        }
        Ok(())
    }

    /// How many events are here.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.lock().events.len()
    }

    /// Nothing more comes; what is here can still be taken.
    pub fn close(&self) {
        self.lock().closed = true;
        self.wake.notify_one();
    }

    fn empty(&self, state: &mut State) -> Option<Taken> {
        self.memory.give(std::mem::take(&mut state.bytes));
        let since = state.since.take()?;
        state.alert = true;
        Some(Taken { events: std::mem::take(&mut state.events), since })
    }

    /// Everything that is here, once there is a handful or `delay` has passed since the first event. `None` once it is
    /// closed and empty. Dropping the future loses nothing.
    pub async fn take(&self, delay: Duration) -> Option<Taken> {
        loop {
            let due = {
                let mut state = self.lock();
                match state.since {
                    Some(_) if state.closed || state.events.len() >= self.handful => return self.empty(&mut state),
                    Some(since) if since + delay <= Instant::now() => return self.empty(&mut state),
                    Some(since) => Some(since + delay),
                    None if state.closed => return None,
                    // Whatever comes meanwhile is not due before.
                    None => state.alert.then(|| Instant::now() + delay),
                }
            };
            match due {
                None => self.wake.notified().await,
                Some(due) => {
                    if timeout_at(due, self.wake.notified()).await.is_err() {
                        let mut state = self.lock();
                        // A while without anything: the next one has to wake it.
                        state.alert = state.since.is_some();
                    }
                }
            }
        }
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        let bytes = self.lock().bytes;
        self.memory.give(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::super::signal::fixtures::request;
    use super::*;

    fn memory() -> Arc<Budget> {
        Arc::new(Budget::new(1 << 30))
    }

    fn event() -> Arc<Event> {
        Arc::new(Event::Request(request()))
    }

    #[tokio::test]
    async fn a_handful_comes_at_once_and_a_rest_after_its_delay() {
        let queue = Queue::new(1 << 20, 3, memory());
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

    /// Whether it looks by itself, because there was something lately, or sleeps until it is woken.
    #[tokio::test]
    async fn what_comes_after_a_handful_is_taken_in_its_time_soon_or_late() {
        let queue = Arc::new(Queue::new(1 << 20, 2, memory()));
        let delay = Duration::from_millis(20);
        for late in [false, true] {
            queue.push(&event()).unwrap();
            queue.push(&event()).unwrap();
            assert_eq!(queue.take(delay).await.unwrap().events.len(), 2);
            let taking = tokio::spawn({
                let queue = Arc::clone(&queue);
                async move { queue.take(delay).await }
            });
            let asleep = async {
                while queue.lock().alert {
                    tokio::task::yield_now().await;
                }
            };
            if late {
                tokio::time::timeout(Duration::from_secs(60), asleep).await.unwrap();
            }
            let pushed = Instant::now();
            queue.push(&event()).unwrap();
            let taken = tokio::time::timeout(Duration::from_secs(60), taking).await.unwrap().unwrap().unwrap();
            assert_eq!(taken.events.len(), 1);
            assert!(taken.since >= pushed && taken.since.elapsed() >= delay, "{late}");
        }
    }

    #[tokio::test]
    async fn interrupting_the_wait_loses_nothing_and_does_not_prolong_it() {
        let queue = Queue::new(1 << 20, 3, memory());
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
        let memory = memory();
        let queue = Queue::new(2 * size, 100, Arc::clone(&memory));
        assert_eq!(queue.push(&event()), Ok(()));
        assert_eq!(queue.push(&event()), Ok(()));
        assert_eq!(queue.push(&event()), Err(Full));
        queue.close();
        assert_eq!(memory.used(), 2 * size);
        assert_eq!(queue.take(Duration::from_secs(60)).await.unwrap().events.len(), 2);
        assert_eq!(memory.used(), 0);
        assert!(queue.take(Duration::from_secs(60)).await.is_none());
        assert_eq!(queue.push(&event()), Err(Full));
    }

    #[test]
    fn what_all_may_hold_bounds_each_and_is_given_back() {
        let size = event().size();
        let memory = Arc::new(Budget::new(6 * size));
        let (one, other) = (Queue::new(100 * size, 100, Arc::clone(&memory)), Queue::new(100 * size, 100, Arc::clone(&memory)));
        assert_eq!((0..10).filter(|_| one.push(&event()).is_ok()).count(), 3, "alone: half");
        assert_eq!(other.push(&event()), Ok(()), "and there is room for another");
        drop((one, other));
        assert_eq!(memory.used(), 0);
    }
}
