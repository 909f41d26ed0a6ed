//! A destination's queue of events, bounded in bytes. Pushing never waits; the reader is woken once per handful, not per
//! event.

use std::ops::RangeInclusive;
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
    /// Events at which the reader is woken before its delay is over, at least and at most.
    handfuls: RangeInclusive<usize>,
}

#[derive(Debug)]
struct State {
    events: Vec<Arc<Event>>,
    /// What the reader is done with. Whoever pushes frees it, one for one: memory that is freed on another thread than the one that
    /// asks for it makes the two wait for each other's allocator.
    spent: Vec<Arc<Event>>,
    /// Where the next events go.
    buffer: Vec<Arc<Event>>,
    bytes: usize,
    /// So many wake the reader now: more while they come quickly, since being woken costs it, and whoever pushes, as much each time.
    handful: usize,
    /// When the first of `events` came.
    since: Option<Instant>,
    /// The reader looks by itself in a while, because there was something lately: waking it costs whoever pushes more than the
    /// rest of pushing.
    alert: bool,
    closed: bool,
}

/// A handful that came within this is followed by a larger one.
const QUICK: Duration = Duration::from_millis(4);

/// Fewer at once, or more bytes, are freed where they are: what has little to do is to hold nothing, and nobody much.
const FEW: usize = 32;
const MANY_BYTES: usize = 256 * 1024;

/// The event was not taken: the queue is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

/// Events in the order they came, and when the first one did.
#[derive(Debug)]
pub struct Taken {
    pub events: Vec<Arc<Event>>,
    pub since: Instant,
    bytes: usize,
}

impl Queue {
    #[must_use]
    pub fn new(limit: usize, handfuls: RangeInclusive<usize>, memory: Arc<Budget>) -> Self {
        let state = State {
            events: Vec::new(),
            spent: Vec::new(),
            buffer: Vec::new(),
            bytes: 0,
            handful: *handfuls.start(),
            since: None,
            alert: false,
            closed: false,
        };
        Self { state: Mutex::new(state), wake: Notify::new(), limit, memory, handfuls }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// # Errors
    /// [`Full`], and then the caller counts it.
    pub fn push(&self, event: &Arc<Event>) -> Result<(), Full> {
        let size = event.size();
        let (wake, _spent) = {
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
            let wake = state.events.len() == state.handful || state.events.len() == 1 && !state.alert;
            (wake, [state.spent.pop(), if state.spent.len() > state.handful { state.spent.pop() } else { None }])
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
        let bytes = std::mem::take(&mut state.bytes);
        self.memory.give(bytes);
        let since = state.since.take()?;
        state.alert = true;
        let quick = state.events.len() >= state.handful && since.elapsed() < QUICK;
        state.handful = if quick { (2 * state.handful).min(*self.handfuls.end()) } else { *self.handfuls.start() };
        let next = std::mem::take(&mut state.buffer);
        Some(Taken { events: std::mem::replace(&mut state.events, next), since, bytes })
    }

    /// Gives back what was taken, once it is done with.
    pub fn give_back(&self, taken: Taken) {
        let Taken { mut events, bytes, .. } = taken;
        if events.len() < FEW || bytes > MANY_BYTES {
            return;
        }
        let mut state = self.lock();
        if state.closed || state.spent.len() > *self.handfuls.end() {
            drop(state);
            return drop(events);
        }
        state.spent.append(&mut events);
        state.buffer = events;
    }

    /// Everything that is here, once there is a handful or `delay` has passed since the first event. `None` once it is
    /// closed and empty. Dropping the future loses nothing.
    pub async fn take(&self, delay: Duration) -> Option<Taken> {
        loop {
            let due = {
                let mut state = self.lock();
                match state.since {
                    Some(_) if state.closed || state.events.len() >= state.handful => return self.empty(&mut state),
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
                        // A while without anything: the next one has to wake it, and until then nothing is kept.
                        state.alert = state.since.is_some();
                        if !state.alert {
                            let kept = (std::mem::take(&mut state.spent), std::mem::take(&mut state.buffer));
                            drop(state);
                            drop(kept);
                        }
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
        let queue = Queue::new(1 << 20, 3..=3, memory());
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
        let queue = Arc::new(Queue::new(1 << 20, 2..=2, memory()));
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

    /// Neither kept for ever nor freed by the reader while there is traffic.
    #[tokio::test]
    async fn what_is_done_with_goes_with_what_comes() {
        let handful = FEW;
        let queue = Queue::new(1 << 20, handful..=handful, memory());
        let events: Vec<_> = (0..handful).map(|_| event()).collect();
        let kept = |count| assert_eq!(events.iter().map(Arc::strong_count).sum::<usize>(), handful + count);
        events.iter().for_each(|event| queue.push(event).unwrap());
        let taken = queue.take(Duration::from_secs(3600)).await.unwrap();
        queue.give_back(taken);
        kept(handful);
        for left in (0..handful).rev() {
            queue.push(&event()).unwrap();
            kept(left);
        }
        queue.give_back(queue.take(Duration::from_secs(3600)).await.unwrap());
        assert_eq!(queue.lock().spent.len(), handful);
        // Nothing comes any more.
        let waiting = tokio::time::timeout(Duration::from_millis(200), queue.take(Duration::from_millis(1)));
        assert!(waiting.await.is_err());
        let state = queue.lock();
        assert_eq!((state.spent.capacity(), state.buffer.capacity(), state.alert), (0, 0, false));
    }

    #[tokio::test]
    async fn handfuls_grow_while_they_come_quickly() {
        let queue = Queue::new(1 << 20, 2..=5, memory());
        let an_hour = Duration::from_secs(3600);
        for handful in [2, 4, 5, 5] {
            (0..handful).for_each(|_| queue.push(&event()).unwrap());
            // However long this takes: it is not to be the machine's pace that decides.
            queue.lock().since = Some(Instant::now() + Duration::from_secs(60));
            assert_eq!(queue.take(an_hour).await.unwrap().events.len(), handful);
        }
        (0..5).for_each(|_| queue.push(&event()).unwrap());
        queue.lock().since = Some(Instant::now() - QUICK);
        assert_eq!(queue.take(an_hour).await.unwrap().events.len(), 5);
        assert_eq!(queue.lock().handful, 2, "slowly");
        queue.push(&event()).unwrap();
        queue.push(&event()).unwrap();
        assert_eq!(queue.take(an_hour).await.unwrap().events.len(), 2);
    }

    #[tokio::test]
    async fn interrupting_the_wait_loses_nothing_and_does_not_prolong_it() {
        let queue = Queue::new(1 << 20, 3..=3, memory());
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
        let queue = Queue::new(2 * size, 100..=100, Arc::clone(&memory));
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
        let (one, other) = (Queue::new(100 * size, 100..=100, Arc::clone(&memory)), Queue::new(100 * size, 100..=100, Arc::clone(&memory)));
        assert_eq!((0..10).filter(|_| one.push(&event()).is_ok()).count(), 3, "alone: half");
        assert_eq!(other.push(&event()), Ok(()), "and there is room for another");
        drop((one, other));
        assert_eq!(memory.used(), 0);
    }
}
