//! The HTTP status that belongs to each [`ApiError`], for server functions.
//!
//! The framework answers every error of a server function with 500. That would make a mistyped form look like a failure
//! of the server in every log and dashboard.

use app::contract::ApiError;
use axum::body::{Body, to_bytes};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Request, StatusCode};

use crate::event::Failure;

/// Marks a response as the error of a server function.
pub(super) const MARK: &str = "serverfnerror";
pub(super) const LONGEST: usize = 64 * 1024;

/// Gives errors of server functions their own status. A form without JavaScript is redirected with the error already and
/// stays as it is.
pub(super) async fn status(request: Request<Body>, next: Next) -> Response {
    let response = next.run(request).await;
    if response.status() != StatusCode::INTERNAL_SERVER_ERROR || !response.headers().contains_key(MARK) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let Ok(bytes) = to_bytes(body, LONGEST).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    if let Ok(error) = serde_json::from_slice::<ApiError>(&bytes) {
        parts.status = status_of(&error);
        match error {
            ApiError::Throttled { retry_after_s } => {
                parts.headers.insert(RETRY_AFTER, HeaderValue::from(retry_after_s));
            }
            ApiError::Internal { error_id } | ApiError::NoRoom { error_id } | ApiError::Disk { error_id } => {
                parts.extensions.insert(Failure::logged(error_id));
            }
            _ => {}
        }
    }
    parts.headers.remove(CONTENT_LENGTH);
    Response::from_parts(parts, Body::from(bytes))
}

/// An error as a server function would answer it.
pub(super) fn api_error(error: &ApiError) -> Response {
    let body = serde_json::to_vec(error).unwrap_or_default();
    (status_of(error), [(CONTENT_TYPE, HeaderValue::from_static("application/json"))], body).into_response()
}

pub(super) const fn status_of(error: &ApiError) -> StatusCode {
    match error {
        ApiError::SignedOut | ApiError::SignInFailed => StatusCode::UNAUTHORIZED,
        ApiError::NotFound => StatusCode::NOT_FOUND,
        ApiError::Forbidden => StatusCode::FORBIDDEN,
        ApiError::Invalid { .. } => StatusCode::UNPROCESSABLE_ENTITY,
        ApiError::Managed { .. } | ApiError::LastAdmin | ApiError::WorkspaceDisabled | ApiError::Stale | ApiError::Verifying => {
            StatusCode::CONFLICT
        }
        ApiError::Throttled { .. } => StatusCode::TOO_MANY_REQUESTS,
        ApiError::LinkInvalid => StatusCode::GONE,
        ApiError::Unreachable | ApiError::Unintelligible | ApiError::Malformed => StatusCode::BAD_REQUEST,
        ApiError::NoRoom { .. } => StatusCode::INSUFFICIENT_STORAGE,
        ApiError::Internal { .. } | ApiError::Disk { .. } => StatusCode::INTERNAL_SERVER_ERROR,
    }
}
