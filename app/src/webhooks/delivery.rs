//! Deliveries as a table: when, of what, how they stand, and every attempt.

use leptos::prelude::*;

use super::view_model::{attempt_line, delivery_state, failure_sentence};
use crate::contract::{Deliveries, DeliveryAttempt, DeliveryRow, DeliveryState};
use crate::ui::{Card, CardHeader, Cell, LinkButton, Row, StatusPill, Table, Time, counted, exact_time};

/// The columns of [`Line`]s.
pub(super) const HEADERS: [&str; 4] = ["Time", "Event and webhook-id", "State", "Attempts"];

/// How many the webhook's own page shows.
const SHOWN: usize = 5;

/// The last few, on the webhook's own page; `all` leads to the others.
#[component]
pub(super) fn Recent(newest: Memo<Deliveries>, all: String) -> impl IntoView {
    let any = Memo::new(move |_| newest.with(|newest| !newest.rows.is_empty()));
    let rows = move || newest.with(|newest| newest.rows.iter().take(SHOWN).cloned().collect::<Vec<_>>());
    view! {
        <Card>
            <CardHeader
                title="Last deliveries"
                actions=move || {
                    let all = all.clone();
                    view! {
                        {move || {
                            let href = all.clone();
                            any.get().then(|| view! { <LinkButton href>"View all deliveries"</LinkButton> })
                        }}
                    }
                }
            />
            {move || if any.get() {
                view! {
                    <Table caption="Last deliveries" headers=HEADERS.to_vec()>
                        <For each=rows key=|row| format!("{row:?}") let:row>
                            <Line row/>
                        </For>
                    </Table>
                }
                .into_any()
            } else {
                view! { <p class="px-5 py-4 text-small text-muted">"Nothing was delivered yet."</p> }.into_any()
            }}
        </Card>
    }
}

/// One delivery; `children` are the buttons at its end.
#[component]
pub(super) fn Line(row: DeliveryRow, #[prop(optional)] children: Option<Children>) -> impl IntoView {
    let (state, word) = delivery_state(&row.state);
    let next = match row.state {
        DeliveryState::Waiting { next_at } => Some(next_at),
        DeliveryState::Delivered | DeliveryState::Failed => None,
    };
    view! {
        <Row>
            <Cell><Time at=row.created_at/></Cell>
            <Cell label="Event and webhook-id">
                <span class="block min-w-0">
                    <span class="block font-mono text-small text-ink">{row.event.name()}</span>
                    <span class="block font-mono text-xs break-all text-faint xl:whitespace-nowrap">{row.id.to_string()}</span>
                </span>
            </Cell>
            <Cell label="State">
                <span class="block">
                    <StatusPill state word/>
                    {next.map(|at| view! { <span class="mt-0.5 block text-xs text-muted">"Next attempt " <Time at exact=true/></span> })}
                </span>
            </Cell>
            <Cell label="Attempts">
                <Attempts attempts=row.attempts/>
            </Cell>
            {children.map(|children| view! { <Cell actions=true>{children()}</Cell> })}
        </Row>
    }
}

/// The newest attempt, and the earlier ones folded.
#[component]
fn Attempts(attempts: Vec<DeliveryAttempt>) -> impl IntoView {
    let mut attempts = attempts.into_iter();
    let Some(newest) = attempts.next() else {
        return view! { <span class="text-small text-faint">"Not tried yet"</span> }.into_any();
    };
    let earlier = u64::try_from(attempts.len()).unwrap_or(u64::MAX);
    let rest = attempts.map(|attempt| view! { <li><Attempt attempt/></li> }).collect_view();
    view! {
        <div class="min-w-0 text-small wide:max-w-96">
            <Attempt attempt=newest/>
            {(earlier > 0).then(|| view! {
                <details class="mt-1">
                    <summary class="cursor-pointer text-muted hover:text-ink">
                        {counted(earlier, "earlier attempt", "earlier attempts")}
                    </summary>
                    <ol class="mt-1 space-y-1.5">{rest}</ol>
                </details>
            })}
        </div>
    }
    .into_any()
}

#[component]
fn Attempt(attempt: DeliveryAttempt) -> impl IntoView {
    let line = attempt_line(&attempt);
    view! {
        <p class="text-ink tabular-nums" title=exact_time(attempt.at)>{line}</p>
        {attempt.failure.map(|kind| view! { <p class="text-muted [overflow-wrap:anywhere]">{failure_sentence(kind)}</p> })}
    }
}
