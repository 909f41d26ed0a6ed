//! The HTTP status that belongs to each [`ApiError`], for server functions and for what fails around them.
//!
//! The framework answers every error of a server function with 500. That would make a mistyped form look like a failure
//! of the server in every log and dashboard.

use app::contract::ApiError;
use axum::body::{Body, to_bytes};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use http::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Request, StatusCode};

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
            ApiError::Internal { error_id }
            | ApiError::NoRoom { error_id }
            | ApiError::SessionUnsaved { error_id }
            | ApiError::Disk { error_id } => {
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

/// Whether a browser goes to a page, or posts a form by itself, and shows what is answered.
pub(super) fn wants_page(headers: &HeaderMap) -> bool {
    headers.get(ACCEPT).and_then(|value| value.to_str().ok()).is_some_and(|accept| accept.contains("text/html"))
}

/// An error of what is around the app, which can't show it then: for people a page of its own.
pub(super) fn failed(error: &ApiError, wants_page: bool) -> Response {
    if !wants_page {
        return api_error(error);
    }
    let says = match error {
        // The heading says the rest.
        ApiError::Internal { error_id } => format!("Error {error_id} in the server's log says more."),
        other => other.to_string(),
    };
    let text = format!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Error</title></head><body><h1>Something went wrong on the \
         server</h1><p>{says}</p><p><a href=\"/\">Go to overview</a></p></body></html>"
    );
    (status_of(error), Html(text)).into_response()
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
        ApiError::Internal { .. } | ApiError::SessionUnsaved { .. } | ApiError::Disk { .. } => StatusCode::INTERNAL_SERVER_ERROR,
    }
}
