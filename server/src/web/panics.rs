//! A panic in a handler becomes a 500 with an id that is also in the log.

use std::pin::pin;

use app::contract::ApiError;
use axum::body::Body;
use axum::middleware::Next;
use axum::response::Response;
use http::Request;
use uuid::Uuid;

use super::answer;
use crate::event::Failure;
use crate::faults;

pub(super) async fn catch(request: Request<Body>, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let wants_page = answer::wants_page(request.headers());
    match faults::caught(pin!(next.run(request))).await {
        Ok(response) => response,
        Err(panic) => {
            let error_id = Uuid::now_v7();
            tracing::error!(errorId = %error_id, path, panic = panic.message, location = panic.location, "a request panicked");
            let mut response = answer::failed(&ApiError::Internal { error_id }, wants_page);
            let message = format!("{} (error {error_id})", panic.message);
            let failure = Failure { kind: "panic", message, error_id: Some(error_id), location: panic.location };
            response.extensions_mut().insert(failure);
            response
        }
    }
}
