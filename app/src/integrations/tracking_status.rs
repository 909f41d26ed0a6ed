//! How the reporting goes, tier by tier, and what a test found.

use leptos::prelude::*;

use super::browser_test::BrowserTestError;
use super::tracking_words::{drop_reason, failure_sentence, pill, test_heading, test_sentence};
use crate::contract::{TrackingState, TrackingTest, TrackingView};
use crate::ui::{Card, CardHeader, Fact, Facts, Icon, IconName, Live, NotLive, PillState, StatusPill, Time, thousands};

/// A card for each tier.
#[component]
pub fn TierStates(live: Live<TrackingView>) -> impl IntoView {
    let Live { newest, reachable } = live;
    let server = Memo::new(move |_| newest.with(|view| pill(&view.server.state)));
    let browser = Memo::new(move |_| newest.with(|view| pill(&view.browser)));
    let spoken = move || format!("Server: {}. Browser: {}.", server.get().word(), browser.get().word());
    view! {
        <Card>
            <CardHeader title="Server" actions=move || view! { {move || view! { <StatusPill state=server.get()/> }} }/>
            {move || view! { <ServerFacts view=newest.get()/> }}
            <NotLive reachable/>
        </Card>
        <Card>
            <CardHeader title="Browser" actions=move || view! { {move || view! { <StatusPill state=browser.get()/> }} }/>
            {move || view! { <Pages state=browser.get()/> }}
        </Card>
        <p class="sr-only" role="status">
            {spoken}
        </p>
    }
}

#[component]
fn Pages(state: PillState) -> impl IntoView {
    let words = match state {
        PillState::Off => "No page loads anything of Sentry's.",
        PillState::Broken => "The stored settings can't be read.",
        _ => "Each page reports its own errors, straight from the browser.",
    };
    let off = matches!(state, PillState::Off | PillState::Broken);
    view! {
        <div class="space-y-3 px-5 py-4">
            <p class="text-small text-muted">{words}</p>
            {(!off).then(|| view! { <BrowserTestError/> })}
        </div>
    }
}

#[component]
fn ServerFacts(view: TrackingView) -> impl IntoView {
    let status = view.server;
    let release = match view.release.by {
        Some(variable) => format!("{} ({})", view.release.value, variable.name()),
        None => view.release.value,
    };
    let none = || view! { <span class="text-faint">"None so far"</span> }.into_any();
    let sent = status.last_sent_at.map_or_else(none, |at| view! { <Time at/> }.into_any());
    let since = match status.state {
        TrackingState::Failing { since } => Some(since),
        _ => None,
    };
    let dropped = status.counts.dropped.into_iter().map(|(reason, count)| {
        view! { <li>{thousands(count)} " · " {drop_reason(&reason)}</li> }
    });
    let dropped = dropped.collect_view();
    let failure = status.last_failure.map(|failure| {
        view! {
            <Fact label="Last failure">
                <Time at=failure.at/> " · " {failure_sentence(&failure.host, failure.kind)}
            </Fact>
        }
    });
    view! {
        <Facts>
            {since.map(|since| view! { <Fact label="Failing since"><Time at=since exact=true/></Fact> })}
            {failure}
            <Fact label="Last event sent">{sent}</Fact>
            <Fact label="Sent">{thousands(status.counts.sent)}</Fact>
            <Fact label="Dropped">
                {if dropped.is_empty() {
                    "0".into_any()
                } else {
                    view! { <ul class="space-y-0.5">{dropped}</ul> }.into_any()
                }}
            </Fact>
            <Fact label="Waiting">{thousands(status.counts.queued)}</Fact>
            <Fact label="Release">
                <span class="font-mono text-[0.9em] break-all">{release}</span>
            </Fact>
        </Facts>
    }
}

/// What a test found.
#[component]
pub fn Report(report: TrackingTest) -> impl IntoView {
    let (heading, sentence) = (test_heading(&report), test_sentence(&report));
    let passed = report.failure.is_none();
    let figures = match report.status {
        Some(status) => format!("HTTP {status} · {} ms", thousands(report.latency_ms)),
        None => format!("no answer · {} ms", thousands(report.latency_ms)),
    };
    view! {
        <div class="space-y-2 border-t border-line px-5 py-4 text-small">
            <div class="flex flex-wrap items-baseline justify-between gap-x-3 gap-y-1">
                <h3 class="flex items-center gap-2 text-sm font-medium" class=("text-ok", passed) class=("text-bad", !passed)>
                    <Icon name=if passed { IconName::Check } else { IconName::Cross }/>
                    {heading}
                </h3>
                <span class="text-faint tabular-nums">
                    {figures} " · " <Time at=report.at/>
                </span>
            </div>
            <p class="break-words text-muted">{sentence}</p>
            {report.detail.map(|detail| view! { <p class="font-mono text-[0.9em] break-words text-faint">{detail}</p> })}
        </div>
    }
}
