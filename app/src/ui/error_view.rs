//! A page or a part of one that could not be loaded: what happened, and the way on.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_location;

use super::boundary::Component;
use super::button::{ButtonKind, LinkButton};
use crate::browser_errors;
use crate::contract::ApiError;

/// Shows the error. What one may not look at is answered as what is not there. While the server renders, the response gets the status that belongs to it.
///
/// What is neither the server's matter nor the network's is reported as the error of the [`Boundary`](super::Boundary)
/// around it, and shown with its id.
#[component]
pub fn ErrorView(
    error: ApiError,
    /// What went wrong, for error tracking; never shown.
    #[prop(optional, into)]
    cause: Option<String>,
) -> impl IntoView {
    let error = if error == ApiError::Forbidden { ApiError::NotFound } else { error };
    #[cfg(feature = "ssr")]
    if let Some(response) = use_context::<leptos_axum::ResponseOptions>() {
        response.set_status(status(&error));
    }
    let location = use_location();
    let here = move || {
        location.pathname.get() + &location.search.with(|search| if search.is_empty() { String::new() } else { format!("?{search}") })
    };
    let (title, step) = match &error {
        ApiError::SignedOut => ("You are signed out", Some((sign_in_path(&untrack(here)), "Sign in"))),
        ApiError::NotFound => ("Not found", Some(("/".to_owned(), "Go to overview"))),
        ApiError::Unreachable => ("The server can't be reached", None),
        _ => ("This could not be loaded", None),
    };
    let text = match &error {
        ApiError::Unreachable => "Check the connection, then reload the page.".to_owned(),
        ApiError::SignedOut => "Your session has ended. Sign in to come back here.".to_owned(),
        other => other.to_string(),
    };
    let step = match step {
        Some((href, words)) => view! { <LinkButton href kind=ButtonKind::Primary>{words}</LinkButton> }.into_any(),
        // A document load, not a client-side one: `rel=external` keeps the router out.
        None => view! { <a href=untrack(here) rel="external" class=ButtonKind::Secondary.classes()>"Reload"</a> }.into_any(),
    };
    let id = report(&error, cause);
    view! {
        <Title text=title/>
        <div class="mx-auto flex max-w-md flex-col items-start py-16" role="alert">
            <h1 class="text-title font-semibold text-ink">{title}</h1>
            <p class="mt-2 text-sm text-muted">{text}</p>
            {move || {
                id.get().map(|id| view! {
                    <p class="mt-2 text-small text-muted">
                        "Error ID " <span class="font-mono break-all text-ink select-all">{id}</span>
                    </p>
                })
            }}
            <div class="mt-5">{step}</div>
        </div>
    }
}

/// Reports what the browser's own code got wrong; the id comes when it was.
fn report(error: &ApiError, cause: Option<String>) -> RwSignal<Option<String>> {
    let id = RwSignal::new(None);
    if matches!(error, ApiError::Malformed | ApiError::Unintelligible) {
        let message = cause.unwrap_or_else(|| "The server's answer could not be understood".to_owned());
        let component = use_context::<Component>().map_or("ErrorView", |component| component.0);
        Effect::new(move |_| id.set(browser_errors::caught(component, &message)));
    }
    id
}

/// The sign-in page that comes back to `path` afterwards.
fn sign_in_path(path: &str) -> String {
    let next = percent_encoding::utf8_percent_encode(path, percent_encoding::NON_ALPHANUMERIC);
    format!("/sign-in?next={next}")
}

#[cfg(feature = "ssr")]
const fn status(error: &ApiError) -> http::StatusCode {
    match error {
        ApiError::SignedOut => http::StatusCode::UNAUTHORIZED,
        ApiError::NotFound => http::StatusCode::NOT_FOUND,
        ApiError::Throttled { .. } => http::StatusCode::TOO_MANY_REQUESTS,
        ApiError::Stale | ApiError::Verifying => http::StatusCode::CONFLICT,
        ApiError::NoRoom { .. } => http::StatusCode::INSUFFICIENT_STORAGE,
        ApiError::Unreachable | ApiError::SessionUnsaved { .. } | ApiError::Internal { .. } | ApiError::Disk { .. } => {
            http::StatusCode::INTERNAL_SERVER_ERROR
        }
        _ => http::StatusCode::BAD_REQUEST,
    }
}

#[cfg(test)]
mod tests {
    use super::sign_in_path;

    #[test]
    fn the_way_back_is_one_query_value() {
        assert_eq!(sign_in_path("/w/acme/routes?page=2"), "/sign-in?next=%2Fw%2Facme%2Froutes%3Fpage%3D2");
    }
}
