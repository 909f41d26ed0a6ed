//! Forms of pages without JavaScript: where the browser goes after one, and how what was typed comes back with an error.
//!
//! The framework answers such a form with a redirect to its referrer, an error in the address. Here the redirect becomes
//! a path of this console, and error and text go into [`super::drafts`]; the address carries only the draft's id. So an
//! address can neither show an error that never was nor lead elsewhere.

use std::time::Instant;

use app::contract::{Draft, form_fields};
use app::is_own_path;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::State;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE;
use http::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, HOST, LOCATION, REFERER};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri};
use uuid::Uuid;

use super::{Console, answer, csrf, limits, visitor};
use crate::auth::Visitor;

/// Names the draft in the address of the page that shows it.
const DRAFT: &str = "draft";
/// The framework's error in an address; ours never carry one.
const ERROR: &str = "__err";
const ERROR_OF: &str = "__path";
/// What an address says once, about what happened before.
const SAID_ONCE: [&str; 6] = [DRAFT, ERROR, ERROR_OF, "saved", "created", "added"];
/// Forms that need nobody signed in.
const OPEN_FORMS: [&str; 2] = ["/api/account/sign-in", "/api/account/complete-setup"];
const LONGEST_PATH: usize = 2048;

/// Both ways: a form's answer out, and a page with a draft in.
pub(super) async fn keep_what_was_typed(State(console): State<Console>, request: Request<Body>, next: Next) -> Response {
    if is_plain_form(&request) {
        return submit(&console, request, next).await;
    }
    if visitor::is_page(&request) {
        return show(&console, request, next).await;
    }
    next.run(request).await
}

/// Whether a browser posts a form by itself, without scripts.
fn is_plain_form(request: &Request<Body>) -> bool {
    let says = |name, what: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).is_some_and(|text| text.contains(what));
    *request.method() == Method::POST && says(ACCEPT, "text/html") && says(CONTENT_TYPE, "application/x-www-form-urlencoded")
}

/// Runs the form; its redirect stays in this console, and an error takes the text along.
async fn submit(console: &Console, request: Request<Body>, next: Next) -> Response {
    let function = request.uri().path().to_owned();
    let owner = account(&request);
    let page = referring_page(request.headers(), request.uri(), console.origin()).unwrap_or_else(|| "/".to_owned());
    let (parts, body) = request.into_parts();
    let Ok(sent) = to_bytes(body, limits::BODY_BYTES).await else {
        return (StatusCode::PAYLOAD_TOO_LARGE, "a request to the console may have at most 1 MiB\n").into_response();
    };
    let response = next.run(Request::from_parts(parts, Body::from(sent.clone()))).await;
    let Some(location) = response.headers().get(LOCATION).and_then(|value| value.to_str().ok()) else { return response };
    let failed = response.headers().contains_key(answer::MARK);
    if !failed && is_own_path(location) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let to = match to_bytes(body, answer::LONGEST).await {
        Ok(error) if failed => kept(console, &function, URL_SAFE.encode(error), owner, &sent, &page),
        Ok(_) if form_fields(&function).always => kept(console, &function, String::new(), owner, &sent, &page),
        _ => page,
    };
    parts.headers.insert(LOCATION, HeaderValue::from_str(&to).unwrap_or(HeaderValue::from_static("/")));
    for about_the_body in [CONTENT_LENGTH, CONTENT_TYPE] {
        parts.headers.remove(about_the_body);
    }
    Response::from_parts(parts, Body::empty())
}

/// Keeps the draft and says which page shows it. `error` is encoded as the framework reads it, or empty.
fn kept(console: &Console, function: &str, error: String, owner: Option<Uuid>, sent: &Bytes, page: &str) -> String {
    if owner.is_none() && !OPEN_FORMS.contains(&function) {
        return page.to_owned();
    }
    let fields = url::form_urlencoded::parse(sent).map(|(name, text)| (name.into_owned(), text.into_owned()));
    let id = console.drafts().keep(owner, Draft::of(function, error, fields), Instant::now()).simple();
    let separator = if page.contains('?') { '&' } else { '?' };
    format!("{page}{separator}{DRAFT}={id}")
}

/// Hands the page its draft. An address that carries an error was made by somebody else: it is answered with the page alone.
async fn show(console: &Console, mut request: Request<Body>, next: Next) -> Response {
    let query = request.uri().query().unwrap_or_default();
    if query.split('&').any(|pair| matches!(name_of(pair), ERROR | ERROR_OF)) {
        let to = without_said_once(request.uri().path(), query);
        let to = if is_own_path(&to) { to } else { "/".to_owned() };
        return (StatusCode::SEE_OTHER, [(LOCATION, HeaderValue::from_str(&to).unwrap_or(HeaderValue::from_static("/")))]).into_response();
    }
    let id = query.split('&').find_map(|pair| pair.strip_prefix(DRAFT)?.strip_prefix('=')).and_then(|id| Uuid::try_parse(id).ok());
    if let Some(id) = id
        && *request.method() == Method::GET
        && let Some(draft) = console.drafts().take(id, account(&request), Instant::now())
    {
        request.extensions_mut().insert(draft);
    }
    next.run(request).await
}

fn account(request: &Request<Body>) -> Option<Uuid> {
    request.extensions().get::<Visitor>().and_then(|visitor| visitor.caller().user()).map(|user| user.id)
}

/// Path and query of the page that sent the form, without what it said once; `None` if it is not a page of ours.
fn referring_page(headers: &HeaderMap, uri: &Uri, public: Option<&str>) -> Option<String> {
    let referrer = headers.get(REFERER)?.to_str().ok()?;
    let path_at = referrer.find("://").map(|scheme| scheme + 3).and_then(|host| referrer[host..].find('/').map(|path| host + path))?;
    let (origin, path) = referrer.split_at(path_at);
    let host = uri.authority().map(http::uri::Authority::as_str).or_else(|| headers.get(HOST).and_then(|value| value.to_str().ok()));
    if !csrf::is_own_origin(origin, host, public) {
        return None;
    }
    let path = path.split('#').next().unwrap_or_default();
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let page = without_said_once(path, query);
    (is_own_path(&page) && page.len() <= LONGEST_PATH && !path.starts_with("/api/")).then_some(page)
}

fn without_said_once(path: &str, query: &str) -> String {
    let rest: Vec<&str> = query.split('&').filter(|pair| !pair.is_empty() && !SAID_ONCE.contains(&name_of(pair))).collect();
    if rest.is_empty() { path.to_owned() } else { format!("{path}?{}", rest.join("&")) }
}

fn name_of(pair: &str) -> &str {
    pair.split('=').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(referrer: &str, public: Option<&str>) -> Option<String> {
        let headers =
            HeaderMap::from_iter([(REFERER, HeaderValue::from_str(referrer).unwrap()), (HOST, HeaderValue::from_static("h:3000"))]);
        referring_page(&headers, &Uri::from_static("/api/x"), public)
    }

    #[test]
    fn only_a_page_of_ours_is_gone_back_to() {
        assert_eq!(page("http://h:3000/w/acme/routes?add=environment", None).as_deref(), Some("/w/acme/routes?add=environment"));
        assert_eq!(page("http://h:3000/", None).as_deref(), Some("/"));
        let public = Some("https://console.example.com");
        assert_eq!(page("https://console.example.com/account", public).as_deref(), Some("/account"));
        for elsewhere in [
            "http://evil.example/w/acme",
            "http://h:3001/",
            "http://h:3000.evil/",
            "http://h:3000@evil.example/",
            "http://h:3000//evil.example/",
            "http://h:3000/\\evil.example/",
            "http://h:3000",
            "about:blank",
            "http://h:3000/api/account/sign-in",
        ] {
            assert_eq!(page(elsewhere, None), None, "{elsewhere}");
        }
        assert_eq!(page("http://h:3000/", public), None);
    }

    #[test]
    fn what_an_address_said_once_is_not_said_again() {
        assert_eq!(
            page("http://h:3000/w/a/keys?saved=key-renamed&rename=1&draft=x&__err=y&__path=z&created=u&added=v#top", None).as_deref(),
            Some("/w/a/keys?rename=1")
        );
    }

    #[test]
    fn open_forms_are_known_forms() {
        for function in OPEN_FORMS {
            assert!(!form_fields(function).plain.is_empty(), "{function}");
        }
    }
}
