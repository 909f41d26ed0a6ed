//! Fields that belong together, under one legend.

use leptos::prelude::*;

/// A group of fields.
#[component]
pub fn FieldSet(
    legend: &'static str,
    #[prop(optional)] help: &'static str,
    /// Joins help and error with the group, for whoever can't see that they stand together. Unique on the page; needed with either.
    #[prop(optional)]
    id: &'static str,
    /// What the server said about the group as a whole; see [`super::field_error`].
    #[prop(optional, into)]
    error: Signal<Option<String>>,
    children: Children,
) -> impl IntoView {
    let (help_id, error_id) = (format!("{id}-help"), format!("{id}-error"));
    let described = match (id, help) {
        ("", _) => None,
        (_, "") => Some(error_id.clone()),
        _ => Some(format!("{error_id} {help_id}")),
    };
    view! {
        <fieldset class="space-y-4" aria-describedby=described>
            <legend class="text-sm font-medium text-ink">{legend}</legend>
            {(!help.is_empty()).then(|| view! { <p id=help_id class="-mt-3 text-small text-muted">{help}</p> })}
            {(!id.is_empty()).then(|| view! { <p id=error_id class="text-small text-bad empty:hidden">{move || error.get()}</p> })}
            {children()}
        </fieldset>
    }
}
