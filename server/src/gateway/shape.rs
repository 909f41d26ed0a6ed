//! Refuses requests that a server behind the gateway could read differently, and forms that are not passed on.
//!
//! What the HTTP library has taken apart is judged here; what it hides by then is judged in `wire`.

use http::header::{self, HeaderValue};
use http::request::Parts;
use http::{Method, StatusCode, Version};

use super::headers::{CONSUMED, X_KNOXCALL_KEY};
use super::refusal::Refusal;

/// The host the client addressed, for a request that can be passed on (RFC 9112 §3.2, RFC 9113 §8.3.1).
pub(super) fn check(parts: &Parts) -> Result<HeaderValue, Refusal> {
    if parts.method == Method::CONNECT {
        return Err(closing(Refusal::new(StatusCode::NOT_IMPLEMENTED, "CONNECT is not supported")));
    }
    if !parts.uri.path().starts_with('/') {
        return Err(Refusal::bad("The request target must be a path"));
    }
    if CONSUMED.iter().any(|name| parts.headers.get_all(name).iter().nth(1).is_some()) {
        return Err(Refusal::bad("An x-knoxcall header is repeated"));
    }
    host(parts)
}

/// Whether several keys came, so that nobody can say which one is meant.
pub(super) fn is_key_repeated(parts: &Parts) -> bool {
    parts.headers.get_all(&X_KNOXCALL_KEY).iter().nth(1).is_some()
}

/// Refuses what asks to leave HTTP. The message itself is sound, so whose request it is may be known.
pub(super) fn upgrade(parts: &Parts) -> Option<Refusal> {
    let asked = parts.headers.get_all(header::UPGRADE).iter().any(demands_upgrade);
    asked.then(|| closing(Refusal::new(StatusCode::NOT_IMPLEMENTED, "Protocol upgrades such as WebSocket are not supported")))
}

const fn closing(mut refusal: Refusal) -> Refusal {
    refusal.close = true;
    refusal
}

/// A server may ignore `Upgrade` (RFC 9110 §7.8), which clients count on that offer `h2c` with every request. Whoever
/// asks for anything else gets nothing out of an answer in HTTP.
fn demands_upgrade(value: &HeaderValue) -> bool {
    value.as_bytes().split(|byte| *byte == b',').any(|protocol| {
        let protocol = protocol.trim_ascii();
        !protocol.is_empty() && !protocol.eq_ignore_ascii_case(b"h2c") && !protocol.to_ascii_lowercase().starts_with(b"tls/")
    })
}

fn host(parts: &Parts) -> Result<HeaderValue, Refusal> {
    let mut headers = parts.headers.get_all(header::HOST).iter();
    let header = headers.next();
    if headers.next().is_some() {
        return Err(Refusal::bad("More than one Host"));
    }
    if header.is_some_and(|host| !is_authority(host.as_bytes())) {
        return Err(Refusal::bad("Invalid Host"));
    }
    let Some(authority) = parts.uri.authority().map(http::uri::Authority::as_str) else {
        return match (header, parts.version) {
            (Some(host), _) => Ok(host.clone()),
            (None, Version::HTTP_10) => Ok(HeaderValue::from_static("")),
            (None, _) => Err(Refusal::bad("Missing Host")),
        };
    };
    if !is_authority(authority.as_bytes()) {
        return Err(Refusal::bad("Invalid authority"));
    }
    // An absolute-form target replaces Host (RFC 9112 §3.2.2); in HTTP/2 the two must not differ.
    if parts.version == Version::HTTP_2 && header.is_some_and(|host| !host.as_bytes().eq_ignore_ascii_case(authority.as_bytes())) {
        return Err(Refusal::bad("Host differs from :authority"));
    }
    HeaderValue::from_str(authority).map_err(|_| Refusal::bad("Invalid authority"))
}

/// `uri-host [ ":" port ]`, without credentials.
fn is_authority(text: &[u8]) -> bool {
    let (host, port) = match text.iter().rposition(|byte| *byte == b':') {
        Some(colon) if !text[colon..].contains(&b']') => (&text[..colon], &text[colon + 1..]),
        _ => (text, &b""[..]),
    };
    let host_ok = match host.strip_prefix(b"[").and_then(|rest| rest.strip_suffix(b"]")) {
        Some(inner) => !inner.is_empty() && inner.iter().all(|b| b.is_ascii_hexdigit() || b":.".contains(b)),
        None => !host.is_empty() && host.iter().all(|b| b.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=%".contains(b)),
    };
    host_ok && port.len() <= 5 && port.iter().all(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn authorities() {
        for good in ["a", "a.b:80", "127.0.0.1:1", "[::1]", "[::1]:8080", "a_b", "a:", "xn--a"] {
            assert!(is_authority(good.as_bytes()), "{good}");
        }
        for bad in ["", ":80", "a b", "a@b", "a/b", "a:80:90", "a:x", "[::1", "[]", "a\\b", "a?b", "a#b", "a:999999", "ä"] {
            assert!(!is_authority(bad.as_bytes()), "{bad}");
        }
    }

    fn demands(value: &'static str) -> bool {
        demands_upgrade(&HeaderValue::from_static(value))
    }

    #[test]
    fn only_offers_that_may_be_ignored_are_ignored() {
        assert!(demands("websocket") && demands("h2c, websocket") && demands("WebSocket"));
        assert!(!demands("h2c") && !demands("TLS/1.2") && !demands(""));
    }
}
