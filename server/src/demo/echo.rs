//! Answers with what it received.

use hyper::StatusCode;
use hyper::http::request::Parts;

use super::upstream::{Answer, json};

/// `?status=503` chooses the answer's status, so that errors can be seen in the telemetry too.
pub(super) fn answer(parts: &Parts, body: &[u8]) -> Answer {
    let wanted = parts.uri.query().and_then(|query| query.split('&').find_map(|pair| pair.strip_prefix("status=")));
    let status = wanted.and_then(|status| status.parse().ok()).filter(|status: &u16| (200..600).contains(status)).unwrap_or(200);
    let headers: serde_json::Map<String, serde_json::Value> = parts
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned().into()))
        .collect();
    let answer = serde_json::json!({
        "method": parts.method.as_str(),
        "path": parts.uri.path(),
        "query": parts.uri.query(),
        "headers": headers,
        "body": String::from_utf8_lossy(body),
    });
    json(StatusCode::from_u16(status).unwrap_or(StatusCode::OK), &answer)
}
