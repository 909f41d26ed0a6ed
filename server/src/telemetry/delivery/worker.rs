//! Sends one lane's payloads, one after the other, each until it is taken, refused for good, or expired.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderName, HeaderValue, Request, header};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::answer::{Answer, Judged, judge};
use super::give_up::GiveUp;
use super::{Lane, Payload, Retry, Transport, Unsent};
use crate::live::{ExportTarget, SignalTarget};
use crate::outbound::chance;
use crate::telemetry::alarm::Alarm;
use crate::telemetry::recent::{Attempt, Outcome};
use crate::telemetry::status::{Ledger, Reason};
use crate::values::{FailureKind, Signal};

/// A collector that asks for more patience than this is asked again all the same.
const LONGEST_PAUSE: Duration = Duration::from_secs(600);

pub struct Worker {
    pub signal: Signal,
    pub target: Arc<ExportTarget>,
    pub lane: Arc<Lane>,
    pub ledger: Arc<Ledger>,
    pub transport: Arc<dyn Transport>,
    pub alarm: Arc<Alarm>,
    pub retry: Retry,
    pub give_up: GiveUp,
    /// Cancelled when nothing more may be sent, done or not.
    pub abort: CancellationToken,
}

impl Worker {
    /// Ends when the lane is closed and empty, or when it is aborted; then what is left is counted as dropped.
    pub async fn run(self) {
        let Some(to) = self.target.signal(self.signal).cloned() else { return };
        let headers = headers(&to);
        // Set by a collector that asked to be left alone; holds for the next payload too.
        let mut not_before = Instant::now();
        loop {
            let next = tokio::select! {
                biased;
                () = self.abort.cancelled() => break,
                next = self.lane.next() => next,
            };
            let Some(payload) = next else { return };
            tokio::select! {
                biased;
                () = self.abort.cancelled() => {
                    self.ledger.drop_payload(Reason::Disabled, payload.load);
                    break;
                }
                () = self.deliver(&to, &headers, &payload, &mut not_before) => {}
            }
        }
        let left = self.lane.abandon();
        self.ledger.drop_payload(Reason::Disabled, left);
    }

    async fn deliver(&self, to: &SignalTarget, headers: &HeaderMap, payload: &Payload, not_before: &mut Instant) {
        sleep_until(*not_before).await;
        let expires = Instant::now() + self.retry.max_elapsed;
        let mut failures = 0;
        loop {
            let number = failures + 1;
            let (kind, after) = match self.attempt(to, headers, payload, number).await {
                Answer::Taken { rejected } => {
                    self.ledger.deliver(payload.load, rejected);
                    self.ledger.succeeded(self.signal);
                    if rejected > 0 {
                        self.ledger.partly_rejected(self.signal, rejected, to.url.host());
                    }
                    return;
                }
                Answer::Final(kind) => {
                    if let FailureKind::Blocked { rule } = kind {
                        self.alarm.blocked(self.target.owner, rule);
                    }
                    self.ledger.failed(self.signal, kind, to.url.host());
                    self.ledger.drop_payload(Reason::NotRetryable, payload.load);
                    return;
                }
                Answer::Retry { kind, after } => (kind, after),
            };
            self.ledger.failed(self.signal, kind, to.url.host());
            failures += 1;
            let now = Instant::now();
            let again = match after {
                Some(after) => {
                    *not_before = now + after.min(LONGEST_PAUSE);
                    *not_before
                }
                None => now + self.retry.delay(failures, chance()),
            };
            if again > expires {
                self.ledger.drop_payload(Reason::Expired, payload.load);
                return;
            }
            sleep_until(again).await;
        }
    }

    /// One request, put on record; a destination that has only failed for too long is reported.
    async fn attempt(&self, to: &SignalTarget, headers: &HeaderMap, payload: &Payload, number: u32) -> Answer {
        let (at, begun) = (SystemTime::now(), Instant::now());
        let judged = exchange(&*self.transport, &self.target, self.signal, to, headers, payload).await;
        let (outcome, failure) = match judged.answer {
            Answer::Taken { rejected: 0 } => (Outcome::Delivered, None),
            Answer::Taken { rejected } => (Outcome::PartlyRejected, Some(FailureKind::PartialSuccess { rejected })),
            Answer::Retry { kind, .. } => (Outcome::Retrying, Some(kind)),
            Answer::Final(kind) => (Outcome::GivenUp, Some(kind)),
        };
        let streak = self.ledger.recent().attempt(Attempt {
            at,
            signal: self.signal,
            outcome,
            status: judged.status,
            failure,
            items: payload.load.items,
            bytes: payload.body.len() as u64,
            latency: begun.elapsed(),
            number,
        });
        if let Some(streak) = streak {
            self.give_up.report(&self.target, streak);
        }
        judged.answer
    }
}

/// Sends a payload once, within the destination's own time, and judges what came of it.
pub async fn exchange(
    transport: &dyn Transport,
    target: &ExportTarget,
    signal: Signal,
    to: &SignalTarget,
    headers: &HeaderMap,
    payload: &Payload,
) -> Judged {
    let without = |answer, message| Judged { answer, status: None, message };
    let mut request = Request::new(payload.body.clone());
    *request.method_mut() = http::Method::POST;
    match to.url.as_str().parse() {
        Ok(uri) => *request.uri_mut() = uri,
        // `Endpoint`'s grammar is narrower than the HTTP library's.
        Err(_) => return without(Answer::Final(FailureKind::Unreachable), None),
    }
    *request.headers_mut() = headers.clone();
    if payload.gzip {
        request.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    let exchange = async {
        match transport.send(target, request).await {
            Ok(response) => judge(signal, response).await,
            // What may not be reached now may not be reached later.
            Err(Unsent { kind: kind @ FailureKind::Blocked { .. }, .. }) => without(Answer::Final(kind), None),
            Err(unsent) => without(Answer::Retry { kind: unsent.kind, after: None }, Some(unsent.detail)),
        }
    };
    let late = without(Answer::Retry { kind: FailureKind::Timeout, after: None }, None);
    timeout(to.timeout, exchange).await.unwrap_or(late)
}

/// What OTLP needs and the destination's own, and nothing else.
pub fn headers(to: &SignalTarget) -> HeaderMap {
    let mut out = HeaderMap::with_capacity(to.headers.len() + 3);
    out.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"));
    out.insert(header::USER_AGENT, HeaderValue::from_static(concat!("KnoxCall/", env!("CARGO_PKG_VERSION"))));
    for (name, value) in to.headers.iter() {
        // Both parse: `HeaderList` takes only what HTTP allows.
        if let (Ok(name), Ok(mut value)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value)) {
            value.set_sensitive(true);
            out.insert(name, value);
        }
    }
    out
}
