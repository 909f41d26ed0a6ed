//! Both bodies of a request on their way through: one frame at a time, asked for only when the other side takes it.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::Full;
use hyper::body::Incoming;

use super::ai::Call;
use super::record::Record;
use super::seats::Seat;
use crate::capture;
use crate::outbound;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// How far the client's body has come, for whoever waits for the upstream's answer.
pub(super) struct Upload {
    phase: AtomicU8,
    since: Instant,
    /// When a frame last passed, in milliseconds since `since`.
    moved: AtomicU64,
    _seat: Arc<Seat>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Phase {
    /// It is the upstream's turn to take more.
    Upstream,
    /// It is the client's turn to send more.
    Client,
    Done,
    TooLarge,
    /// The client went away.
    Gone,
    /// Its framing is broken.
    Malformed,
}

const PHASES: [Phase; 6] = [Phase::Upstream, Phase::Client, Phase::Done, Phase::TooLarge, Phase::Gone, Phase::Malformed];

impl Upload {
    pub(super) fn new(since: Instant, seat: Arc<Seat>) -> Arc<Self> {
        Arc::new(Self { phase: AtomicU8::new(Phase::Upstream as u8), since, moved: AtomicU64::new(0), _seat: seat })
    }

    pub(super) fn phase(&self) -> Phase {
        PHASES[usize::from(self.phase.load(Ordering::Acquire))]
    }

    /// When the body last moved.
    pub(super) fn moved(&self) -> Instant {
        self.since + Duration::from_millis(self.moved.load(Ordering::Acquire))
    }

    fn set(&self, phase: Phase) {
        self.phase.store(phase as u8, Ordering::Release);
    }

    fn touch(&self) {
        let millis = u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.moved.store(millis, Ordering::Release);
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the request body is over the route's limit")]
struct OverLimit;

/// The client's body on its way to the upstream.
pub(super) struct FromClient {
    body: Incoming,
    left: u64,
    upload: Arc<Upload>,
    copy: Option<capture::Upload>,
}

impl FromClient {
    pub(super) const fn new(body: Incoming, limit: u64, upload: Arc<Upload>) -> Self {
        Self { body, left: limit, upload, copy: None }
    }

    /// Copies its beginning, if anything is to be copied.
    pub(super) fn copied(self, copy: Option<capture::Upload>) -> Self {
        Self { copy, ..self }
    }

    fn end(&self) {
        self.upload.set(Phase::Done);
        if let Some(copy) = &self.copy {
            copy.ended();
        }
    }
}

impl http_body::Body for FromClient {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = &mut *self;
        let Poll::Ready(next) = Pin::new(&mut this.body).poll_frame(cx) else {
            this.upload.set(Phase::Client);
            return Poll::Pending;
        };
        this.upload.touch();
        match next {
            Some(Ok(frame)) => {
                let length = frame.data_ref().map_or(0, Bytes::len) as u64;
                if length > this.left {
                    this.upload.set(Phase::TooLarge);
                    return Poll::Ready(Some(Err(OverLimit.into())));
                }
                this.left -= length;
                if let (Some(copy), Some(data)) = (&this.copy, frame.data_ref()) {
                    copy.data(data);
                }
                if this.body.is_end_stream() {
                    this.end();
                } else {
                    this.upload.set(Phase::Upstream);
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Some(Err(error)) => {
                this.upload.set(if is_malformed(&error) { Phase::Malformed } else { Phase::Gone });
                Poll::Ready(Some(Err(error.into())))
            }
            None => {
                this.end();
                Poll::Ready(None)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// hyper reports broken chunks as I/O errors of these kinds, and a client that went away as an incomplete message or
/// as one of the other kinds.
fn is_malformed(error: &hyper::Error) -> bool {
    let cause = std::error::Error::source(error).and_then(|source| source.downcast_ref::<std::io::Error>());
    error.is_parse() || cause.is_some_and(|io| matches!(io.kind(), std::io::ErrorKind::InvalidInput | std::io::ErrorKind::InvalidData))
}

/// What a client gets: words of our own, or the upstream's as they come.
pub(super) enum Body {
    Own(Full<Bytes>),
    Upstream(Box<FromUpstream>),
}

impl Body {
    pub(super) fn own(bytes: Bytes) -> Self {
        Self::Own(Full::new(bytes))
    }

    pub(super) fn upstream(
        body: outbound::Incoming,
        length: Option<u64>,
        upload: Option<Arc<Upload>>,
        (record, call): (Record, Call),
        seat: Arc<Seat>,
    ) -> Self {
        Self::Upstream(Box::new(FromUpstream { body, left: length, upload, call, record, _seat: seat }))
    }
}

/// The upstream's body on its way to the client.
pub(super) struct FromUpstream {
    body: outbound::Incoming,
    /// Of a body whose length was announced: how much is missing. The server stops asking at zero.
    left: Option<u64>,
    upload: Option<Arc<Upload>>,
    /// Of an AI provider; before the record, so that a call's event comes before its request's.
    call: Call,
    record: Record,
    _seat: Arc<Seat>,
}

impl FromUpstream {
    fn end(&mut self) {
        self.call.end();
        self.record.end();
    }

    fn broken(&mut self, error: &hyper::Error) {
        match self.upload.as_ref().map(|upload| upload.phase()) {
            // We broke it off: the cause is the client's.
            Some(Phase::TooLarge) => {
                // As where there is no answer yet.
                self.call.failed("body_too_large", || OverLimit.to_string());
                self.record.failed("body_limit", || OverLimit.to_string());
            }
            Some(Phase::Gone | Phase::Malformed) => {}
            _ => {
                let message = || format!("the upstream broke off its response: {error}");
                self.call.failed("connection_closed", message);
                self.record.failed("connection_closed", message);
            }
        }
    }
}

impl Drop for FromUpstream {
    fn drop(&mut self) {
        if self.left == Some(0) || self.body.is_end_stream() {
            self.end();
        }
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let this = match self.get_mut() {
            Self::Own(full) => return Pin::new(full).poll_frame(cx).map_err(|never| match never {}),
            Self::Upstream(this) => this,
        };
        let next = ready!(Pin::new(&mut this.body).poll_frame(cx));
        match &next {
            Some(Ok(frame)) => {
                if let Some(data) = frame.data_ref() {
                    this.left = this.left.map(|left| left.saturating_sub(data.len() as u64));
                    this.call.data(data);
                    this.record.data(data);
                }
            }
            Some(Err(error)) => this.broken(error),
            None => this.end(),
        }
        Poll::Ready(next)
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Own(full) => full.is_end_stream(),
            Self::Upstream(this) => this.body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Own(full) => full.size_hint(),
            Self::Upstream(this) => this.body.size_hint(),
        }
    }
}
