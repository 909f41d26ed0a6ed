//! A collector that fails in every way a collector can, by a seed, and knows what became of each record: the side against which
//! the product's own counts are held.
//!
//! Records are known by `url.path`, which is `/r/<n>` and never comes twice in one signal of one destination. Requests carry
//! `x-oracle: <collector> <destination>`; one that is meant for another collector is a violation. Of metrics it knows what each
//! series was told to be.
//!
//! ```ignore
//! let oracle = Oracle::start("left", Duration::ZERO).await;
//! oracle.set(Mood::Mixed(7));
//! // … export to oracle.endpoint() with oracle.header("operator") …
//! let evidence = Evidence::of(&oracle.exchanges(), "operator");
//! ```

mod evidence;
mod fault;
mod readings;
mod wire;

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use server::values::Signal;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub use evidence::{Account, Evidence};
pub use fault::{Fault, Mood, Outcome, Patience, Rng};
pub use readings::{EVER, Point, Readings};

use fault::Dice;

use crate::support::upstream::until;

/// One request, what was done with it, and what its client must have made of that.
#[derive(Clone, Debug)]
pub struct Exchange {
    pub at: Instant,
    pub destination: String,
    pub signal: Signal,
    /// Of its records; empty for metrics.
    pub ids: Vec<String>,
    /// Of metrics.
    pub points: Vec<Point>,
    pub outcome: Outcome,
    /// The connection ended next, so the client may have given up before the answer reached it.
    pub unsure: bool,
}

/// No client waits longer for an answer; whoever ends a connection later has read what was there.
const LONGEST: Duration = Duration::from_secs(20);

/// Stops when dropped.
pub struct Oracle {
    name: &'static str,
    endpoint: String,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

/// So long after an answer it may take until it is on disk that it came.
const SETTLING: Duration = Duration::from_secs(1);

struct Shared {
    name: &'static str,
    /// A connection that ends earlier than this after a request was not ended by the client's timeout.
    patience: Duration,
    state: Mutex<State>,
}

struct State {
    dice: Dice,
    exchanges: Vec<Exchange>,
    violations: Vec<String>,
    /// Clients end without having read everything.
    killed: bool,
    connections: usize,
}

impl Oracle {
    /// `patience`: clients are known to wait at least so long for an answer.
    pub async fn start(name: &'static str, patience: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let state = State { dice: Dice::new(Mood::Calm), exchanges: Vec::new(), violations: Vec::new(), killed: false, connections: 0 };
        let shared = Arc::new(Shared { name, patience, state: Mutex::new(state) });
        let task = tokio::spawn(wire::serve(listener, Arc::clone(&shared)));
        Self { name, endpoint, shared, task }
    }

    /// The base URL, as a user would enter it.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// What a destination has to send along.
    pub fn header(&self, destination: &str) -> String {
        format!("x-oracle={} {destination}", self.name)
    }

    /// How it behaves from the next request on.
    pub fn set(&self, mood: Mood) {
        self.shared.lock().dice = Dice::new(mood);
    }

    /// Clients were killed just now, or give up: of the last exchange on each connection nobody knows whether they read the answer, nor
    /// of the latest ones whether they still wrote down that they did. That comes after what the disk was doing when the answer came,
    /// and another lane may have had the connection meanwhile.
    pub fn expect_kill(&self) {
        let mut state = self.shared.lock();
        state.killed = true;
        let latest = state.exchanges.iter_mut().rev().take_while(|exchange| exchange.at.elapsed() < SETTLING);
        latest.for_each(|exchange| exchange.unsure = true);
    }

    /// Waits until the clients that were killed have left every connection; those that come later are trusted again.
    pub async fn deserted(&self) {
        until("all clients are gone", || self.shared.lock().connections == 0).await;
        self.shared.lock().killed = false;
    }

    /// Everything that came so far. Fails the test where something came that nobody may send.
    pub fn exchanges(&self) -> Vec<Exchange> {
        let state = self.shared.lock();
        assert!(state.violations.is_empty(), "{}: {:?}", self.name, state.violations);
        state.exchanges.clone()
    }
}

impl Drop for Oracle {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Writes a request down and says what to do with it.
    fn received(&self, request: &wire::Received) -> (usize, Fault) {
        let mut state = self.lock();
        let fault = state.dice.roll();
        let (to, destination) = request.token.split_once(' ').unwrap_or_default();
        if to != self.name {
            state.violations.push(format!("a request with the headers {:?}", request.token));
        }
        if request.ids.is_empty() && request.points.is_empty() {
            state.violations.push("an empty request".to_owned());
        }
        state.exchanges.push(Exchange {
            at: Instant::now(),
            destination: destination.to_owned(),
            signal: request.signal,
            ids: request.ids.clone(),
            points: request.points.clone(),
            outcome: fault.outcome(),
            // It ends the connection itself, so that nobody sees whether the client had given up before.
            unsure: fault == Fault::Cut,
        });
        (state.exchanges.len() - 1, fault)
    }

    /// The connection ended after this exchange.
    fn ended(&self, exchange: usize) {
        let mut state = self.lock();
        let unsure = state.killed || (self.patience..LONGEST).contains(&state.exchanges[exchange].at.elapsed());
        state.exchanges[exchange].unsure |= unsure;
    }
}
