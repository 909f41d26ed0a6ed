//! Several lines of text; otherwise as the text field.

use leptos::prelude::*;

use super::field_frame::{AREA, FieldFrame, control_id, described_by};
use super::kept_form::FormDraft;
use super::text_field::{Checked, Validator};
use crate::contract::Variable;

/// A labelled text of several lines.
#[component]
pub fn TextArea(
    label: &'static str,
    name: &'static str,
    #[prop(optional, into)] value: String,
    #[prop(optional)] help: &'static str,
    #[prop(optional, into)] error: Signal<Option<String>>,
    #[prop(optional_no_strip, into)] managed_by: Option<Variable>,
    #[prop(optional)] required: bool,
    #[prop(optional)] optional: bool,
    #[prop(optional)] placeholder: &'static str,
    #[prop(default = 3)] rows: u32,
    #[prop(optional)] mono: bool,
    #[prop(optional)] validate: Option<Validator>,
    #[prop(optional, into)] id: String,
) -> impl IntoView {
    let id = control_id(id, name);
    let checked = Checked::new(error);
    let described = described_by(&id);
    let draft = FormDraft::here();
    let (value, again) = (draft.text_or(name, value), draft.left_out(name));
    view! {
        <FieldFrame id=id.clone() label help error=checked.error managed_by optional again>
            <textarea
                id=id
                name=name
                rows=rows
                class=AREA
                class:font-mono=mono
                required=required
                readonly=managed_by.is_some()
                placeholder=(!placeholder.is_empty()).then_some(placeholder)
                autocomplete="off"
                spellcheck="false"
                autocapitalize="none"
                aria-describedby=described
                aria-invalid=move || checked.error.get().is_some().then_some("true")
                on:blur:target=move |event| checked.check(&event.target().value(), validate)
                on:input:target=move |event| checked.recheck(&event.target().value(), validate)
            >
                {value}
            </textarea>
        </FieldFrame>
    }
}
