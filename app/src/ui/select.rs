//! A choice of one among few.

use leptos::prelude::*;

use super::field_frame::{FieldFrame, control_id, described_by};
use super::kept_form::FormDraft;
use crate::contract::Variable;

/// A labelled native select. `options` are values with their words.
#[component]
pub fn Select(
    label: &'static str,
    name: &'static str,
    options: Vec<(String, String)>,
    #[prop(optional, into)] value: String,
    #[prop(optional)] help: &'static str,
    #[prop(optional, into)] error: Signal<Option<String>>,
    #[prop(optional_no_strip, into)] managed_by: Option<Variable>,
    #[prop(optional, into)] id: String,
) -> impl IntoView {
    let id = control_id(id, name);
    let described = described_by(&id);
    let value = FormDraft::here().text_or(name, value);
    let options = options
        .into_iter()
        .map(|(key, words)| {
            let selected = key == value;
            view! {
                <option value=key selected=selected>
                    {words}
                </option>
            }
        })
        .collect_view();
    view! {
        <FieldFrame id=id.clone() label help error managed_by optional=false again=false>
            <select
                id=id
                name=name
                disabled=managed_by.is_some()
                class="select-chevron block h-8 w-full rounded-md border border-line-strong bg-field pr-8 pl-2.5 text-sm text-ink shadow-xs transition-colors hover:border-line-heavy aria-invalid:border-bad"
                aria-describedby=described
                aria-invalid=move || error.get().is_some().then_some("true")
            >
                {options}
            </select>
        </FieldFrame>
    }
}
