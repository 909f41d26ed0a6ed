//! Listens to the bus, maps events to OTLP signals, and delivers them to the operator's destination and to each
//! workspace's own.
//!
//! ```text
//! Event ─► Telemetry (one set lookup) ─┬► operator's queue ─► pipeline ─┬► traces lane  ─► its collector
//!                                      │                                ├► logs lane    ─►
//!                                      │                                └► metrics lane ─►
//!                                      └► that workspace's queue ─► …
//! ```
//! Destinations share nothing that one could hold up for another. It consumes only: it calls nobody back, holds no
//! settings but what it is given, and a request never waits for it. With nothing configured there is no destination, no
//! timer and no allocation; one task waits for that to change.

mod alarm;
mod body;
mod buffers;
mod delivery;
mod destination;
mod encode;
mod leftovers;
mod otlp;
mod pace;
mod pipeline;
mod probe;
mod queue;
mod recent;
mod reload;
mod set;
pub mod signal;
mod status;
mod threads;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, SystemTime};

use arc_swap::{ArcSwap, ArcSwapOption};
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How answers are judged, for the fuzz targets.
#[doc(hidden)]
pub use delivery::{Answer, Judged, judged};
pub use delivery::{Exhausted, GiveUp, OutboundTransport, Retry, Transport, Unsent};
pub use probe::{Probe, ProbeReport};
pub use recent::{Attempt, Lately, Minute, Outcome, Streak};
pub use status::{DiskProblem, Failure, OnDisk, Reason, Status};

use crate::budget::Budget;
use crate::bus::{Bus, Interest, Listener};
use crate::event::Event;
use crate::live::{ExportTarget, Exports, Owner};
use crate::per_minute::TooMany;
use crate::spool::Spool;
use crate::values::TenantId;
use alarm::Alarm;
use delivery::{Gzip, Heir, Heirs, Inherits};
use destination::{Common, Destination};
use probe::Desk;
use recent::Recent;
use set::Set;
use status::Ledger;
use threads::Threads;

/// What is logged of the SDK, in the form of `RUST_LOG`: not each set of metrics that ends, as one does with every change of an export.
pub const LOGGED: &str = "opentelemetry_sdk=warn";

/// Of how many destinations that are gone something is remembered.
const REMEMBERED: usize = 1000;

/// How long the disk may take, after the time to shut down, for what could not be sent.
const LAST_SPOOLING: Duration = Duration::from_secs(5);

/// Bounds of every destination.
#[derive(Clone, Debug)]
pub struct Options {
    /// Bytes of events that may wait to be mapped.
    pub queue_bytes: usize,
    /// Bytes of encoded payloads that may wait to be sent, per signal.
    pub lane_bytes: usize,
    pub retry: Retry,
    /// How long a destination that was changed or switched off may go on sending what it holds.
    pub drain: Duration,
    pub give_up: GiveUp,
    /// Bytes that all destinations together may hold in memory; one alone gets at most half.
    pub memory_bytes: usize,
    /// The largest request, in bytes before compression: what is encoded, split and merged. No more than OTLP's own bound, which is
    /// what compressed payloads are opened to.
    pub max_request: usize,
    /// Where what can't be sent for now is kept; without it that is memory alone, until it expires.
    pub spool: Option<Spool>,
    /// How often what waits for nobody in force is looked through for what is too old.
    pub expire_every: Duration,
    /// Whether what is behind the queues runs on a thread of its own, so that encoding delays no request; as long as there is
    /// something to do.
    pub own_thread: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            queue_bytes: 16 * 1024 * 1024,
            lane_bytes: 16 * 1024 * 1024,
            retry: Retry::default(),
            drain: Duration::from_secs(30),
            give_up: GiveUp::default(),
            memory_bytes: 512 * 1024 * 1024,
            max_request: delivery::MAX_REQUEST,
            spool: None,
            expire_every: Duration::from_secs(60 * 60),
            own_thread: false,
        }
    }
}

/// Export of telemetry for the life of the process. Cheap to clone.
#[derive(Clone)]
pub struct Telemetry {
    shared: Arc<Shared>,
}

struct Shared {
    set: ArcSwap<Set<Destination>>,
    common: Arc<Common>,
    /// Ends the reloading.
    stop: CancellationToken,
    /// Held while the set is replaced; true once it is replaced for good.
    closed: Mutex<bool>,
    /// What cards remember of destinations that are not there at the moment, such as paused ones.
    absent: Mutex<HashMap<Owner, Arc<Recent>>>,
    desk: Desk,
    /// What remains to be read after the shutdown.
    last: ArcSwapOption<HashMap<Owner, Arc<Ledger>>>,
}

impl Telemetry {
    /// Starts exporting what is configured now and whatever is configured later. Has to be called within a runtime.
    #[must_use]
    pub fn start(mut exports: watch::Receiver<Arc<Exports>>, bus: &Bus, transport: Arc<dyn Transport>, options: Options) -> Self {
        let memory = Arc::new(Budget::new(options.memory_bytes));
        let shared = Arc::new_cyclic(|shared: &Weak<Shared>| {
            let common = Arc::new(Common {
                threads: Arc::new(Threads::new(options.own_thread, Arc::clone(&transport))),
                transport,
                alarm: Arc::new(Alarm::new(bus.emitter())),
                gzip: Gzip::default(),
                memory,
                heirs: Arc::new(InForce(Weak::clone(shared))),
                options,
                tracker: TaskTracker::new(),
                abort: CancellationToken::new(),
                buffers: Arc::default(),
            });
            Shared {
                set: ArcSwap::from_pointee(Set::default()),
                common,
                stop: CancellationToken::new(),
                closed: Mutex::default(),
                absent: Mutex::default(),
                desk: Desk::default(),
                last: ArcSwapOption::empty(),
            }
        });
        let now = Arc::clone(&exports.borrow_and_update());
        shared.sweep(&now);
        shared.apply(now);
        bus.listen(&(Arc::clone(&shared) as Arc<dyn Listener>));
        shared.common.tracker.spawn(reload::run(Arc::clone(&shared), exports));
        Self { shared }
    }

    /// How a destination is doing; `None` when there is none. After the shutdown: how it ended.
    #[must_use]
    pub fn status(&self, owner: Owner) -> Option<Status> {
        if let Some(last) = &*self.shared.last.load() {
            return last.get(&owner).map(|ledger| ledger.read());
        }
        self.shared.set.load().get(owner).map(|destination| destination.status())
    }

    /// What is remembered of a destination, there or not.
    #[must_use]
    pub fn lately(&self, owner: Owner) -> Lately {
        match self.status(owner) {
            Some(status) => status.lately,
            None => self.shared.absent().get(&owner).map_or_else(Lately::default, |recent| recent.read()),
        }
    }

    /// Bytes that wait on disk for a destination, in force or not.
    #[must_use]
    pub fn bytes_on_disk(&self, owner: Owner) -> u64 {
        let all = self.shared.common.options.spool.as_ref().map_or(0, |spool| spool.bytes_of(&destination::name(owner)));
        all.saturating_sub(self.other_key_bytes(owner))
    }

    /// Bytes besides these that another master key sealed: they wait for a start with that key.
    #[must_use]
    pub fn other_key_bytes(&self, owner: Owner) -> u64 {
        let bytes = self.shared.common.options.spool.as_ref().map(|spool| spool.other_key_bytes(&destination::name(owner)));
        bytes.map_or(0, |bytes| bytes as u64)
    }

    /// When the destination pauses itself if it only goes on failing.
    #[must_use]
    pub fn gives_up_at(&self, streak: &Streak) -> SystemTime {
        self.shared.common.options.give_up.due(streak)
    }

    /// Sends a marked record per signal to a target that need not be in force, and says what came of it.
    ///
    /// # Errors
    /// There were too many tests of this destination lately.
    pub async fn probe(&self, target: &ExportTarget) -> Result<ProbeReport, TooMany> {
        probe::tested(&self.shared.desk, &self.shared.common, target).await
    }

    /// What the newest test of a destination found.
    #[must_use]
    pub fn last_probe(&self, owner: Owner) -> Option<ProbeReport> {
        self.shared.desk.last(owner)
    }

    /// Takes no more events, sends everything that was accepted, and returns when that is done or `grace` is over. What
    /// could not be sent by then is counted as dropped.
    pub async fn shutdown(&self, grace: Duration) {
        self.shared.stop.cancel();
        self.shared.close();
        let common = &self.shared.common;
        common.tracker.close();
        if timeout(grace, common.tracker.wait()).await.is_err() {
            common.abort.cancel();
            if timeout(LAST_SPOOLING, common.tracker.wait()).await.is_err() {
                tracing::error!("the disk takes too long: what could not be sent may be lost");
            }
        }
    }
}

impl Shared {
    /// Replaces the set. Dropping the old one lets its changed destinations drain.
    fn apply(&self, exports: Arc<Exports>) {
        let closed = self.closed.lock().unwrap_or_else(PoisonError::into_inner);
        if *closed {
            return;
        }
        let before = self.set.load_full();
        self.sweep_gone(&before.exports, &exports);
        let mut absent = self.absent();
        let next = before.next(exports, |target, before| {
            let recent = match before {
                Some(before) => Arc::clone(before.ledger().recent()),
                None => absent.remove(&target.owner).unwrap_or_default(),
            };
            recent.settings_changed();
            let built = Destination::new(target, before, recent, &self.common);
            built.resume();
            built
        });
        for (owner, gone) in before.iter().filter(|(owner, _)| next.get(*owner).is_none()) {
            if absent.len() >= REMEMBERED
                && let Some(any) = absent.keys().next().copied()
            {
                absent.remove(&any);
            }
            absent.insert(owner, Arc::clone(gone.ledger().recent()));
        }
        self.set.store(Arc::new(next));
    }

    fn absent(&self) -> MutexGuard<'_, HashMap<Owner, Arc<Recent>>> {
        self.absent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn close(&self) {
        let mut closed = self.closed.lock().unwrap_or_else(PoisonError::into_inner);
        if std::mem::replace(&mut *closed, true) {
            return;
        }
        let set = self.set.swap(Arc::default());
        self.last.store(Some(Arc::new(set.iter().map(|(owner, destination)| (owner, destination.ledger())).collect())));
    }
}

/// Finds the destination in force. Knows of the set only as long as there is one.
struct InForce(Weak<Shared>);

impl Heirs for InForce {
    fn heir(&self, owner: Owner) -> Heir {
        let Some(shared) = self.0.upgrade() else { return Heir::Later };
        // Held while the set is replaced: whoever is about to be there is waited for, and an empty set is never taken for one without
        // this destination.
        let closed = shared.closed.lock().unwrap_or_else(PoisonError::into_inner);
        if *closed {
            return Heir::Later;
        }
        let set = shared.set.load_full();
        drop(closed);
        match set.get(owner) {
            Some(destination) => Heir::To(Arc::clone(destination) as Arc<dyn Inherits>),
            None if set.exports.suspended.contains(&owner) => Heir::Later,
            None => Heir::Nobody,
        }
    }
}

impl Listener for Shared {
    fn interest(&self, tenant: Option<TenantId>) -> Interest {
        let set = self.set.load();
        Interest {
            events: set.operator.is_some() || tenant.is_some_and(|tenant| set.tenants.contains_key(&tenant)),
            traces: set.operator.as_ref().is_some_and(|operator| operator.records_traces()),
            more: false,
        }
    }

    fn accept(&self, event: &Arc<Event>) {
        let set = self.set.load();
        if let Some(operator) = &set.operator {
            operator.accept(event);
        }
        if let Some(own) = event.tenant().and_then(|tenant| set.tenants.get(&tenant)) {
            own.accept(event);
        }
    }
}
