//! The last requests to the collector. What they held is never told.

use leptos::prelude::*;

use super::view_model::{bytes_words, failure_sentence, outcome_word};
use crate::contract::{AttemptOutcome, ExportAttempt, ExportFailure, ExportStatus};
use crate::ui::{Card, CardHeader, Cell, Live, Row, Table, Time, thousands};

/// The card; nothing before the first attempt.
#[component]
pub fn Attempts(live: Live<ExportStatus>) -> impl IntoView {
    let attempts = Memo::new(move |_| live.newest.with(|status| status.attempts.clone()));
    let any = Memo::new(move |_| attempts.with(|attempts| !attempts.is_empty()));
    move || {
        any.get().then(|| {
            view! {
                <div class="mt-6">
                    <Card>
                        <CardHeader title="Last attempts" subtitle="The newest 20 requests to the collector."/>
                        <Table
                            caption="Last attempts"
                            headers=vec!["Time", "Signal", "Outcome", "Status", "Records", "Size", "Latency", "Attempt"]
                        >
                            {move || attempts.get().into_iter().map(|attempt| view! { <One attempt/> }).collect_view()}
                        </Table>
                    </Card>
                </div>
            }
        })
    }
}

#[component]
fn One(attempt: ExportAttempt) -> impl IntoView {
    let good = attempt.outcome == AttemptOutcome::Delivered;
    let reason = attempt.failure.map(|kind| {
        let failure = ExportFailure { at: attempt.at, signal: attempt.signal, kind, host: "The collector".to_owned() };
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
            <Cell label="Status" numeric=true>{attempt.status.map_or_else(|| "none".to_owned(), |status| status.to_string())}</Cell>
            <Cell label="Records" numeric=true>{thousands(attempt.records)}</Cell>
            <Cell label="Size" numeric=true>{bytes_words(attempt.bytes)}</Cell>
            <Cell label="Latency" numeric=true>{format!("{} ms", thousands(attempt.latency_ms))}</Cell>
            <Cell label="Attempt" numeric=true>{attempt.attempt}</Cell>
        </Row>
    }
}
