//! What `--demo` adds so that the quick start needs nothing else: an upstream on loopback that answers with what it
//! received. It never leaves loopback and never sees anything but the demo's own requests.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// The echo answers with at most this much of a body; larger ones get 413.
const BODY_LIMIT: usize = 1024 * 1024;

/// Starts the echo upstream on a free loopback port; it ends with the token.
///
/// # Errors
/// When no loopback port can be had.
pub async fn echo_upstream(shutdown: CancellationToken) -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        loop {
            let accepted = tokio::select! {
                () = shutdown.cancelled() => break,
                accepted = listener.accept() => accepted,
            };
            let Ok((stream, _)) = accepted else { continue };
            let shutdown = shutdown.clone();
            tokio::spawn(async move {
                let builder = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
                let connection = builder.serve_connection(TokioIo::new(stream), service_fn(echo));
                tokio::select! {
                    () = shutdown.cancelled() => {}
                    _ = connection => {}
                }
            });
        }
    });
    Ok(address)
}

/// `?status=503` chooses the answer's status, so that errors can be seen in the telemetry too.
async fn echo(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let wanted = parts.uri.query().and_then(|query| query.split('&').find_map(|pair| pair.strip_prefix("status=")));
    let status = wanted.and_then(|status| status.parse().ok()).filter(|status: &u16| (200..600).contains(status)).unwrap_or(200);
    let headers: serde_json::Map<String, serde_json::Value> = parts
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned().into()))
        .collect();
    let Ok(body) = Limited::new(body, BODY_LIMIT).collect().await else {
        return Ok(json(StatusCode::PAYLOAD_TOO_LARGE, &serde_json::json!({ "error": "the echo takes at most 1 MiB" })));
    };
    let answer = serde_json::json!({
        "method": parts.method.as_str(),
        "path": parts.uri.path(),
        "query": parts.uri.query(),
        "headers": headers,
        "body": String::from_utf8_lossy(&body.to_bytes()),
    });
    Ok(json(StatusCode::from_u16(status).unwrap_or(StatusCode::OK), &answer))
}

fn json(status: StatusCode, value: &serde_json::Value) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(format!("{value:#}\n"))));
    *response.status_mut() = status;
    response.headers_mut().insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
    response
}
