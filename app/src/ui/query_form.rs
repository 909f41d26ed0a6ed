//! A form that asks for a page by its address: a filter, a search.
//!
//! Where scripts run, a field in which nothing was entered stays out of the address, and so does the button. Without them the browser
//! writes every field; pages read an empty one as if it were not there.

use std::sync::Arc;

use leptos::prelude::*;
use leptos_router::components::Form;
use web_sys::FormData;

/// The form. `action` is the page's path, empty for the page at hand.
#[component]
pub fn QueryForm(#[prop(into)] action: String, children: Children) -> impl IntoView {
    let tidy: Arc<dyn Fn(&FormData)> = Arc::new(leave_out_empty);
    view! {
        <Form method="GET" action on_form_data=tidy>
            {children()}
        </Form>
    }
}

/// The framework adds the pressed button to the fields, also one that has neither name nor value.
fn leave_out_empty(data: &FormData) {
    let names: Vec<String> = data.keys().into_iter().flatten().filter_map(|name| name.as_string()).collect();
    for name in names {
        if data.get(&name).as_string().is_some_and(|text| text.is_empty()) {
            data.delete(&name);
        }
    }
}
