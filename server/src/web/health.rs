//! For whoever supervises the process: is it up, and can it do its work.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use uuid::Uuid;

use super::Console;
use crate::event::Failure;
use crate::store::ReadError;

/// 200 for as long as the process answers.
pub(super) async fn live() -> &'static str {
    "ok\n"
}

/// 200 when the store can be read, 503 otherwise.
pub(super) async fn ready(State(console): State<Console>) -> Response {
    match console.store().meta().key_check() {
        Ok(_) => "ready\n".into_response(),
        Err(error) => unusable(&error),
    }
}

fn unusable(error: &ReadError) -> Response {
    let error_id = Uuid::now_v7();
    tracing::error!(errorId = %error_id, %error, "not ready");
    let mut response = (StatusCode::SERVICE_UNAVAILABLE, format!("the store is not usable (error {error_id})\n")).into_response();
    response.extensions_mut().insert(Failure { error_id: Some(error_id), ..Failure::new("store", error.to_string()) });
    response
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;

    use super::*;
    use crate::store::Reason;

    #[tokio::test]
    async fn a_store_that_is_not_usable_is_a_failure_with_an_id() {
        let mut response = unusable(&ReadError::Undecodable { tree: "meta", reason: Reason::NotJson });
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        let failure = response.extensions_mut().remove::<Failure>().unwrap();
        let text = to_bytes(response.into_body(), 1024).await.unwrap();
        let error_id = failure.error_id.unwrap().to_string();
        assert!(failure.kind == "store" && String::from_utf8_lossy(&text).contains(&error_id), "{text:?}");
    }
}
