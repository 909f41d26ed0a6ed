//! Which headers pass, in both directions.

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use uuid::Uuid;

use super::client::Client;
pub(super) use crate::peers::{X_FORWARDED_FOR, X_FORWARDED_PROTO};

pub(super) const X_KNOXCALL_KEY: HeaderName = HeaderName::from_static("x-knoxcall-key");
pub(super) const X_KNOXCALL_ROUTE: HeaderName = HeaderName::from_static("x-knoxcall-route");
pub(super) const X_KNOXCALL_ENVIRONMENT: HeaderName = HeaderName::from_static("x-knoxcall-environment");
const X_KNOXCALL_ORIGIN: HeaderName = HeaderName::from_static("x-knoxcall-origin");
pub(super) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
pub(super) const X_KNOX_UPSTREAM_STATUS: HeaderName = HeaderName::from_static("x-knox-upstream-status");

/// Read by the gateway and never passed on.
pub(super) static CONSUMED: [HeaderName; 4] = [X_KNOXCALL_KEY, X_KNOXCALL_ROUTE, X_KNOXCALL_ENVIRONMENT, X_KNOXCALL_ORIGIN];

pub(super) const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");
const TRAILERS: HeaderValue = HeaderValue::from_static("trailers");

/// RFC 9110 §7.6.1. `Trailer` passes, since trailers do.
static HOP_BY_HOP: [HeaderName; 8] = [
    header::CONNECTION,
    KEEP_ALIVE,
    PROXY_CONNECTION,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// Removes what concerns one connection only, whatever `Connection` names included. What frames the message is not the
/// peer's to name (`Connection: content-length` would change where the body ends), nor is what the gateway reads.
pub(super) fn strip_hop_by_hop(headers: &mut HeaderMap) {
    if headers.contains_key(header::CONNECTION) {
        let named: Vec<HeaderName> = headers
            .get_all(header::CONNECTION)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(',').map(str::trim))
            // What nearly every connection says names no header that would stay otherwise.
            .filter(|name| !name.eq_ignore_ascii_case("keep-alive") && !name.eq_ignore_ascii_case("close"))
            .filter_map(|name| HeaderName::from_bytes(name.as_bytes()).ok())
            .filter(|name| name != header::CONTENT_LENGTH && name != header::HOST)
            .collect();
        for name in named {
            headers.remove(name);
        }
    }
    remove_all(headers, &HOP_BY_HOP);
}

/// Looks at the few headers that there are, which costs less than looking up each that might be.
fn remove_all(headers: &mut HeaderMap, names: &[HeaderName]) {
    for name in names {
        if headers.keys().any(|there| there == name) {
            headers.remove(name);
        }
    }
}

/// Turns what the client sent into what the upstream gets; the environment's own headers come last.
pub(super) fn to_upstream(headers: &mut HeaderMap, client: &Client, host: HeaderValue, inject: &HeaderMap) {
    let wants_trailers = wants_trailers(headers);
    strip_hop_by_hop(headers);
    remove_all(headers, &CONSUMED);
    remove_all(headers, &[header::HOST, header::FORWARDED]);
    if headers.get(header::EXPECT).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue")) {
        // The gateway itself answers 100 once the upstream takes the body.
        headers.remove(header::EXPECT);
    }
    join_cookies(headers);
    one_content_length(headers);
    if wants_trailers {
        headers.insert(header::TE, TRAILERS);
    }
    headers.insert(X_FORWARDED_FOR, client.forwarded_for.clone());
    headers.insert(X_FORWARDED_PROTO, HeaderValue::from_static(client.scheme));
    headers.insert(X_FORWARDED_HOST, host);
    for name in inject.keys() {
        headers.remove(name);
    }
    for (name, value) in inject {
        headers.append(name, value.clone());
    }
}

/// Turns what the upstream sent into what the client gets.
pub(super) fn to_client(headers: &mut HeaderMap, status: u16, request_id: Uuid) {
    strip_hop_by_hop(headers);
    headers.insert(X_REQUEST_ID, request_id_value(request_id));
    headers.insert(X_KNOX_UPSTREAM_STATUS, status_value(status));
}

/// Most answers have one of a few.
fn status_value(status: u16) -> HeaderValue {
    HeaderValue::from_static(match status {
        200 => "200",
        201 => "201",
        204 => "204",
        302 => "302",
        304 => "304",
        400 => "400",
        401 => "401",
        403 => "403",
        404 => "404",
        429 => "429",
        500 => "500",
        502 => "502",
        503 => "503",
        _ => return HeaderValue::from(status),
    })
}

pub(super) fn request_id_value(id: Uuid) -> HeaderValue {
    let mut buffer = uuid::Uuid::encode_buffer();
    let text: &str = id.hyphenated().encode_lower(&mut buffer);
    HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

fn wants_trailers(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::TE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|coding| coding.split(';').next().is_some_and(|name| name.trim().eq_ignore_ascii_case("trailers")))
}

/// HTTP/2 passes repeated ones on where they are equal (the library has refused others); one is enough.
fn one_content_length(headers: &mut HeaderMap) {
    if headers.get_all(header::CONTENT_LENGTH).iter().nth(1).is_some()
        && let Some(first) = headers.remove(header::CONTENT_LENGTH)
    {
        headers.insert(header::CONTENT_LENGTH, first);
    }
}

/// HTTP/2 may split `Cookie`; HTTP/1.1 may not (RFC 9113 §8.2.3).
fn join_cookies(headers: &mut HeaderMap) {
    if headers.get_all(header::COOKIE).iter().nth(1).is_some() {
        let joined = headers.get_all(header::COOKIE).iter().map(HeaderValue::as_bytes).collect::<Vec<_>>().join(&b"; "[..]);
        if let Ok(value) = HeaderValue::from_bytes(&joined) {
            headers.insert(header::COOKIE, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peers::Proxies;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in pairs {
            map.append(*name, HeaderValue::from_static(value));
        }
        map
    }

    #[test]
    fn what_the_upstream_gets() {
        let mut map = headers(&[
            ("host", "api.test:8080"),
            ("connection", "close, X-Named"),
            ("connection", "content-length, host"),
            ("x-named", "gone"),
            ("keep-alive", "timeout=5"),
            ("te", "gzip, trailers;q=1"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "h2c"),
            ("proxy-authorization", "Basic x"),
            ("x-knoxcall-key", "tk_secret"),
            ("x-knoxcall-route", "r"),
            ("x-knoxcall-environment", "e"),
            ("x-knoxcall-origin", "o"),
            ("x-knoxcall-other", "kept"),
            ("x-forwarded-for", "6.6.6.6"),
            ("x-forwarded-host", "evil"),
            ("forwarded", "for=6.6.6.6"),
            ("expect", "100-Continue"),
            ("cookie", "a=1"),
            ("cookie", "b=2"),
            ("authorization", "Bearer client"),
            ("authorization", "Bearer second"),
            ("content-length", "3"),
            ("accept", "a"),
            ("accept", "b"),
        ]);
        let inject = headers(&[("authorization", "Bearer upstream"), ("x-many", "1"), ("x-many", "2")]);
        let client = Client::new([192, 0, 2, 7].into(), None, &Proxies::default());
        to_upstream(&mut map, &client, HeaderValue::from_static("api.test:8080"), &inject);
        let mut got: Vec<String> = map.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
        got.sort();
        assert_eq!(
            got,
            [
                "accept: a",
                "accept: b",
                "authorization: Bearer upstream",
                "content-length: 3",
                "cookie: a=1; b=2",
                "te: trailers",
                "x-forwarded-for: 192.0.2.7",
                "x-forwarded-host: api.test:8080",
                "x-forwarded-proto: http",
                "x-knoxcall-other: kept",
                "x-many: 1",
                "x-many: 2",
            ]
        );
    }

    #[test]
    fn what_the_client_gets() {
        let mut map = headers(&[
            ("connection", "x-hop"),
            ("x-hop", "gone"),
            ("transfer-encoding", "chunked"),
            ("trailer", "x-sum"),
            ("set-cookie", "a"),
            ("set-cookie", "b"),
            ("x-request-id", "upstream's"),
            ("x-knox-upstream-status", "1"),
        ]);
        to_client(&mut map, 418, Uuid::nil());
        let mut got: Vec<String> = map.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
        got.sort();
        assert_eq!(
            got,
            [
                "set-cookie: a",
                "set-cookie: b",
                "trailer: x-sum",
                "x-knox-upstream-status: 418",
                "x-request-id: 00000000-0000-0000-0000-000000000000",
            ]
        );
    }
}
