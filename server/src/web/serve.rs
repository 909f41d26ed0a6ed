//! Serves connections: HTTP/1.1 and HTTP/2, bounded in number and in how long a head may take or nobody uses them, and lets them
//! finish at the end.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use super::request::Peer;
use super::{Console, router};
use crate::accept::Accept;
use crate::auth::Auth;
use crate::connection::{Held, Requests, SEND_TIMEOUT, Written, drive};

const CONNECTIONS: usize = 1024;
/// For a head, and for the next one on a connection that is kept.
const HEAD: Duration = Duration::from_secs(15);
const SWEEP_EVERY: Duration = Duration::from_secs(60 * 60);
/// A session that ended while the disk had no room comes back with a restart until the store knows.
const SETTLE_EVERY: Duration = Duration::from_secs(60);

/// Serves the console until `shutdown`, then lets requests under way finish within `grace`.
pub async fn serve(listener: TcpListener, console: Console, shutdown: CancellationToken, grace: Duration) {
    let app = router(&console);
    let mut accept = Accept::new(listener, CONNECTIONS, "the console").trusting(console.proxies().clone());
    let mut tasks = JoinSet::new();
    let mut sweep = tokio::time::interval(SWEEP_EVERY);
    let mut settle = tokio::time::interval(SETTLE_EVERY);
    for ticks in [&mut sweep, &mut settle] {
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    }
    loop {
        tokio::select! {
            () = shutdown.cancelled() => break,
            accepted = accept.next() => {
                let (stream, peer, place) = accepted;
                let serving = connection(stream, peer, app.clone(), shutdown.clone());
                tasks.spawn(async move {
                    serving.await;
                    drop(place);
                });
            }
            _ = sweep.tick() => {
                tasks.spawn(remove_what_is_over(console.auth().clone()));
            }
            _ = settle.tick() => {
                tasks.spawn(tell_what_has_ended(console.auth().clone()));
            }
            Some(_) = tasks.join_next() => {}
        }
    }
    drop(accept);
    let ended = async { while tasks.join_next().await.is_some() {} };
    if tokio::time::timeout(grace, ended).await.is_err() {
        tracing::warn!("requests of the console were cut off: they took longer than {} s to finish", grace.as_secs_f32());
    }
    tell_what_has_ended(console.auth().clone()).await;
}

async fn connection(stream: TcpStream, peer: SocketAddr, app: Router, drain: CancellationToken) {
    let peer = Peer(peer.ip().to_canonical());
    let requests = Requests::new(SEND_TIMEOUT);
    let counted = requests.clone();
    let service = service_fn(move |mut request: Request<Incoming>| {
        let open = counted.begin();
        request.extensions_mut().insert(peer);
        let answer = app.clone().oneshot(request.map(Body::new));
        async move { answer.await.map(|response| response.map(|body| Held::new(body, Some(open)))) }
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD);
    builder.http2().timer(TokioTimer::new()).keep_alive_interval(Duration::from_secs(30)).max_concurrent_streams(100);
    let stream = Written::new(stream, SEND_TIMEOUT, Some(requests.clone()));
    let serving = builder.serve_connection(TokioIo::new(stream), service).into_owned();
    drop(builder);
    // hyper's own limit for a head starts only once it knows which HTTP it speaks. Whoever waits for the end cuts it short.
    let never = CancellationToken::new();
    if let Err(error) = drive(serving, |serving| serving.graceful_shutdown(), Some((requests, HEAD)), drain, never).await {
        tracing::debug!(%error, "a connection to the console broke off");
    }
}

async fn tell_what_has_ended(auth: Auth) {
    if let Err(error) = auth.settle().await {
        tracing::warn!(%error, "sessions that have ended could not be removed yet");
    }
}

async fn remove_what_is_over(auth: Auth) {
    if let Err(error) = auth.sweep().await {
        tracing::warn!(%error, "expired sessions could not be removed");
    }
}
