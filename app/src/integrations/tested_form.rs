//! What every form has that can be tested before it is saved: two buttons for the same fields, one answer for both, and the
//! place where the test's result appears.

use leptos::form::FromFormData;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_router::hooks::use_query_map;
use serde::de::DeserializeOwned;
use web_sys::{FormData, HtmlButtonElement};

use crate::contract::{ApiError, UnixMillis};
use crate::ui::{Button, ButtonKind, Time};

/// What an action has answered so far.
pub type Answer = Signal<Option<Result<(), ApiError>>>;

/// A server function that a form can be sent to.
pub trait Sent: ServerFn<Error = ApiError> + DeserializeOwned + Clone + Send + Sync + 'static {}
impl<S: ServerFn<Error = ApiError> + DeserializeOwned + Clone + Send + Sync + 'static> Sent for S {}

/// Whichever was refused last; each clears the other when it starts.
pub fn refused<S, T>(save: ServerAction<S>, test: ServerAction<T>) -> Answer
where
    S: Sent<Output = ()>,
    T: Sent,
    T::Output: Clone + Send + Sync + 'static,
{
    let (saved, tested, saving) = (save.value(), test.value(), save.pending());
    Effect::new(move |_| {
        if saving.get() {
            tested.set(None);
        }
    });
    Signal::derive(move || saved.get().and_then(Result::err).or_else(|| tested.get().and_then(Result::err)).map(Err))
}

/// What is in effect since the last save.
#[derive(Clone)]
pub struct Saved {
    /// What `?saved=` says after a save of this form.
    pub word: &'static str,
    /// What the save did.
    pub message: String,
    pub at: Option<UnixMillis>,
    pub by: Option<String>,
}

/// The foot of the form: the buttons, what saving did, and who saved last.
#[component]
pub fn TestedFoot<S, T>(
    save: ServerAction<S>,
    test: ServerAction<T>,
    answer: Answer,
    saved: Saved,
    test_label: &'static str,
) -> impl IntoView
where
    S: Sent<Output = ()>,
    T: Sent,
    T::Output: Clone + Send + Sync + 'static,
{
    let query = use_query_map();
    let Saved { word, message, at, by } = saved;
    let said = move || {
        let saved = query.with(|query| query.get_str("saved") == Some(word));
        // An address keeps `saved` while a later attempt fails.
        let failed = answer.with(|answer| matches!(answer, Some(Err(_))));
        if saved && !failed { message.clone() } else { String::new() }
    };
    let pending = test.pending();
    let press = move |event: leptos::ev::MouseEvent| {
        let button: HtmlButtonElement = event_target(&event);
        let Some(data) = button.form().and_then(|form| FormData::new_with_form(&form).ok()) else { return };
        event.prevent_default();
        if pending.get_untracked() {
            return;
        }
        if let Ok(input) = T::from_form_data(&data) {
            save.value().set(None);
            test.dispatch(input);
        }
    };
    view! {
        <div class="flex flex-wrap items-center gap-x-3 gap-y-2 border-t border-line px-5 py-3.5">
            <Button kind=ButtonKind::Primary submit=true pending=save.pending()>
                "Save"
            </Button>
            // The same form, sent elsewhere: without scripts by its own address, with them by the action.
            <button
                type="submit"
                formaction=T::url()
                class=ButtonKind::Secondary.classes()
                aria-disabled=move || pending.get().then_some("true")
                aria-busy=move || pending.get().then_some("true")
                on:click=press
            >
                {test_label}
            </button>
            <p class="text-small font-medium text-ok" role="status">
                {said}
            </p>
            {at.map(|at| view! {
                <p class="ml-auto min-w-0 text-small break-words text-faint">
                    "Last saved " <Time at/> {by.map(|by| format!(" by {by}"))}
                </p>
            })}
        </div>
    }
}

/// Shows the newest report of a test: the action's, or the one that the server kept.
#[component]
pub fn TestResultOf<T>(
    test: ServerAction<T>,
    report: Option<T::Output>,
    /// While it is under way.
    sending: &'static str,
    show: fn(T::Output) -> AnyView,
) -> impl IntoView
where
    T: Sent,
    T::Output: Clone + Send + Sync + 'static,
{
    let (value, pending) = (test.value(), test.pending());
    let newest = move || match value.get() {
        Some(Ok(report)) => Some(report),
        // What was refused says so at its field.
        Some(Err(_)) => None,
        None => report.clone(),
    };
    view! {
        <div role="status" aria-label="Test result">
            {move || {
                if pending.get() {
                    return view! { <p class="border-t border-line px-5 py-4 text-small text-muted">{sending}</p> }.into_any();
                }
                newest().map_or_else(|| ().into_any(), show)
            }}
        </div>
    }
}
