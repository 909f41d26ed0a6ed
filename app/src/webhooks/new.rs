//! A new webhook.

use leptos::prelude::*;

use super::api::CreateWebhook;
use super::form::{Initial, WebhookFields};
use crate::layout::use_slug;
use crate::routes::routes;
use crate::ui::{CreatePage, CreateWords};

const WORDS: CreateWords = CreateWords {
    title: "Create webhook",
    subtitle: "It is told of events as soon as it is created. Its signing secret is shown once, right after.",
    list: "webhooks",
};

/// `/w/:slug/webhooks/new`
#[component]
pub fn NewWebhook() -> impl IntoView {
    let slug = use_slug();
    let action = ServerAction::<CreateWebhook>::new();
    let loaded = Resource::new_blocking(move || slug.get(), routes);
    let fields = move |routes| view! { <WebhookFields initial=Initial::new() routes answer=action.value()/> };
    view! { <CreatePage words=WORDS loaded action fields/> }
}
