//! What the gateway answers itself: contract §2's JSON.

use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::{Method, Response, StatusCode};
use serde::Serialize;
use uuid::Uuid;

use super::body::Body;
use super::headers::request_id_value;

/// Why a request is not passed on, or why its answer could not be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) message: &'static str,
    /// Named in the answer to an unknown route or environment.
    pub(super) route: Option<String>,
    pub(super) allow: Option<String>,
    pub(super) retry_after: Option<u64>,
    /// The connection's next message can't be trusted, or is not wanted.
    pub(super) close: bool,
    /// For 5xx: what `error.type` says, and what the log and telemetry say.
    pub(super) failure: Option<(&'static str, String)>,
}

impl Refusal {
    pub(super) const fn new(status: StatusCode, message: &'static str) -> Self {
        Self { status, message, route: None, allow: None, retry_after: None, close: false, failure: None }
    }

    /// The message is malformed or means more than one thing; the connection is closed.
    pub(super) const fn bad(message: &'static str) -> Self {
        let mut refusal = Self::new(StatusCode::BAD_REQUEST, message);
        refusal.close = true;
        refusal
    }

    pub(super) fn unknown(message: &'static str, route: &str) -> Self {
        Self { route: Some(route.to_owned()), ..Self::new(StatusCode::NOT_FOUND, message) }
    }

    pub(super) fn method(allowed: &[Method]) -> Self {
        let allow = allowed.iter().map(Method::as_str).collect::<Vec<_>>().join(", ");
        Self { allow: Some(allow), ..Self::new(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed") }
    }

    pub(super) const fn too_large() -> Self {
        let mut refusal = Self::new(StatusCode::PAYLOAD_TOO_LARGE, "Request body too large");
        refusal.close = true;
        refusal
    }

    pub(super) fn failed(status: StatusCode, message: &'static str, kind: &'static str, detail: String) -> Self {
        Self { failure: Some((kind, detail)), ..Self::new(status, message) }
    }

    /// The response. A 5xx gets an error id, which is logged here, once.
    pub(super) fn into_response(self, request_id: Uuid) -> Response<Body> {
        let error_id = self.status.is_server_error().then(Uuid::new_v4);
        if let Some(error_id) = error_id {
            let (kind, detail) = self.failure.as_ref().map_or((self.message, ""), |(kind, detail)| (*kind, detail.as_str()));
            tracing::error!(%error_id, %request_id, status = self.status.as_u16(), kind, detail, "a request failed");
        }
        let json = Json { error: self.message, status: self.status.as_u16(), request_id, route: self.route.as_deref(), error_id };
        // Plain text and numbers always serialise.
        let text = serde_json::to_vec(&json).unwrap_or_default();
        let mut response = Response::new(Body::own(Bytes::from(text)));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(super::headers::X_REQUEST_ID, request_id_value(request_id));
        if self.status == StatusCode::UNAUTHORIZED {
            // RFC 9110 §15.5.2 asks for a challenge.
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("ApiKey realm=\"knoxcall\""));
        }
        if let Some(allow) = self.allow.and_then(|allow| HeaderValue::try_from(allow).ok()) {
            headers.insert(header::ALLOW, allow);
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.close {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

#[derive(Serialize)]
struct Json<'a> {
    error: &'a str,
    status: u16,
    request_id: Uuid,
    #[serde(skip_serializing_if = "Option::is_none")]
    route: Option<&'a str>,
    #[serde(rename = "errorId", skip_serializing_if = "Option::is_none")]
    error_id: Option<Uuid>,
}
