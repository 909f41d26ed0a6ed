//! The head of a page: its title (the document's title too), where it belongs, and its main action.

use leptos::prelude::*;
use leptos_meta::Title;

/// Every page has exactly one.
#[component]
pub fn PageHeader(
    #[prop(into)] title: String,
    #[prop(optional, into)] subtitle: String,
    /// The scope switch beside the title, or a link back to the list.
    #[prop(optional, into)]
    scope: ViewFn,
    #[prop(optional, into)] actions: ViewFn,
) -> impl IntoView {
    let subtitle = (!subtitle.is_empty()).then(|| view! { <p class="mt-1 max-w-2xl text-sm break-words text-muted">{subtitle}</p> });
    view! {
        <Title text=title.clone()/>
        <header class="mb-6 flex flex-wrap items-start justify-between gap-x-6 gap-y-3">
            <div class="min-w-0">
                <div class="flex flex-wrap items-center gap-x-3 gap-y-2">
                    <h1 class="text-title [overflow-wrap:anywhere] font-semibold text-ink">{title}</h1>
                    {scope.run()}
                </div>
                {subtitle}
            </div>
            <div class="flex items-center gap-2 empty:hidden">{actions.run()}</div>
        </header>
    }
}
