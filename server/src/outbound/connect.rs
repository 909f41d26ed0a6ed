//! From a URI to a TCP connection: resolve once, ask the guard about every address, then connect to what it has seen,
//! within the caller's time.
//!
//! Every address that is ever connected to goes through [`Tcp`], IP literals too, and it knows for whom.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::stream::{FuturesUnordered, StreamExt};
use http::Uri;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tower::Service;

use super::body::BoxError;
use super::guard::{Checked, Guard, Target};
use super::network::Network;
use super::turns::Turns;
use crate::egress::{Policy, Scope};
use crate::values::EgressRule;

/// RFC 8305, "Connection Attempt Delay".
const NEXT_ADDRESS_AFTER: Duration = Duration::from_millis(250);
/// For a caller that set no time; there is none.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

tokio::task_local! {
    // The pool asks its connector with a URI alone; the request that wants the connection is the task that asks.
    static ASKED: (Duration, Turns);
}

/// Runs `future` so that a connection it has to make takes no longer than `timeout`, and its name is looked up in one of these turns.
pub(super) fn within<F: Future>(timeout: Duration, turns: Turns, future: F) -> impl Future<Output = F::Output> {
    ASKED.scope((timeout, turns), future)
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("the URI has no host")]
    NoHost,
    #[error("blocked by the egress rule {}", .0.name())]
    Blocked(EgressRule),
    #[error("{host}: {reason}")]
    Name { host: String, reason: io::Error },
    #[error("connecting to {address}")]
    Connect { address: SocketAddr, source: io::Error },
    #[error("no connection within {0:?}")]
    Timeout(Duration),
}

/// Bounds the whole of connecting, TLS included, and has the guard see the host before TLS does, which finds its own fault
/// with abbreviated addresses.
#[derive(Clone)]
pub(super) struct Bounded<C> {
    pub(super) guard: Guard,
    pub(super) inner: C,
}

impl Bounded<Tcp> {
    pub(super) fn new(scope: Scope, policy: &Policy, network: &Arc<dyn Network>) -> Self {
        let guard = Guard::new(scope, policy.clone());
        Self { guard: guard.clone(), inner: Tcp { guard, network: Arc::clone(network) } }
    }
}

impl<C> Service<Uri> for Bounded<C>
where
    C: Service<Uri, Error: Into<BoxError>>,
    C::Future: Send + 'static,
    C::Response: 'static,
{
    type Response = C::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<C::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let timeout = ASKED.try_with(|(timeout, _)| *timeout).unwrap_or(DEFAULT_TIMEOUT);
        let judged = uri.host().map_or(Err(Failure::NoHost), |host| self.guard.host(host).map(drop).map_err(Failure::Blocked));
        if let Err(failure) = judged {
            return Box::pin(async move { Err(failure.into()) });
        }
        let connecting = self.inner.call(uri);
        Box::pin(async move {
            match tokio::time::timeout(timeout, connecting).await {
                Ok(done) => done.map_err(Into::into),
                Err(_) => Err(Failure::Timeout(timeout).into()),
            }
        })
    }
}

/// Resolves, asks the guard, and connects.
#[derive(Clone)]
pub(super) struct Tcp {
    guard: Guard,
    network: Arc<dyn Network>,
}

impl Tcp {
    async fn connect(&self, uri: &Uri, turns: &Turns) -> Result<TcpStream, Failure> {
        let host = uri.host().ok_or(Failure::NoHost)?;
        let port = uri.port_u16().unwrap_or(if uri.scheme() == Some(&http::uri::Scheme::HTTPS) { 443 } else { 80 });
        let addresses = match self.guard.host(host).map_err(Failure::Blocked)? {
            Target::Address(address) => vec![SocketAddr::new(address, port)],
            Target::Name(name) => {
                turns.look_up(&self.network, name, port).await.map_err(|reason| Failure::Name { host: name.to_owned(), reason })?
            }
        };
        let checked = self.guard.resolved(addresses).map_err(Failure::Blocked)?;
        first_of(&*self.network, host, checked).await
    }
}

impl Service<Uri> for Tcp {
    type Response = TokioIo<TcpStream>;
    type Error = Failure;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Failure>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let tcp = self.clone();
        let turns = ASKED.try_with(|(_, turns)| turns.clone()).unwrap_or_default();
        Box::pin(async move {
            let stream = tcp.connect(&uri, &turns).await?;
            // Without it small requests wait for acknowledgements; a socket that refuses still works.
            let _ = stream.set_nodelay(true);
            Ok(TokioIo::new(stream))
        })
    }
}

/// Connects to whichever address answers first, starting them one after another (RFC 8305 §5, in the resolver's order).
async fn first_of(network: &dyn Network, host: &str, addresses: Checked) -> Result<TcpStream, Failure> {
    let mut failed = Failure::Name { host: host.to_owned(), reason: io::Error::other("the name has no address") };
    let mut waiting = addresses.into_inner().into_iter();
    let mut trying = FuturesUnordered::new();
    loop {
        match waiting.next() {
            Some(address) => {
                trying.push(async move { network.connect(address).await.map_err(|source| Failure::Connect { address, source }) });
            }
            None if trying.is_empty() => return Err(failed),
            None => {}
        }
        let outcome = if waiting.len() > 0 {
            tokio::time::timeout(NEXT_ADDRESS_AFTER, trying.next()).await.ok().flatten()
        } else {
            trying.next().await
        };
        match outcome {
            Some(Ok(stream)) => return Ok(stream),
            Some(Err(error)) => failed = error,
            None => {}
        }
    }
}
