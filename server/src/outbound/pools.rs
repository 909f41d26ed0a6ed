//! Who shares connections with whom: the operator with nobody, and no workspace with another.
//!
//! One connection of HTTP/2 carries many answers, and answers that nobody reads take the room of all others on it. If workspaces
//! that call the same host shared it, whoever lets answers lie would stop everybody's. It is the same with looking names up,
//! which takes a thread as long as the name's server likes: each has a share of its own ([`super::turns`]).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::body::Body;
use super::connect::{Bounded, Tcp};
use super::network::Network;
use super::turns::{Turns, Waits};
use super::{IDLE, IDLE_PER_HOST, Whose};
use crate::egress::{Policy, Scope};
use crate::values::TenantId;

pub(super) type Pool = Client<Bounded<HttpsConnector<Tcp>>, Body>;

const H2_PING: Duration = Duration::from_secs(30);
/// What one answer, and all answers of a connection together, may have in flight until they are read. Some that nobody reads
/// do not stop the others of the same workspace either.
const H2_STREAM_WINDOW: u32 = 512 * 1024;
const H2_CONNECTION_WINDOW: u32 = 16 * 1024 * 1024;

/// What nobody used for so long has no connection and no lookup any more.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(10 * 60);
const FIRST_SWEEP: usize = 64;

/// What connections are made with.
pub(super) struct Pools {
    policy: Policy,
    network: Arc<dyn Network>,
    tls: Arc<rustls::ClientConfig>,
    waits: Waits,
    operator: Pool,
    /// Of workspaces' exports: what collectors answer is read here, at once and as far as it goes.
    exports: Pool,
    workspaces: Mutex<Workspaces>,
}

struct Workspaces {
    by: HashMap<TenantId, Own>,
    /// With so many, those that are not used are looked for.
    sweep_at: usize,
}

struct Own {
    pool: Option<Pool>,
    turns: Turns,
    used: Instant,
}

impl Pools {
    pub(super) fn new(policy: Policy, network: Arc<dyn Network>, tls: rustls::ClientConfig, waits: Waits) -> Self {
        let tls = Arc::new(tls);
        let pool = |scope| pool(Bounded::new(scope, &policy, &network), &tls);
        let (operator, exports) = (pool(Scope::Operator), pool(Scope::Tenant));
        let workspaces = Mutex::new(Workspaces { by: HashMap::new(), sweep_at: FIRST_SWEEP });
        Self { policy, network, tls, waits, operator, exports, workspaces }
    }

    /// The same for whoever trusts other certificates; names are looked up in the same turns.
    pub(super) fn trusting(&self, tls: rustls::ClientConfig) -> Self {
        Self::new(self.policy.clone(), Arc::clone(&self.network), tls, self.waits.clone())
    }

    pub(super) fn of(&self, whose: Whose) -> (Pool, Turns) {
        match whose {
            Whose::Operator => (self.operator.clone(), self.waits.operator()),
            Whose::Export(workspace) => (self.exports.clone(), self.turns(workspace)),
            Whose::Workspace(workspace) => self.with(workspace, |own| {
                let pool = own.pool.get_or_insert_with(|| pool(self.plain(), &self.tls));
                (pool.clone(), own.turns.clone())
            }),
        }
    }

    /// What makes workspaces' connections without TLS.
    pub(super) fn plain(&self) -> Bounded<Tcp> {
        Bounded::new(Scope::Tenant, &self.policy, &self.network)
    }

    pub(super) fn turns(&self, workspace: TenantId) -> Turns {
        self.with(workspace, |own| own.turns.clone())
    }

    fn with<T>(&self, workspace: TenantId, take: impl FnOnce(&mut Own) -> T) -> T {
        let mut workspaces = self.workspaces.lock().unwrap_or_else(PoisonError::into_inner);
        let Workspaces { by, sweep_at } = &mut *workspaces;
        if by.len() >= *sweep_at && !by.contains_key(&workspace) {
            by.retain(|_, own| own.used.elapsed() < FORGOTTEN_AFTER);
            *sweep_at = FIRST_SWEEP.max(2 * by.len());
        }
        let own = by.entry(workspace).or_insert_with(|| Own { pool: None, turns: self.waits.workspace(), used: Instant::now() });
        own.used = Instant::now();
        take(own)
    }
}

fn pool(tcp: Bounded<Tcp>, tls: &Arc<rustls::ClientConfig>) -> Pool {
    let Bounded { guard, inner } = tcp;
    let https = HttpsConnector::from((inner, Arc::clone(tls)));
    Client::builder(TokioExecutor::new())
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE)
        .pool_max_idle_per_host(IDLE_PER_HOST)
        .http2_keep_alive_interval(H2_PING)
        .http2_initial_stream_window_size(H2_STREAM_WINDOW)
        .http2_initial_connection_window_size(H2_CONNECTION_WINDOW)
        .build(Bounded { guard, inner: https })
}
