//! One card of the grid: what an integration does, its state, and one live fact. The whole card is the link.

use leptos::prelude::*;

use super::api::ExportGlance;
use super::view_model::live_fact;
use crate::contract::ExportState;
use crate::ui::{Icon, IconName, PillState, StatusPill, Time};

/// The live fact of a destination, with its point in time where it has one.
#[component]
pub fn LiveFact(#[prop(into)] export: ExportGlance) -> impl IntoView {
    let fact = live_fact(&export);
    // "Since" asks for a point in time, "last" for how long ago.
    let since = matches!(export.state, ExportState::Failing { .. } | ExportState::Paused(_));
    let moment = fact.at.map(|at| view! { <Time at exact=since/> });
    view! { <span>{fact.text} " " {moment}</span> }
}

/// What of an export goes on where its pill says that it is stopped, and fails: a line of each signal.
#[component]
pub fn StillFailing(#[prop(into)] sentences: Signal<Vec<String>>) -> impl IntoView {
    let line = |sentence: String| {
        view! { <p class="rounded-md border border-bad-line bg-bad-soft px-3 py-2 text-small break-words text-ink">{sentence}</p> }
    };
    view! {
        <div class="space-y-2 pt-3 empty:hidden">{move || sentences.get().into_iter().map(line).collect_view()}</div>
    }
}

/// The grid around the cards.
#[component]
pub fn CardGrid(children: Children) -> impl IntoView {
    view! { <ul class="grid gap-4 wide:grid-cols-2 min-[1200px]:grid-cols-3">{children()}</ul> }
}

/// A card that opens the page at `href`.
#[component]
pub fn IntegrationCard(
    #[prop(into)] href: String,
    icon: IconName,
    name: &'static str,
    summary: &'static str,
    state: Signal<PillState>,
    /// What the pill has no word for.
    #[prop(optional, into)]
    still_failing: Signal<Vec<String>>,
    /// One live fact.
    children: Children,
) -> impl IntoView {
    view! {
        <li class="group relative flex flex-col rounded-lg border border-line bg-surface p-5 shadow-xs transition-colors focus-within:border-line-heavy hover:border-line-heavy">
            <div class="flex items-center justify-between gap-3">
                <span class="grid size-9 place-items-center rounded-md border border-line bg-sunken text-muted">
                    <Icon name=icon/>
                </span>
                {move || view! { <StatusPill state=state.get()/> }}
            </div>
            <h2 class="mt-4 text-sm font-semibold text-ink">
                <a href=href class="after:absolute after:inset-0 after:rounded-lg">
                    {name}
                </a>
            </h2>
            <p class="mt-1 text-small text-muted">{summary}</p>
            <StillFailing sentences=still_failing/>
            <p class="mt-auto flex items-center justify-between gap-3 pt-4 text-small text-muted tabular-nums">
                {children()}
                <span class="text-faint transition-colors group-hover:text-ink">
                    <Icon name=IconName::ChevronRight/>
                </span>
            </p>
        </li>
    }
}
