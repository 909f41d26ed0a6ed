//! What "Send test" found: a line per signal, and what to do about it.

use leptos::prelude::*;

use super::view_model::{test_heading, test_sentence};
use crate::contract::{TestReport, TestResult};
use crate::ui::{Icon, IconName, Time, thousands};

/// All of it.
#[component]
pub fn Report(report: TestReport) -> impl IntoView {
    let heading = test_heading(&report);
    let passed = report.passed();
    let lines = report.results.into_iter().map(|result| view! { <Line result/> }).collect_view();
    view! {
        <div class="space-y-3 border-t border-line px-5 py-4">
            <div class="flex flex-wrap items-baseline justify-between gap-x-3 gap-y-1">
                <h3 class="text-sm font-medium" class=("text-ok", passed) class=("text-bad", !passed)>
                    {heading}
                </h3>
                <span class="text-small text-faint">
                    <Time at=report.at/>
                </span>
            </div>
            <ul class="space-y-2">{lines}</ul>
        </div>
    }
}

#[component]
fn Line(result: TestResult) -> impl IntoView {
    let passed = result.failure.is_none();
    let sentence = test_sentence(&result);
    let figures = match result.status {
        Some(status) => format!("HTTP {status} · {} ms", thousands(result.latency_ms)),
        None => format!("no answer · {} ms", thousands(result.latency_ms)),
    };
    view! {
        <li class="flex items-start gap-2.5 text-small">
            <span class="mt-px shrink-0" class=("text-ok", passed) class=("text-bad", !passed)>
                <Icon name=if passed { IconName::Check } else { IconName::Cross }/>
            </span>
            <div class="min-w-0 flex-1">
                <p class="flex flex-wrap items-baseline justify-between gap-x-3">
                    <span class="font-medium text-ink">{result.signal.name()}</span>
                    <span class="text-muted tabular-nums">{figures}</span>
                </p>
                <p class="break-words text-muted">{sentence}</p>
                {result.detail.map(|detail| view! { <p class="mt-0.5 font-mono text-[0.9em] break-words text-faint">{detail}</p> })}
            </div>
        </li>
    }
}
