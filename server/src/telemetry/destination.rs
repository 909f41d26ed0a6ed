//! One destination: where the request path hands events over, and the life of the tasks behind it.
//!
//! A destination that has had no event costs a few hundred bytes: no task, no timer, no encoder. The first event starts
//! its tasks; dropping the last handle closes its queue, and the tasks send what was accepted, then end.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::Options;
use super::alarm::Alarm;
use super::buffers::Buffers;
use super::delivery::{Estate, Gzip, Heirs, Inherits, Left, Transport};
use super::pipeline::Pipeline;
use super::queue::Queue;
use super::recent::Recent;
use super::signal::metric::Meters;
use super::status::{Ledger, Load, Reason, Status};
use super::threads::Threads;
use crate::budget::Budget;
use crate::event::Event;
use crate::live::{Batch, ExportTarget, Owner};
use crate::spool::{Home, Log};
use crate::values::{Signal, TenantId};

/// What all destinations share.
pub struct Common {
    pub transport: Arc<dyn Transport>,
    pub alarm: Arc<Alarm>,
    pub options: Options,
    pub tracker: TaskTracker,
    /// Cancelled when the time to shut down is over.
    pub abort: CancellationToken,
    pub threads: Arc<Threads>,
    pub gzip: Gzip,
    /// What all queues and lanes may hold together.
    pub memory: Arc<Budget>,
    /// Who gets what a destination leaves.
    pub heirs: Arc<dyn Heirs>,
    /// What batches were written into.
    pub buffers: Arc<Buffers>,
}

pub struct Destination {
    target: Arc<ExportTarget>,
    queue: Arc<Queue>,
    ledger: Arc<Ledger>,
    meters: Option<Arc<MeterCell>>,
    started: AtomicBool,
    /// Where it keeps what it can't send.
    home: Option<Arc<Home>>,
    /// What others leave to it.
    estate: Arc<Estate>,
    common: Arc<Common>,
}

/// The metrics of a destination, handed on from one set of its settings to the next while they mean the same series.
pub struct MeterCell {
    pub meters: OnceLock<Meters>,
    /// When they are next collected. Kept here, so that frequent changes do not put it off.
    pub next: Mutex<Option<Instant>>,
    /// Destinations that may still record: the last one to end collects what is left.
    users: AtomicUsize,
    /// The one that collects now.
    current: Mutex<Weak<Destination>>,
}

impl MeterCell {
    fn new() -> Self {
        Self { meters: OnceLock::new(), next: Mutex::default(), users: AtomicUsize::new(0), current: Mutex::default() }
    }

    fn enter(self: &Arc<Self>, destination: &Weak<Destination>) {
        self.users.fetch_add(1, Ordering::SeqCst);
        Weak::clone_into(destination, &mut self.current.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Whether it was the last.
    pub fn leave(&self) -> bool {
        self.users.fetch_sub(1, Ordering::SeqCst) == 1
    }

    fn current(&self) -> Option<Arc<Destination>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).upgrade()
    }
}

/// What an event is to a destination.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    pub span: bool,
    pub log: bool,
    pub metrics: bool,
}

impl Share {
    /// The operator gets everything; a workspace the logs and metrics of its own proxied requests.
    #[must_use]
    pub fn of(target: &ExportTarget, event: &Event) -> Self {
        match (target.owner, event) {
            (Owner::Operator, Event::Request(request)) => Self {
                span: target.traces.is_some() && request.trace.sampled(),
                log: target.logs.is_some() && request.proxied.is_some(),
                metrics: target.metrics.is_some(),
            },
            (Owner::Operator, Event::Webhook(webhook)) => {
                Self { span: target.traces.is_some() && webhook.trace.sampled(), log: target.logs.is_some(), metrics: false }
            }
            (Owner::Operator, Event::Ai(ai)) => {
                Self { span: target.traces.is_some() && ai.trace.sampled(), log: false, metrics: target.metrics.is_some() }
            }
            (Owner::Operator, Event::Security(_)) => Self { span: target.traces.is_some(), ..Self::default() },
            (Owner::Tenant(owner), Event::Request(request)) if request.tenant == Some(owner) && request.proxied.is_some() => {
                Self { span: false, log: target.logs.is_some(), metrics: target.metrics.is_some() }
            }
            (Owner::Operator | Owner::Tenant(_), _) => Self::default(),
        }
    }

    /// Spans and log records, as they are counted.
    #[must_use]
    pub fn records(self) -> u64 {
        u64::from(self.span) + u64::from(self.log)
    }

    /// All that is lost with the event: what it would have added to metrics counts as one.
    #[must_use]
    pub fn load(self) -> Load {
        Load { records: self.records(), items: self.records() + u64::from(self.metrics) }
    }
}

/// So many events are handed over at once, though a batch be larger: while they are still in the processor's cache. More where there are
/// thousands a second.
const HANDFUL: usize = 64;
const LARGE_HANDFUL: usize = 256;

impl Destination {
    /// `before` is the destination that this one takes over from. What it still holds it sends itself, with its own
    /// settings; its metrics carry on here if they are the same series. `recent` is what the owner's card remembers.
    #[must_use]
    pub fn new(target: Arc<ExportTarget>, before: Option<&Self>, recent: Arc<Recent>, common: &Arc<Common>) -> Arc<Self> {
        let meters = target.metrics.as_ref().map(|_| {
            before
                .filter(|before| same_series(&before.target, &target))
                .and_then(|before| before.meters.clone())
                .unwrap_or_else(|| Arc::new(MeterCell::new()))
        });
        let handfuls = [HANDFUL, LARGE_HANDFUL].map(|handful| handful.min(limits(&target).max_records).max(1));
        Arc::new_cyclic(|this| {
            if let Some(cell) = &meters {
                cell.enter(this);
            }
            Self {
                queue: Arc::new(Queue::new(common.options.queue_bytes, handfuls[0]..=handfuls[1], Arc::clone(&common.memory))),
                ledger: Arc::new(Ledger::new(recent)),
                meters,
                started: AtomicBool::new(false),
                home: common.options.spool.as_ref().map(|spool| Arc::new(spool.home(&name(target.owner)))),
                estate: Arc::default(),
                common: Arc::clone(common),
                target,
            }
        })
    }

    #[must_use]
    pub fn records_traces(&self) -> bool {
        self.target.traces.is_some() && self.target.owner == Owner::Operator
    }

    /// Takes the event in if it is this destination's. On the request path: returns at once, whatever the collector does.
    pub fn accept(&self, event: &Arc<Event>) {
        let share = Share::of(&self.target, event);
        if share == Share::default() {
            return;
        }
        self.ledger.accept(share.records());
        match self.queue.push(event) {
            Ok(()) => self.ensure_started(),
            Err(_full) => self.ledger.drop_payload(Reason::QueueFull, share.load()),
        }
    }

    #[must_use]
    pub fn status(&self) -> Status {
        self.ledger.read()
    }

    #[must_use]
    pub fn ledger(&self) -> Arc<Ledger> {
        Arc::clone(&self.ledger)
    }

    /// Begins with what an earlier life left on disk, if it left something; without, it waits for its first event.
    pub fn resume(&self) {
        if self.home.as_ref().is_some_and(|home| home.has_left()) {
            self.ensure_started();
        }
    }

    fn ensure_started(&self) {
        if self.started.load(Ordering::Acquire) || self.started.swap(true, Ordering::AcqRel) {
            return;
        }
        let pipeline = Pipeline {
            target: Arc::clone(&self.target),
            queue: Arc::clone(&self.queue),
            ledger: Arc::clone(&self.ledger),
            meters: self.meters.clone(),
            home: self.home.clone(),
            estate: Arc::clone(&self.estate),
            common: Arc::clone(&self.common),
            limits: limits(&self.target),
        };
        self.common.threads.spawn(self.common.tracker.track_future(pipeline.run()));
    }
}

impl Inherits for Destination {
    /// Of metrics only what means the same series here, unless nobody knows yet what will be here.
    fn wants(&self, from: &ExportTarget, signal: Signal) -> bool {
        self.target.suspends(signal)
            || (self.target.signal(signal).is_some() && (signal != Signal::Metrics || same_series(from, &self.target)))
    }

    fn inherit(&self, from: &ExportTarget, signal: Signal, logs: Vec<Log>) -> Left {
        if self.target.suspends(signal) {
            return Left::Kept;
        }
        if !self.wants(from, signal) {
            return Left::Unwanted(logs);
        }
        match self.estate.put(signal, logs) {
            Ok(()) => {
                self.ensure_started();
                Left::Taken
            }
            Err(logs) => Left::Ended(logs),
        }
    }
}

/// How the owner's folder is called.
#[must_use]
pub fn name(owner: Owner) -> String {
    match owner {
        Owner::Operator => "operator".to_owned(),
        Owner::Tenant(tenant) => tenant.to_string(),
    }
}

/// Whose folder is called so.
#[must_use]
pub fn owner(name: &str) -> Option<Owner> {
    let tenant = || Uuid::parse_str(name).ok().map(|id| Owner::Tenant(TenantId(id)));
    if name == self::name(Owner::Operator) { Some(Owner::Operator) } else { tenant() }
}

impl Drop for Destination {
    fn drop(&mut self) {
        self.queue.close();
        let started = self.started.load(Ordering::Acquire);
        if let Some(cell) = &self.meters {
            if !started {
                // With no task of its own it recorded nothing.
                cell.leave();
            } else if let Some(current) = cell.current() {
                // The one that took the metrics over has to collect them, even if no event ever reaches it.
                current.ensure_started();
            }
        }
    }
}

/// Whether metrics carry on from one target to the other: same endpoint, same resource, same meaning of the numbers.
/// Headers may differ: a new token does not make another series.
#[must_use]
pub fn same_series(before: &ExportTarget, after: &ExportTarget) -> bool {
    let url = |target: &ExportTarget| target.metrics.as_ref().map(|metrics| metrics.url.clone());
    before.owner == after.owner
        && url(before) == url(after)
        && before.service_name == after.service_name
        && before.resource == after.resource
        && before.temporality == after.temporality
}

/// How many events may wait to be mapped and how long: as the least patient signal allows.
fn limits(target: &ExportTarget) -> Batch {
    let of = |on: bool, batch: Batch| on.then_some(batch);
    let spans = of(target.traces.is_some(), target.span_batch);
    let logs = of(target.logs.is_some(), target.log_batch);
    match (spans, logs) {
        (Some(a), Some(b)) => Batch { max_records: a.max_records.min(b.max_records), max_delay: a.max_delay.min(b.max_delay), ..a },
        (Some(only), None) | (None, Some(only)) => only,
        (None, None) => Batch::default(),
    }
}
