//! A short word beside a name, such as a role or "default".

use leptos::prelude::*;

/// A neutral badge. States are told by [`super::StatusPill`].
#[component]
pub fn Badge(children: Children) -> impl IntoView {
    view! {
        <span class="inline-flex max-w-60 items-center rounded-sm border border-line bg-sunken px-1.5 text-xs leading-[18px] font-medium text-muted">
            <span class="truncate">{children()}</span>
        </span>
    }
}
