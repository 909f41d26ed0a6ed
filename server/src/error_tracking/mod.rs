//! Reports errors to Sentry: failures of requests that the bus tells of, and whatever else is logged as an error.
//!
//! Off until there is a DSN, and then one task. It never calls back into whoever failed, never waits, and what it sends was
//! scrubbed ([`scrub`]) whatever it holds. The crate's global hub, panic hook and integrations are not used: what is
//! reported is decided here.

mod client;
mod layer;
mod probe;
mod reload;
mod repeats;
mod report;
mod scrub;
mod status;
mod transport;

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use layer::Layer;
pub use probe::Tested;
pub use status::{Dropped, LastFailure, Status};

use crate::bus::{Bus, Interest, Listener};
use crate::event::Event;
use crate::live::ServerTracking;
use crate::outbound::Outbound;
use crate::per_minute::TooMany;
use crate::values::TenantId;
use client::Bound;
use probe::Desk;
use repeats::Repeats;
use report::Report;
use scrub::Scrubber;

/// Takes errors in and sends them. Cheap to clone. It exists before the settings do, so that the log can feed it from the
/// beginning.
#[derive(Clone)]
pub struct ErrorTracking {
    shared: Arc<Shared>,
}

struct Shared {
    /// What is in force; `None` is off.
    bound: ArcSwapOption<Bound>,
    scrubber: Arc<Scrubber>,
    repeats: Repeats,
    desk: Desk,
    tracker: TaskTracker,
    stop: CancellationToken,
    /// Whatever is still being sent is given up.
    abort: CancellationToken,
}

impl ErrorTracking {
    /// # Errors
    /// The patterns of the scrubber are wrong, which no setting can cause.
    pub fn new() -> Result<Self, regex::Error> {
        let shared = Shared {
            bound: ArcSwapOption::empty(),
            scrubber: Arc::new(Scrubber::new()?),
            repeats: Repeats::default(),
            desk: Desk::default(),
            tracker: TaskTracker::new(),
            stop: CancellationToken::new(),
            abort: CancellationToken::new(),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// For the log: takes what is logged as an error.
    #[must_use]
    pub fn layer(&self) -> Layer {
        Layer::new(Arc::clone(&self.shared))
    }

    /// Follows the settings from now on, and listens to the bus.
    pub fn start(&self, targets: watch::Receiver<Option<Arc<ServerTracking>>>, bus: &Bus, outbound: Outbound) {
        let shared = &self.shared;
        shared.bind(targets.borrow().clone(), &outbound);
        bus.listen(&(Arc::clone(shared) as Arc<dyn Listener>));
        shared.tracker.spawn(reload::run(Arc::clone(shared), targets, outbound));
    }

    /// How the reporting goes; `None` when it is off.
    #[must_use]
    pub fn status(&self) -> Option<Status> {
        self.shared.bound.load().as_ref().map(|bound| bound.ledger().read())
    }

    /// Sends a marked event to a server that need not be in force, and says what came of it.
    ///
    /// # Errors
    /// There were too many tests lately.
    pub async fn probe(&self, target: &ServerTracking, outbound: &Outbound) -> Result<Tested, TooMany> {
        probe::tested(&self.shared.desk, &self.shared.scrubber, target, outbound).await
    }

    /// What the newest test found.
    #[must_use]
    pub fn last_probe(&self) -> Option<Tested> {
        self.shared.desk.last()
    }

    /// Takes nothing more, sends what waits, and returns when that is done or `grace` is over.
    pub async fn shutdown(&self, grace: Duration) {
        let shared = &self.shared;
        shared.stop.cancel();
        shared.bound.store(None);
        shared.tracker.close();
        if timeout(grace, shared.tracker.wait()).await.is_err() {
            shared.abort.cancel();
            shared.tracker.wait().await;
        }
    }
}

impl std::fmt::Debug for ErrorTracking {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ErrorTracking")
    }
}

impl Shared {
    /// Replaces what is in force; the old client sends what it holds and ends.
    fn bind(&self, target: Option<Arc<ServerTracking>>, outbound: &Outbound) {
        if self.stop.is_cancelled() {
            return;
        }
        let next = target.and_then(|target| match Bound::new(&target, &self.scrubber) {
            Ok((bound, worker)) => {
                self.tracker.spawn(worker.run(outbound.clone(), self.abort.clone()));
                Some(Arc::new(bound))
            }
            Err(error) => {
                tracing::warn!(%error, "errors can't be reported: the DSN is not usable");
                None
            }
        });
        self.bound.store(next);
    }

    fn report(&self, report: Report) {
        if let Some(bound) = &*self.bound.load() {
            if self.repeats.admit(&report.key(), report.whose(), Instant::now()) {
                bound.capture(report);
            } else {
                bound.ledger().dropped_before(Dropped::Repeated);
            }
        }
    }
}

impl Listener for Shared {
    fn interest(&self, _: Option<TenantId>) -> Interest {
        Interest { events: self.bound.load().is_some(), traces: false, more: false }
    }

    fn accept(&self, event: &Arc<Event>) {
        if let Event::Request(request) = &**event
            && self.bound.load().is_some()
            && let Some(report) = Report::of_request(request)
        {
            self.report(report);
        }
    }
}
