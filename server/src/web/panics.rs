//! A panic in a handler becomes a 500 with an id that is also in the log.

use std::pin::pin;

use app::contract::ApiError;
use axum::body::Body;
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use http::header::ACCEPT;
use http::{Request, StatusCode};
use uuid::Uuid;

use super::answer;
use crate::event::Failure;
use crate::faults;

pub(super) async fn catch(request: Request<Body>, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let wants_html = request.headers().get(ACCEPT).and_then(|value| value.to_str().ok()).is_some_and(|accept| accept.contains("text/html"));
    match faults::caught(pin!(next.run(request))).await {
        Ok(response) => response,
        Err(panic) => {
            let error_id = Uuid::now_v7();
            tracing::error!(%error_id, path, panic = panic.message, location = panic.location, "a request panicked");
            let mut response = if wants_html { page(error_id) } else { answer::api_error(&ApiError::Internal { error_id }) };
            let message = format!("{} (error {error_id})", panic.message);
            let failure = Failure { kind: "panic", message, error_id: Some(error_id), location: panic.location };
            response.extensions_mut().insert(failure);
            response
        }
    }
}

fn page(error_id: Uuid) -> Response {
    let text = format!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Error</title></head><body><h1>Something went wrong on the \
         server</h1><p>Error {error_id} in the server's log says more.</p><p><a href=\"/\">Go to overview</a></p></body></html>"
    );
    (StatusCode::INTERNAL_SERVER_ERROR, Html(text)).into_response()
}
