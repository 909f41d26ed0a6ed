//! A request's body that is read on its way to the provider, and broken off where it goes against the agent's limits.
//!
//! What came so far is held back, up to [`HOLD`], until it names everything that a limit is about, so that a provider seldom
//! sees anything of a call that is refused. Without limits it looks at what comes at once, so that a call that fails has its
//! model's name. A body that names it later streams on: the piece that goes against a limit, or that
//! ends the object without keeping them all, is never passed on, and without it no provider has a whole request.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};
use tokio::time::Instant;

use super::asked::Reading;
use super::denied::Denied;
use crate::gateway::body::FromClient;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// How much of a body is held back, in bytes.
const HOLD: usize = 1024 * 1024;
/// How long a caller may take meanwhile.
const HOLD_TIME: Duration = Duration::from_secs(60);
/// How much is looked at where there are no limits, and for how long.
const GLANCE: usize = 64 * 1024;
const GLANCE_TIME: Duration = Duration::from_millis(50);

pub(super) struct Guarded {
    /// In one piece: a frame may be a byte, and costs more than it holds.
    held: Option<Bytes>,
    /// What came behind the body's data.
    trailers: Option<Frame<Bytes>>,
    rest: FromClient,
    reading: Reading,
}

/// Why a body's beginning is not passed on.
#[derive(Debug)]
pub(super) enum Unheld {
    Denied(Denied),
    /// The caller takes too long.
    Late,
    /// It is too large, malformed, or its sender is gone; its upload knows.
    Broken,
}

impl From<Denied> for Unheld {
    fn from(denied: Denied) -> Self {
        Self::Denied(denied)
    }
}

impl Guarded {
    pub(super) async fn hold(mut rest: FromClient, mut reading: Reading) -> Result<Self, Unheld> {
        let (mut held, mut trailers) = (BytesMut::new(), None);
        let limited = reading.limited();
        let most = if limited { HOLD } else { GLANCE };
        let until = Instant::now() + if limited { HOLD_TIME } else { GLANCE_TIME };
        while !reading.decided() && held.len() < most && trailers.is_none() {
            let next = tokio::time::timeout_at(until, poll_fn(|cx| Pin::new(&mut rest).poll_frame(cx)));
            let Ok(next) = next.await else {
                if limited {
                    return Err(Unheld::Late);
                }
                break;
            };
            match next {
                Some(Ok(frame)) => match frame.data_ref() {
                    Some(data) => {
                        reading.feed(data)?;
                        held.extend_from_slice(data);
                    }
                    None => trailers = Some(frame),
                },
                Some(Err(_)) => return Err(Unheld::Broken),
                None => {
                    reading.end()?;
                    break;
                }
            }
        }
        let held = (!held.is_empty()).then(|| held.freeze());
        Ok(Self { held, trailers, rest, reading })
    }
}

impl Body for Guarded {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = &mut *self;
        if let Some(frame) = this.held.take().map(Frame::data).or_else(|| this.trailers.take()) {
            return Poll::Ready(Some(Ok(frame)));
        }
        let next = ready!(Pin::new(&mut this.rest).poll_frame(cx));
        let judged = match &next {
            Some(Ok(frame)) => frame.data_ref().map_or(Ok(()), |data| this.reading.feed(data)),
            Some(Err(_)) => Ok(()),
            None => this.reading.end(),
        };
        Poll::Ready(match judged {
            Ok(()) => next,
            Err(denied) => Some(Err(denied.into())),
        })
    }

    fn is_end_stream(&self) -> bool {
        self.held.is_none() && self.trailers.is_none() && self.rest.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let held = self.held.as_ref().map_or(0, Bytes::len);
        let rest = self.rest.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower() + held as u64);
        if let Some(upper) = rest.upper() {
            hint.set_upper(upper + held as u64);
        }
        hint
    }
}
