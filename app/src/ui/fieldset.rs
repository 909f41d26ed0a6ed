//! Fields that belong together, under one legend.

use leptos::prelude::*;

/// A group of fields.
#[component]
pub fn FieldSet(legend: &'static str, #[prop(optional)] help: &'static str, children: Children) -> impl IntoView {
    view! {
        <fieldset class="space-y-4">
            <legend class="text-sm font-medium text-ink">{legend}</legend>
            {(!help.is_empty()).then(|| view! { <p class="-mt-3 text-small text-muted">{help}</p> })}
            {children()}
        </fieldset>
    }
}
