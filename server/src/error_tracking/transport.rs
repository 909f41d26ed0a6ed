//! The way out: short queues, and a task that posts what is in them through the process's one HTTP client.
//!
//! An event is tried once. What Sentry asks for in `X-Sentry-Rate-Limits` and `Retry-After` is kept: meanwhile events are
//! dropped and counted, not kept (Sentry's SDK documentation, "Rate Limiting").

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER, USER_AGENT};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt, Limited};
use sentry::{Envelope, Transport};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use super::status::{Dropped, LastFailure, Ledger};
use crate::outbound::{Error, Outbound, Whose, retry_after};
use crate::values::{Dsn, FailureKind};

/// Events that may wait, in each queue.
pub const QUEUE: usize = 100;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const TIMEOUT: Duration = Duration::from_secs(10);
/// After a 429 that says nothing more.
const DEFAULT_PAUSE: Duration = Duration::from_secs(60);
const LONGEST_PAUSE: Duration = Duration::from_secs(24 * 60 * 60);
/// An answer is an id; the rest of a longer one is left unread.
const LONGEST_ANSWER: usize = 16 * 1024;
const AGENT: &str = concat!("knoxcall/", env!("CARGO_PKG_VERSION"));

/// Until when nothing may be sent.
pub type Limits = Arc<Mutex<Option<Instant>>>;

pub fn limits() -> Limits {
    Limits::default()
}

fn limited(limits: &Limits, now: Instant) -> bool {
    limits.lock().unwrap_or_else(PoisonError::into_inner).is_some_and(|until| until > now)
}

/// The client's side: never waits.
pub struct Queue {
    sender: mpsc::Sender<Bytes>,
    ledger: Arc<Ledger>,
    limits: Limits,
}

impl Queue {
    pub fn new(sender: mpsc::Sender<Bytes>, ledger: Arc<Ledger>, limits: Limits) -> Self {
        Self { sender, ledger, limits }
    }
}

impl Transport for Queue {
    fn send_envelope(&self, envelope: Envelope) {
        if limited(&self.limits, Instant::now()) {
            return self.ledger.dropped(Dropped::RateLimited);
        }
        let Some(bytes) = encode(&envelope) else { return self.ledger.dropped(Dropped::Unsendable) };
        match self.sender.try_send(bytes) {
            Ok(()) => {}
            Err(mpsc::error::TrySendError::Full(_)) => self.ledger.dropped(Dropped::QueueFull),
            Err(mpsc::error::TrySendError::Closed(_)) => self.ledger.dropped(Dropped::Shutdown),
        }
    }
}

pub fn encode(envelope: &Envelope) -> Option<Bytes> {
    let mut bytes = Vec::new();
    envelope.to_writer(&mut bytes).ok()?;
    Some(bytes.into())
}

/// What waits. What counts against no workspace waits apart and goes first: however much fails in workspaces, it finds room.
pub struct Waiting {
    pub own: mpsc::Receiver<Bytes>,
    pub tenants: mpsc::Receiver<Bytes>,
}

impl Waiting {
    /// `None`: nothing waits, and nothing will.
    async fn next(&mut self) -> Option<Bytes> {
        tokio::select! {
            biased;
            Some(bytes) = self.own.recv() => Some(bytes),
            Some(bytes) = self.tenants.recv() => Some(bytes),
            else => None,
        }
    }

    /// Lets nothing more in, throws away what is there, and says how much that was.
    fn close(&mut self) -> usize {
        let mut waiting = 0;
        for queue in [&mut self.own, &mut self.tenants] {
            queue.close();
            waiting += std::iter::from_fn(|| queue.try_recv().ok()).count();
        }
        waiting
    }
}

/// The sending side.
pub struct Worker {
    dsn: Dsn,
    waiting: Waiting,
    ledger: Arc<Ledger>,
    limits: Limits,
}

impl Worker {
    pub fn new(dsn: Dsn, waiting: Waiting, ledger: Arc<Ledger>, limits: Limits) -> Self {
        Self { dsn, waiting, ledger, limits }
    }

    /// Ends when the clients are gone and nothing waits, or with `abort`.
    pub async fn run(mut self, outbound: Outbound, abort: CancellationToken) {
        loop {
            let bytes = tokio::select! {
                () = abort.cancelled() => return self.give_up(0),
                bytes = self.waiting.next() => match bytes {
                    Some(bytes) => bytes,
                    None => return,
                },
            };
            if limited(&self.limits, Instant::now()) {
                self.ledger.dropped(Dropped::RateLimited);
                continue;
            }
            let answer = tokio::select! {
                () = abort.cancelled() => return self.give_up(1),
                answer = post(&outbound, &self.dsn, bytes) => answer,
            };
            self.settle(&answer);
        }
    }

    fn settle(&self, answer: &Answer) {
        if let Some(pause) = answer.pause {
            *self.limits.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now() + pause);
        }
        let Some(kind) = answer.failure else { return self.ledger.sent(SystemTime::now()) };
        let reason = match kind {
            FailureKind::Status { status: 429 } => Dropped::RateLimited,
            _ if answer.status.is_some() => Dropped::Rejected,
            _ => Dropped::Unreachable,
        };
        self.ledger.dropped(reason);
        self.ledger.failed(LastFailure { at: SystemTime::now(), kind, host: self.dsn.host().to_owned() });
        // Not as an error: that would be an event.
        tracing::warn!(host = self.dsn.host(), ?kind, "an error could not be reported");
    }

    fn give_up(&mut self, under_way: usize) {
        for _ in 0..self.waiting.close() + under_way {
            self.ledger.dropped(Dropped::Shutdown);
        }
    }
}

/// What came of one request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    pub status: Option<u16>,
    /// `None`: it was taken.
    pub failure: Option<FailureKind>,
    /// In Sentry's words, or the transport's.
    pub detail: Option<String>,
    /// How long to send nothing more.
    pub pause: Option<Duration>,
}

/// Posts one envelope.
pub async fn post(outbound: &Outbound, dsn: &Dsn, envelope: Bytes) -> Answer {
    let auth = format!("Sentry sentry_version=7, sentry_client={AGENT}, sentry_key={}", dsn.public_key());
    let request = Request::post(dsn.envelope_url())
        .header(CONTENT_TYPE, "application/x-sentry-envelope")
        .header(USER_AGENT, AGENT)
        .header("x-sentry-auth", auth)
        .body(envelope.into());
    let Ok(request) = request else { return Answer { failure: Some(FailureKind::BadAnswer), ..Answer::default() } };
    let exchange = async {
        let response = outbound.send(Whose::Operator, request, CONNECT_TIMEOUT).await.map_err(|error| Answer {
            failure: Some(kind(&error)),
            detail: Some(error.to_string()),
            ..Answer::default()
        })?;
        let (head, body) = response.into_parts();
        // Read to its end, the connection can be used again.
        drop(Limited::new(body, LONGEST_ANSWER).collect().await);
        Ok(judge(head.status, &head.headers, SystemTime::now()))
    };
    match timeout(TIMEOUT, exchange).await {
        Ok(Ok(answer) | Err(answer)) => answer,
        Err(_) => Answer { failure: Some(FailureKind::Timeout), ..Answer::default() },
    }
}

fn judge(status: StatusCode, headers: &HeaderMap, now: SystemTime) -> Answer {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let number = status.as_u16();
    let failure = match number {
        200..=299 => None,
        300..=399 => Some(FailureKind::Redirect { status: number }),
        _ => Some(FailureKind::Status { status: number }),
    };
    let pause = match text("x-sentry-rate-limits") {
        Some(limits) => of_errors(limits),
        None => match text(RETRY_AFTER.as_str()) {
            Some(after) => Some(retry_after(after, now).unwrap_or(DEFAULT_PAUSE)),
            None => (number == 429).then_some(DEFAULT_PAUSE),
        },
    };
    let detail = text("x-sentry-error").map(str::to_owned);
    Answer { status: Some(number), failure, detail, pause: pause.map(|pause| pause.min(LONGEST_PAUSE)) }
}

/// `<seconds>:<categories>:<scope>…`, separated by commas; categories by semicolons, none is all of them. Events of ours are
/// in the category `error`, which was once called `default`.
fn of_errors(header: &str) -> Option<Duration> {
    let concerns = |category: &str| matches!(category.trim(), "" | "error" | "default");
    header
        .split(',')
        .filter_map(|group| {
            let mut parts = group.trim().split(':');
            let seconds: f64 = parts.next()?.trim().parse().ok()?;
            parts.next().unwrap_or_default().split(';').any(concerns).then(|| seconds_of(seconds))
        })
        .max()
}

fn seconds_of(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds.ceil().max(0.0)).unwrap_or(DEFAULT_PAUSE)
}

fn kind(error: &Error) -> FailureKind {
    match error {
        Error::Blocked { rule } => FailureKind::Blocked { rule: *rule },
        Error::NameNotFound(_) => FailureKind::NameNotFound,
        Error::Refused(_) => FailureKind::Refused,
        Error::Unreachable(_) => FailureKind::Unreachable,
        Error::Tls(_) => FailureKind::Tls,
        Error::ConnectTimeout(_) => FailureKind::Timeout,
        Error::Closed(_) => FailureKind::Closed,
        Error::Other(_) => FailureKind::BadAnswer,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(status: u16, headers: &[(&'static str, &str)]) -> Answer {
        let headers = headers.iter().map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap())).collect();
        judge(StatusCode::from_u16(status).unwrap(), &headers, SystemTime::UNIX_EPOCH)
    }

    #[test]
    fn what_sentry_asks_for_is_kept() {
        let seconds = |n| Some(Duration::from_secs(n));
        for (status, headers, pause) in [
            (200, &[][..], None),
            (200, &[("x-sentry-rate-limits", "60:error:organization:quota")], seconds(60)),
            (429, &[("x-sentry-rate-limits", "60:transaction;replay:key, 2700::organization")], seconds(2700)),
            (429, &[("x-sentry-rate-limits", "60:transaction:key")], None),
            (429, &[("x-sentry-rate-limits", "5:default;error:key"), ("retry-after", "99")], seconds(5)),
            (429, &[("retry-after", "7")], seconds(7)),
            (503, &[("retry-after", "2.5")], seconds(3)),
            (429, &[("retry-after", "Thu, 01 Jan 1970 00:00:09 GMT")], seconds(9)),
            (429, &[("retry-after", "soon")], seconds(60)),
            (429, &[], seconds(60)),
            (429, &[("retry-after", "1e300")], seconds(60)),
            (429, &[("retry-after", "-1")], seconds(60)),
            (429, &[("x-sentry-rate-limits", "NaN:error:x")], seconds(0)),
        ] {
            assert_eq!(judged(status, headers).pause, pause, "{status} {headers:?}");
        }
        assert_eq!(judged(429, &[("retry-after", "999999999")]).pause, Some(LONGEST_PAUSE));
    }

    #[test]
    fn only_2xx_is_taken() {
        assert_eq!(judged(200, &[]).failure, None);
        assert_eq!(judged(307, &[]).failure, Some(FailureKind::Redirect { status: 307 }));
        let refused = judged(403, &[("x-sentry-error", "bad sentry DSN public key")]);
        assert_eq!(refused.failure, Some(FailureKind::Status { status: 403 }));
        assert_eq!(refused.detail.as_deref(), Some("bad sentry DSN public key"));
    }
}
