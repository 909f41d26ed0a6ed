//! "Send test error": a marked event, made and scrubbed as the real ones are and posted the same way, to a server that need
//! not be in force.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use sentry::{Envelope, Transport};
use tokio::time::Instant;
use uuid::Uuid;

use super::client::client;
use super::report::Report;
use super::scrub::Scrubber;
use super::status::Ledger;
use super::transport::{encode, post};
use crate::live::ServerTracking;
use crate::outbound::Outbound;
use crate::per_minute::{PerMinute, TESTS, TooMany};
use crate::values::FailureKind;

/// What a test found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tested {
    pub at: SystemTime,
    /// By which the event is found.
    pub error_id: Uuid,
    /// As configured.
    pub host: String,
    /// The answer's, when there was one.
    pub status: Option<u16>,
    pub latency: Duration,
    /// `None`: it was taken.
    pub failure: Option<FailureKind>,
    /// In Sentry's words, or the transport's.
    pub detail: Option<String>,
}

/// Counts tests and keeps what the newest found.
#[derive(Debug)]
pub struct Desk(Mutex<Entry>);

#[derive(Debug)]
struct Entry {
    begun: PerMinute<()>,
    last: Option<Tested>,
}

impl Default for Desk {
    fn default() -> Self {
        Self(Mutex::new(Entry { begun: PerMinute::new(TESTS), last: None }))
    }
}

impl Desk {
    fn lock(&self) -> MutexGuard<'_, Entry> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn last(&self) -> Option<Tested> {
        self.lock().last.clone()
    }
}

/// Keeps the one envelope instead of sending it.
#[derive(Default)]
struct Keep(Mutex<Option<Bytes>>);

impl Transport for Keep {
    fn send_envelope(&self, envelope: Envelope) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = encode(&envelope);
    }
}

pub async fn tested(desk: &Desk, scrubber: &Arc<Scrubber>, target: &ServerTracking, outbound: &Outbound) -> Result<Tested, TooMany> {
    desk.lock().begun.admit(&(), Instant::now())?;
    let error_id = Uuid::now_v7();
    let begun = Instant::now();
    let mut tested = Tested {
        at: SystemTime::now(),
        error_id,
        host: target.dsn.host().to_owned(),
        status: None,
        latency: Duration::ZERO,
        failure: Some(FailureKind::BadAnswer),
        detail: None,
    };
    if let Some(envelope) = envelope(error_id, scrubber, target) {
        let answer = post(outbound, &target.dsn, envelope).await;
        tested = Tested { status: answer.status, latency: begun.elapsed(), failure: answer.failure, detail: answer.detail, ..tested };
    }
    desk.lock().last = Some(tested.clone());
    Ok(tested)
}

fn envelope(error_id: Uuid, scrubber: &Arc<Scrubber>, target: &ServerTracking) -> Option<Bytes> {
    let kept = Arc::new(Keep::default());
    let client = client(target, Arc::clone(scrubber), Arc::<Ledger>::default(), Arc::clone(&kept)).ok()?;
    let report = Report {
        error_id,
        kind: "test".into(),
        message: "A test from KnoxCall's settings. Nothing is wrong.".to_owned(),
        component: "console",
        ..Report::default()
    };
    client.capture_event(report.into_event(&target.release, SystemTime::now()), None);
    kept.0.lock().unwrap_or_else(PoisonError::into_inner).take()
}
