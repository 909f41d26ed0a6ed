//! Routes as boxes to tick, for what can be limited to some of them. A route that is gone stays among them as long as the
//! record has it: what was limited to it must not open to every route because somebody changed a name.

use leptos::prelude::*;

use super::view_model::{Choice, choices};
use crate::contract::{Field, RouteRow};
use crate::ui::{FieldSet, FormDraft};

/// `chosen` are slugs, or ids of routes that are gone. Nothing where there is nothing to choose.
#[component]
pub fn RouteChoices(
    routes: Vec<RouteRow>,
    chosen: Vec<String>,
    /// Unique on the page: it joins help and error with the boxes.
    id: &'static str,
    /// The field: `routes[]`.
    name: &'static str,
    help: &'static str,
    #[prop(into)] error: Signal<Option<String>>,
) -> impl IntoView {
    let draft = FormDraft::here();
    let choices = choices(routes, &chosen);
    (!choices.is_empty()).then(|| {
        let boxes = choices
            .into_iter()
            .map(|Choice { value, name: words, chosen }| {
                let chosen = draft.chosen_or(name, &value, chosen);
                view! {
                    <label class="flex items-baseline gap-2 text-sm text-ink">
                        <input type="checkbox" class="checkbox translate-y-0.5" name=name value=value.clone() checked=chosen/>
                        <span class="min-w-0 [overflow-wrap:anywhere]">
                            {words} " " <span class="font-mono text-small break-all text-muted">{value}</span>
                        </span>
                    </label>
                }
            })
            .collect_view();
        view! {
            <FieldSet id legend=Field::KeyRoutes.label() help error>
                <div class="grid max-h-64 gap-2 overflow-y-auto wide:grid-cols-2">{boxes}</div>
            </FieldSet>
        }
    })
}
