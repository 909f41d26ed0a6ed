//! What a worker works with, and one attempt on the way: a request, put on record.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::HeaderMap;
use tokio::time::Instant;

use super::answer::Answer;
use super::backlog::destroy;
use super::estate::{Estate, Heirs};
use super::exchange::exchange;
use super::give_up::GiveUp;
use super::{Payload, Retry, Transport};
use crate::live::{ExportTarget, SignalTarget};
use crate::spool::{Log, Spool};
use crate::telemetry::alarm::Alarm;
use crate::telemetry::recent::{Attempt, Outcome};
use crate::telemetry::status::Ledger;
use crate::values::{FailureKind, Signal};

/// What a worker works with and never changes.
pub struct Way {
    pub signal: Signal,
    pub target: Arc<ExportTarget>,
    pub ledger: Arc<Ledger>,
    pub transport: Arc<dyn Transport>,
    pub alarm: Arc<Alarm>,
    pub retry: Retry,
    /// After this long a payload expires, whether or not there is a spool.
    pub expires: Option<Duration>,
    pub give_up: GiveUp,
    /// A request that is merged is no larger than this, before compression.
    pub max_request: usize,
    pub heirs: Arc<dyn Heirs>,
    pub estate: Arc<Estate>,
}

impl Way {
    /// There is nobody to send these to: they are removed and counted.
    pub async fn destroy(&self, spool: Option<Spool>, logs: Vec<Log>) {
        if let Some(spool) = spool {
            destroy(&self.ledger, spool, logs).await;
        }
    }
}

/// One request, put on record; a destination that has only failed for too long is reported.
pub async fn attempt(way: Arc<Way>, to: Arc<(HeaderMap, SignalTarget)>, payload: Payload, number: u32) -> Answer {
    let (at, begun) = (SystemTime::now(), Instant::now());
    let judged = exchange(&*way.transport, &way.target, way.signal, &to.1, &to.0, &payload).await;
    let (outcome, failure) = match judged.answer {
        Answer::Taken { rejected: 0 } => (Outcome::Delivered, judged.cut.then_some(FailureKind::AnswerCut)),
        Answer::Taken { rejected } => (Outcome::PartlyRejected, Some(FailureKind::PartialSuccess { rejected })),
        Answer::Retry { kind, .. } => (Outcome::Retrying, Some(kind)),
        Answer::Final(kind) => (Outcome::GivenUp, Some(kind)),
    };
    let streak = way.ledger.recent().attempt(Attempt {
        at,
        signal: way.signal,
        outcome,
        status: judged.status,
        failure,
        items: payload.load.items,
        bytes: payload.body.len() as u64,
        latency: begun.elapsed(),
        number,
    });
    if let Some(streak) = streak {
        way.give_up.report(&way.target, streak);
    }
    judged.answer
}
