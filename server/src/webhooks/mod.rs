//! Delivers what happens to the endpoints that a workspace wants told of it: at least once, over restarts, and with no
//! request ever waiting for it.
//!
//! ```text
//! Event ─► listener ─► lines (bounded, counted) ─► clerk ─► disk, flushed ─► book ─► dispatch ─► attempt ─► receiver
//!                                                    ▲                                             │
//!                                                    └────────────── what came of it ◄─────────────┘
//! ```
//! [`clerk`] alone writes deliveries that wait: it settles attempts, and has [`maker`] make deliveries of events, a transaction
//! of each in turn. Workspaces take turns too, so that none holds up what is made for another. [`book`] mirrors by id what
//! waits, so that nothing reads the disk to find what is due. There is no task and no timer for an endpoint that has nothing
//! to be told. This room must not call back into whoever emitted, and knows no setting but what is in force; what it finds
//! out about an endpoint it says through [`Options::stops`].

mod attempt;
mod body;
mod book;
mod classify;
mod clerk;
mod dispatch;
#[cfg(test)]
mod fixtures;
mod history;
mod include;
mod limits;
mod lines;
mod listener;
mod losses;
mod maker;
mod piles;
mod redact;
mod retry;
mod sealed;
mod shelf;
mod sign;
mod stock;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use thiserror::Error as ThisError;
use tokio::sync::{Notify, mpsc};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

pub use history::Page;
pub use limits::Limits;
pub use losses::Lost;
pub use retry::Retry;

use crate::auth::WorkspaceMember;
use crate::bus::{Bus, Listener};
use crate::live::{self, WebhooksInForce};
use crate::outbound::Outbound;
use crate::per_minute::{PerMinute, TESTS, TooMany};
use crate::store::{CommitError, ReadError, StopReason, Store, WebhookHealth};
use crate::values::TenantId;
use crate::vault::Vault;
use attempt::Way;
use book::Book;
use clerk::{Clerk, Outcome};
use lines::Lines;
use listener::WebhookListener;
use losses::Losses;
use maker::Maker;
use redact::Redactor;

/// Events that may wait for the disk.
const EVENTS: usize = 8_192;
/// And of one workspace, so that it can't fill the way for all.
const EVENTS_EACH: usize = 1_024;
/// What came of attempts, waiting for the disk.
const OUTCOMES: usize = 1_024;

/// How patient it is, and with what.
#[derive(Clone, Debug)]
pub struct Options {
    pub limits: Limits,
    pub retry: Retry,
    /// An endpoint that has only failed for this long is given up.
    pub give_up_after: Duration,
    /// Whom to tell of an endpoint that is to be switched off.
    pub stops: Option<mpsc::Sender<Stop>>,
}

impl Default for Options {
    fn default() -> Self {
        Self { limits: Limits::default(), retry: Retry::default(), give_up_after: Duration::from_secs(5 * 24 * 60 * 60), stops: None }
    }
}

/// An endpoint that nothing more is to be sent to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stop {
    pub workspace: TenantId,
    pub endpoint: Uuid,
    /// Of the settings that failed.
    pub generation: u64,
    pub why: StopReason,
}

/// Why something that somebody asked for was not done.
#[derive(Debug, ThisError)]
pub enum Error {
    #[error("there is no such delivery")]
    NotFound,
    #[error("too many deliveries wait for this endpoint already")]
    Full,
    #[error("there were too many tests of this endpoint lately")]
    TooMany(#[from] TooMany),
    #[error("it changed meanwhile")]
    Stale,
    #[error("the body can't be made")]
    Body,
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Commit(CommitError),
}

impl From<CommitError> for Error {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Stale { .. } => Self::Stale,
            other => Self::Commit(other),
        }
    }
}

/// Why deliveries can't be started.
#[derive(Debug, ThisError)]
pub enum StartError {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("a pattern of what is redacted is wrong: {0}")]
    Pattern(#[from] regex::Error),
}

/// Where deliveries lie, and what seals them.
#[derive(Debug)]
pub struct Place {
    pub store: Store,
    pub vault: Vault,
}

/// Delivery of webhooks for the life of the process. Cheap to clone.
#[derive(Clone)]
pub struct Webhooks {
    shared: Arc<Shared>,
}

struct Shared {
    store: Store,
    in_force: Arc<ArcSwap<live::Webhooks>>,
    way: Way,
    options: Options,
    book: Mutex<Book>,
    /// Tests of each endpoint.
    tests: Mutex<PerMinute<Uuid>>,
    /// Something may be due.
    wake: Notify,
    outcomes: mpsc::Sender<Outcome>,
    losses: Arc<Losses>,
    vault: Vault,
    redactor: Arc<Redactor>,
    attempts: TaskTracker,
    tasks: TaskTracker,
    /// Nothing more is started.
    stop: CancellationToken,
    /// What is under way is left to the next start.
    abort: CancellationToken,
    /// Nothing more comes to the clerk.
    end: CancellationToken,
}

impl Shared {
    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How an endpoint is doing. Only the clerk writes it.
    fn health(&self, workspace: TenantId, endpoint: Uuid) -> WebhookHealth {
        self.store.webhooks().health(workspace, endpoint).unwrap_or_else(|error| {
            tracing::error!(%error, "how a webhook is doing can't be read");
            WebhookHealth::new(workspace, endpoint)
        })
    }
}

impl Webhooks {
    /// Takes over what waits on disk, and listens. Blocks while it reads; has to be called within a runtime.
    ///
    /// # Errors
    /// The store can't be read.
    pub fn start(in_force: WebhooksInForce, place: Place, bus: &Bus, outbound: Outbound, options: Options) -> Result<Self, StartError> {
        let Place { store, vault } = place;
        let mut book = Book::new(options.limits);
        store.webhooks().each_delivery(|delivery| book.load(&delivery))?;
        for health in store.webhooks().all_health()? {
            if health.failing_since.is_some() {
                book.mark_failing(health.workspace, health.endpoint);
            }
        }
        let (outcomes, made) = mpsc::channel(OUTCOMES);
        let losses: Arc<Losses> = Arc::default();
        let lines = Arc::new(Lines::new(EVENTS, EVENTS_EACH));
        let listener = WebhookListener { in_force: Arc::clone(&in_force.now), lines: Arc::clone(&lines), losses: Arc::clone(&losses) };
        let shared = Arc::new(Shared {
            store,
            in_force: in_force.now,
            way: Way { outbound, bus: bus.clone() },
            options,
            book: Mutex::new(book),
            tests: Mutex::new(PerMinute::new(TESTS)),
            wake: Notify::new(),
            outcomes,
            losses,
            vault,
            redactor: Arc::new(Redactor::new()?),
            attempts: TaskTracker::new(),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
            abort: CancellationToken::new(),
            end: CancellationToken::new(),
        });
        let maker = Maker::new(Arc::clone(&shared), lines);
        shared.tasks.spawn(Clerk::new(Arc::clone(&shared), maker, made).run());
        shared.tasks.spawn(dispatch::run(Arc::clone(&shared), in_force.changed));
        bus.listen(&(Arc::new(listener) as Arc<dyn Listener>));
        Ok(Self { shared })
    }

    /// Deliveries that wait for their first or next attempt.
    #[must_use]
    pub fn waiting(&self, endpoint: Uuid) -> usize {
        self.shared.book().waiting(endpoint)
    }

    /// What of the workspace's events did not come to be told, since the start.
    #[must_use]
    pub fn lost(&self, witness: &WorkspaceMember) -> Lost {
        self.shared.losses.of(witness.workspace())
    }

    /// Starts nothing more, lets what is under way end within `grace`, and writes down what came of it. What is cut short, or
    /// waits, is delivered after the next start.
    pub async fn shutdown(&self, grace: Duration) {
        let shared = &self.shared;
        shared.stop.cancel();
        shared.attempts.close();
        if timeout(grace, shared.attempts.wait()).await.is_err() {
            shared.abort.cancel();
            shared.attempts.wait().await;
        }
        shared.end.cancel();
        shared.tasks.close();
        shared.tasks.wait().await;
    }
}

impl std::fmt::Debug for Webhooks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Webhooks")
    }
}
