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
use crate::values::FailureKind;

/// Tests in each [`WINDOW`]: a test is a request to an address that somebody typed.
const IN_WINDOW: usize = 6;
const WINDOW: Duration = Duration::from_secs(60);

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

/// There were too many tests lately.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooMany {
    pub retry_after: Duration,
}

/// Counts tests and keeps what the newest found.
#[derive(Debug, Default)]
pub struct Desk(Mutex<Entry>);

#[derive(Debug, Default)]
struct Entry {
    begun: Vec<Instant>,
    last: Option<Tested>,
}

impl Desk {
    fn lock(&self) -> MutexGuard<'_, Entry> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn admit(&self, now: Instant) -> Result<(), TooMany> {
        let mut entry = self.lock();
        entry.begun.retain(|begun| now.duration_since(*begun) < WINDOW);
        match entry.begun.first() {
            Some(first) if entry.begun.len() >= IN_WINDOW => {
                Err(TooMany { retry_after: WINDOW.saturating_sub(now.duration_since(*first)) })
            }
            _ => {
                entry.begun.push(now);
                Ok(())
            }
        }
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
    desk.admit(Instant::now())?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_are_limited() {
        let desk = Desk::default();
        let begun = Instant::now();
        for _ in 0..IN_WINDOW {
            assert_eq!(desk.admit(begun), Ok(()));
        }
        let later = begun + Duration::from_secs(20);
        assert_eq!(desk.admit(later), Err(TooMany { retry_after: Duration::from_secs(40) }));
        assert_eq!(desk.admit(begun + WINDOW), Ok(()));
    }
}
