//! The product's mark and name.

use leptos::prelude::*;

/// Mark and name; the name is text.
#[component]
pub fn Brand() -> impl IntoView {
    view! {
        <span class="inline-flex items-center gap-2 text-sm font-semibold tracking-tight text-ink">
            <svg class="size-5" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
                <rect width="32" height="32" rx="7" fill="#4f46e5"></rect>
                <path
                    d="M10 8v16M22 8l-8.5 8L22 24"
                    fill="none"
                    stroke="#fff"
                    stroke-width="3.4"
                    stroke-linecap="round"
                    stroke-linejoin="round"
                ></path>
            </svg>
            "KnoxCall"
        </span>
    }
}
