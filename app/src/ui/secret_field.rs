//! A secret that is stored and never shown again: what may be said of it, and a way to replace or clear it.
//!
//! Blank keeps what is stored; the box named `clear_name` removes it. Without JavaScript both are on the page. With it the
//! field opens on "Replace", and "Clear" ticks the box, so that the form sends the same either way. Never dots that
//! pretend to be a value.

use leptos::prelude::*;
use leptos::wasm_bindgen::JsCast;
use web_sys::HtmlInputElement;

use super::button::ButtonKind;
use super::field_frame::{CONTROL, FieldNotes, control_id, described_by};
use super::icon::{Icon, IconName};
use super::kept_form::FormDraft;
use super::text_field::{Checked, Validator};
use super::time::exact_date;
use crate::contract::{SecretView, Variable};

/// What the field is doing. Only scripts change it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// As the server renders it: everything visible.
    Plain,
    Keep,
    Replace,
    Clear,
}

/// Whether the box of this id is on the page and ticked, in the browser.
fn is_ticked(id: &str) -> bool {
    let element = document().get_element_by_id(id);
    element.and_then(|element| element.dyn_into::<HtmlInputElement>().ok()).is_some_and(|input| input.checked())
}

/// A labelled secret.
#[component]
pub fn SecretField(
    label: &'static str,
    name: &'static str,
    /// Name of the box that is sent when the stored secret is to be removed; without one it can only be replaced.
    #[prop(optional)]
    clear_name: &'static str,
    secret: SecretView,
    #[prop(optional)] help: &'static str,
    #[prop(optional, into)] error: Signal<Option<String>>,
    #[prop(optional_no_strip, into)] managed_by: Option<Variable>,
    #[prop(optional)] placeholder: &'static str,
    /// Not marked as one that may stay empty.
    #[prop(optional)]
    required: bool,
    /// A template to be completed; never a stored value.
    #[prop(optional)]
    initial: &'static str,
    #[prop(optional)] validate: Option<Validator>,
    #[prop(optional, into)] id: String,
) -> impl IntoView {
    let id = control_id(id, name);
    let checked = Checked::new(error);
    let mode = RwSignal::new(Mode::Plain);
    let stored = secret.set;
    let draft = FormDraft::here();
    let (again, clear) = (draft.left_out(name), draft.ticked_or(clear_name, false));
    let clear_id = format!("{id}-clear");
    let input = NodeRef::<leptos::html::Input>::new();
    // Somebody may have been quicker than the page's code. The box has to be read before it is taken over.
    let ticked = cfg!(feature = "hydrate") && is_ticked(&clear_id);
    // After hydration a stored secret is folded to its summary.
    Effect::new(move |_| {
        let typed = input.get_untracked().is_some_and(|input| !input.value().is_empty());
        mode.set(match (stored && managed_by.is_none(), again || typed || !initial.is_empty(), clear || ticked) {
            (false, ..) => Mode::Plain,
            (true, true, _) => Mode::Replace,
            (true, false, true) => Mode::Clear,
            (true, false, false) => Mode::Keep,
        });
    });
    // A page that is built anew keeps the input and what is typed in it, which is to be seen. After a success it has left by the
    // next frame: the form goes back first.
    Effect::new(move |_| {
        if let Some(input) = input.get() {
            request_animation_frame(move || {
                if !input.value().is_empty() && mode.try_get_untracked() == Some(Mode::Keep) {
                    let _ = mode.try_set(Mode::Replace);
                }
            });
        }
    });
    Effect::new(move |_| {
        if error.get().is_some() && mode.get_untracked() == Mode::Keep {
            mode.set(Mode::Replace);
        }
    });
    let clear_for = clear_id.clone();
    let described = described_by(&id);
    let replace = move |_| {
        mode.set(Mode::Replace);
        if let Some(input) = input.get_untracked() {
            request_animation_frame(move || drop(input.focus()));
        }
    };
    let keep = move |_| {
        mode.set(Mode::Keep);
        if let Some(input) = input.get_untracked() {
            input.set_value("");
        }
    };
    let managed = managed_by.is_some();
    let can_clear = !clear_name.is_empty();
    view! {
        <div class="space-y-1.5">
            <div class="flex items-baseline justify-between gap-3">
                <label for=id.clone() class="text-sm font-medium text-ink">
                    {label}
                </label>
                {(!stored && !managed && !required).then(|| view! { <span class="text-small text-faint">"Optional"</span> })}
            </div>
            {(stored || managed).then(|| view! {
                <div class="flex min-h-8 items-center justify-between gap-3 rounded-md border border-line bg-sunken py-1 pr-1 pl-2.5 text-small text-muted">
                    <Summary secret managed mode/>
                    <div class="flex shrink-0 gap-1" hidden=move || mode.get() == Mode::Plain>
                        <button type="button" class=ButtonKind::Quiet.classes() hidden=move || mode.get() != Mode::Keep on:click=replace>
                            "Replace" <span class="sr-only">" " {label}</span>
                        </button>
                        {can_clear.then(|| view! {
                            <button type="button" class=ButtonKind::Quiet.classes() hidden=move || mode.get() != Mode::Keep on:click=move |_| mode.set(Mode::Clear)>
                                "Clear" <span class="sr-only">" " {label}</span>
                            </button>
                        })}
                        <button type="button" class=ButtonKind::Quiet.classes() hidden=move || !matches!(mode.get(), Mode::Replace | Mode::Clear) on:click=keep>
                            "Keep stored" <span class="sr-only">" " {label}</span>
                        </button>
                    </div>
                </div>
            })}
            <div class="space-y-1.5" hidden=move || managed || matches!(mode.get(), Mode::Keep | Mode::Clear)>
                <input
                    id=id.clone()
                    node_ref=input
                    name=name
                    value=initial
                    type="text"
                    class=CONTROL
                    class:font-mono=true
                    disabled=managed
                    placeholder=if stored { "Leave blank to keep what is stored" } else { placeholder }
                    autocomplete="off"
                    spellcheck="false"
                    autocapitalize="none"
                    aria-describedby=described
                    aria-invalid=move || checked.error.get().is_some().then_some("true")
                    on:blur:target=move |event| {
                        let text = event.target().value();
                        if !text.is_empty() {
                            checked.check(&text, validate);
                        }
                    }
                    on:input:target=move |event| checked.recheck(&event.target().value(), validate)
                />
            </div>
            {(stored && !managed && can_clear).then(|| view! {
                <label
                    for=clear_for
                    class="flex items-center gap-2 text-small text-muted"
                    hidden=move || mode.get() != Mode::Plain
                >
                    <input
                        id=clear_id
                        name=clear_name
                        type="checkbox"
                        value="on"
                        class="checkbox"
                        checked=clear
                        prop:checked=move || mode.get() == Mode::Clear
                    />
                    "Clear what is stored"
                </label>
            })}
            <FieldNotes id help error=checked.error managed_by again/>
        </div>
    }
}

/// One line about the secret: since when, by whom, which header names; or what saving will do to it.
#[component]
fn Summary(secret: SecretView, managed: bool, mode: RwSignal<Mode>) -> impl IntoView {
    let broken = secret.unreadable;
    let text = summary(&secret, managed);
    view! {
        <span class="flex min-w-0 items-center gap-1.5" class:text-bad=broken>
            <Icon name=if broken { IconName::Warning } else { IconName::Lock }/>
            <span class="min-w-0 break-words" aria-live="polite">
                {move || if mode.get() == Mode::Clear { "Removed when you save.".to_owned() } else { text.clone() }}
            </span>
        </span>
    }
}

/// "Set on 12 Nov 2026 by ana@example.com: Authorization, X-Scope-OrgID".
fn summary(secret: &SecretView, managed: bool) -> String {
    if secret.unreadable {
        return "What is stored can't be read any more. Enter it again.".to_owned();
    }
    let mut text = if managed && !secret.set { "Not set".to_owned() } else { "Set".to_owned() };
    if let Some(at) = secret.set_at {
        text.push_str(" on ");
        text.push_str(&exact_date(at));
    }
    if let Some(by) = &secret.set_by {
        text.push_str(" by ");
        text.push_str(by);
    }
    if !secret.names.is_empty() {
        text.push_str(": ");
        text.push_str(&secret.names.join(", "));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_may_be_said() {
        let secret = SecretView {
            set: true,
            names: vec!["Authorization".into(), "X-Scope-OrgID".into()],
            set_at: Some(1_794_441_600_000),
            set_by: Some("ana@example.com".into()),
            unreadable: false,
        };
        assert_eq!(summary(&secret, false), "Set on 12 Nov 2026 by ana@example.com: Authorization, X-Scope-OrgID");
        assert_eq!(summary(&SecretView { set: true, ..SecretView::default() }, false), "Set");
        assert!(summary(&SecretView { unreadable: true, ..secret }, false).contains("Enter it again"));
    }
}
