//! A sheet that holds one subject.

use leptos::prelude::*;

/// The sheet. Its parts bring their own padding: [`CardHeader`], then a `div` with `p-4` or `p-5`.
#[component]
pub fn Card(children: Children) -> impl IntoView {
    view! { <section class="overflow-clip rounded-lg border border-line bg-surface shadow-xs">{children()}</section> }
}

/// Of a line that is longer than this, in characters, no more than the width of so many has to fit beside the actions.
const SHORT: usize = 32;

/// The head of a card: its name, a line about it, and what can be done with it. A long line wraps beside that as long as some
/// 12rem are left for it; where less is, as on a phone, it has the whole width and the actions stand below.
#[component]
pub fn CardHeader(
    #[prop(into)] title: String,
    #[prop(optional, into)] subtitle: String,
    /// Buttons or a status pill, on the right.
    #[prop(optional, into)]
    actions: ViewFn,
) -> impl IntoView {
    // Short ones keep the width they have: with a minimum, a pill would stand below the name in narrow cards.
    let text = if subtitle.chars().count() > SHORT { "min-w-0 flex-1 basis-48" } else { "min-w-0" };
    let subtitle = (!subtitle.is_empty()).then(|| view! { <p class="mt-0.5 text-small break-words text-muted">{subtitle}</p> });
    view! {
        <div class="flex flex-wrap items-start justify-between gap-x-4 gap-y-2 border-b border-line px-5 py-3.5 last:border-b-0">
            <div class=text>
                <h2 class="text-sm font-semibold text-ink">{title}</h2>
                {subtitle}
            </div>
            <div class="flex items-center gap-2 empty:hidden">{actions.run()}</div>
        </div>
    }
}
