//! Who shares connections with whom: the operator with nobody, and no workspace with another.
//!
//! One connection of HTTP/2 carries many requests and answers, and those that nobody reads take the room of all others on it. If
//! workspaces that call the same host shared it, or export to it, whoever lets answers lie, or whose records that host leaves unread,
//! would stop everybody's. It is the same with looking names up,
//! which takes a thread as long as the name's server likes: each has a share of its own ([`super::turns`]).

use std::sync::Arc;
use std::time::Duration;

use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::body::Body;
use super::connect::{Bounded, Tcp};
use super::kept::Kept;
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

/// What connections are made with.
pub(super) struct Pools {
    policy: Policy,
    network: Arc<dyn Network>,
    tls: Arc<rustls::ClientConfig>,
    waits: Waits,
    operator: Pool,
    workspaces: Kept<Pool>,
    /// Connections to one host that each workspace keeps while it does not use them.
    idle: usize,
}

impl Pools {
    pub(super) fn new(policy: Policy, network: Arc<dyn Network>, tls: Arc<rustls::ClientConfig>, waits: Waits) -> Self {
        let operator = pool(Bounded::new(Scope::Operator, &policy, &network), &tls, IDLE_PER_HOST);
        Self { policy, network, tls, waits, operator, workspaces: Kept::default(), idle: IDLE_PER_HOST }
    }

    /// The same with other connections, of which each workspace keeps one to a host: there may be ten thousand that send now and then.
    /// Names are looked up in the same turns.
    pub(super) fn apart(&self) -> Self {
        Self { idle: 1, ..self.trusting(Arc::clone(&self.tls)) }
    }

    /// As [`Pools::apart`] for whoever trusts other certificates.
    pub(super) fn trusting(&self, tls: Arc<rustls::ClientConfig>) -> Self {
        Self::new(self.policy.clone(), Arc::clone(&self.network), tls, self.waits.clone())
    }

    pub(super) fn of(&self, whose: Whose) -> (Pool, Turns) {
        match whose {
            Whose::Operator => (self.operator.clone(), self.waits.operator()),
            Whose::Workspace(workspace) => {
                let pool = self.workspaces.of(workspace, || pool(self.plain(), &self.tls, self.idle));
                (pool, self.turns(workspace))
            }
        }
    }

    /// What makes workspaces' connections without TLS.
    pub(super) fn plain(&self) -> Bounded<Tcp> {
        Bounded::new(Scope::Tenant, &self.policy, &self.network)
    }

    pub(super) fn turns(&self, workspace: TenantId) -> Turns {
        self.waits.workspace(workspace)
    }
}

fn pool(tcp: Bounded<Tcp>, tls: &Arc<rustls::ClientConfig>, idle: usize) -> Pool {
    let Bounded { guard, inner } = tcp;
    let https = HttpsConnector::from((inner, Arc::clone(tls)));
    Client::builder(TokioExecutor::new())
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE)
        .pool_max_idle_per_host(idle)
        .http2_keep_alive_interval(H2_PING)
        .http2_initial_stream_window_size(H2_STREAM_WINDOW)
        .http2_initial_connection_window_size(H2_CONNECTION_WINDOW)
        .build(Bounded { guard, inner: https })
}
