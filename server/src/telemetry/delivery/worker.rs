//! Sends one signal's payloads, one after the other, each until it is taken, refused for good, or expired. From the first
//! failure on, what waits goes to the disk, and comes from there until all of that is sent.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::answer::Answer;
use super::backlog::{Backlog, Place};
use super::estate::Heir;
use super::exchange::headers;
use super::way::{Way, attempt};
use super::{Lane, Payload};
use crate::live::{Compression, SignalTarget};
use crate::outbound::chance;
use crate::telemetry::status::Reason;
use crate::values::{FailureKind, Signal};

mod leaving;
mod merging;

/// A collector that asks for more patience than this is asked again all the same.
const LONGEST_PAUSE: Duration = Duration::from_secs(600);

/// One that asks for less is not asked again sooner.
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);

/// After this long a disk that could not be read is tried again.
const DISK_AGAIN: Duration = Duration::from_secs(1);

/// While something waits on disk, what comes goes there this often.
const SPOOL_EVERY: Duration = Duration::from_millis(500);

pub struct Worker {
    way: Arc<Way>,
    lane: Arc<Lane>,
    backlog: Backlog,
    /// Cancelled when nothing more may be sent, done or not.
    abort: CancellationToken,
    /// What failed and is tried again.
    current: Option<Current>,
    /// In a row, of the payload at hand.
    failures: u32,
    /// Set by a failure, and by a collector that asked to be left alone; holds for the next payload too.
    not_before: Instant,
    next_spooling: Instant,
    /// The disk did not take what it was last given: it is left alone until it is time again.
    disk_fails: bool,
}

/// The payload at hand.
struct Current {
    payload: Payload,
    /// Where it lies on disk; metrics that were merged lie in several.
    places: Vec<Place>,
    /// All of it lies there.
    safe: bool,
    first_tried: Option<Instant>,
}

impl Worker {
    pub fn new(way: Way, lane: Arc<Lane>, backlog: Backlog, abort: CancellationToken) -> Self {
        let now = Instant::now();
        Self {
            way: Arc::new(way),
            lane,
            backlog,
            abort,
            current: None,
            failures: 0,
            not_before: now,
            next_spooling: now,
            disk_fails: false,
        }
    }

    /// Ends when the lane is closed and nothing waits, or when it is aborted; then what is left goes to whoever follows, stays
    /// on disk, or is counted as dropped.
    pub async fn run(mut self) {
        let Some(to) = self.way.target.signal(self.way.signal).cloned() else { return };
        let to = Arc::new((headers(&to), to));
        self.backlog.adopt().await;
        while let Some(mut current) = self.next().await {
            let begun = *current.first_tried.get_or_insert_with(Instant::now);
            let attempt = attempt(Arc::clone(&self.way), Arc::clone(&to), current.payload.clone(), self.failures + 1);
            let Some(answer) = self.meanwhile(attempt).await else {
                self.current = Some(current);
                break;
            };
            self.conclude(&to.1, current, begun, answer).await;
        }
        // At the end of the time to shut down events may still be on their way here, and nobody else would see to them.
        self.lane.closing().clone().cancelled().await;
        self.leave().await;
    }

    /// The payload to send now, once it may be sent; `None` when this worker is to end.
    async fn next(&mut self) -> Option<Current> {
        loop {
            let left = self.way.estate.take(self.way.signal);
            if !left.is_empty() {
                self.backlog.take_over(left);
            }
            // Once it is closing, what it has not taken over is its successor's.
            let owed = self.backlog.owed().filter(|_| !self.lane.closing().is_cancelled());
            if owed.is_some_and(|again| again <= Instant::now()) {
                self.backlog.adopt().await;
                continue;
            }
            if self.failures == 0 && self.backlog.waiting().payloads == 0 {
                self.backlog.at_rest();
            }
            self.lane.set_spooling(self.backlog.waiting().payloads > 0);
            if self.abort.is_cancelled() || self.may_end_early() {
                return None;
            }
            if self.not_before > Instant::now() {
                self.wait().await;
                continue;
            }
            if self.way.signal == Signal::Metrics
                && let Some(all) = self.merge().await
            {
                return Some(all);
            }
            if let Some(current) = self.current.take() {
                return Some(current);
            }
            if let Some((payload, place)) = self.backlog.first().await {
                let places = vec![place];
                self.backlog.hold(&places).await;
                return Some(Current { payload: self.as_wanted(payload), places, safe: true, first_tried: None });
            }
            let unread = self.backlog.waiting().payloads > 0;
            let (lane, way, abort) = (Arc::clone(&self.lane), Arc::clone(&self.way), self.abort.clone());
            tokio::select! {
                biased;
                () = abort.cancelled() => return None,
                () = way.estate.arrived(way.signal) => {}
                payload = lane.next() => match payload {
                    Some(payload) => return Some(Current { payload, places: Vec::new(), safe: false, first_tried: None }),
                    None if unread => self.not_before = Instant::now() + DISK_AGAIN,
                    None => return None,
                },
                () = sleep_until(Instant::now() + DISK_AGAIN), if unread => {}
                () = sleep_until(owed.unwrap_or_else(Instant::now)), if owed.is_some() => {}
            }
        }
    }

    /// Nothing more will come, the collector is down, and what waits is not lost by ending now.
    fn may_end_early(&self) -> bool {
        let way = &self.way;
        self.failures > 0
            && self.lane.closing().is_cancelled()
            && self.backlog.is_on()
            && match way.heirs.heir(way.target.owner) {
                Heir::To(next) => next.wants(&way.target, way.signal),
                Heir::Later => true,
                Heir::Nobody => false,
            }
    }

    /// Until the next attempt is due, or something else is to be done.
    async fn wait(&mut self) {
        let (closing, closed) = (self.lane.closing().clone(), self.lane.closing().is_cancelled());
        let until = self.not_before;
        let waited = async move {
            tokio::select! {
                () = sleep_until(until) => {}
                () = closing.cancelled(), if !closed => {}
            }
        };
        self.meanwhile(waited).await;
    }

    /// Lets `work` go on while what comes is put on disk; `None` when it was aborted.
    async fn meanwhile<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        let abort = self.abort.clone();
        let lane = Arc::clone(&self.lane);
        let mut work = pin!(work);
        loop {
            let spooling = self.spools();
            tokio::select! {
                biased;
                () = abort.cancelled() => return None,
                done = &mut work => return Some(done),
                () = sleep_until(self.next_spooling), if spooling => {}
                () = lane.pressed(), if spooling && !self.disk_fails => {}
            }
            // Its time runs while the disk takes its own, so it is let go on beside it.
            let (mut spooled, mut done) = (pin!(self.spool()), None);
            loop {
                tokio::select! {
                    biased;
                    out = &mut work, if done.is_none() => done = Some(out),
                    () = &mut spooled => break,
                }
            }
            if done.is_some() {
                return done;
            }
        }
    }

    fn spools(&self) -> bool {
        self.backlog.is_on() && (self.failures > 0 || self.backlog.waiting().payloads > 0)
    }

    /// Puts what waits in memory on disk, behind what is there.
    async fn spool(&mut self) {
        let mut drained = self.lane.drain();
        let (_, rest) = self.backlog.push(std::mem::take(&mut drained.payloads)).await;
        drop(drained);
        self.disk_fails = !rest.is_empty();
        if !rest.is_empty() {
            let dropped = self.lane.put_back(rest);
            self.way.ledger.drop_payload(Reason::QueueFull, dropped);
        }
        self.backlog.sync_if_due().await;
        self.next_spooling = Instant::now() + SPOOL_EVERY;
    }

    async fn conclude(&mut self, to: &SignalTarget, current: Current, begun: Instant, answer: Answer) {
        let (way, load) = (Arc::clone(&self.way), current.payload.load);
        let (ledger, signal) = (&way.ledger, way.signal);
        match answer {
            Answer::Taken { rejected } => {
                // Before it is told, so that what is told to be delivered is not on disk any more.
                self.settle(&current.places).await;
                ledger.deliver(load, rejected);
                ledger.succeeded(signal);
                if rejected > 0 {
                    ledger.partly_rejected(signal, rejected, to.url.host());
                }
            }
            Answer::Final(kind) => {
                if let FailureKind::Blocked { rule } = kind {
                    way.alarm.blocked(way.target.owner, rule);
                }
                self.settle(&current.places).await;
                ledger.failed(signal, kind, to.url.host());
                ledger.drop_payload(Reason::NotRetryable, load);
            }
            Answer::Retry { kind, after } => {
                ledger.failed(signal, kind, to.url.host());
                self.failures += 1;
                let now = Instant::now();
                let backoff = self.way.retry.backoff;
                self.not_before = match after {
                    // One that names this moment, or one that has passed on our clock, says nothing about when.
                    Some(after) if !after.is_zero() => now + after.max(backoff.initial.min(SHORTEST_PAUSE)).min(LONGEST_PAUSE),
                    _ => now + backoff.delay(self.failures, chance()),
                };
                self.keep(current, begun).await;
            }
        }
    }

    async fn settle(&mut self, places: &[Place]) {
        for place in places {
            self.backlog.settle(place).await;
        }
        self.failures = 0;
    }

    /// A payload that is to be tried again: makes it and what waits behind it safe, unless it expires.
    async fn keep(&mut self, mut current: Current, begun: Instant) {
        let expires = self.way.expires.or((!self.backlog.is_on()).then_some(self.way.retry.max_elapsed));
        if expires.is_some_and(|expires| self.not_before > begun + expires) {
            self.way.ledger.drop_payload(Reason::Expired, current.payload.load);
            // The collector has failed all the same, and what waits behind is made safe.
            let failures = self.failures;
            self.settle(&current.places).await;
            if self.backlog.is_on() {
                self.failures = failures;
                self.spool().await;
            }
            return;
        }
        if self.backlog.is_on() {
            let others = self.backlog.waiting().payloads > current.places.len() as u64;
            // It may be this payload that the collector chokes on: let others try, and come back to it.
            let stuck = others && self.way.signal != Signal::Metrics && self.not_before > begun + self.way.retry.max_elapsed;
            let held = self.make_safe(&mut current, stuck).await;
            self.current = held.then_some(current);
            self.spool().await;
        } else {
            self.current = Some(current);
        }
    }

    /// Writes the payload to the disk if not all of it is there, or once more, at the end. Answers whether it is still at hand:
    /// at the end it waits for its turn like any other, and where there is no room for it at all it is counted as lost.
    async fn make_safe(&mut self, current: &mut Current, at_the_end: bool) -> bool {
        if !at_the_end && self.is_there(current).await {
            return true;
        }
        let (mut places, rest) = self.backlog.push(vec![current.payload.clone()]).await;
        if !rest.is_empty() {
            return true;
        }
        for old in std::mem::take(&mut current.places) {
            self.backlog.settle(&old).await;
        }
        match places.pop().flatten() {
            Some(place) if !at_the_end => {
                current.payload.written = Some(place.written());
                current.places.push(place);
                self.backlog.hold(&current.places).await;
                current.safe = true;
                true
            }
            _ => false,
        }
    }

    /// Nothing of it would be lost if it were forgotten. What it was merged from may have made room.
    async fn is_there(&mut self, current: &Current) -> bool {
        current.safe && self.backlog.there(&current.places).await.payloads == current.places.len() as u64
    }

    /// What was compressed for earlier settings may have to go out as it was before.
    fn as_wanted(&self, payload: Payload) -> Payload {
        match self.way.target.compression {
            Compression::None if payload.gzip => {
                payload.plain().map_or_else(|| payload.clone(), |body| Payload { body, gzip: false, ..payload.clone() })
            }
            Compression::None | Compression::Gzip => payload,
        }
    }
}

#[cfg(test)]
#[path = "worker_tests.rs"]
mod tests;
