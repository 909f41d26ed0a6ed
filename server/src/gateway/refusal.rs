//! What the gateway answers itself: JSON with `error`, `status` and `request_id`; to callers of AI agents with `code` and
//! `error_description`, where `error` is the code.

use std::time::Duration;

use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::{Method, Response, StatusCode};
use serde::Serialize;
use uuid::Uuid;

use super::body::Body;
use super::headers::request_id_value;
use super::ids;
use crate::values::EgressRule;

/// Why a request is not passed on, or why its answer could not be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) message: &'static str,
    /// For callers of AI agents, where it is not told by the status alone.
    code: Option<&'static str>,
    /// The connection's next message can't be trusted, or is not wanted.
    pub(super) close: bool,
    detail: Option<Box<Detail>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Detail {
    /// Named in the answer to an unknown route or environment.
    Route(String),
    Allow(String),
    /// In seconds.
    RetryAfter(u64),
    /// Of a 5xx: what `error.type` says, and what the log and telemetry say.
    Failure {
        kind: &'static str,
        message: String,
    },
    /// The route's target is where no workspace may go.
    Blocked(EgressRule),
}

impl Refusal {
    pub(super) const fn new(status: StatusCode, message: &'static str) -> Self {
        Self { status, message, code: None, close: false, detail: None }
    }

    pub(super) const fn coded(status: StatusCode, code: &'static str, message: &'static str) -> Self {
        let mut refusal = Self::new(status, message);
        refusal.code = Some(code);
        refusal
    }

    fn with(status: StatusCode, message: &'static str, detail: Detail) -> Self {
        Self { detail: Some(Box::new(detail)), ..Self::new(status, message) }
    }

    /// The message is malformed or means more than one thing; the connection is closed.
    pub(super) const fn bad(message: &'static str) -> Self {
        let mut refusal = Self::new(StatusCode::BAD_REQUEST, message);
        refusal.close = true;
        refusal
    }

    pub(super) fn unknown(message: &'static str, route: &str) -> Self {
        Self::with(StatusCode::NOT_FOUND, message, Detail::Route(route.to_owned()))
    }

    pub(super) fn method(allowed: &[Method]) -> Self {
        let allow = allowed.iter().map(Method::as_str).collect::<Vec<_>>().join(", ");
        Self::with(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed", Detail::Allow(allow))
    }

    pub(super) fn too_many(wait: Duration) -> Self {
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        Self::with(StatusCode::TOO_MANY_REQUESTS, "Rate limit exceeded", Detail::RetryAfter(seconds.max(1)))
    }

    /// The workspace has as many requests under way as it may.
    pub(super) fn too_many_at_once() -> Self {
        Self { message: "Too many requests at once", ..Self::too_many(Duration::ZERO) }
    }

    /// An AI agent has used its tokens.
    pub(super) fn too_many_tokens(wait: Duration) -> Self {
        let message = "This agent's tokens of this minute are used up";
        Self { message, code: Some("token_rate_exceeded"), ..Self::too_many(wait) }
    }

    pub(super) const fn body_late() -> Self {
        let mut refusal = Self::new(StatusCode::REQUEST_TIMEOUT, "The request body did not arrive in time");
        refusal.close = true;
        refusal
    }

    /// A route, an agent or a webhook leads back here. Nobody's request, so that it sets nothing off.
    pub(super) fn looped() -> Self {
        let detail = "a workspace's route, agent, webhook or export leads back to this gateway".to_owned();
        Self::failed(StatusCode::LOOP_DETECTED, "This gateway sent this request itself", "loop", detail)
    }

    pub(super) const fn too_large() -> Self {
        let mut refusal = Self::new(StatusCode::PAYLOAD_TOO_LARGE, "Request body too large");
        refusal.close = true;
        refusal
    }

    pub(super) fn failed(status: StatusCode, message: &'static str, kind: &'static str, detail: String) -> Self {
        Self::with(status, message, Detail::Failure { kind, message: detail })
    }

    /// Names the rule, not what was found there.
    pub(super) fn blocked(rule: EgressRule) -> Self {
        Self::with(StatusCode::BAD_GATEWAY, "The route's target is not allowed: workspaces may not connect to it", Detail::Blocked(rule))
    }

    /// The egress rule it comes from.
    pub(super) fn blocked_by(&self) -> Option<EgressRule> {
        match self.detail.as_deref() {
            Some(Detail::Blocked(rule)) => Some(*rule),
            _ => None,
        }
    }

    /// Of a 5xx: its kind and what happened.
    pub(super) fn failure(&self) -> Option<(&'static str, &str)> {
        match self.detail.as_deref() {
            Some(Detail::Failure { kind, message }) => Some((kind, message)),
            Some(Detail::Blocked(rule)) => Some(("egress_blocked", rule.phrase())),
            _ if self.status.is_server_error() => Some(("unsupported", self.message)),
            _ => None,
        }
    }

    /// What a call of an AI agent ended in that had begun: one that is refused for its body is no failure of the gateway, and the call
    /// has failed all the same. Its kind, and what happened.
    pub(super) fn ended_call(&self) -> (&'static str, &str) {
        self.failure().unwrap_or_else(|| (self.code(), self.message))
    }

    /// For programs that call an AI agent.
    fn code(&self) -> &'static str {
        if let Some(code) = self.code {
            return code;
        }
        match (self.status, self.failure()) {
            (_, Some(("egress_blocked", _))) => "target_not_allowed",
            (StatusCode::BAD_GATEWAY, Some(("tls", _))) => "provider_tls_failed",
            (StatusCode::BAD_GATEWAY, _) => "provider_unreachable",
            (StatusCode::GATEWAY_TIMEOUT, _) => "provider_timeout",
            (StatusCode::METHOD_NOT_ALLOWED, _) => "method_not_allowed",
            (StatusCode::REQUEST_TIMEOUT, _) => "request_timeout",
            (StatusCode::PAYLOAD_TOO_LARGE, _) => "body_too_large",
            (StatusCode::TOO_MANY_REQUESTS, _) => "rate_limited",
            (StatusCode::NOT_IMPLEMENTED, _) => "not_supported",
            (status, _) if status.is_server_error() => "internal_error",
            _ => "bad_request",
        }
    }

    /// The response. A 5xx gets an error id, which is logged here, once.
    pub(super) fn into_response(self, request_id: Uuid, words: Words) -> Response<Body> {
        let mut error_id = None;
        if let Some((kind, detail)) = self.failure() {
            let error_id = error_id.insert(ids::error_id(request_id));
            tracing::error!(errorId = %error_id, %request_id, status = self.status.as_u16(), kind, detail, "a request failed");
        }
        let route = match self.detail.as_deref() {
            Some(Detail::Route(route)) => Some(route.as_str()),
            _ => None,
        };
        let rule = self.blocked_by().map(EgressRule::name);
        let (error, code, error_description) = match words {
            Words::Proxy => (self.message, None, None),
            Words::Ai => (self.code(), Some(self.code()), Some(self.message)),
        };
        let json = Json { error, code, error_description, status: self.status.as_u16(), request_id, route, rule, error_id };
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
        match self.detail.map(|detail| *detail) {
            Some(Detail::Allow(allow)) => {
                if let Ok(allow) = HeaderValue::try_from(allow) {
                    headers.insert(header::ALLOW, allow);
                }
            }
            Some(Detail::RetryAfter(seconds)) => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
            }
            _ => {}
        }
        if self.close {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

/// In whose words a refusal is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Words {
    Proxy,
    /// To callers of AI agents.
    Ai,
}

#[derive(Serialize)]
struct Json<'a> {
    error: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_description: Option<&'a str>,
    status: u16,
    request_id: Uuid,
    #[serde(skip_serializing_if = "Option::is_none")]
    route: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<&'static str>,
    #[serde(rename = "errorId", skip_serializing_if = "Option::is_none")]
    error_id: Option<Uuid>,
}
