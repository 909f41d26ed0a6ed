//! Plain HTTP/1.1 towards upstreams, on connections that have no task of their own: whoever waits for the answer, and then
//! reads its body, also moves the bytes. So an answer's head and body reach the client's connection in one go, and no task has
//! to wake another in between.
//!
//! What a request costs besides its bytes is decided here. Whatever needs more than one thing to go on at a time (a body that
//! is still being sent when its answer comes) gets a task after all. Idle connections are watched by nobody: one that was
//! closed meanwhile is found out when it is taken, and thrown away within half a minute.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use foldhash::HashMap;
use http::header::{self, HeaderValue};
use http::uri::{Authority, PathAndQuery};
use http::{Request, Response, Uri};
use http_body::{Frame, SizeHint};
use hyper::body::Incoming as Received;
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::Instant;
use tower::Service as _;

use super::body::{Body, BoxError};
use super::connect;
use super::pools::Pools;
use super::{Error, IDLE, IDLE_PER_HOST};
use crate::values::TenantId;

/// Connections to upstreams that speak HTTP without TLS.
#[derive(Clone)]
pub(super) struct Direct {
    pools: Arc<Pools>,
    idle: Arc<Idle>,
}

impl Direct {
    pub(super) fn new(pools: Arc<Pools>) -> Self {
        Self { pools, idle: Arc::default() }
    }

    /// As [`super::Outbound::send`], for a URI with the scheme `http`.
    pub(super) async fn send(
        &self,
        workspace: TenantId,
        request: Request<Body>,
        connect_timeout: Duration,
    ) -> Result<Response<Incoming>, Error> {
        let uri = request.uri().clone();
        let Some(authority) = uri.authority() else { return Err(Error::Other("the URI has no host".to_owned())) };
        let place = (workspace, authority.clone());
        let (mut request, sent) = prepared(request, &uri);
        loop {
            let (mut line, reused) = match self.idle.take(&place) {
                Some(line) => (line, true),
                None => (self.connect(workspace, &uri, connect_timeout).await?, false),
            };
            match line.exchange(request).await {
                Ok(response) => {
                    let back = Back { line, idle: Arc::clone(&self.idle), place };
                    return Ok(back.answer(response, sent.as_deref()));
                }
                Err(mut error) => match error.take_message() {
                    // It was closed while nobody looked, and nothing of the request had left.
                    Some(unsent) if reused => request = unsent,
                    _ => return Err(Error::classify(&error.into_error())),
                },
            }
        }
    }

    async fn connect(&self, workspace: TenantId, uri: &Uri, timeout: Duration) -> Result<Line, Error> {
        let (mut connector, to) = (self.pools.plain(), uri.clone());
        let connected = connect::within(timeout, self.pools.turns(workspace), async move { connector.call(to).await }).await;
        let stream = connected.map_err(|error| Error::classify(&*error))?;
        let (sender, driver) = http1::handshake(stream).await.map_err(|error| Error::classify(&error))?;
        Ok(Line { host: host(uri), sender, driver: Some(Box::new(driver)) })
    }
}

/// The request in origin form; and what says when its body has been sent, if it has one.
fn prepared(request: Request<Body>, uri: &Uri) -> (Request<Sending>, Option<Arc<AtomicBool>>) {
    let sent = (!matches!(request.body(), Body::Empty)).then(Arc::<AtomicBool>::default);
    let mut request = request.map(|body| Sending { body, sent: sent.clone() });
    *request.uri_mut() = Uri::from(uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/")));
    (request, sent)
}

/// `Host` for whoever is at this address, without the port that `http` has anyway.
fn host(uri: &Uri) -> HeaderValue {
    let name = match uri.authority() {
        Some(authority) if matches!(authority.port_u16(), None | Some(80)) => authority.host(),
        Some(authority) => authority.as_str(),
        None => "",
    };
    HeaderValue::from_str(name).unwrap_or(HeaderValue::from_static(""))
}

/// A body on its way, which says when it is through with.
struct Sending {
    body: Body,
    sent: Option<Arc<AtomicBool>>,
}

impl Drop for Sending {
    fn drop(&mut self) {
        if let Some(sent) = &self.sent {
            sent.store(true, Ordering::Relaxed);
        }
    }
}

impl http_body::Body for Sending {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// One connection: what takes requests, and what moves the bytes when it is polled.
struct Line {
    host: HeaderValue,
    sender: SendRequest<Sending>,
    /// `None` once it has ended.
    driver: Option<Box<http1::Connection<TokioIo<TcpStream>, Sending>>>,
}

impl Line {
    fn drive(&mut self, cx: &mut Context<'_>) {
        if self.driver.as_mut().is_some_and(|driver| Pin::new(driver).poll(cx).is_ready()) {
            // Whoever waits for something of it learns why from what the connection leaves behind.
            self.driver = None;
        }
    }

    /// Whether it takes a request now.
    fn is_idle(&mut self) -> bool {
        // Nobody is to be woken on its behalf, nor whoever used it last.
        // And whatever the task at hand has done already, the socket is really looked at.
        let mut look = pin!(tokio::task::unconstrained(poll_fn(|cx| {
            self.drive(cx);
            Poll::Ready(())
        })));
        let _ = look.as_mut().poll(&mut quiet());
        self.driver.is_some() && self.sender.is_ready()
    }

    async fn exchange(&mut self, mut request: Request<Sending>) -> Result<Response<Received>, TrySendError<Request<Sending>>> {
        request.headers_mut().entry(header::HOST).or_insert_with(|| self.host.clone());
        let mut answer = pin!(self.sender.try_send_request(request));
        poll_fn(|cx| {
            self.drive(cx);
            answer.as_mut().poll(cx)
        })
        .await
    }
}

/// For what needs no waking, because it moves only when the driver is polled.
fn quiet() -> Context<'static> {
    Context::from_waker(Waker::noop())
}

/// Whose a connection is, and where it leads: some upstreams take it for whoever used it first.
type Place = (TenantId, Authority);

/// A connection in use, and where it belongs afterwards.
struct Back {
    line: Line,
    idle: Arc<Idle>,
    place: Place,
}

impl Back {
    fn answer(self, response: Response<Received>, sent: Option<&AtomicBool>) -> Response<Incoming> {
        let done = sent.is_none_or(|sent| sent.load(Ordering::Relaxed));
        response.map(|body| match (done, http_body::Body::is_end_stream(&body)) {
            (true, true) => {
                self.keep();
                Incoming { body, back: None, broken: None }
            }
            (true, false) => Incoming { body, back: Some(Box::new(self)), broken: None },
            (false, _) => {
                tokio::spawn(self.run());
                Incoming { body, back: None, broken: None }
            }
        })
    }

    /// Moves the bytes until the exchange is over.
    async fn run(mut self) {
        let usable = poll_fn(|cx| {
            self.line.drive(cx);
            if self.line.driver.is_none() { Poll::Ready(false) } else { self.line.sender.poll_ready(cx).map(|ready| ready.is_ok()) }
        });
        if usable.await {
            self.keep();
        }
    }

    fn keep(mut self) {
        if self.line.is_idle() {
            Idle::put(&self.idle, self.place, self.line);
        }
    }
}

/// An answer's body.
pub struct Incoming {
    body: Received,
    /// Until its end, if nothing else moves its connection.
    back: Option<Box<Back>>,
    /// Why it broke off, while whoever reads it passes on what came before.
    broken: Option<hyper::Error>,
}

impl From<Received> for Incoming {
    fn from(body: Received) -> Self {
        Self { body, back: None, broken: None }
    }
}

impl http_body::Body for Incoming {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let this = &mut *self;
        if let Some(broken) = this.broken.take() {
            return Poll::Ready(Some(Err(broken)));
        }
        let Some(back) = &mut this.back else { return Pin::new(&mut this.body).poll_frame(cx) };
        let mut next = Pin::new(&mut this.body).poll_frame(&mut quiet());
        if next.is_pending() {
            back.line.drive(cx);
            next = Pin::new(&mut this.body).poll_frame(&mut quiet());
        }
        if let Poll::Ready(Some(Err(broken))) = next {
            // It may have come in the same breath as the last bytes, and a server that is told of it closes at once.
            (this.back, this.broken) = (None, Some(broken));
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let over = matches!(next, Poll::Ready(None)) || next.is_ready() && http_body::Body::is_end_stream(&this.body);
        if over && let Some(back) = this.back.take() {
            back.keep();
        }
        next
    }

    fn is_end_stream(&self) -> bool {
        self.broken.is_none() && http_body::Body::is_end_stream(&self.body)
    }

    fn size_hint(&self) -> SizeHint {
        http_body::Body::size_hint(&self.body)
    }
}

/// Connections that wait for their next request.
#[derive(Default)]
struct Idle {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The one used last is at the end.
    lines: HashMap<Place, VecDeque<(Line, Instant)>>,
    sweeping: bool,
}

impl Idle {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, place: &Place) -> Option<Line> {
        loop {
            let (mut line, since) = self.lock().lines.get_mut(place)?.pop_back()?;
            if since.elapsed() < IDLE && line.is_idle() {
                return Some(line);
            }
        }
    }

    fn put(this: &Arc<Self>, place: Place, line: Line) {
        let mut state = this.lock();
        let lines = state.lines.entry(place).or_default();
        if lines.len() < IDLE_PER_HOST {
            lines.push_back((line, Instant::now()));
        }
        if !std::mem::replace(&mut state.sweeping, true) {
            tokio::spawn(Self::sweep(Arc::downgrade(this)));
        }
    }

    /// Throws away what nobody took in time; whether a connection was closed is looked at when it is taken, so that requests
    /// never wait for sockets here. Ends when nothing is left, so that there is no timer then.
    async fn sweep(this: std::sync::Weak<Self>) {
        loop {
            tokio::time::sleep(IDLE).await;
            let Some(this) = this.upgrade() else { return };
            let mut old = Vec::new();
            let mut state = this.lock();
            for lines in state.lines.values_mut() {
                old.extend(std::iter::from_fn(|| lines.pop_front_if(|(_, since)| since.elapsed() >= IDLE)));
            }
            state.lines.retain(|_, lines| !lines.is_empty());
            let over = state.lines.is_empty();
            if over {
                state.sweeping = false;
            }
            drop(state);
            // Closing them is not done with the others waiting either.
            drop(old);
            if over {
                return;
            }
        }
    }
}
