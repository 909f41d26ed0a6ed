//! A new agent.

use leptos::prelude::*;

use super::api::CreateAgent;
use super::form::{AgentFields, Initial};
use crate::layout::use_slug;
use crate::routes::workspace;
use crate::ui::{CreatePage, CreateWords};

const WORDS: CreateWords = CreateWords { title: "Create agent", subtitle: "It takes calls as soon as it is created.", list: "agents" };

/// `/w/:slug/agents/new`
#[component]
pub fn NewAgent() -> impl IntoView {
    let slug = use_slug();
    let action = ServerAction::<CreateAgent>::new();
    let loaded = Resource::new_blocking(move || slug.get(), |slug| async move { Ok((workspace(slug).await?, ())) });
    let fields = move |()| view! { <AgentFields initial=Initial::new() answer=action.value()/> };
    view! { <CreatePage words=WORDS loaded action fields/> }
}
