//! Accepts connections, serves HTTP/1.1 and HTTP/2 on them, and ends in order.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::client::Client;
use super::handler::Handler;
use super::limiter::Limiter;
use super::seats::Seats;
use super::wire::{self, Inlet, Watch};
use crate::accept::Accept;
use crate::bus::Bus;
use crate::connection::{Held, Requests, SEND_TIMEOUT, Written, drive};
use crate::live::Routing;
use crate::outbound::Outbound;
use crate::peers::Proxies;

/// What a listener allows its clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// From the moment a request may come (also on a kept-alive connection) until its head is complete. HTTP/2
    /// connections are pinged in this interval instead, and closed when they have had no request open for so long.
    pub header_timeout: Duration,
    /// How long a client may read nothing of an answer before its connection is closed.
    pub send_timeout: Duration,
    /// Of a request's head, in bytes; at least 8 KiB.
    pub max_header_bytes: usize,
    pub max_headers: usize,
    /// Above it, connections wait to be accepted.
    pub max_connections: usize,
    /// Requests at once on one HTTP/2 connection.
    pub max_streams: u32,
    /// Requests at once of one workspace; what comes beyond is refused with 429.
    pub max_requests: usize,
    /// Peers whose word on whom a request comes from is taken.
    pub proxies: Proxies,
    /// How long requests may go on after the shutdown began.
    pub shutdown_grace: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            header_timeout: Duration::from_secs(60),
            send_timeout: SEND_TIMEOUT,
            max_header_bytes: 64 * 1024,
            max_headers: HYPER_MAX_HEADERS,
            max_connections: 10_000,
            max_streams: 1_000,
            max_requests: 2_000,
            proxies: Proxies::default(),
            shutdown_grace: Duration::from_secs(30),
        }
    }
}

/// hyper's own default; with any other number it allocates for every request.
const HYPER_MAX_HEADERS: usize = 100;
const HYPER_MIN_BUFFER: usize = 8192;
const H2_PING_TIMEOUT: Duration = Duration::from_secs(20);
/// What one request's body may have in flight, and all of a connection's together: were the two equal (as they are by
/// default), one upstream that does not read would stop every other upload on the client's connection.
const H2_STREAM_WINDOW: u32 = 256 * 1024;
const H2_CONNECTION_WINDOW: u32 = 8 * 1024 * 1024;
/// What of one answer may wait for a client that does not read.
const H2_SEND_BUFFER: usize = 64 * 1024;

/// Serves until `shutdown`, then finishes the requests under way within the grace and returns.
pub async fn serve(
    listener: TcpListener,
    config: Config,
    routing: Arc<ArcSwap<Routing>>,
    bus: Bus,
    outbound: Outbound,
    shutdown: CancellationToken,
) {
    let mut accept = Accept::new(listener, config.max_connections, "the gateway").trusting(config.proxies.clone());
    let grace = config.shutdown_grace;
    let kill = CancellationToken::new();
    let handler = Handler {
        routing,
        bus,
        outbound,
        limiter: Limiter::default(),
        seats: Seats::new(config.max_requests),
        rates: Arc::default(),
        copies: Arc::default(),
    };
    let server = Arc::new(Server::new(&config, handler));
    let tracker = TaskTracker::new();
    loop {
        let (stream, peer, place) = tokio::select! {
            biased;
            () = shutdown.cancelled() => break,
            accepted = accept.next() => accepted,
        };
        let (server, drain, kill) = (Arc::clone(&server), shutdown.child_token(), kill.child_token());
        tracker.spawn(async move {
            server.connection(stream, peer, drain, kill).await;
            drop(place);
        });
    }
    drop(accept);
    tracker.close();
    if tokio::time::timeout(grace, tracker.wait()).await.is_err() {
        tracing::warn!(connections = tracker.len(), ?grace, "requests did not finish in time; closing their connections");
        kill.cancel();
        tracker.wait().await;
    }
}

struct Server {
    http1: http1::Builder,
    http2: http2::Builder<TokioExecutor>,
    header_timeout: Duration,
    send_timeout: Duration,
    proxies: Proxies,
    handler: Arc<Handler>,
}

impl Server {
    fn new(config: &Config, handler: Handler) -> Self {
        let header_bytes = config.max_header_bytes.max(HYPER_MIN_BUFFER);
        let mut http1 = http1::Builder::new();
        http1.timer(TokioTimer::new()).header_read_timeout(config.header_timeout).max_header_size(header_bytes).half_close(false);
        if config.max_headers != HYPER_MAX_HEADERS {
            http1.max_headers(config.max_headers);
        }
        let mut http2 = http2::Builder::new(TokioExecutor::new());
        http2
            .timer(TokioTimer::new())
            .keep_alive_interval(config.header_timeout)
            .keep_alive_timeout(H2_PING_TIMEOUT)
            .max_header_list_size(u32::try_from(header_bytes).unwrap_or(u32::MAX))
            .initial_stream_window_size(H2_STREAM_WINDOW)
            .initial_connection_window_size(H2_CONNECTION_WINDOW)
            .max_send_buf_size(H2_SEND_BUFFER)
            .max_concurrent_streams(config.max_streams);
        Self {
            http1,
            http2,
            header_timeout: config.header_timeout,
            send_timeout: config.send_timeout,
            proxies: config.proxies.clone(),
            handler: Arc::new(handler),
        }
    }

    async fn connection(&self, mut stream: TcpStream, peer: SocketAddr, drain: CancellationToken, kill: CancellationToken) {
        // A socket that refuses still works, only later.
        let _ = stream.set_nodelay(true);
        let (is_h2, ahead) = tokio::select! {
            () = drain.cancelled() => return,
            sniffed = tokio::time::timeout(self.header_timeout, wire::sniff(&mut stream)) => match sniffed {
                Ok(Ok(sniffed)) => sniffed,
                Ok(Err(_)) | Err(_) => return,
            },
        };
        let address = peer.ip().to_canonical();
        let ended = if is_h2 {
            let requests = Requests::new(self.send_timeout);
            let service = self.service(Client::new(address, None, &self.proxies), Some(requests.clone()));
            let stream = Written::new(Inlet::h2(stream, ahead), self.send_timeout, Some(requests.clone()));
            let connection = self.http2.serve_connection(TokioIo::new(stream), service);
            let idle = Some((requests, self.header_timeout));
            drive(connection, http2::Connection::graceful_shutdown, idle, drain, kill).await
        } else {
            let watch = Arc::new(Watch::default());
            // Its time to be idle is that of the next head.
            let service = self.service(Client::new(address, Some(Arc::clone(&watch)), &self.proxies), None);
            let stream = Written::new(Inlet::h1(stream, ahead, watch), self.send_timeout, None);
            let connection = self.http1.serve_connection(TokioIo::new(stream), service);
            drive(connection, http1::Connection::graceful_shutdown, None, drain, kill).await
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "a client's connection ended");
        }
    }

    /// `requests`: where they are counted.
    fn service(
        &self,
        client: Client,
        requests: Option<Requests>,
    ) -> impl hyper::service::Service<
        hyper::Request<hyper::body::Incoming>,
        Response = hyper::Response<Held<super::body::Body>>,
        Error = Infallible,
        Future: Send + 'static,
    > + use<> {
        let (handler, proxies) = (Arc::clone(&self.handler), self.proxies.clone());
        service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
            let open = requests.as_ref().map(Requests::begin);
            let (handler, client) = (Arc::clone(&handler), client.of_request(request.headers(), &proxies));
            async move { Ok(handler.handle(request, &client).await.map(|body| Held::new(body, open))) }
        })
    }
}
