//! The routes that a key may use, as boxes to tick. A route that is gone stays among them as long as the key has it: a key
//! that was limited to it must not open every route because somebody changed its name.

use leptos::prelude::*;

use super::view_model::{Choice, choices};
use crate::contract::{Field, RouteRow};
use crate::ui::{FieldSet, FormDraft};

/// `chosen` are slugs, or ids of routes that are gone. Nothing where there is nothing to choose.
#[component]
pub fn RouteChoices(routes: Vec<RouteRow>, chosen: Vec<String>, #[prop(into)] error: Signal<Option<String>>) -> impl IntoView {
    let draft = FormDraft::here();
    let choices = choices(routes, &chosen);
    (!choices.is_empty()).then(|| {
        let boxes = choices
            .into_iter()
            .map(|Choice { value, name, chosen }| {
                let chosen = draft.chosen_or("routes[]", &value, chosen);
                view! {
                    <label class="flex items-baseline gap-2 text-sm text-ink">
                        <input type="checkbox" class="checkbox translate-y-0.5" name="routes[]" value=value.clone() checked=chosen/>
                        <span class="min-w-0">
                            {name} " " <span class="font-mono text-small break-all text-muted">{value}</span>
                        </span>
                    </label>
                }
            })
            .collect_view();
        view! {
            <FieldSet legend=Field::KeyRoutes.label() help="With none ticked the key may use every route, also later ones.">
                <div class="grid max-h-64 gap-2 overflow-y-auto wide:grid-cols-2">{boxes}</div>
                <p class="text-small text-bad empty:hidden">{error}</p>
            </FieldSet>
        }
    })
}
