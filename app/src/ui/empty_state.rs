//! What a list says while it is empty: what the thing is for, and the one next step.

use leptos::prelude::*;

/// `children` are the next step: a button, or a command to copy.
#[component]
pub fn EmptyState(#[prop(into)] title: String, #[prop(into)] text: String, #[prop(optional)] children: Option<Children>) -> impl IntoView {
    let step = children.map(|children| view! { <div class="mt-4 flex flex-wrap justify-center gap-2">{children()}</div> });
    view! {
        <div class="flex flex-col items-center rounded-lg border border-dashed border-line-strong px-6 py-12 text-center">
            <h2 class="text-sm font-semibold text-ink">{title}</h2>
            <p class="mt-1 max-w-md text-small text-muted">{text}</p>
            {step}
        </div>
    }
}
