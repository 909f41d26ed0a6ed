//! How an action's failure reaches its form: on top as a sentence, and at the field it names.
//!
//! Without JavaScript the error comes back in the page's address, from where `ServerAction` reads it; so the same two
//! helpers serve both ways.

use leptos::prelude::*;
use leptos_router::hooks::use_location;

use super::notice::{Notice, NoticeKind};
use super::text_field::sentence;
use crate::contract::{ApiError, Field};

/// The error in an action's value: `error_of(action.value())`.
pub fn error_of<O, V>(value: V) -> Signal<Option<ApiError>>
where
    O: Send + Sync + 'static,
    V: With<Value = Option<Result<O, ApiError>>> + Send + Sync + 'static,
{
    Signal::derive(move || value.with(|value| value.as_ref().and_then(|result| result.as_ref().err().cloned())))
}

/// What an action's error says about one field: `field_error(action.value(), Field::Slug)`.
pub fn field_error<O, V>(value: V, field: Field) -> Signal<Option<String>>
where
    O: Send + Sync + 'static,
    V: With<Value = Option<Result<O, ApiError>>> + Send + Sync + 'static,
{
    Signal::derive(move || {
        value.with(|value| match value {
            Some(Err(ApiError::Invalid { field: named, rule })) if *named == field => Some(sentence(&rule.to_string())),
            Some(Err(error @ ApiError::Managed { field: named, .. })) if *named == field => Some(error.to_string()),
            _ => None,
        })
    })
}

/// The error on top of a form: `<ActionError error=error_of(action.value())/>`.
#[component]
pub fn ActionError(#[prop(into)] error: Signal<Option<ApiError>>) -> impl IntoView {
    move || error.get().map(|error| view! { <Notice kind=NoticeKind::Error>{error.to_string()}</Notice> })
}

/// Does something whenever the address has got another query: a form was opened or closed, or an attempt has led on. What earlier
/// attempts said is over then, and is to be cleared.
pub fn on_new_query(then: impl Fn() + 'static) {
    let search = use_location().search;
    Effect::new(move |before: Option<String>| {
        let here = search.get();
        if before.is_some_and(|before| before != here) {
            then();
        }
        here
    });
}
