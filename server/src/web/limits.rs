//! How large a request may be and how long it may take.

use std::time::Duration;

use axum::body::Body;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_LENGTH;
use http::{Request, StatusCode};
use http_body_util::Limited;
use uuid::Uuid;

use crate::event::Failure;

/// The largest form is a few kilobytes.
pub(super) const BODY_BYTES: usize = 1024 * 1024;
const TIME: Duration = Duration::from_secs(30);

pub(super) async fn size(request: Request<Body>, next: Next) -> Response {
    let length = request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()).and_then(|text| text.parse::<u64>().ok());
    if length.is_some_and(|length| length > BODY_BYTES as u64) {
        return (StatusCode::PAYLOAD_TOO_LARGE, "a request to the console may have at most 1 MiB\n").into_response();
    }
    next.run(request.map(|body| Body::new(Limited::new(body, BODY_BYTES)))).await
}

/// Until the head of the response; a page's body follows at once, and a slow reader is the connection's matter.
pub(super) async fn time(request: Request<Body>, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    match tokio::time::timeout(TIME, next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            let error_id = Uuid::now_v7();
            tracing::error!(errorId = %error_id, path, "a request of the console took too long");
            let text = format!("this took too long; try again (error {error_id})\n");
            let mut response = (StatusCode::SERVICE_UNAVAILABLE, text).into_response();
            let message = format!("no answer within {} s", TIME.as_secs());
            response.extensions_mut().insert(Failure { error_id: Some(error_id), ..Failure::new("timeout", message) });
            response
        }
    }
}
