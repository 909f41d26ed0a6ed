//! The whole stack, outermost first.

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{Extensions, HeaderMap, StatusCode, Version};
use tower::ServiceBuilder;
use tower_http::compression::CompressionLayer;

use super::{Console, answer, assets, csrf, forms, headers, limits, panics, request, visitor};

/// `open` are routes for anybody (health, files); `console` are pages and server functions.
pub(super) fn stack(open: Router<Console>, console: Router<Console>, state: &Console) -> Router<Console> {
    let everything = ServiceBuilder::new()
        // Every answer, whoever makes it, has an id and is recorded with the status that goes out.
        .layer(from_fn_with_state(state.clone(), request::record))
        // Every answer, refusals too, has the security headers.
        .layer(from_fn_with_state(state.clone(), headers::secure))
        // Only what was rendered: files are compressed ahead of time.
        .layer(CompressionLayer::new().compress_when(is_html))
        // Below, nothing can take the connection down with it.
        .layer(from_fn(panics::catch))
        // A handler that hangs gives the client an answer.
        .layer(from_fn(limits::time))
        // Before anybody reads a body.
        .layer(from_fn(limits::size))
        // Before a session is looked up: a foreign form must not even use one.
        .layer(from_fn_with_state(state.clone(), csrf::own_origin_only));
    let with_session = ServiceBuilder::new()
        // Public files need nobody.
        .layer(from_fn_with_state(state.assets().clone(), assets::public_file))
        // Around the session layer, whose removal cookie it completes.
        .layer(from_fn_with_state(state.clone(), visitor::complete_removal))
        // Around it as well: it takes the place of what the layer answers when it can't save.
        .layer(from_fn(visitor::tell_unsaved))
        .layer(state.auth().session_layer(state.is_https()))
        // From here on there is a visitor.
        .layer(from_fn_with_state(state.clone(), visitor::recall))
        .layer(from_fn(visitor::sign_in_first))
        // Only for whoever may see the page: a draft is given out once.
        .layer(from_fn_with_state(state.clone(), forms::keep_what_was_typed))
        // Next to the handler: the session layer keeps nothing of an answer that looks like a failure of the server.
        .layer(from_fn(answer::status));
    open.merge(console.layer(with_session)).layer(everything)
}

fn is_html(_: StatusCode, _: Version, headers: &HeaderMap, _: &Extensions) -> bool {
    let html = headers.get(CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"text/html"));
    html && !headers.contains_key(CONTENT_ENCODING)
}
