//! Providers and the one route table.

use leptos::prelude::*;

#[component]
pub fn App() -> impl IntoView {
    view! { <p>"KnoxCall"</p> }
}
