//! The form of one environment, new or existing.

use leptos::prelude::*;

use super::environments::DisabledPill;
use super::page::Actions;
use super::view_model::{check_headers, check_name, check_target};
use crate::contract::{EnvironmentRow, Field, SecretView};
use crate::ui::{ActionError, FormFoot, KeptForm, SecretField, TextField, Toggle, error_of, field_error, focus};

/// `environment` is the one to change, or `None` for a new one; `page` is where "Cancel" leads.
#[component]
pub fn EnvironmentEditor(
    slug: String,
    route: String,
    page: String,
    environment: Option<EnvironmentRow>,
    actions: Actions,
) -> impl IntoView {
    let action = actions.save_environment;
    let value = action.value();
    let is_new = environment.is_none();
    let heading = environment.as_ref().map_or_else(|| "Add environment".to_owned(), |row| format!("Edit {}", row.name));
    let label = heading.clone();
    let row = environment.unwrap_or_else(|| EnvironmentRow {
        name: String::new(),
        default: false,
        enabled: true,
        target_base_url: String::new(),
        inject_headers: SecretView::default(),
    });
    // Whoever opened the form goes on typing in it.
    Effect::new(move |_| focus("environment-name"));
    view! {
        <section class="border-t border-line bg-sunken" aria-label=label>
            <KeptForm action about=vec![("workspace", slug), ("route", route), ("form[original_name]", row.name.clone())]>
                <div class="max-w-[640px] space-y-5 p-5">
                    <h3 class="flex items-center gap-2 text-sm font-semibold [overflow-wrap:anywhere] text-ink">
                        {heading} {(!row.enabled).then(|| view! { <DisabledPill/> })}
                    </h3>
                    <ActionError error=error_of(value)/>
                    <TextField
                        id="environment-name"
                        label=Field::Name.label()
                        name="form[name]"
                        value=row.name
                        help="Callers send it in the header x-knoxcall-environment."
                        placeholder="staging"
                        required=true
                        error=field_error(value, Field::Name)
                        validate=check_name
                    />
                    <TextField
                        id="environment-target"
                        label=Field::TargetBaseUrl.label()
                        name="form[target_base_url]"
                        value=row.target_base_url
                        help="The path and query of the request are put after it."
                        placeholder="https://staging.example.com/v1"
                        mono=true
                        required=true
                        error=field_error(value, Field::TargetBaseUrl)
                        validate=check_target
                    />
                    <SecretField
                        id="environment-headers"
                        label=Field::InjectHeaders.label()
                        name="form[inject_headers]"
                        clear_name="form[clear_headers]"
                        secret=row.inject_headers
                        help="Set on every request to this upstream, encrypted at rest. Write name=value pairs with commas between them."
                        placeholder="Authorization=Bearer …"
                        error=field_error(value, Field::InjectHeaders)
                        validate=check_headers
                    />
                    {(!row.default).then(|| view! {
                        <Toggle
                            id="environment-default"
                            label="Default environment"
                            name="form[default]"
                            checked=false
                            help="Used when a caller names none."
                        />
                    })}
                    {row.default.then(|| view! { <input type="hidden" name="form[default]" value="on"/> })}
                </div>
                <FormFoot label=if is_new { "Add environment" } else { "Save environment" } pending=action.pending() cancel=page/>
            </KeptForm>
        </section>
    }
}
