//! The way out over the shared outbound client: one pool for the operator's destination, another for the workspaces'.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use hyper::body::Incoming;

use super::Transport;
use crate::live::{ExportTarget, Owner};
use crate::outbound::{Body, Error, Outbound, Scope};
use crate::values::FailureKind;

/// Name resolution, TCP and TLS together; the whole exchange has the destination's own timeout besides.
const CONNECT: Duration = Duration::from_secs(5);

/// Sends export requests through [`Outbound`].
#[derive(Debug)]
pub struct Network {
    shared: Outbound,
    /// The client that also trusts `OTEL_EXPORTER_OTLP_CERTIFICATE`; only the operator's destination has one, and it does
    /// not change while the process runs.
    certified: Mutex<Option<(Arc<str>, Outbound)>>,
}

impl Network {
    #[must_use]
    pub fn new(outbound: Outbound) -> Self {
        Self { shared: outbound, certified: Mutex::new(None) }
    }

    fn client(&self, target: &ExportTarget) -> Result<Outbound, FailureKind> {
        let Some(pem) = &target.certificate else { return Ok(self.shared.clone()) };
        let mut certified = self.certified.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, client)) = &*certified
            && known == pem
        {
            return Ok(client.clone());
        }
        let client = Outbound::with_roots(pem).map_err(|error| {
            tracing::error!(%error, "OTEL_EXPORTER_OTLP_CERTIFICATE can't be used");
            FailureKind::Tls
        })?;
        *certified = Some((Arc::clone(pem), client.clone()));
        Ok(client)
    }
}

#[async_trait]
impl Transport for Network {
    async fn send(&self, target: &ExportTarget, request: Request<Bytes>) -> Result<Response<Incoming>, FailureKind> {
        let scope = match target.owner {
            Owner::Operator => Scope::Operator,
            Owner::Tenant(_) => Scope::Tenant,
        };
        let sent = self.client(target)?.send(scope, request.map(Body::from), CONNECT).await;
        sent.map_err(|error| {
            // The collector's address and the cause; never a header.
            tracing::debug!(owner = ?target.owner, %error, "export request failed");
            kind(&error)
        })
    }
}

const fn kind(error: &Error) -> FailureKind {
    match error {
        Error::NameNotFound(_) => FailureKind::NameNotFound,
        Error::Refused(_) => FailureKind::Refused,
        Error::Unreachable(_) => FailureKind::Unreachable,
        Error::Tls(_) => FailureKind::Tls,
        Error::ConnectTimeout(_) => FailureKind::Timeout,
        Error::Closed(_) => FailureKind::Closed,
        Error::Other(_) => FailureKind::BadAnswer,
    }
}
