//! A switch: a real checkbox, so that forms and keyboards treat it as one. When off, nothing is sent.

use leptos::prelude::*;

use super::field_frame::{FieldNotes, control_id, described_by};
use super::kept_form::FormDraft;
use crate::contract::Variable;

/// A labelled switch. One that the environment manages can't be changed and sends nothing.
#[component]
pub fn Toggle(
    label: &'static str,
    name: &'static str,
    checked: bool,
    #[prop(optional)] help: &'static str,
    #[prop(optional, into)] error: Signal<Option<String>>,
    #[prop(optional_no_strip, into)] managed_by: Option<Variable>,
    #[prop(optional, into)] id: String,
) -> impl IntoView {
    let id = control_id(id, name);
    let described = described_by(&id);
    let checked = if managed_by.is_some() { checked } else { FormDraft::here().ticked_or(name, checked) };
    view! {
        <div class="flex items-start gap-3">
            <input
                id=id.clone()
                name=name
                type="checkbox"
                role="switch"
                value="on"
                checked=checked
                disabled=managed_by.is_some()
                class="switch mt-0.5"
                aria-describedby=described
                aria-invalid=move || error.get().is_some().then_some("true")
            />
            <div class="min-w-0 space-y-0.5">
                <label for=id.clone() class="text-sm font-medium text-ink">
                    {label}
                </label>
                <FieldNotes id help error managed_by again=false/>
            </div>
        </div>
    }
}
