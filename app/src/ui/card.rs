//! A sheet that holds one subject.

use leptos::prelude::*;

/// The sheet. Its parts bring their own padding: [`CardHeader`], then a `div` with `p-4` or `p-5`.
#[component]
pub fn Card(children: Children) -> impl IntoView {
    view! { <section class="overflow-clip rounded-lg border border-line bg-surface shadow-xs">{children()}</section> }
}

/// The head of a card: its name, a line about it, and what can be done with it.
#[component]
pub fn CardHeader(
    #[prop(into)] title: String,
    #[prop(optional, into)] subtitle: String,
    /// Buttons or a status pill, on the right.
    #[prop(optional, into)]
    actions: ViewFn,
) -> impl IntoView {
    let subtitle = (!subtitle.is_empty()).then(|| view! { <p class="mt-0.5 text-small text-muted">{subtitle}</p> });
    view! {
        <div class="flex flex-wrap items-start justify-between gap-x-4 gap-y-2 border-b border-line px-5 py-3.5 last:border-b-0">
            <div class="min-w-0">
                <h2 class="text-sm font-semibold text-ink">{title}</h2>
                {subtitle}
            </div>
            <div class="flex items-center gap-2 empty:hidden">{actions.run()}</div>
        </div>
    }
}
