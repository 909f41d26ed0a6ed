//! The frame of pages for somebody who is not signed in: one narrow card under the mark.

use leptos::prelude::*;
use leptos_meta::Title;

use super::brand::Brand;
use crate::ui::SavedNotice;

/// Title, a line below it, and the form.
#[component]
pub fn Door(#[prop(into)] title: String, #[prop(optional, into)] text: String, children: Children) -> impl IntoView {
    let text = (!text.is_empty()).then(|| view! { <p class="mt-1 text-sm break-words text-muted">{text}</p> });
    view! {
        <Title text=title.clone()/>
        <main class="mx-auto flex min-h-dvh max-w-[400px] flex-col px-4 pt-[14vh] pb-12">
            <div class="mb-6 px-1">
                <Brand/>
            </div>
            <SavedNotice/>
            <div class="rounded-xl border border-line bg-surface p-6 shadow-sm">
                <h1 class="text-title font-semibold text-ink">{title}</h1>
                {text}
                <div class="mt-5 space-y-4">{children()}</div>
            </div>
        </main>
    }
}
