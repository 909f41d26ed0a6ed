//! For whoever supervises the process: is it up, and can it do its work.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;

use super::Console;

/// 200 for as long as the process answers.
pub(super) async fn live() -> &'static str {
    "ok\n"
}

/// 200 when the store can be read, 503 otherwise.
pub(super) async fn ready(State(console): State<Console>) -> Response {
    match console.store().meta().key_check() {
        Ok(_) => "ready\n".into_response(),
        Err(error) => {
            tracing::warn!(%error, "not ready");
            (StatusCode::SERVICE_UNAVAILABLE, "the store is not usable\n").into_response()
        }
    }
}
