//! One client: the official one, with everything switched off that it would add or do by itself.

use std::sync::Arc;
use std::time::SystemTime;

use sentry::{Client, ClientOptions, Transport};
use tokio::sync::mpsc;

use super::report::Report;
use super::scrub::Scrubber;
use super::status::{Dropped, Ledger};
use super::transport::{QUEUE, Queue, Waiting, Worker, limits};
use crate::live::ServerTracking;

/// The DSN is one that the official client does not take.
#[derive(Debug, thiserror::Error)]
#[error("the DSN can't be used: {0}")]
pub struct DsnError(String);

/// What is in force.
pub struct Bound {
    /// For what counts against no workspace: it has a queue that no workspace can fill.
    own: Client,
    tenants: Client,
    ledger: Arc<Ledger>,
    release: String,
}

impl Bound {
    /// The clients, and the task that sends for them; the task ends when they are dropped and nothing waits any more.
    pub fn new(target: &ServerTracking, scrubber: &Arc<Scrubber>) -> Result<(Self, Worker), DsnError> {
        let (ledger, limits) = (Arc::<Ledger>::default(), limits());
        let (to_own, own) = mpsc::channel(QUEUE);
        let (to_tenants, tenants) = mpsc::channel(QUEUE);
        let waiting = Waiting { own, tenants };
        let feeding = |sender| {
            let queue = Queue::new(sender, Arc::clone(&ledger), Arc::clone(&limits));
            client(target, Arc::clone(scrubber), Arc::clone(&ledger), Arc::new(queue))
        };
        let (own, tenants) = (feeding(to_own)?, feeding(to_tenants)?);
        let worker = Worker::new(target.dsn.clone(), waiting, Arc::clone(&ledger), limits);
        Ok((Self { own, tenants, ledger, release: target.release.clone() }, worker))
    }

    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    pub fn capture(&self, report: Report) {
        self.ledger.accepted();
        let client = if report.whose().is_some() { &self.tenants } else { &self.own };
        client.capture_event(report.into_event(&self.release, SystemTime::now()), None);
    }
}

/// A client that scrubs every event and gives it to `transport`. What can't be scrubbed is not sent.
pub fn client<T: Transport>(
    target: &ServerTracking,
    scrubber: Arc<Scrubber>,
    ledger: Arc<Ledger>,
    transport: Arc<T>,
) -> Result<Client, DsnError> {
    let dsn = target.dsn.to_string().parse().map_err(|error: sentry::types::ParseDsnError| DsnError(error.to_string()))?;
    let before_send = move |event| {
        let scrubbed = scrubber.event(event);
        if scrubbed.is_none() {
            ledger.dropped(Dropped::Unsendable);
        }
        scrubbed
    };
    let mut options = ClientOptions::new()
        .release(target.release.clone())
        .default_integrations(false)
        .send_default_pii(false)
        .attach_stacktrace(false)
        .max_breadcrumbs(0)
        .before_send(before_send);
    options.environment = target.environment.clone().map(Into::into);
    options.dsn = Some(dsn);
    options.server_name = None;
    options.transport = Some(Arc::new(transport));
    Ok(Client::with_options(options))
}
