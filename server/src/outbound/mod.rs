//! The one HTTP client that everything leaves through: upstreams of routes, telemetry, webhooks.
//!
//! It follows no redirect, knows no proxy from the environment, and adds no header but `Host`, and for a workspace `CDN-Loop`
//! (RFC 8586): whatever a workspace aims at this gateway itself is known when it comes back. Nothing is connected to
//! before [`guard`] has seen it. Connections made for a workspace and those made for the operator are never shared: what
//! may be reached differs, and a pooled connection is not checked again. It need not be: the policy is fixed when the
//! client is made, and a connection stays with the address that was checked. What one workspace does on a connection
//! touches no other one ([`pools`]).

mod body;
mod connect;
mod direct;
mod error;
mod guard;
mod kept;
mod network;
mod patience;
mod pools;
mod tls;
mod turns;

use std::sync::Arc;
use std::time::Duration;

use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::{Request, Response};
use hyper::body::Incoming as Received;

pub use body::Body;
pub use direct::Incoming;
pub use error::Error;
pub use network::{Network, SystemNetwork};
pub use patience::{Backoff, chance, retry_after};
pub use tls::RootsError;
pub use turns::Turn;

use direct::Direct;
use pools::Pools;

use crate::egress::Policy;
use crate::values::TenantId;

/// How long an unused connection is kept.
const IDLE: Duration = Duration::from_secs(30);
const IDLE_PER_HOST: usize = 1024;

/// On whose behalf something is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    Operator,
    Workspace(TenantId),
}

/// Cheap to clone; clones share their connections.
#[derive(Clone)]
pub struct Outbound {
    pools: Arc<Pools>,
    /// What the gateway passes on for workspaces without TLS.
    direct: Direct,
    /// This client's name in `CDN-Loop`, which nobody can guess.
    mark: HeaderValue,
}

const CDN_LOOP: HeaderName = HeaderName::from_static("cdn-loop");

impl Outbound {
    /// Trusts the roots of Mozilla's programme.
    ///
    /// # Errors
    /// When the TLS library refuses its own defaults, which no setting can cause.
    pub fn new(policy: Policy) -> Result<Self, RootsError> {
        Self::over(policy, Arc::new(SystemNetwork))
    }

    /// The same over another network than the machine's.
    ///
    /// # Errors
    /// As [`Outbound::new`].
    pub fn over(policy: Policy, network: Arc<dyn Network>) -> Result<Self, RootsError> {
        let mark = format!("knoxcall-{}", uuid::Uuid::new_v4().simple());
        let mark = HeaderValue::try_from(mark).unwrap_or(HeaderValue::from_static("knoxcall"));
        Ok(Self::with(Pools::new(policy, network, Arc::new(tls::client(None)?), turns::Waits::default()), mark))
    }

    /// A client with connections of its own that trusts the certificates in `pem` besides Mozilla's roots. What may be
    /// reached stays the same.
    ///
    /// # Errors
    /// When `pem` holds no certificate or one that is not readable.
    pub fn with_roots(&self, pem: &str) -> Result<Self, RootsError> {
        Ok(Self::with(self.pools.trusting(Arc::new(tls::client(Some(pem))?)), self.mark.clone()))
    }

    /// A client with connections of its own, for whoever works on a runtime that ends before the others'.
    #[must_use]
    pub fn apart(&self) -> Self {
        Self::with(self.pools.apart(), self.mark.clone())
    }

    /// That reaches public addresses alone.
    #[cfg(test)]
    pub fn public() -> Result<Self, RootsError> {
        Self::new(Policy::new([]))
    }

    /// Clones do, and nobody else.
    #[cfg(test)]
    pub fn shares_connections_with(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.pools, &other.pools)
    }

    fn with(pools: Pools, mark: HeaderValue) -> Self {
        let pools = Arc::new(pools);
        Self { direct: Direct::new(Arc::clone(&pools)), pools, mark }
    }

    /// Whether this client sent the request on already, for whichever workspace.
    #[must_use]
    pub fn sent(&self, headers: &HeaderMap) -> bool {
        let own = self.mark.as_bytes();
        headers.get_all(CDN_LOOP).iter().any(|value| value.as_bytes().windows(own.len()).any(|part| part == own))
    }

    /// Sends a request whose URI is absolute, and waits for the response's headers. `connect_timeout` covers name
    /// resolution, TCP and TLS, if a connection has to be made; how long to wait for the answer is the caller's.
    /// A request that never left because its pooled connection was closed is sent again on another.
    ///
    /// # Errors
    /// Why there is no response.
    pub async fn send(&self, whose: Whose, mut request: Request<Body>, connect_timeout: Duration) -> Result<Response<Received>, Error> {
        if whose != Whose::Operator {
            request.headers_mut().append(CDN_LOOP, self.mark.clone());
        }
        let (pool, turns) = self.pools.of(whose);
        connect::within(connect_timeout, turns, pool.request(request)).await.map_err(|error| Error::classify(&error))
    }

    /// As [`Outbound::send`] for a workspace, in the cheapest way there is: for the requests that the gateway passes on. While
    /// the answer's body is not read to its end, nothing else happens on its connection.
    ///
    /// # Errors
    /// Why there is no response.
    pub async fn pass(
        &self,
        workspace: TenantId,
        mut request: Request<Body>,
        connect_timeout: Duration,
    ) -> Result<Response<Incoming>, Error> {
        if request.uri().scheme() != Some(&http::uri::Scheme::HTTP) {
            return Ok(self.send(Whose::Workspace(workspace), request, connect_timeout).await?.map(Incoming::from));
        }
        request.headers_mut().append(CDN_LOOP, self.mark.clone());
        self.direct.send(workspace, request, connect_timeout).await
    }
}

impl std::fmt::Debug for Outbound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Outbound")
    }
}
