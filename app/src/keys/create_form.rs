//! A new key: its name, and the routes that it may use.

use leptos::prelude::*;

use super::list::Actions;
use super::view_model::ROUTES_HELP;
use crate::contract::{Field, RouteRow};
use crate::routes::{RouteChoices, check_name};
use crate::ui::{ActionError, Card, CardHeader, FormFoot, KeptForm, TextField, error_of, field_error, form_reset_by, held};

/// The form.
#[component]
pub fn CreateForm(slug: String, routes: Vec<RouteRow>, actions: Actions) -> impl IntoView {
    let value = actions.create.value();
    let form = form_reset_by(actions.created);
    let pending = held(actions.create.pending(), actions.created);
    view! {
        <div class="max-w-[640px]">
            <Card>
                <CardHeader title="Create key" subtitle="Its secret is shown once, right after it is created."/>
                <KeptForm action=actions.create about=vec![("workspace", slug)] node_ref=form>
                    <div class="space-y-5 p-5">
                        <ActionError error=error_of(value)/>
                        <TextField
                            id="key-name"
                            label=Field::Name.label()
                            name="name"
                            help="Who or what uses it, so that you know what stops when you disable it."
                            placeholder="Checkout service"
                            required=true
                            error=field_error(value, Field::Name)
                            validate=check_name
                        />
                        <RouteChoices
                            id="key-routes"
                            routes
                            chosen=Vec::new()
                            name="routes[]"
                            help=ROUTES_HELP
                            error=field_error(value, Field::KeyRoutes)
                        />
                    </div>
                    <FormFoot label="Create key" pending/>
                </KeptForm>
            </Card>
        </div>
    }
}
