//! What every field has around its control: the label, the help, the error, and the note of an environment variable.

use leptos::prelude::*;

use super::icon::{Icon, IconName};
use crate::contract::Variable;

/// The look of a text control, in its states.
pub(super) const CONTROL: &str = "block h-8 w-full rounded-md border border-line-strong bg-field px-2.5 text-sm text-ink shadow-xs transition-colors placeholder:text-faint hover:border-line-heavy read-only:bg-sunken read-only:text-muted read-only:shadow-none read-only:hover:border-line-strong aria-invalid:border-bad";
/// The same for several lines.
pub(super) const AREA: &str = "block w-full rounded-md border border-line-strong bg-field px-2.5 py-1.5 text-sm text-ink shadow-xs transition-colors placeholder:text-faint hover:border-line-heavy read-only:bg-sunken read-only:text-muted read-only:shadow-none read-only:hover:border-line-strong aria-invalid:border-bad";

/// Label above, control, then error and help below; ids that join them.
#[component]
pub(super) fn FieldFrame(
    /// The control's id; help and error derive theirs from it.
    id: String,
    label: &'static str,
    help: &'static str,
    error: Signal<Option<String>>,
    managed_by: Option<Variable>,
    optional: bool,
    /// What was typed is not kept.
    again: bool,
    children: Children,
) -> impl IntoView {
    view! {
        <div class="space-y-1.5">
            <div class="flex items-baseline justify-between gap-3">
                <label for=id.clone() class="text-sm font-medium text-ink">
                    {label}
                </label>
                {optional.then(|| view! { <span class="text-small text-faint">"Optional"</span> })}
            </div>
            {children()}
            <FieldNotes id help error managed_by again/>
        </div>
    }
}

/// The lines under a control.
#[component]
pub(super) fn FieldNotes(
    id: String,
    help: &'static str,
    error: Signal<Option<String>>,
    managed_by: Option<Variable>,
    again: bool,
) -> impl IntoView {
    let error_id = format!("{id}-error");
    let help_id = format!("{id}-help");
    view! {
        <p id=error_id class="flex items-start gap-1.5 text-small text-bad empty:hidden">
            {move || {
                error.get().map(|text| {
                    view! {
                        <span class="pt-px">
                            <Icon name=IconName::Warning/>
                        </span>
                        <span>{text}</span>
                    }
                })
            }}
        </p>
        <div id=help_id class="space-y-1 text-small text-muted empty:hidden">
            {again.then(|| view! { <p class="text-warn">"Enter this again: what you typed here is not kept."</p> })}
            {managed_by.map(|variable| view! { <ManagedNote variable/> })}
            {(!help.is_empty()).then(|| view! { <p class="max-w-prose">{help}</p> })}
        </div>
    }
}

/// Says which environment variable holds the field.
#[component]
pub(super) fn ManagedNote(variable: Variable) -> impl IntoView {
    view! {
        <p class="flex items-center gap-1.5 text-info">
            <Icon name=IconName::Lock/>
            <span>
                "Managed by " <code class="font-mono text-[0.9em] break-all">{variable.name()}</code>
            </span>
        </p>
    }
}

/// `aria-describedby` of a control with this id.
pub(super) fn described_by(id: &str) -> String {
    format!("{id}-error {id}-help")
}

/// The id of a control: the given one, or one made from the field's name.
pub(super) fn control_id(id: String, name: &str) -> String {
    if id.is_empty() { format!("field-{}", name.replace(['[', ']'], "-")) } else { id }
}
