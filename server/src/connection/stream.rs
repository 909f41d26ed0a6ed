//! A connection's stream, on which what is written counts as use of the connection, and which breaks when the other side reads nothing.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use super::Requests;

/// What HTTP/2 writes of its own, however idle: a ping, or the answer to one, of 9 bytes and 8 (RFC 9113, 6.7). No use is made of a
/// connection by that.
const CONTROL: usize = 17;

#[derive(Debug)]
pub struct Written<S> {
    stream: S,
    send_timeout: Duration,
    /// Where what is written is noted.
    requests: Option<Requests>,
    /// While nothing can be written.
    stuck: Option<Pin<Box<Sleep>>>,
}

impl<S> Written<S> {
    pub const fn new(stream: S, send_timeout: Duration, requests: Option<Requests>) -> Self {
        Self { stream, send_timeout, requests, stuck: None }
    }

    fn seen(&mut self, written: Poll<io::Result<usize>>, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if written.is_pending() {
            let stuck = self.stuck.get_or_insert_with(|| Box::pin(sleep(self.send_timeout)));
            ready!(stuck.as_mut().poll(cx));
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client reads nothing")));
        }
        self.stuck = None;
        if let (Some(requests), Poll::Ready(Ok(bytes))) = (&self.requests, &written)
            && *bytes > CONTROL
        {
            requests.wrote();
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
        self.seen(written, cx)
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, cx: &mut Context<'_>, pieces: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, pieces);
        self.seen(written, cx)
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

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    const SEND: Duration = Duration::from_millis(100);

    #[tokio::test]
    async fn pings_are_no_use() {
        let requests = Requests::new(SEND);
        let since = requests.open().since;
        let (_client, server) = tokio::io::duplex(64);
        let mut server = Written::new(server, SEND, Some(requests.clone()));
        server.write_all(&[0; CONTROL]).await.unwrap();
        assert_eq!(requests.open().since, since);
        server.write_all(&[0; CONTROL + 1]).await.unwrap();
        assert!(requests.open().since > since);
    }

    #[tokio::test]
    async fn it_breaks_when_nothing_is_read_and_not_when_it_is_read_slowly() {
        let (mut client, server) = tokio::io::duplex(16);
        let mut server = Written::new(server, SEND, None);
        let slowly = async {
            for _ in 0..12 {
                tokio::time::sleep(SEND / 4).await;
                client.read_exact(&mut [0; 8]).await.unwrap();
            }
        };
        let (written, ()) = tokio::join!(server.write_all(&[0; 12 * 8 + 16]), slowly);
        written.unwrap();
        let broken = server.write_all(&[0; 1]).await.unwrap_err();
        assert_eq!(broken.kind(), io::ErrorKind::TimedOut);
    }
}
