//! The one HTTP client that everything leaves through: upstreams of routes, telemetry, webhooks.
//!
//! It follows no redirect, knows no proxy from the environment, and adds no header but `Host`. Connections made for a
//! workspace and those made for the operator are never shared: what may be reached differs, and a pooled connection is
//! not checked again.

mod body;
mod connect;
mod error;
mod tls;

use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};

pub use body::Body;
pub use error::Error;
pub use tls::RootsError;

use connect::{Bounded, Tcp};

/// On whose behalf something is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Somewhere that a workspace chose.
    Tenant,
    /// Somewhere that the operator chose.
    Operator,
}

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
}

impl Outbound {
    /// Trusts the roots of Mozilla's programme.
    ///
    /// # Errors
    /// When the TLS library refuses its own defaults, which no setting can cause.
    pub fn new() -> Result<Self, RootsError> {
        Ok(Self::over(&tls::client(None)?))
    }

    /// Trusts the certificates in `pem` besides Mozilla's roots.
    ///
    /// # Errors
    /// When `pem` holds no certificate or one that is not readable.
    pub fn with_roots(pem: &str) -> Result<Self, RootsError> {
        Ok(Self::over(&tls::client(Some(pem))?))
    }

    fn over(tls: &rustls::ClientConfig) -> Self {
        let pool = |scope| {
            let https = hyper_rustls::HttpsConnectorBuilder::new()
                .with_tls_config(tls.clone())
                .https_or_http()
                .enable_http1()
                .enable_http2()
                .wrap_connector(Tcp::new(scope));
            Client::builder(TokioExecutor::new())
                .timer(TokioTimer::new())
                .pool_timer(TokioTimer::new())
                .pool_idle_timeout(IDLE)
                .pool_max_idle_per_host(IDLE_PER_HOST)
                .http2_keep_alive_interval(H2_PING)
                .build(Bounded(https))
        };
        Self { tenant: pool(Scope::Tenant), operator: pool(Scope::Operator) }
    }

    /// Sends a request whose URI is absolute, and waits for the response's headers. `connect_timeout` covers name
    /// resolution, TCP and TLS, if a connection has to be made; how long to wait for the answer is the caller's.
    /// A request that never left because its pooled connection was closed is sent again on another.
    ///
    /// # Errors
    /// Why there is no response.
    pub async fn send(&self, scope: Scope, request: Request<Body>, connect_timeout: Duration) -> Result<Response<Incoming>, Error> {
        let pool = match scope {
            Scope::Tenant => &self.tenant,
            Scope::Operator => &self.operator,
        };
        connect::within(connect_timeout, pool.request(request)).await.map_err(|error| Error::classify(&error))
    }
}

impl std::fmt::Debug for Outbound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Outbound")
    }
}
