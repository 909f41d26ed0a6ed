//! Drives one HTTP connection to its end, politely: when it is asked to, or once nobody has used it for a while. Knows how many
//! requests are open on it, and nothing of what they say.

use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use http_body::{Body, Frame, SizeHint};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

/// So long may a connection that was asked to end go on with no request open: whoever does not answer is not waited for.
const PATIENCE: Duration = Duration::from_secs(20);

/// The requests that are open on one connection. Clones are about the same ones.
#[derive(Clone, Debug)]
pub struct Requests(Arc<Mutex<Open>>);

#[derive(Debug)]
struct Open {
    now: usize,
    /// When the last one ended, or else the connection began.
    since: Instant,
}

impl Default for Requests {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Open { now: 0, since: Instant::now() })))
    }
}

impl Requests {
    /// One more is open, until what is returned is dropped.
    #[must_use]
    pub fn begin(&self) -> Request {
        self.open().now += 1;
        Request(self.clone())
    }

    /// Returns once none has been open for so long.
    async fn none_for(&self, time: Duration) {
        loop {
            let now = Instant::now();
            let until = {
                let open = self.open();
                if open.now > 0 { now + time } else { open.since + time }
            };
            if until <= now {
                return;
            }
            sleep_until(until).await;
        }
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One that is open.
#[derive(Debug)]
pub struct Request(Requests);

impl Drop for Request {
    fn drop(&mut self) {
        let mut open = self.0.open();
        open.now = open.now.saturating_sub(1);
        open.since = Instant::now();
    }
}

/// The body of a response, until whose end its request is open.
#[derive(Debug)]
pub struct Held<B> {
    body: B,
    _request: Option<Request>,
}

impl<B> Held<B> {
    pub const fn new(body: B, request: Option<Request>) -> Self {
        Self { body, _request: request }
    }
}

impl<B: Body + Unpin> Body for Held<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        Pin::new(&mut self.get_mut().body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Drives a connection to its end: politely from `drain` on, or from when it was `idle`, with no request open for so long; and not
/// at all after `kill`.
///
/// # Errors
/// How the connection broke.
pub async fn drive<C, E>(
    connection: C,
    graceful: impl Fn(Pin<&mut C>),
    idle: Option<(Requests, Duration)>,
    drain: CancellationToken,
    kill: CancellationToken,
) -> Result<(), E>
where
    C: Future<Output = Result<(), E>>,
{
    let mut connection = pin!(connection);
    tokio::select! {
        biased;
        ended = connection.as_mut() => return ended,
        () = drain.cancelled() => {}
        () = unused(idle.as_ref(), None) => {}
    }
    graceful(connection.as_mut());
    tokio::select! {
        biased;
        ended = connection => ended,
        () = kill.cancelled() => Ok(()),
        () = unused(idle.as_ref(), Some(PATIENCE)) => Ok(()),
    }
}

/// Returns once no request has been open for its time, or `instead`; never for whoever counts none.
async fn unused(idle: Option<&(Requests, Duration)>, instead: Option<Duration>) {
    match idle {
        Some((requests, time)) => requests.none_for(instead.unwrap_or(*time)).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use futures::FutureExt;

    use super::*;

    const IDLE: Duration = Duration::from_millis(50);

    /// A connection that ends when it is asked to.
    async fn driven(requests: &Requests, drain: &CancellationToken) {
        let asked = Cell::new(false);
        let connection = std::future::poll_fn(|_| if asked.get() { Poll::Ready(Ok::<(), ()>(())) } else { Poll::Pending });
        let idle = Some((requests.clone(), IDLE));
        drive(connection, |_| asked.set(true), idle, drain.clone(), CancellationToken::new()).await.unwrap();
    }

    #[tokio::test]
    async fn it_ends_once_no_request_has_been_open_for_a_while() {
        let (requests, begun) = (Requests::default(), Instant::now());
        driven(&requests, &CancellationToken::new()).await;
        assert!(begun.elapsed() >= IDLE);

        let (first, second) = (requests.begin(), requests.begin());
        let never = CancellationToken::new();
        let mut open = pin!(driven(&requests, &never));
        drop(first);
        // Another one's idle time is over: this one's would be.
        driven(&Requests::default(), &never).await;
        assert!(open.as_mut().now_or_never().is_none(), "one is open");
        let ended = Instant::now();
        drop(second);
        open.await;
        assert!(ended.elapsed() >= IDLE, "the time begins anew");
    }

    #[tokio::test]
    async fn it_ends_when_it_is_asked_to() {
        let (requests, drain) = (Requests::default(), CancellationToken::new());
        let _open = requests.begin();
        drain.cancel();
        driven(&requests, &drain).await;
    }
}
