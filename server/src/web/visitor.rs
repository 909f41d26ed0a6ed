//! Who makes the request, and where whoever is not signed in is sent.

use app::is_own_path;
use axum::body::Body;
use axum::extract::{MatchedPath, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{LOCATION, SET_COOKIE};
use http::{HeaderValue, Method, Request, StatusCode, Uri};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use tower_sessions::Session;

use super::request::Facts;
use super::{Console, answer};
use crate::auth::{self, Auth, Caller, Origin, Visitor};
use crate::backend;

/// Pages that nobody needs to be signed in for.
const OPEN: [&str; 2] = ["/sign-in", "/setup"];
/// Where the framework puts server functions; each decides for itself who may call it.
const SERVER_FUNCTIONS: &str = "/api/";
const LONGEST_NEXT: usize = 2048;

/// Turns the session into a [`Visitor`], which everything below takes rights from.
pub(super) async fn recall(State(console): State<Console>, mut request: Request<Body>, next: Next) -> Response {
    let origin = request.extensions().get::<Facts>().map_or_else(Origin::default, Facts::origin);
    let Some(session) = request.extensions().get::<Session>().cloned() else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    match console.auth().visitor(session, origin).await {
        Ok(visitor) => {
            if let (Some(facts), Some(user)) = (request.extensions().get::<Facts>(), visitor.caller().user()) {
                facts.signed_in(user.id);
            }
            request.extensions_mut().insert(visitor);
            next.run(request).await
        }
        Err(error) => answer::failed(&backend::to_api(error), answer::wants_page(request.headers())),
    }
}

/// Sends whoever is not signed in to the sign-in page, which leads back here.
pub(super) async fn sign_in_first(request: Request<Body>, next: Next) -> Response {
    let path = request.uri().path();
    let route = request.extensions().get::<MatchedPath>().map_or(path, MatchedPath::as_str);
    let signed_in = request.extensions().get::<Visitor>().is_some_and(|visitor| matches!(visitor.caller(), Caller::User(_)));
    if signed_in || !is_page(&request) || OPEN.contains(&route) {
        return next.run(request).await;
    }
    let to = HeaderValue::from_str(&sign_in_path(request.uri())).unwrap_or(HeaderValue::from_static("/sign-in"));
    (StatusCode::SEE_OTHER, [(LOCATION, to)]).into_response()
}

/// Whether a page is asked for, rather than a server function.
pub(super) fn is_page(request: &Request<Body>) -> bool {
    matches!(*request.method(), Method::GET | Method::HEAD) && !request.uri().path().starts_with(SERVER_FUNCTIONS)
}

/// `/sign-in?next=…` with the path that was asked for, if that is a page of our own.
fn sign_in_path(uri: &Uri) -> String {
    let asked = uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    if !is_own_path(asked) || asked.len() > LONGEST_NEXT || asked == "/" {
        return "/sign-in".to_owned();
    }
    format!("/sign-in?next={}", utf8_percent_encode(asked, NON_ALPHANUMERIC))
}

/// Says what the session layer does not, where it can't save a session: it answers with an empty 500.
pub(super) async fn tell_unsaved(request: Request<Body>, next: Next) -> Response {
    let wants_page = answer::wants_page(request.headers());
    match auth::saving(next.run(request)).await {
        Ok(response) => response,
        Err(unsaved) => answer::failed(&backend::to_api(unsaved), wants_page),
    }
}

/// Browsers take a `__Host-` cookie's removal only with the attributes that its name demands.
pub(super) async fn complete_removal(State(console): State<Console>, request: Request<Body>, next: Next) -> Response {
    let mut response = next.run(request).await;
    if console.is_https() {
        let empty = format!("{}=;", Auth::cookie_name(true));
        for value in response.headers_mut().iter_mut().filter(|(name, _)| **name == SET_COOKIE).map(|(_, value)| value) {
            if let Ok(text) = value.to_str()
                && text.starts_with(&empty)
                && let Ok(complete) = HeaderValue::from_str(&format!("{text}; Secure; HttpOnly; SameSite=Strict"))
            {
                *value = complete;
            }
        }
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_own_paths_come_back() {
        let of = |uri: &str| sign_in_path(&uri.parse().unwrap());
        assert_eq!(of("/w/acme?page=2"), "/sign-in?next=%2Fw%2Facme%3Fpage%3D2");
        assert_eq!(of("/"), "/sign-in");
        for other in ["//evil.example/x", "/\\evil.example", "/a\\b", "/\u{e4}"] {
            assert_eq!(of(other), "/sign-in", "{other}");
        }
        assert_eq!(of(&format!("/{}", "a".repeat(3000))), "/sign-in");
    }
}
