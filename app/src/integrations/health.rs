//! How a destination is doing: state, last export, last error with what to do about it, and where every record went.
//!
//! In the browser it asks again every two seconds while the page is visible; without scripts a reload does the same. A
//! screen reader hears changes of the state only.

use std::time::Duration;

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::api::{operator_export_status, tenant_export_status};
use super::card::{LiveFact, pill};
use super::view_model::{announcement, counts, drop_reason, failure_sentence, thousands};
use crate::contract::{ApiError, ExportFailure, ExportState, ExportStatus};
use crate::ui::{Card, CardHeader, StatusPill, Time};

const EVERY: Duration = Duration::from_secs(2);

/// The panel. `workspace` is the slug, or `None` for the operator's destination.
#[component]
pub fn HealthPanel(initial: ExportStatus, workspace: Option<String>) -> impl IntoView {
    let Live { status, reachable } = follow(initial, workspace);
    let spoken = Memo::new(move |_| status.with(|status| announcement(&status.state)));
    view! {
        <Card>
            <CardHeader
                title="Health"
                actions=move || view! { {move || status.with(|status| view! { <StatusPill state=pill(&status.state)/> })} }
            />
            <p class="sr-only" role="status">
                {spoken}
            </p>
            <div class="divide-y divide-line">
                <div class="space-y-3 px-5 py-4">
                    <p class="text-sm text-ink tabular-nums">{move || view! { <LiveFact status=status.get()/> }}</p>
                    {move || status.with(|status| view! { <Moments status=status.clone()/> })}
                </div>
                {move || status.with(|status| view! { <Counts status=status.clone()/> })}
                <p class="px-5 py-3 text-small text-faint">
                    {move || {
                        if reachable.get() {
                            "Counted since these settings were last changed, or since the start."
                        } else {
                            "The server can't be reached; these figures are not live."
                        }
                    }}
                </p>
            </div>
        </Card>
    }
}

/// The last success and the last failure.
#[component]
fn Moments(status: ExportStatus) -> impl IntoView {
    let failing = matches!(status.state, ExportState::Failing { .. });
    view! {
        <dl class="space-y-3 text-small">
            <div class="flex items-baseline justify-between gap-3">
                <dt class="text-muted">"Last successful export"</dt>
                <dd class="text-ink">
                    {match status.last_success_at {
                        Some(at) => view! { <Time at/> }.into_any(),
                        None => view! { <span class="text-faint">"None yet"</span> }.into_any(),
                    }}
                </dd>
            </div>
            {status.last_failure.map(|failure| view! { <LastError failure failing/> })}
        </dl>
    }
}

#[component]
fn LastError(failure: ExportFailure, failing: bool) -> impl IntoView {
    let sentence = failure_sentence(&failure);
    view! {
        <div class="flex flex-wrap items-baseline justify-between gap-x-3 gap-y-1.5">
            <dt class="text-muted">"Last error, " {failure.signal.name()}</dt>
            <dd class="text-ink">
                <Time at=failure.at/>
            </dd>
            <dd
                class="w-full rounded-md border px-3 py-2 break-words text-ink"
                class=("border-bad-line", failing)
                class=("bg-bad-soft", failing)
                class=("border-line", !failing)
                class=("bg-sunken", !failing)
            >
                {sentence}
            </dd>
        </div>
    }
}

#[component]
fn Counts(status: ExportStatus) -> impl IntoView {
    let rows = counts(&status.counts)
        .into_iter()
        .map(|count| {
            let quiet = count.value == 0;
            view! {
                <div class="flex items-baseline justify-between gap-3" title=count.help>
                    <dt class="text-muted">{count.label}</dt>
                    <dd class="font-medium tabular-nums" class=("text-ink", !quiet) class=("text-faint", quiet)>
                        {thousands(count.value)}
                    </dd>
                </div>
            }
        })
        .collect_view();
    let reasons = status
        .counts
        .dropped
        .iter()
        .map(|(reason, number)| {
            view! {
                <div class="flex items-baseline justify-between gap-3">
                    <dt class="text-muted">{drop_reason(reason)}</dt>
                    <dd class="text-ink tabular-nums">{thousands(*number)}</dd>
                </div>
            }
        })
        .collect_view();
    let dropped = !status.counts.dropped.is_empty();
    view! {
        <div class="space-y-3 px-5 py-4 text-small">
            <h3 class="font-medium text-ink">"Spans and log records"</h3>
            <dl class="space-y-1.5">{rows}</dl>
            {dropped.then(|| view! {
                <h4 class="pt-1 font-medium text-ink">"Dropped because"</h4>
                <dl class="space-y-1.5">{reasons}</dl>
            })}
        </div>
    }
}

/// The newest status, and whether the last question for it was answered.
#[derive(Clone, Copy)]
struct Live {
    status: RwSignal<ExportStatus>,
    reachable: RwSignal<bool>,
}

/// Starts asking once scripts run, and stops with the component.
fn follow(initial: ExportStatus, workspace: Option<String>) -> Live {
    let live = Live { status: RwSignal::new(initial), reachable: RwSignal::new(true) };
    let asking = RwSignal::new(false);
    Effect::new(move |_| {
        let workspace = workspace.clone();
        let tick = move || {
            if document().hidden() || asking.try_get_untracked() != Some(false) {
                return;
            }
            asking.set(true);
            let workspace = workspace.clone();
            spawn_local(async move {
                let answer = ask(workspace).await;
                // The page may be gone by now: then there is nobody to tell.
                let _ = asking.try_set(false);
                let _ = live.reachable.try_set(answer.is_ok());
                if let Ok(status) = answer
                    && live.status.try_with_untracked(|shown| *shown != status) == Some(true)
                {
                    let _ = live.status.try_set(status);
                }
            });
        };
        if let Ok(handle) = set_interval_with_handle(tick, EVERY) {
            on_cleanup(move || handle.clear());
        }
    });
    live
}

async fn ask(workspace: Option<String>) -> Result<ExportStatus, ApiError> {
    match workspace {
        Some(workspace) => tenant_export_status(workspace).await,
        None => operator_export_status().await,
    }
}
