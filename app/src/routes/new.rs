//! A new route: its name, the slug that callers use, and where it leads.

use leptos::prelude::*;
use leptos::wasm_bindgen::JsCast;
use web_sys::HtmlInputElement;

use super::api::{CreateRoute, workspace};
use super::view_model::{check_name, check_slug, check_target, suggest_slug};
use crate::contract::{ApiError, Field, WorkspaceRef};
use crate::layout::use_slug;
use crate::ui::{
    ActionError, Button, ButtonKind, Card, ErrorView, KeptForm, LinkButton, PageHeader, Skeleton, TextField, error_of, field_error,
};

/// `/w/:slug/routes/new`
#[component]
pub fn NewRoute() -> impl IntoView {
    let slug = use_slug();
    let create = ServerAction::<CreateRoute>::new();
    let loaded = Resource::new_blocking(move || slug.get(), workspace);
    view! {
        <Transition fallback=|| view! { <Skeleton lines=6/> }>
            {move || Suspend::new(async move {
                match loaded.await {
                    Err(error) => view! { <ErrorView error/> }.into_any(),
                    Ok(found) if !found.access.may_write() => view! { <ErrorView error=ApiError::Forbidden/> }.into_any(),
                    Ok(found) => view! { <CreateForm workspace=found create/> }.into_any(),
                }
            })}
        </Transition>
    }
}

#[component]
fn CreateForm(workspace: WorkspaceRef, create: ServerAction<CreateRoute>) -> impl IntoView {
    let back = format!("/w/{}/routes", workspace.slug);
    let value = create.value();
    // The slug follows the name until somebody types a slug.
    let own_slug = StoredValue::new(false);
    let suggest = move |event: leptos::ev::Event| {
        let typed: HtmlInputElement = event_target(&event);
        match typed.name().as_str() {
            "slug" => own_slug.set_value(!typed.value().is_empty()),
            "name" if !own_slug.get_value() => {
                if let Some(slug) = slug_field() {
                    slug.set_value(&suggest_slug(&typed.value()));
                }
            }
            _ => {}
        }
    };
    view! {
        <PageHeader title="Create route" subtitle="It takes requests as soon as it is created. Limits and further environments come after."/>
        <div class="max-w-[640px]">
            <Card>
                <KeptForm action=create about=vec![("workspace", workspace.slug)]>
                    <div class="space-y-5 p-5" on:input=suggest>
                        <ActionError error=error_of(value)/>
                        <TextField
                            label=Field::Name.label()
                            name="name"
                            placeholder="Billing API"
                            required=true
                            error=field_error(value, Field::Name)
                            validate=check_name
                        />
                        <TextField
                            label=Field::Slug.label()
                            name="slug"
                            help="Callers send it in the header x-knoxcall-route. It can't be changed later."
                            placeholder="billing-api"
                            mono=true
                            required=true
                            error=field_error(value, Field::Slug)
                            validate=check_slug
                        />
                        <TextField
                            label=Field::TargetBaseUrl.label()
                            name="target_base_url"
                            help="Where requests go: this URL, followed by the path and query of the request. It becomes the environment production."
                            placeholder="https://api.example.com/v1"
                            mono=true
                            required=true
                            error=field_error(value, Field::TargetBaseUrl)
                            validate=check_target
                        />
                    </div>
                    <div class="flex items-center gap-2 border-t border-line px-5 py-3.5">
                        <Button kind=ButtonKind::Primary submit=true pending=create.pending()>
                            "Create route"
                        </Button>
                        <LinkButton href=back kind=ButtonKind::Quiet>
                            "Cancel"
                        </LinkButton>
                    </div>
                </KeptForm>
            </Card>
        </div>
    }
}

/// The slug's input, in the browser.
fn slug_field() -> Option<HtmlInputElement> {
    document().get_element_by_id("field-slug")?.dyn_into().ok()
}
