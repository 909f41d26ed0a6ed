//! A panic in a handler becomes a 500 with an id that is also in the log.

use std::any::Any;
use std::panic::AssertUnwindSafe;

use app::contract::ApiError;
use axum::body::Body;
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use futures::FutureExt;
use http::header::ACCEPT;
use http::{Request, StatusCode};
use uuid::Uuid;

use super::answer;
use crate::event::Failure;

pub(super) async fn catch(request: Request<Body>, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let wants_html = request.headers().get(ACCEPT).and_then(|value| value.to_str().ok()).is_some_and(|accept| accept.contains("text/html"));
    match AssertUnwindSafe(next.run(request)).catch_unwind().await {
        Ok(response) => response,
        Err(payload) => {
            let error_id = Uuid::now_v7();
            let message = message_of(payload.as_ref());
            tracing::error!(error_id = %error_id, path, panic = message, "a request panicked");
            let mut response = if wants_html { page(error_id) } else { answer::api_error(&ApiError::Internal { error_id }) };
            let failure = Failure { kind: "panic", message: format!("{message} (error {error_id})") };
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

fn message_of(payload: &(dyn Any + Send)) -> &str {
    payload.downcast_ref::<&str>().copied().or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}
