//! The last requests to the collector. What they held is never told.
//!
//! Where rows are stacked, the newest few are shown and the others are asked for: the style sheet hides them as long as the
//! `<details>` behind the table is closed, so that it is one table, also without JavaScript. A browser that can't do that shows all.

use leptos::prelude::*;

use super::view_model::{bytes_words, failure_sentence, outcome_word};
use crate::contract::{AttemptOutcome, ExportAttempt, ExportFailure, ExportStatus};
use crate::ui::{Card, CardHeader, Cell, Live, Row, Table, Time, counted, thousands};

/// How many are shown at first where rows are stacked; the style sheet knows it, too (`.first-five`).
const SHOWN: usize = 5;

/// The card; nothing before the first attempt.
#[component]
pub fn Attempts(live: Live<ExportStatus>) -> impl IntoView {
    let attempts = Memo::new(move |_| live.newest.with(|status| status.attempts.clone()));
    let any = Memo::new(move |_| attempts.with(|attempts| !attempts.is_empty()));
    let more = Memo::new(move |_| attempts.with(|attempts| attempts.len().saturating_sub(SHOWN)));
    move || {
        any.get().then(|| {
            view! {
                <div class="mt-6">
                    <Card>
                        <CardHeader title="Last attempts" subtitle="The newest 20 requests to the collector."/>
                        <div class="first-five">
                            <Table
                                caption="Last attempts"
                                headers=vec!["Time", "Signal", "Outcome", "Status", "Records", "Size", "Latency", "Attempt"]
                                compact=true
                            >
                                {move || attempts.get().into_iter().map(|attempt| view! { <One attempt/> }).collect_view()}
                            </Table>
                            <details class="group/more border-t border-line min-[1060px]:hidden" class:hidden=move || more.get() == 0>
                                <summary class="cursor-pointer px-5 py-3 text-small text-muted hover:text-ink">
                                    <span class="group-open/more:hidden">{move || more_words(more.get())}</span>
                                    <span class="hidden group-open/more:inline">"Show fewer attempts"</span>
                                </summary>
                            </details>
                        </div>
                    </Card>
                </div>
            }
        })
    }
}

/// "Show 15 more attempts".
fn more_words(more: usize) -> String {
    format!("Show {}", counted(u64::try_from(more).unwrap_or(u64::MAX), "more attempt", "more attempts"))
}

#[component]
fn One(attempt: ExportAttempt) -> impl IntoView {
    let records = if attempt.records == 1 { " record" } else { " records" };
    let good = attempt.outcome == AttemptOutcome::Delivered;
    let reason = attempt.failure.map(|kind| {
        let host = "The collector".to_owned();
        let failure = ExportFailure { at: attempt.at, signal: attempt.signal, kind, host, own_endpoint: attempt.own_endpoint };
        failure_sentence(&failure)
    });
    let word = outcome_word(attempt.outcome, attempt.failure);
    view! {
        <Row>
            <Cell><Time at=attempt.at/></Cell>
            <Cell label="Signal">{attempt.signal.name()}</Cell>
            <Cell label="Outcome">
                <span class=("text-ok", good) class=("text-bad", !good) title=reason>{word}</span>
            </Cell>
            <Cell label="Status" numeric=true>{attempt.status.map_or_else(|| "No answer".to_owned(), |status| status.to_string())}</Cell>
            <Cell label="Records" numeric=true>
                <span>{thousands(attempt.records)} <span class="min-[1060px]:hidden">{records}</span></span>
            </Cell>
            <Cell label="Size" numeric=true>{bytes_words(attempt.bytes)}</Cell>
            <Cell label="Latency" numeric=true>{format!("{} ms", thousands(attempt.latency_ms))}</Cell>
            <Cell label="Attempt" numeric=true>
                <span><span class="min-[1060px]:hidden">"attempt "</span>{attempt.attempt}</span>
            </Cell>
        </Row>
    }
}

#[cfg(test)]
mod tests {
    use super::more_words;

    #[test]
    fn what_is_folded_is_counted() {
        assert_eq!(more_words(1), "Show 1 more attempt");
        assert_eq!(more_words(15), "Show 15 more attempts");
    }
}
