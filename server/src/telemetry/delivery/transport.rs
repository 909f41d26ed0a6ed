//! The way out: the process's one HTTP client, on behalf of whoever owns the destination.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use hyper::body::Incoming;

use crate::live::{ExportTarget, Owner};
use crate::outbound::{Outbound, RootsError, Whose};
use crate::values::FailureKind;

/// How long making a connection may take. The whole exchange is bounded by the destination's own timeout.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Sends a request as it is: no header added for another destination, no redirect followed, no proxy from the
/// environment.
#[async_trait]
pub trait Transport: Send + Sync + 'static {
    /// # Errors
    /// What kept a response from coming. It may be tried again, unless it was blocked.
    async fn send(&self, target: &ExportTarget, request: Request<Bytes>) -> Result<Response<Incoming>, Unsent>;

    /// Nothing is under way, and what was kept for the next request is on a thread that ends.
    fn forget_connections(&self) {}
}

/// There is no response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsent {
    pub kind: FailureKind,
    /// In the words of the library that failed.
    pub detail: String,
}

/// [`Transport`] over [`Outbound`], with connections that nobody else uses: they end with the thread that exports.
pub struct OutboundTransport {
    outbound: Outbound,
    clients: Mutex<Clients>,
}

#[derive(Default)]
struct Clients {
    plain: Option<Outbound>,
    /// The client for the roots seen last. Only the operator's destination has any, so there is one at a time.
    with_roots: Option<(Arc<str>, Outbound)>,
}

impl OutboundTransport {
    #[must_use]
    pub fn new(outbound: Outbound) -> Self {
        Self { outbound, clients: Mutex::default() }
    }

    fn clients(&self) -> MutexGuard<'_, Clients> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn client(&self, certificate: Option<&Arc<str>>) -> Result<Outbound, RootsError> {
        let mut clients = self.clients();
        let Some(pem) = certificate else {
            return Ok(clients.plain.get_or_insert_with(|| self.outbound.apart()).clone());
        };
        if let Some((of, client)) = &clients.with_roots
            && of == pem
        {
            return Ok(client.clone());
        }
        let client = self.outbound.with_roots(pem)?;
        clients.with_roots = Some((Arc::clone(pem), client.clone()));
        Ok(client)
    }
}

#[async_trait]
impl Transport for OutboundTransport {
    async fn send(&self, target: &ExportTarget, request: Request<Bytes>) -> Result<Response<Incoming>, Unsent> {
        let client = self.client(target.certificate.as_ref()).map_err(|error| {
            tracing::warn!(%error, "the configured certificate can't be used");
            Unsent { kind: FailureKind::Tls, detail: error.to_string() }
        })?;
        let whose = match target.owner {
            Owner::Operator => Whose::Operator,
            Owner::Tenant(workspace) => Whose::Workspace(workspace),
        };
        client
            .send(whose, request.map(Into::into), CONNECT_TIMEOUT)
            .await
            .map_err(|error| Unsent { kind: error.failure(), detail: error.to_string() })
    }

    fn forget_connections(&self) {
        *self.clients() = Clients::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// They would be tasks of a thread that is gone.
    #[tokio::test]
    async fn connections_that_are_forgotten_are_made_anew() {
        let transport = OutboundTransport::new(Outbound::public().unwrap());
        let client = || transport.client(None).unwrap();
        let first = client();
        assert!(first.shares_connections_with(&client()));
        assert!(!first.shares_connections_with(&transport.outbound), "nobody else's either");
        transport.forget_connections();
        assert!(!first.shares_connections_with(&client()));
    }
}
