//! The one HTTP client that everything leaves through: upstreams of routes, telemetry, webhooks.
//!
//! It follows no redirect, knows no proxy from the environment, and adds no header but `Host`, and for a workspace `CDN-Loop`
//! (RFC 8586): whatever a workspace aims at this gateway itself is known when it comes back. Nothing is connected to
//! before [`guard`] has seen it. Connections made for a workspace and those made for the operator are never shared: what
//! may be reached differs, and a pooled connection is not checked again. It need not be: the policy is fixed when the
//! client is made, and a connection stays with the address that was checked.

mod body;
mod connect;
mod direct;
mod error;
mod guard;
mod network;
mod patience;
mod tls;

use std::sync::Arc;
use std::time::Duration;

use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::{Request, Response};
use hyper::body::Incoming as Received;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};

pub use body::Body;
pub use direct::Incoming;
pub use error::Error;
pub use network::{Network, SystemNetwork};
pub use patience::{chance, retry_after};
pub use tls::RootsError;

use connect::{Bounded, Tcp};
use direct::Direct;
use guard::Guard;

use crate::egress::Policy;
pub use crate::egress::Scope;

type Pool = Client<Bounded<HttpsConnector<Tcp>>, Body>;

/// How long an unused connection is kept.
const IDLE: Duration = Duration::from_secs(30);
const IDLE_PER_HOST: usize = 1024;
const H2_PING: Duration = Duration::from_secs(30);

/// Cheap to clone; clones share their connections.
#[derive(Clone)]
pub struct Outbound {
    tenant: Pool,
    operator: Pool,
    /// What the gateway passes on for workspaces without TLS.
    direct: Direct,
    policy: Policy,
    network: Arc<dyn Network>,
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
        Ok(Self::build(policy, network, mark, &tls::client(None)?))
    }

    /// A client with connections of its own that trusts the certificates in `pem` besides Mozilla's roots. What may be
    /// reached stays the same.
    ///
    /// # Errors
    /// When `pem` holds no certificate or one that is not readable.
    pub fn with_roots(&self, pem: &str) -> Result<Self, RootsError> {
        Ok(Self::build(self.policy.clone(), Arc::clone(&self.network), self.mark.clone(), &tls::client(Some(pem))?))
    }

    fn build(policy: Policy, network: Arc<dyn Network>, mark: HeaderValue, tls: &rustls::ClientConfig) -> Self {
        let pool = |scope| {
            let guard = Guard::new(scope, policy.clone());
            let https = hyper_rustls::HttpsConnectorBuilder::new()
                .with_tls_config(tls.clone())
                .https_or_http()
                .enable_http1()
                .enable_http2()
                .wrap_connector(Tcp::new(guard.clone(), Arc::clone(&network)));
            Client::builder(TokioExecutor::new())
                .timer(TokioTimer::new())
                .pool_timer(TokioTimer::new())
                .pool_idle_timeout(IDLE)
                .pool_max_idle_per_host(IDLE_PER_HOST)
                .http2_keep_alive_interval(H2_PING)
                .build(Bounded { guard, inner: https })
        };
        let (tenant, operator) = (pool(Scope::Tenant), pool(Scope::Operator));
        let guard = Guard::new(Scope::Tenant, policy.clone());
        let direct = Direct::new(Bounded { guard: guard.clone(), inner: Tcp::new(guard, Arc::clone(&network)) });
        Self { tenant, operator, direct, policy, network, mark }
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
    pub async fn send(&self, scope: Scope, mut request: Request<Body>, connect_timeout: Duration) -> Result<Response<Received>, Error> {
        let pool = match scope {
            Scope::Tenant => {
                request.headers_mut().append(CDN_LOOP, self.mark.clone());
                &self.tenant
            }
            Scope::Operator => &self.operator,
        };
        connect::within(connect_timeout, pool.request(request)).await.map_err(|error| Error::classify(&error))
    }

    /// As [`Outbound::send`] for a workspace, in the cheapest way there is: for the requests that the gateway passes on. While
    /// the answer's body is not read to its end, nothing else happens on its connection.
    ///
    /// # Errors
    /// Why there is no response.
    pub async fn pass(&self, mut request: Request<Body>, connect_timeout: Duration) -> Result<Response<Incoming>, Error> {
        if request.uri().scheme() != Some(&http::uri::Scheme::HTTP) {
            return Ok(self.send(Scope::Tenant, request, connect_timeout).await?.map(Incoming::from));
        }
        request.headers_mut().append(CDN_LOOP, self.mark.clone());
        self.direct.send(request, connect_timeout).await
    }
}

impl std::fmt::Debug for Outbound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Outbound")
    }
}
