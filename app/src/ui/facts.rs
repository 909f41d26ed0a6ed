//! Named values to be read and not changed: what a viewer sees in place of a form.

use leptos::prelude::*;

/// A list of [`Fact`]s.
#[component]
pub fn Facts(children: Children) -> impl IntoView {
    view! { <dl class="divide-y divide-line px-5">{children()}</dl> }
}

/// One named value.
#[component]
pub fn Fact(label: &'static str, children: Children) -> impl IntoView {
    view! {
        <div class="grid gap-x-4 gap-y-0.5 py-3 text-sm wide:grid-cols-[180px_minmax(0,1fr)]">
            <dt class="text-muted">{label}</dt>
            <dd class="min-w-0 break-words text-ink">{children()}</dd>
        </div>
    }
}
