//! Drives one HTTP connection to its end, politely: when it is asked to, or once nobody has used it for a while. Knows how many
//! requests are open on it, and nothing of what they say.

use std::io::{self, IoSlice};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use http_body::{Body, Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

/// So long may a connection that was asked to end go on with no request open: whoever does not answer is not waited for.
const PATIENCE: Duration = Duration::from_secs(20);

/// What HTTP/2 writes of its own, however idle: a ping, or the answer to one, of 9 bytes and 8 (RFC 9113, 6.7). No use is made of a
/// connection by that.
const CONTROL: usize = 17;

/// The requests that are open on one connection. Clones are about the same ones.
#[derive(Clone, Debug)]
pub struct Requests(Arc<Mutex<Open>>);

#[derive(Debug)]
struct Open {
    now: usize,
    /// When the last one ended, or some of an answer left; or else the connection began.
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

    /// The connection's stream, on which what is written counts as use: the end of an answer may wait for a slow client long after
    /// its body was taken.
    #[must_use]
    pub fn on<S>(&self, stream: S) -> Written<S> {
        Written { stream, requests: self.clone() }
    }

    /// Returns once none has been open, and nothing written, for so long; counted from `from` at the earliest.
    async fn none_for(&self, time: Duration, from: Option<Instant>) {
        loop {
            let now = Instant::now();
            let until = {
                let open = self.open();
                if open.now > 0 { now + time } else { from.map_or(open.since, |from| open.since.max(from)) + time }
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

/// See [`Requests::on`].
#[derive(Debug)]
pub struct Written<S> {
    stream: S,
    requests: Requests,
}

impl<S> Written<S> {
    fn seen(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if matches!(written, Poll::Ready(Ok(bytes)) if bytes > CONTROL) {
            self.requests.open().since = Instant::now();
        }
        written
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Written<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, into)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Written<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.seen(written)
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, cx: &mut Context<'_>, pieces: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, pieces);
        self.seen(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
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
    let (requests, idle) = idle.unzip();
    tokio::select! {
        biased;
        ended = connection.as_mut() => return ended,
        () = drain.cancelled() => {}
        () = unused(requests.as_ref(), idle.unwrap_or_default(), None) => {}
    }
    graceful(connection.as_mut());
    tokio::select! {
        biased;
        ended = connection => ended,
        () = kill.cancelled() => Ok(()),
        () = unused(requests.as_ref(), PATIENCE, Some(Instant::now())) => Ok(()),
    }
}

/// As [`Requests::none_for`]; never for whoever counts none.
async fn unused(requests: Option<&Requests>, time: Duration, from: Option<Instant>) {
    match requests {
        Some(requests) => requests.none_for(time, from).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use futures::FutureExt;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

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

    /// hyper lets go of a body once its end is in its own buffer, which a slow client may take long to empty.
    #[tokio::test]
    async fn it_does_not_end_while_what_was_answered_still_leaves() {
        let (requests, never) = (Requests::default(), CancellationToken::new());
        let (client, server) = tokio::io::duplex(64);
        let mut server = requests.on(server);
        let mut open = pin!(driven(&requests, &never));
        let mut client = client;
        let slowly = async {
            let begun = Instant::now();
            while begun.elapsed() < IDLE * 6 {
                server.write_all(b"some of what was answered").await.unwrap();
                client.read_exact(&mut [0; 25]).await.unwrap();
                tokio::time::sleep(IDLE / 10).await;
            }
        };
        tokio::select! {
            biased;
            () = slowly => {}
            () = open.as_mut() => panic!("it was still used"),
        }
        open.await;
    }

    #[tokio::test]
    async fn pings_are_no_use() {
        let requests = Requests::default();
        let since = requests.open().since;
        let (_client, server) = tokio::io::duplex(64);
        let mut server = requests.on(server);
        server.write_all(&[0; CONTROL]).await.unwrap();
        assert_eq!(requests.open().since, since);
        server.write_all(&[0; CONTROL + 1]).await.unwrap();
        assert!(requests.open().since > since);
    }

    /// However long it was unused before: what is on its way just then is still answered.
    #[tokio::test]
    async fn whoever_is_asked_to_end_gets_time_from_then_on() {
        let requests = Requests::default();
        let long_ago = Instant::now() - PATIENCE * 3;
        requests.open().since = long_ago;
        let (asked, never) = (Cell::new(false), CancellationToken::new());
        let connection = std::future::pending::<Result<(), ()>>();
        let mut open = pin!(drive(connection, |_| asked.set(true), Some((requests, IDLE)), never.clone(), never));
        assert!(open.as_mut().now_or_never().is_none() && asked.get(), "asked, and not cut off");
    }

    #[tokio::test]
    async fn it_ends_when_it_is_asked_to() {
        let (requests, drain) = (Requests::default(), CancellationToken::new());
        let _open = requests.begin();
        drain.cancel();
        driven(&requests, &drain).await;
    }
}
