//! Whose call it is and which agent it names.

use std::sync::Arc;

use http::StatusCode;
use http::header::{self, HeaderMap};
use http::request::Parts;

use super::credentials::X_API_KEY;
use super::operation::Operation;
use crate::gateway::forward::has_dot_segment;
use crate::gateway::headers::{X_KNOXCALL_KEY, X_KNOXCALL_ROUTE};
use crate::gateway::matcher::{Found, text};
use crate::gateway::refusal::Refusal;
use crate::live::{Routing, hash_key};

const PREFIX: &str = "/v1/ai/";
const KEY_PREFIX: &str = "tk_";

/// Whether this is for an AI agent. A request that names a route is for that route, whatever its path.
pub(in crate::gateway) fn addressed(path: &str, headers: &HeaderMap) -> bool {
    path.starts_with(PREFIX) && !headers.contains_key(X_KNOXCALL_ROUTE)
}

pub(in crate::gateway) fn find(routing: &Routing, parts: &Parts) -> Found {
    let mut found = Found::default();
    found.refusal = walk(routing, parts, &mut found).err();
    found
}

fn walk(routing: &Routing, parts: &Parts, found: &mut Found) -> Result<(), Refusal> {
    let unauthorized = |code, message| Refusal::coded(StatusCode::UNAUTHORIZED, code, message);
    let key = match key(&parts.headers) {
        Some(key) => routing.keys.get(&hash_key(key)).ok_or_else(|| unauthorized("invalid_api_key", "Invalid API key")),
        None => Err(unauthorized("missing_api_key", "Missing API key: send it as x-knoxcall-key, or as the provider's client does")),
    };
    let key = key.inspect_err(|_| found.key_rejected = true)?;
    found.tenant = Some(key.workspace.id);
    let (slug, path) = split(parts.uri.path());
    let unknown = || Refusal::coded(StatusCode::NOT_FOUND, "agent_not_found", "There is no such agent, or it is disabled");
    let agent = key.workspace.agents.get(slug).ok_or_else(unknown)?;
    found.agent = Some(Arc::clone(agent));
    if !key.routes.is_empty() {
        let message = "This API key is limited to routes";
        return Err(Refusal::coded(StatusCode::FORBIDDEN, "key_not_allowed", message));
    }
    if path.trim_matches('/').is_empty() || has_dot_segment(path) {
        let message = "Behind the agent comes a path of the provider's API, without . or .. segments";
        return Err(Refusal::coded(StatusCode::BAD_REQUEST, "invalid_path", message));
    }
    found.operation = Operation::of(&parts.method, path).map_err(|_| Refusal::method(&[http::Method::POST]))?;
    Ok(())
}

/// The agent's slug, and the path behind it with its slash.
pub(super) fn split(path: &str) -> (&str, &str) {
    let rest = path.strip_prefix(PREFIX).unwrap_or_default();
    rest.split_at(rest.find('/').unwrap_or(rest.len()))
}

/// The workspace's key, where it is expected or where the providers' own clients send theirs.
fn key(headers: &HeaderMap) -> Option<&str> {
    let own = |key: &&str| key.starts_with(KEY_PREFIX);
    let named = text(headers, &X_KNOXCALL_KEY).filter(|key| !key.is_empty());
    let bearer = || text(headers, &header::AUTHORIZATION).and_then(bearer).filter(own);
    named.or_else(bearer).or_else(|| text(headers, &X_API_KEY).filter(own))
}

fn bearer(value: &str) -> Option<&str> {
    let (scheme, key) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    #[test]
    fn what_is_for_an_agent() {
        let none = HeaderMap::new();
        assert!(addressed("/v1/ai/a", &none) && addressed("/v1/ai/", &none) && addressed("/v1/ai/a/b", &none));
        assert!(!addressed("/v1/ai", &none) && !addressed("/v2/ai/a", &none) && !addressed("/v1/AI/a", &none));
        assert!(!addressed("/v1/ai/a", &HeaderMap::from_iter([(X_KNOXCALL_ROUTE, HeaderValue::from_static("r"))])));
        for (path, expected) in
            [("/v1/ai/a/b/c", ("a", "/b/c")), ("/v1/ai/a", ("a", "")), ("/v1/ai/", ("", "")), ("/v1/ai//a", ("", "/a")), ("/x", ("", ""))]
        {
            assert_eq!(split(path), expected);
        }
    }

    #[test]
    fn where_a_key_may_be() {
        let read = |pairs: &[(HeaderName, &'static str)]| {
            let headers = pairs.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect::<HeaderMap>();
            key(&headers).map(str::to_owned)
        };
        let found = |text: &str| Some(text.to_owned());
        assert_eq!(read(&[(X_KNOXCALL_KEY, "tk_a"), (header::AUTHORIZATION, "Bearer tk_b")]), found("tk_a"));
        assert_eq!(read(&[(X_KNOXCALL_KEY, "other")]), found("other"));
        assert_eq!(read(&[(header::AUTHORIZATION, "bearer  tk_b ")]), found("tk_b"));
        assert_eq!(read(&[(header::AUTHORIZATION, "Bearer sk-own"), (X_API_KEY, "tk_c")]), found("tk_c"));
        for none in [(header::AUTHORIZATION, "Bearer sk-own"), (header::AUTHORIZATION, "tk_b"), (X_API_KEY, "sk-ant"), (X_KNOXCALL_KEY, "")]
        {
            assert_eq!(read(&[none]), None);
        }
    }
}
