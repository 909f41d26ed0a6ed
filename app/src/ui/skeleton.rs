//! What stands in a content's place while it loads, of the same size.

use leptos::prelude::*;

/// `lines` bars of text height.
#[component]
pub fn Skeleton(#[prop(default = 3)] lines: usize) -> impl IntoView {
    let bars =
        (0..lines).map(|_| view! { <div class="h-8 animate-pulse rounded-md bg-sunken motion-reduce:animate-none"></div> }).collect_view();
    view! {
        <div class="space-y-3" aria-busy="true">
            <span class="sr-only">"Loading"</span>
            {bars}
        </div>
    }
}
