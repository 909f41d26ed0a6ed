//! A new key: its name, and the routes that it may use.

use leptos::prelude::*;

use super::list::Actions;
use super::view_model::check_name;
use crate::contract::{Field, RouteRow};
use crate::routes::form_reset_by;
use crate::ui::{ActionError, Button, ButtonKind, Card, CardHeader, FieldSet, FormDraft, KeptForm, TextField, error_of, field_error};

/// The form.
#[component]
pub fn CreateForm(slug: String, routes: Vec<RouteRow>, actions: Actions) -> impl IntoView {
    let value = actions.create.value();
    let form = form_reset_by(actions.created);
    let has_routes = !routes.is_empty();
    let choices = move |draft: FormDraft| {
        routes
            .into_iter()
            .map(|route| {
                let ticked = draft.chosen("routes[]", &route.slug);
                view! {
                    <label class="flex items-baseline gap-2 text-sm text-ink">
                        <input type="checkbox" class="checkbox translate-y-0.5" name="routes[]" value=route.slug.clone() checked=ticked/>
                        <span class="min-w-0">
                            {route.name} " " <span class="font-mono text-small text-muted">{route.slug}</span>
                        </span>
                    </label>
                }
            })
            .collect_view()
    };
    let route_error = field_error(value, Field::KeyRoutes);
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
                        {has_routes.then(|| view! {
                            <FieldSet legend=Field::KeyRoutes.label() help="With none ticked the key may use every route, also later ones.">
                                <div class="grid max-h-64 gap-2 overflow-y-auto wide:grid-cols-2">{choices(FormDraft::here())}</div>
                                <p class="text-small text-bad empty:hidden">{route_error}</p>
                            </FieldSet>
                        })}
                    </div>
                    <div class="border-t border-line px-5 py-3.5">
                        <Button kind=ButtonKind::Primary submit=true pending=actions.create.pending()>
                            "Create key"
                        </Button>
                    </div>
                </KeptForm>
            </Card>
        </div>
    }
}
