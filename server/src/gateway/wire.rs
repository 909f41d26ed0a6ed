//! Watches the bytes of HTTP/1.1 connections for messages whose end two servers could see in different places.
//!
//! hyper is lenient where RFC 9112 lets it be, and hides what it was lenient about: with `Transfer-Encoding` and
//! `Content-Length` both present it drops the length and closes afterwards; it takes `gzip, chunked` for chunked, merges
//! repeated equal lengths, and lets a bare LF end a line. Each is safe as hyper reads it, but a proxy in front of us may
//! have read it otherwise. So this follows the framing by the strict grammar alone; from the first message on that
//! leaves it, requests are in doubt: the handler answers 400 and the connection is closed. It changes no byte.
//! What hyper refuses itself (space before a colon, folded lines, differing lengths, sizes that are not hexadecimal) gets
//! hyper's bare 400, or a broken connection inside a body.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Sleep;

use super::framing::Framing;

const H2_PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// How long, and for how many bytes, a client that was refused while sending may go on, so that it reads the answer
/// instead of a reset.
const LINGER: Duration = Duration::from_secs(2);
const LINGER_BYTES: usize = 4 * 1024 * 1024;

/// What the connection's bytes told, for the handler of its requests.
#[derive(Debug)]
pub(super) struct Watch {
    /// The first request in doubt, counted from 1.
    doubt_from: AtomicU64,
    handled: AtomicU64,
    linger: AtomicBool,
}

impl Default for Watch {
    fn default() -> Self {
        Self { doubt_from: AtomicU64::new(u64::MAX), handled: AtomicU64::new(0), linger: AtomicBool::new(false) }
    }
}

impl Watch {
    /// Call once per request, in their order.
    pub(super) fn next_is_in_doubt(&self) -> bool {
        let number = self.handled.fetch_add(1, Ordering::Relaxed) + 1;
        number >= self.doubt_from.load(Ordering::Relaxed)
    }

    /// The next message can't be told: nothing more is served here.
    pub(super) fn in_doubt(&self) -> bool {
        self.doubt_from.load(Ordering::Relaxed) != u64::MAX
    }

    /// The answer goes out while the client still sends: close gently.
    pub(super) fn linger(&self) {
        self.linger.store(true, Ordering::Relaxed);
    }
}

/// Reads the first bytes of a connection, as many as it takes to tell HTTP/2's preface from anything else.
pub(super) async fn sniff(stream: &mut TcpStream) -> io::Result<(bool, Vec<u8>)> {
    let mut first = [0; H2_PREFACE.len()];
    let mut length = 0;
    loop {
        let read = stream.read(&mut first[length..]).await?;
        length += read;
        if read == 0 || first[..length] != H2_PREFACE[..length] {
            return Ok((false, first[..length].to_vec()));
        }
        if length == H2_PREFACE.len() {
            return Ok((true, first.to_vec()));
        }
    }
}

/// A client's connection, with the bytes that were read ahead.
pub(super) struct Inlet {
    stream: TcpStream,
    ahead: Vec<u8>,
    given: usize,
    framing: Option<Framing>,
    watch: Arc<Watch>,
    lingering: Option<(Pin<Box<Sleep>>, usize)>,
}

impl Inlet {
    pub(super) fn h1(stream: TcpStream, ahead: Vec<u8>, watch: Arc<Watch>) -> Self {
        Self { stream, ahead, given: 0, framing: Some(Framing::default()), watch, lingering: None }
    }

    pub(super) fn h2(stream: TcpStream, ahead: Vec<u8>) -> Self {
        Self { stream, ahead, given: 0, framing: None, watch: Arc::default(), lingering: None }
    }
}

impl AsyncRead for Inlet {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        if this.given < this.ahead.len() {
            let rest = &this.ahead[this.given..];
            let taken = rest.len().min(buf.remaining());
            buf.put_slice(&rest[..taken]);
            this.given += taken;
            if this.given == this.ahead.len() {
                this.ahead = Vec::new();
                this.given = 0;
            }
        } else {
            ready!(Pin::new(&mut this.stream).poll_read(cx, buf))?;
        }
        if let Some(framing) = &mut this.framing
            && let Err(doubt) = framing.feed(&buf.filled()[before..])
        {
            tracing::debug!(reason = doubt.reason, "ambiguous message framing");
            this.watch.doubt_from.store(doubt.request, Ordering::Relaxed);
            this.framing = None;
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Inlet {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(self: Pin<&mut Self>, cx: &mut Context<'_>, slices: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.lingering.is_none() {
            ready!(Pin::new(&mut this.stream).poll_shutdown(cx))?;
            if !this.watch.linger.load(Ordering::Relaxed) {
                return Poll::Ready(Ok(()));
            }
        }
        let (until, seen) = this.lingering.get_or_insert_with(|| (Box::pin(tokio::time::sleep(LINGER)), 0));
        let mut scratch = [0; 8192];
        while until.as_mut().poll(cx).is_pending() && *seen < LINGER_BYTES {
            let mut buf = ReadBuf::new(&mut scratch);
            // Whatever goes wrong here, the answer is out and the connection ends.
            if ready!(Pin::new(&mut this.stream).poll_read(cx, &mut buf)).is_err() || buf.filled().is_empty() {
                break;
            }
            *seen += buf.filled().len();
        }
        Poll::Ready(Ok(()))
    }
}
