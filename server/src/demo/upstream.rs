//! The demo's one server on loopback: an echo for routes, a receiver for webhooks, and an AI provider that says what it was
//! scripted to say.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{echo, provider};
use crate::accept::Accept;

/// Where webhooks are received. A request that a person sends through the echo's route can't be told from one by its path,
/// and need not be.
pub const HOOK: &str = "/demo/webhook";
/// The provider's base path.
pub const AI: &str = "/demo/ai/v1";
/// At once: as many as the gateway takes.
const CONNECTIONS: usize = 10_000;
/// Larger bodies get 413.
const BODY_LIMIT: usize = 1024 * 1024;

pub(super) type Answer = Response<UnsyncBoxBody<Bytes, Infallible>>;

/// Starts it on a free loopback port; it ends with the token.
///
/// # Errors
/// When no loopback port can be had.
pub async fn start(shutdown: CancellationToken) -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        let mut accept = Accept::new(listener, CONNECTIONS, "the demo's server");
        loop {
            let (stream, _, slot) = tokio::select! {
                () = shutdown.cancelled() => break,
                accepted = accept.next() => accepted,
            };
            let shutdown = shutdown.clone();
            tokio::spawn(async move {
                let builder = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
                let connection = builder.serve_connection(TokioIo::new(stream), service_fn(answer));
                tokio::select! {
                    () = shutdown.cancelled() => {}
                    _ = connection => {}
                }
                drop(slot);
            });
        }
    });
    Ok(address)
}

async fn answer(request: Request<Incoming>) -> Result<Answer, Infallible> {
    let (parts, body) = request.into_parts();
    let Ok(body) = Limited::new(body, BODY_LIMIT).collect().await else {
        return Ok(json(StatusCode::PAYLOAD_TOO_LARGE, &serde_json::json!({ "error": "the demo takes at most 1 MiB" })));
    };
    let body = body.to_bytes();
    Ok(match parts.uri.path() {
        HOOK => json(StatusCode::OK, &serde_json::json!({ "received": true })),
        path => match path.strip_prefix(AI) {
            Some(path) => provider::answer(path, &body),
            None => echo::answer(&parts, &body),
        },
    })
}

pub(super) fn json(status: StatusCode, value: &Value) -> Answer {
    let mut response = Response::new(Full::new(Bytes::from(format!("{value:#}\n"))).boxed_unsync());
    *response.status_mut() = status;
    response.headers_mut().insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
    response
}
