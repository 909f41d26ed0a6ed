//! Serves connections: HTTP/1.1 and HTTP/2, bounded in number and in how long a head may take, and lets them finish at
//! the end.

use std::pin::pin;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use super::request::Peer;
use super::{Console, router};
use crate::accept::Accept;
use crate::auth::Auth;

const CONNECTIONS: usize = 1024;
const HEAD: Duration = Duration::from_secs(15);
const SWEEP_EVERY: Duration = Duration::from_secs(60 * 60);

/// Serves the console until `shutdown`, then lets requests under way finish within `grace`.
pub async fn serve(listener: TcpListener, console: Console, shutdown: CancellationToken, grace: Duration) {
    let app = router(&console);
    let graceful = GracefulShutdown::new();
    let mut accept = Accept::new(listener, CONNECTIONS, "the console");
    let mut tasks = JoinSet::new();
    let mut sweep = tokio::time::interval(SWEEP_EVERY);
    sweep.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = shutdown.cancelled() => break,
            accepted = accept.next() => {
                let (stream, _, permit) = accepted;
                tasks.spawn(connection(stream, permit, app.clone(), &graceful));
            }
            _ = sweep.tick() => {
                tasks.spawn(remove_what_is_over(console.auth().clone()));
            }
            Some(_) = tasks.join_next() => {}
        }
    }
    drop(accept);
    if tokio::time::timeout(grace, graceful.shutdown()).await.is_err() {
        tracing::warn!("requests of the console were cut off: they took longer than {} s to finish", grace.as_secs_f32());
    }
}

fn connection(
    stream: TcpStream,
    permit: OwnedSemaphorePermit,
    app: Router,
    graceful: &GracefulShutdown,
) -> impl Future<Output = ()> + Send + use<> {
    let peer = stream.peer_addr().ok().map(|address| Peer(address.ip().to_canonical()));
    let begun = CancellationToken::new();
    let first = begun.clone();
    let service = service_fn(move |mut request: Request<Incoming>| {
        first.cancel();
        if let Some(peer) = peer {
            request.extensions_mut().insert(peer);
        }
        app.clone().oneshot(request.map(Body::new))
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD);
    builder.http2().timer(TokioTimer::new()).keep_alive_interval(Duration::from_secs(30)).max_concurrent_streams(100);
    let serving = graceful.watch(builder.serve_connection(TokioIo::new(stream), service).into_owned());
    async move {
        let mut serving = pin!(serving);
        // hyper's own limit for a head starts only once it knows which HTTP it speaks.
        let ended = tokio::select! {
            ended = serving.as_mut() => Some(ended),
            begun = tokio::time::timeout(HEAD, begun.cancelled()) => if begun.is_ok() { Some(serving.await) } else { None },
        };
        if let Some(Err(error)) = ended {
            tracing::debug!(error = %error, "a connection to the console broke off");
        }
        drop(permit);
    }
}

async fn remove_what_is_over(auth: Auth) {
    if let Err(error) = auth.sweep().await {
        tracing::warn!(%error, "expired sessions could not be removed");
    }
}
