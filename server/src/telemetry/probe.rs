//! Tests a destination before anybody relies on it: one marked record per signal, sent once, over the same encoder and the
//! same way out as the real ones, so that what it finds is what an export would find.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures::future::join_all;
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

use super::delivery::{Answer, Payload, exchange, headers};
use super::destination::Common;
use super::encode::{EncodeError, Encoders};
use super::otlp::Records;
use super::signal::probe;
use super::signal::span::Ids;
use super::status::Load;
use crate::live::{ExportTarget, Owner, SignalTarget};
use crate::per_minute::{PerMinute, TESTS, TooMany};
use crate::values::{FailureKind, Signal};

/// Nobody waits longer for a test, whatever the destination's own timeout.
const LONGEST: Duration = Duration::from_secs(10);

/// What the test of one signal found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    pub signal: Signal,
    /// The collector's host, as configured.
    pub host: String,
    /// The answer's, when there was one.
    pub status: Option<u16>,
    pub latency: Duration,
    /// `None`: it was taken.
    pub failure: Option<FailureKind>,
    /// In the collector's words, or the transport's.
    pub detail: Option<String>,
}

/// The newest test of a destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeReport {
    pub at: SystemTime,
    /// Where it went.
    pub to: String,
    pub probes: Vec<Probe>,
}

/// Of how many destinations the newest report is kept.
const REMEMBERED: usize = 1000;

/// Counts tests and keeps the newest report of each destination.
#[derive(Debug)]
pub struct Desk(Mutex<Drawer>);

#[derive(Debug)]
struct Drawer {
    begun: PerMinute<Owner>,
    reports: HashMap<Owner, ProbeReport>,
}

impl Default for Desk {
    fn default() -> Self {
        Self(Mutex::new(Drawer { begun: PerMinute::new(TESTS), reports: HashMap::new() }))
    }
}

impl Desk {
    fn lock(&self) -> MutexGuard<'_, Drawer> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, owner: Owner, report: ProbeReport) {
        let reports = &mut self.lock().reports;
        if reports.len() >= REMEMBERED
            && !reports.contains_key(&owner)
            && let Some(oldest) = reports.iter().min_by_key(|(_, report)| report.at).map(|(owner, _)| *owner)
        {
            reports.remove(&oldest);
        }
        reports.insert(owner, report);
    }

    #[must_use]
    pub fn last(&self, owner: Owner) -> Option<ProbeReport> {
        self.lock().reports.get(&owner).cloned()
    }
}

/// Tests the target, unless there were too many tests already, and keeps what it found.
pub async fn tested(desk: &Desk, common: &Arc<Common>, target: &ExportTarget) -> Result<ProbeReport, TooMany> {
    desk.lock().begun.admit(&target.owner, Instant::now())?;
    let url = [&target.traces, &target.logs, &target.metrics].into_iter().flatten().next().map(|to| to.url.origin().authority().to_owned());
    let probing = {
        let (common, target) = (Arc::clone(common), target.clone());
        async move { run(&common, &target).await }
    };
    let at = SystemTime::now();
    // Where exports run, over their connections; over as soon as nobody waits for it.
    let probes = AbortOnDropHandle::new(common.threads.spawn(probing)).await.unwrap_or_default();
    let report = ProbeReport { at, to: url.unwrap_or_default(), probes };
    desk.keep(target.owner, report.clone());
    Ok(report)
}

/// All signals of the target at once.
async fn run(common: &Common, target: &ExportTarget) -> Vec<Probe> {
    let encoders = match Encoders::new(target) {
        Ok(encoders) => encoders,
        Err(error) => {
            tracing::error!(owner = ?target.owner, %error, "a test can't be encoded");
            return Vec::new();
        }
    };
    let signals = Signal::ALL.into_iter().filter_map(|signal| Some((signal, target.signal(signal)?)));
    join_all(signals.map(|(signal, to)| one(common, target, &encoders, signal, to))).await
}

async fn one(common: &Common, target: &ExportTarget, encoders: &Encoders, signal: Signal, to: &SignalTarget) -> Probe {
    let found = |status, latency, failure, detail| Probe { signal, host: to.url.host().to_owned(), status, latency, failure, detail };
    let body = match encode(target, encoders, signal).await {
        Ok(body) => body,
        Err(error) => {
            tracing::error!(owner = ?target.owner, ?signal, %error, "a test can't be encoded");
            return found(None, Duration::ZERO, Some(FailureKind::BadAnswer), None);
        }
    };
    let payload = Payload::new(body.into(), Load { records: 1, items: 1 }, target.compression, &common.gzip, || {}).await;
    let to = SignalTarget { timeout: to.timeout.min(LONGEST), ..to.clone() };
    let begun = Instant::now();
    let judged = exchange(&*common.transport, target, signal, &to, &headers(&to), &payload).await;
    let failure = match judged.answer {
        Answer::Taken { rejected: 0 } => None,
        Answer::Taken { rejected } => Some(FailureKind::PartialSuccess { rejected }),
        Answer::Retry { kind, .. } | Answer::Final(kind) => Some(kind),
    };
    if let Some(FailureKind::Blocked { rule }) = failure {
        common.alarm.blocked(target.owner, rule);
    }
    found(judged.status, begun.elapsed(), failure, judged.message)
}

async fn encode(target: &ExportTarget, encoders: &Encoders, signal: Signal) -> Result<Bytes, EncodeError> {
    let mut records = Records::default();
    match signal {
        Signal::Traces => {
            probe::span(&mut records, Ids::random());
            Ok(encoders.records(&records).whole())
        }
        Signal::Logs => {
            probe::log(&mut records);
            Ok(encoders.records(&records).whole())
        }
        Signal::Metrics => encoders.metrics(&probe::metrics(target).ok_or(EncodeError::Nothing)?).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_reports_are_kept() {
        let desk = Desk::default();
        let owner = |n| Owner::Tenant(crate::values::TenantId(uuid::Uuid::from_u128(n)));
        let report = |n: u64| ProbeReport { at: SystemTime::UNIX_EPOCH + Duration::from_secs(n), to: n.to_string(), probes: Vec::new() };
        for n in 0..=REMEMBERED as u64 {
            desk.keep(owner(n.into()), report(n));
        }
        assert_eq!((desk.last(owner(0)), desk.last(owner(1))), (None, Some(report(1))));
        desk.keep(owner(1), report(9_999));
        assert_eq!(desk.last(owner(1)).unwrap().to, "9999");
        assert_eq!(desk.lock().reports.len(), REMEMBERED);
    }
}
