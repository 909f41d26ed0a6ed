//! Refuses requests that change something unless the browser says that our own pages made them.
//!
//! Browsers set `Sec-Fetch-Site` and `Origin` themselves and no page can forge them. Where a browser sends the first it
//! decides; older browsers, and all over plain HTTP to another machine, send only `Origin`. A request with neither is
//! refused as well: no browser sends a form so, and scripts can set `Origin`. Together with `SameSite=Strict` cookies.

use axum::body::Body;
use axum::extract::State;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{HOST, ORIGIN};
use http::{HeaderMap, Method, Request, StatusCode};

use super::Console;
use super::request::Facts;
use crate::event::SecurityKind;

pub(super) async fn own_origin_only(State(console): State<Console>, request: Request<Body>, next: Next) -> Response {
    let safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if safe || is_own(request.headers(), request.uri().authority().map(http::uri::Authority::as_str), console.origin()) {
        return next.run(request).await;
    }
    console.security(SecurityKind::CsrfRejected, request.extensions().get::<Facts>());
    (StatusCode::FORBIDDEN, "This request did not come from the console's own pages. Open the console and try again there.\n")
        .into_response()
}

/// `authority` is that of an HTTP/2 request; `public` the public URL's origin, when one is configured.
fn is_own(headers: &HeaderMap, authority: Option<&str>, public: Option<&str>) -> bool {
    if let Some(site) = headers.get("sec-fetch-site") {
        return site.as_bytes() == b"same-origin";
    }
    let Some(origin) = headers.get(ORIGIN).and_then(|value| value.to_str().ok()) else {
        return false;
    };
    is_own_origin(origin, authority.or_else(|| headers.get(HOST).and_then(|value| value.to_str().ok())), public)
}

/// Whether this is how browsers reach the console: `public` where one is configured, else the host that they asked.
pub(super) fn is_own_origin(origin: &str, host: Option<&str>, public: Option<&str>) -> bool {
    if let Some(public) = public {
        return origin.eq_ignore_ascii_case(public);
    }
    let from = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    matches!((from, host), (Some(from), Some(host)) if from.eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap())).collect()
    }

    #[test]
    fn only_our_own_origin_passes() {
        let public = Some("https://console.example.com");
        for (given, public, expected) in [
            (vec![("sec-fetch-site", "same-origin")], None, true),
            (vec![("sec-fetch-site", "same-site")], None, false),
            (vec![("sec-fetch-site", "cross-site"), ("origin", "http://h:3000"), ("host", "h:3000")], None, false),
            (vec![("sec-fetch-site", "none")], None, false),
            (vec![("origin", "http://h:3000"), ("host", "h:3000")], None, true),
            (vec![("origin", "http://h:3001"), ("host", "h:3000")], None, false),
            (vec![("origin", "http://h:3000.evil"), ("host", "h:3000")], None, false),
            (vec![("origin", "null"), ("host", "h:3000")], None, false),
            (vec![("host", "h:3000")], None, false),
            (vec![("origin", "https://console.example.com"), ("host", "10.0.0.1")], public, true),
            (vec![("origin", "http://console.example.com"), ("host", "console.example.com")], public, false),
            (vec![("origin", "https://evil.example"), ("host", "evil.example")], public, false),
        ] {
            assert_eq!(is_own(&headers(&given), None, public), expected, "{given:?} {public:?}");
        }
    }
}
