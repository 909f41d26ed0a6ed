//! A new route: its name, the slug that callers use, and where it leads.

use leptos::prelude::*;
use leptos::wasm_bindgen::JsCast;
use web_sys::HtmlInputElement;

use super::api::{CreateRoute, workspace};
use super::view_model::{check_name, check_slug, check_target, suggest_slug};
use crate::contract::Field;
use crate::layout::use_slug;
use crate::ui::{ActionError, CreatePage, CreateWords, TextField, error_of, field_error};

const WORDS: CreateWords = CreateWords {
    title: "Create route",
    subtitle: "It takes requests as soon as it is created. Limits and further environments come after.",
    list: "routes",
};

/// `/w/:slug/routes/new`
#[component]
pub fn NewRoute() -> impl IntoView {
    let slug = use_slug();
    let action = ServerAction::<CreateRoute>::new();
    let loaded = Resource::new_blocking(move || slug.get(), |slug| async move { Ok((workspace(slug).await?, ())) });
    view! { <CreatePage words=WORDS loaded action fields=move |()| view! { <Fields action/> }/> }
}

#[component]
fn Fields(action: ServerAction<CreateRoute>) -> impl IntoView {
    let value = action.value();
    // The slug follows the name until somebody types a slug.
    let own_slug = StoredValue::new(false);
    // It may be there already: typed before the page's code had come, or kept from a form that was refused.
    Effect::new(move |_| own_slug.set_value(slug_field().is_some_and(|slug| !slug.value().is_empty())));
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
    }
}

/// The slug's input, in the browser.
fn slug_field() -> Option<HtmlInputElement> {
    document().get_element_by_id("field-slug")?.dyn_into().ok()
}
