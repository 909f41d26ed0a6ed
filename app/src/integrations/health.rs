//! How a destination is doing: state, last export, last error with what to do about it, and where every record went.
//!
//! A screen reader hears changes of the state only.

use leptos::prelude::*;

use super::api::ExportGlance;
use super::card::{LiveFact, StillFailing};
use super::chart::HourChart;
use super::view_model::{
    announcement, counts, disk_problem_sentence, disk_sentence, drop_reason, failure_sentence, hour_counts, hour_drops, other_key_sentence,
    overflow_sentence,
};
use crate::contract::{ExportFailure, ExportState, ExportStatus};
use crate::ui::{Card, CardHeader, Live, NotLive, PillState, StatusPill, Time, thousands};

/// The panel.
#[component]
pub fn HealthPanel(live: Live<ExportStatus>) -> impl IntoView {
    let Live { newest: status, reachable } = live;
    let spoken = Memo::new(move |_| status.with(|status| announcement(&status.state, !status.still_failing.is_empty())));
    let glance = Memo::new(move |_| ExportGlance::from(status.get()));
    // Made anew when the words change, and not with each attempt.
    let still_failing = Memo::new(move |_| glance.with(|glance| glance.still_failing.clone()));
    view! {
        <Card>
            <CardHeader
                title="Health"
                actions=move || view! { {move || status.with(|status| view! { <StatusPill state=PillState::of_export(&status.state)/> })} }
            />
            <p class="sr-only" role="status">
                {spoken}
            </p>
            <div class="divide-y divide-line">
                <div class="space-y-3 px-5 py-4">
                    <div>
                        <p class="text-sm text-ink tabular-nums">{move || view! { <LiveFact export=glance.get()/> }}</p>
                        <StillFailing sentences=still_failing/>
                    </div>
                    {move || status.with(|status| view! { <Moments status=status.clone()/> })}
                    {move || status.with(|status| view! { <OnDisk status=status.clone()/> })}
                </div>
                {move || status.with(|status| view! { <LastHour status=status.clone()/> })}
                <details>
                    <summary class="cursor-pointer px-5 py-3 text-small text-muted hover:text-ink">
                        "Every record since these settings were last changed"
                    </summary>
                    {move || status.with(|status| view! { <Counts status=status.clone()/> })}
                </details>
                <NotLive reachable/>
            </div>
        </Card>
    }
}

/// Four numbers and a bar for each minute.
#[component]
fn LastHour(status: ExportStatus) -> impl IntoView {
    let numbers = hour_counts(&status)
        .map(|(label, value)| {
            let quiet = value == 0;
            view! {
                <div>
                    <dt class="text-small text-muted">{label}</dt>
                    <dd class="text-base font-semibold tabular-nums" class=("text-ink", !quiet) class=("text-faint", quiet)>
                        {thousands(value)}
                    </dd>
                </div>
            }
        })
        .collect_view();
    let drops = hour_drops(&status.hour)
        .into_iter()
        .map(|(reason, count)| {
            view! {
                <li class="flex items-baseline justify-between gap-3">
                    <span>{drop_reason(&reason)}</span>
                    <span class="text-ink tabular-nums">{thousands(count)}</span>
                </li>
            }
        })
        .collect_view();
    view! {
        <div class="space-y-3 px-5 py-4">
            <h3 class="text-small font-medium text-ink">"Spans, log records and metric points in the last hour"</h3>
            <dl class="grid grid-cols-4 gap-2">{numbers}</dl>
            <HourChart hour=status.hour now=status.now/>
            <ul class="space-y-1 text-small text-muted">{drops}</ul>
        </div>
    }
}

/// The last success and the last failure.
#[component]
fn Moments(status: ExportStatus) -> impl IntoView {
    let failing = matches!(status.state, ExportState::Failing { .. });
    let told = status.last_failure.as_ref().is_some_and(|failure| status.still_failing.contains(failure));
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
            {status.last_failure.map(|failure| view! { <LastError failure failing told/> })}
        </dl>
    }
}

/// What waits on disk, or why it can't.
#[component]
fn OnDisk(status: ExportStatus) -> impl IntoView {
    let waits = disk_sentence(&status);
    let sealed_otherwise = other_key_sentence(status.other_key_bytes);
    let problem = status.disk_problem.map(disk_problem_sentence);
    view! {
        {waits.map(|sentence| view! { <p class="text-small text-muted">{sentence}</p> })}
        {sealed_otherwise.map(|sentence| view! {
            <p class="rounded-md border border-warn-line bg-warn-soft px-3 py-2 text-small text-ink">{sentence}</p>
        })}
        {problem.map(|sentence| view! {
            <p class="rounded-md border border-warn-line bg-warn-soft px-3 py-2 text-small text-ink">{sentence}</p>
        })}
    }
}

/// `told`: in full already, above.
#[component]
fn LastError(failure: ExportFailure, failing: bool, told: bool) -> impl IntoView {
    let sentence = (!told).then(|| failure_sentence(&failure));
    view! {
        <div class="flex flex-wrap items-baseline justify-between gap-x-3 gap-y-1.5">
            <dt class="text-muted">"Last error, " {failure.signal.name()}</dt>
            <dd class="text-ink">
                <Time at=failure.at/>
            </dd>
            {sentence.map(|sentence| view! {
                <dd
                    class="w-full rounded-md border px-3 py-2 break-words text-ink"
                    class=("border-bad-line", failing)
                    class=("bg-bad-soft", failing)
                    class=("border-line", !failing)
                    class=("bg-sunken", !failing)
                >
                    {sentence}
                </dd>
            })}
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
    let overflow = overflow_sentence(status.counts.overflowing_instruments);
    view! {
        <div class="space-y-3 px-5 py-4 text-small">
            <h3 class="font-medium text-ink">"Spans and log records"</h3>
            <dl class="space-y-1.5">{rows}</dl>
            {dropped.then(|| view! {
                <h4 class="pt-1 font-medium text-ink">"Dropped because"</h4>
                <dl class="space-y-1.5">{reasons}</dl>
            })}
            {overflow.map(|sentence| view! {
                <p class="rounded-md border border-warn-line bg-warn-soft px-3 py-2 text-ink">{sentence}</p>
            })}
        </div>
    }
}
