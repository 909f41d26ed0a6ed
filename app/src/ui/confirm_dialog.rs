//! A question before something that can't be undone.
//!
//! The trigger is a button in a small form that asks for this page again with `?confirm=<id>`, where the dialog is
//! rendered open: that is the whole of it without JavaScript; what else the address asks for, such as the page of a list, goes
//! along. With it, the press opens the same `<dialog>` as a modal: focus stays inside, Escape closes, and the focus returns to the
//! trigger. It closes when the address is no longer the one it was opened at, as after a successful save. The element remembers that
//! address: a page that is built anew from what the server says keeps its elements, but not what its components knew, and so an open
//! dialog stays open. Not so in a list: a `<For>` of such a page is made anew with all its rows, and a dialog that was open in one is
//! gone, as if it had been cancelled. Rows that are no `<For>` are kept by their place, and an open dialog would come to ask about
//! another row: build them with one. Not to be put inside another form.

use std::sync::{Mutex, PoisonError};

use leptos::html;
use leptos::prelude::*;
use leptos::task::{spawn_local, tick};
use leptos::wasm_bindgen::JsCast;
use leptos_router::hooks::{use_location, use_query_map};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use web_sys::{HtmlDialogElement, HtmlElement};

use super::button::ButtonKind;
use super::focus::focus_pressed;

/// `children` is the form that does it; its last line is usually a [`super::Button`] of kind danger.
#[component]
pub fn ConfirmDialog(
    /// Unique on the page: `delete-acme`. Also what `?confirm=` names.
    #[prop(into)]
    id: String,
    /// The button that opens it: "Delete workspace".
    #[prop(into)]
    trigger_label: String,
    /// Names what the button acts on where a list repeats it: read by screen readers after the label.
    #[prop(optional, into)]
    trigger_object: String,
    #[prop(into)] title: String,
    #[prop(default = ButtonKind::Danger)] kind: ButtonKind,
    /// What is in the dialog is made when it is opened: for long lists, of which it would be most. Only in the rows of a `<For>`,
    /// which are made anew, and closed, with their page: a dialog that is kept while it is open would be empty.
    #[prop(optional)]
    lazy: bool,
    children: Children,
) -> impl IntoView {
    let location = use_location();
    let query = use_query_map();
    let dialog = NodeRef::<html::Dialog>::new();
    let title_id = format!("{id}-title");
    let labelled_by = title_id.clone();
    let asked = query.with_untracked(|query| query.get_str("confirm") == Some(id.as_str()));
    let pathname = location.pathname;
    let kept: Vec<_> = query.get_untracked().into_iter().map(|(name, value)| (name.into_owned(), value)).filter(is_kept).collect();
    let along = kept.iter().cloned().map(|(name, value)| view! { <input type="hidden" name=name value=value/> }).collect_view();
    let here = move || format!("{}?{}", location.pathname.read_untracked(), location.search.read_untracked());
    Effect::new(move |_| {
        let here = format!("{}?{}", location.pathname.read(), location.search.read());
        // Tracked: on a page that is built anew the reference is filled after this has run once.
        let Some(dialog) = dialog.get().filter(is_shown) else { return };
        match dialog.get_attribute(OPENED_AT) {
            None => {
                // Rendered open by the server: now that scripts run, make it a modal.
                dialog.close();
                show(&dialog, &here);
            }
            // Not modal: it was closed, and the page that was built anew rendered it open again.
            Some(at) if at != here || !is_modal(&dialog) => dialog.close(),
            Some(_) => {}
        }
    });
    let made = RwSignal::new(asked || !lazy);
    let open = move |event: leptos::ev::MouseEvent| {
        if let Some(dialog) = dialog.get_untracked() {
            event.prevent_default();
            focus_pressed(&event);
            if !made.get_untracked() {
                made.set(true);
                spawn_local(async move {
                    // By then it is rendered, and has the field that is to be focused.
                    tick().await;
                    show(&dialog, &here());
                });
            } else if !dialog.open() {
                show(&dialog, &here());
            }
        }
    };
    let cancel = move |event: leptos::ev::MouseEvent| {
        if let Some(dialog) = dialog.get_untracked() {
            event.prevent_default();
            event.stop_propagation();
            dialog.close();
        }
    };
    let object = (!trigger_object.is_empty()).then(|| view! { <span class="sr-only">" " {trigger_object}</span> });
    let content = move || {
        view! {
            <div class="flex items-start justify-between gap-4">
                <h2 id=title_id class="min-w-0 text-base font-semibold break-words text-ink">
                    {title}
                </h2>
                <a href=move || address(&pathname.get(), &kept) class="-m-1 rounded-md p-1 text-muted hover:bg-hover hover:text-ink" aria-label="Cancel" on:click=cancel>
                    <super::Icon name=super::IconName::Close/>
                </a>
            </div>
            <div class="mt-3 space-y-4 text-sm text-muted">{children()}</div>
        }
        .into_any()
    };
    let (now, later) = if made.get_untracked() { (Some(content()), None) } else { (None, Some(content)) };
    let later = Mutex::new(later);
    let later = move || {
        let content = if made.get() { later.lock().unwrap_or_else(PoisonError::into_inner).take() } else { None };
        content.map(|content| content())
    };
    view! {
        <form method="get" class="contents">
            {along}
            <input type="hidden" name="confirm" value=id/>
            <button type="submit" class=kind.classes() aria-haspopup="dialog" on:click=open>
                {trigger_label}
                {object}
            </button>
        </form>
        <dialog node_ref=dialog open=asked class="dialog" aria-labelledby=labelled_by>
            {now}
            {later}
        </dialog>
    }
}

/// What an address says once, and what the question itself adds.
const SAID_ONCE: [&str; 6] = ["confirm", "saved", "created", "added", "at", "draft"];

/// Whether a part of the address stays while a question is asked, and after it was answered with no.
fn is_kept((name, value): &(String, String)) -> bool {
    !value.is_empty() && !SAID_ONCE.contains(&name.as_str())
}

fn address(path: &str, kept: &[(String, String)]) -> String {
    let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let query: Vec<String> = kept.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{}", query.join("&")) }
}

/// Where a dialog keeps the address at which it was opened.
const OPENED_AT: &str = "data-opened-at";

/// Whether it is open. A page that is built anew takes off all attributes and sets those that its views name, so one that was
/// opened here loses this one: then nobody sees it, and it still keeps everything else out of reach. It gets it back, without which
/// it could not be closed either.
fn is_shown(dialog: &HtmlDialogElement) -> bool {
    if !dialog.open() && is_modal(dialog) {
        drop(dialog.set_attribute("open", ""));
    }
    dialog.open()
}

fn is_modal(dialog: &HtmlDialogElement) -> bool {
    dialog.matches(":modal").unwrap_or(false)
}

/// Opens the dialog as a modal. What has to be typed has the focus; where nothing has, it stays on the way out.
fn show(dialog: &HtmlDialogElement, here: &str) {
    drop(dialog.set_attribute(OPENED_AT, here));
    drop(dialog.show_modal());
    let field = dialog.query_selector("input:not([type=hidden])").ok().flatten();
    if let Some(field) = field.and_then(|field| field.dyn_into::<HtmlElement>().ok()) {
        drop(field.focus());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_keeps_the_page_of_its_list_and_not_what_is_over() {
        let asked = |pairs: &[(&str, &str)]| {
            let kept: Vec<_> = pairs.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).filter(is_kept).collect();
            address("/settings/workspaces", &kept)
        };
        assert_eq!(asked(&[("q", "a&b"), ("page", "2"), ("confirm", "delete-acme")]), "/settings/workspaces?q=a%26b&page=2");
        assert_eq!(asked(&[("saved", "workspace-enabled"), ("draft", "0"), ("q", "")]), "/settings/workspaces");
    }
}
