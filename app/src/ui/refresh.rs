//! When a page has to load its data again: after a change that succeeded, and never after one that failed, so that a
//! form keeps what was typed. And what becomes of the form: held until the page is there, then as that page has it.

use leptos::html::{Div, Form};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos::wasm_bindgen::JsCast;
use web_sys::{Element, HtmlFormElement};

use crate::contract::ApiError;

/// Where an element keeps what it is for.
const FOR: &str = "data-for";

/// Counts the successes of an action, to be part of a resource's source.
pub fn successes<S>(action: ServerAction<S>) -> Memo<usize>
where
    S: ServerFn<Error = ApiError> + Clone + Send + Sync + 'static,
    S::Output: Send + Sync + 'static,
{
    let (value, version) = (action.value(), action.version());
    Memo::new(move |before: Option<&usize>| {
        let version = version.get();
        let succeeded = value.with(|value| matches!(value, Some(Ok(_))));
        if succeeded { version } else { before.copied().unwrap_or(0) }
    })
}

/// Whether a form takes no press: while its action is under way and, after a success, until the page is there that shows what was
/// made. Until then the form is the old one, and what a second press asks for would be made twice, or refused as taken already. To
/// be called where the form is built, with the [`successes`] of its action.
#[must_use]
pub fn held(pending: Memo<bool>, made: Memo<usize>) -> Signal<bool> {
    let shown = made.get_untracked();
    Signal::derive(move || pending.get() || made.get() != shown)
}

/// Several answers, for a page's one `Suspend`, which is built anew when all of them are there. If it waited for each itself, the
/// first answer would take down what the page's parts know, while their elements stay until the last: a press in between would
/// reach for what is gone.
pub fn together<T, F>(all: impl Fn() -> F + Send + Sync + 'static) -> AsyncDerived<T>
where
    T: Send + Sync + 'static,
    F: Future<Output = T> + Send + 'static,
{
    AsyncDerived::new(all)
}

/// Whether an element is for something else than it was. A page that is built anew keeps its elements, and with them what was
/// typed, but not what its components knew; so the element remembers what it is for.
pub fn is_for_another(element: &Element, what: &str) -> bool {
    let before = element.get_attribute(FOR);
    drop(element.set_attribute(FOR, what));
    before.is_some_and(|before| before != what)
}

/// The form of an action, for `node_ref`. After a success, once the page shows what the server made of it, its fields go
/// back to what the page was given: text becomes what is stored, and a secret that was typed leaves the page. Where the page is
/// built anew for anything else, what is typed stays.
#[must_use]
pub fn form_reset_by(successes: Memo<usize>) -> NodeRef<Form> {
    let form = NodeRef::<Form>::new();
    // The reference is filled again whenever the form is built anew from loaded data, its fields in the same turn.
    Effect::new(move |_| {
        if let Some(form) = form.get()
            && is_for_another(&form, &successes.get_untracked().to_string())
        {
            request_animation_frame(move || form.reset());
        }
    });
    form
}

/// A part, for `node_ref`, of a form whose fields stand in the address that it asks for. Once the page is there for another address,
/// `asked`, the fields say what that asks for, and nothing that was typed before. They are kept and not made anew: whoever pressed
/// Enter in one goes on in it.
#[must_use]
pub fn form_reset_for(asked: String) -> NodeRef<Div> {
    let part = NodeRef::<Div>::new();
    Effect::new(move |_| {
        if let Some(part) = part.get()
            && is_for_another(&part, &asked)
            && let Ok(Some(form)) = part.closest("form")
            && let Ok(form) = form.dyn_into::<HtmlFormElement>()
        {
            request_animation_frame(move || form.reset());
        }
    });
    part
}
