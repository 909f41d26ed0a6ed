//! An existing key's name and routes. Its secret stays as it is.

use leptos::prelude::*;

use super::list::Actions;
use super::view_model::ROUTES_HELP;
use crate::contract::{Field, KeyRow, RouteRow};
use crate::routes::{RouteChoices, check_name};
use crate::ui::{ActionError, FormFoot, KeptForm, TextField, error_of, field_error, focus};

/// `page` is where "Cancel" leads.
#[component]
pub fn KeyEditor(slug: String, page: String, row: KeyRow, routes: Vec<RouteRow>, actions: Actions) -> impl IntoView {
    let value = actions.update.value();
    let heading = format!("Edit {}", row.name);
    let label = heading.clone();
    // Whoever opened the form goes on typing in it.
    Effect::new(move |_| focus("edit-key-name"));
    view! {
        <section class="border-t border-line bg-sunken" aria-label=label>
            <KeptForm action=actions.update about=vec![("workspace", slug), ("id", row.id.to_string())]>
                <div class="max-w-[640px] space-y-5 p-5">
                    <h2 class="text-sm font-semibold break-words text-ink">{heading}</h2>
                    <ActionError error=error_of(value)/>
                    <TextField
                        id="edit-key-name"
                        label=Field::Name.label()
                        name="name"
                        value=row.name
                        required=true
                        error=field_error(value, Field::Name)
                        validate=check_name
                    />
                    <RouteChoices
                        id="edit-key-routes"
                        routes
                        chosen=row.routes
                        name="routes[]"
                        help=ROUTES_HELP
                        error=field_error(value, Field::KeyRoutes)
                    />
                </div>
                <FormFoot label="Save key" pending=actions.update.pending() cancel=page/>
            </KeptForm>
        </section>
    }
}
