//! The parts of the page of requests: filter, table, and what stands in its place while there is none.

use std::collections::HashSet;

use leptos::html;
use leptos::prelude::*;
use uuid::Uuid;

use super::view_model::{Asked, class_choices, latency_words, route_choices, route_words, status_note, status_words};
use crate::contract::{StatusClass, TrafficRow};
use crate::ui::{
    Button, ButtonKind, Card, Cell, CodeBlock, CopyText, EmptyState, Icon, IconName, LinkButton, QueryForm, Row, Select, Table, Time,
    form_reset_for,
};

const HEADERS: [&str; 6] = ["Time", "Request", "Status", "Latency", "Route", "Upstream"];

/// Asks for this page with the filter in the address.
#[component]
pub(super) fn FilterForm(base: String, asked: Asked, routes: Vec<String>) -> impl IntoView {
    let clear = asked.is_filtered().then(|| view! { <LinkButton href=base.clone() kind=ButtonKind::Quiet>"Clear filter"</LinkButton> });
    let options = route_choices(routes, &asked.filter.route);
    let part = form_reset_for(asked.at(&base, None));
    let class = asked.filter.class.map_or("", StatusClass::name);
    view! {
        <QueryForm action=base>
            <div role="search" aria-label="Requests" class="space-y-4" node_ref=part>
                <div class="grid grid-cols-2 gap-4 lg:max-w-lg">
                    <Select label="Status" name="status" options=class_choices() value=class/>
                    <Select label="Route" name="route" options value=asked.filter.route/>
                </div>
                <div class="flex items-center gap-2">
                    <Button submit=true>"Filter requests"</Button>
                    {clear}
                </div>
            </div>
        </QueryForm>
    }
}

/// What the page is for, and a request to try; or that nothing is what was asked for.
#[component]
pub(super) fn NothingKept(slug: String, asked: Asked, curl: Option<String>) -> impl IntoView {
    if asked.before.is_some() {
        return view! { <p class="text-small text-muted">"There are no older requests."</p> }.into_any();
    }
    if asked.is_filtered() {
        return view! {
            <EmptyState title="Nothing found" text="None of the requests that are kept matches the filter.">
                <LinkButton href=format!("/w/{slug}/logs")>"Show all requests"</LinkButton>
            </EmptyState>
        }
        .into_any();
    }
    let step = match curl {
        Some(curl) => view! {
            <div class="w-full max-w-xl space-y-3 text-left">
                <CodeBlock text=curl label="Copy command"/>
                <p class="text-small text-muted">
                    "Put an API key that may use the route into the variable " <code class="font-mono text-ink">"KNOXCALL_KEY"</code> " first."
                </p>
            </div>
        }
        .into_any(),
        None => view! { <LinkButton href=format!("/w/{slug}")>"View first steps"</LinkButton> }.into_any(),
    };
    view! {
        <EmptyState
            title="No requests yet"
            text="Each request that comes with one of this workspace's API keys is listed here as soon as it has ended. Send one and see it come in."
        >
            {step}
        </EmptyState>
    }
    .into_any()
}

#[component]
pub(super) fn Requests(rows: Signal<Vec<TrafficRow>>, open: RwSignal<HashSet<Uuid>>) -> impl IntoView {
    view! {
        <Card>
            <Table caption="Requests, the newest first" headers=HEADERS.to_vec()>
                <For each=move || rows.get() key=|row| row.request_id let:row>
                    <Line row open/>
                </For>
            </Table>
        </Card>
    }
}

#[component]
fn Line(row: TrafficRow, open: RwSignal<HashSet<Uuid>>) -> impl IntoView {
    let (classes, icon) = tone(row.class);
    let (status, note) = (status_words(&row), status_note(&row));
    let (at, latency, route) = (row.at, latency_words(row.latency_us), route_words(&row));
    let upstream = row.upstream.clone();
    view! {
        <Row>
            <Cell><Time at/></Cell>
            <Cell><Request row open/></Cell>
            <Cell label="Status">
                <span class="block">
                    <span class=classes>
                        <Icon name=icon/>
                        {status}
                    </span>
                    {note.map(|note| view! { <span class="mt-0.5 block font-mono text-xs [overflow-wrap:anywhere] text-muted">{note}</span> })}
                </span>
            </Cell>
            <Cell label="Latency" numeric=true>
                <span class="whitespace-nowrap">{latency}</span>
            </Cell>
            <Cell label="Route"><span class="text-small [overflow-wrap:anywhere]">{route}</span></Cell>
            <Cell label="Upstream">
                {match upstream {
                    Some(host) => view! { <span class="font-mono text-small [overflow-wrap:anywhere]">{host}</span> }.into_any(),
                    None => view! { <span class="text-small text-faint">"None"</span> }.into_any(),
                }}
            </Cell>
        </Row>
    }
}

/// Method and path; opened, what leads on from there: to the trace, the logs, the upstream's logs.
#[component]
fn Request(row: TrafficRow, open: RwSignal<HashSet<Uuid>>) -> impl IntoView {
    let id = row.request_id;
    let line = format!("{} {}", row.method, row.path);
    let whole = line.clone();
    let details = NodeRef::<html::Details>::new();
    let is_open = Memo::new(move |_| open.with(|open| open.contains(&id)));
    let tell = move || {
        let Some(details) = details.get_untracked() else { return };
        let now = details.has_attribute("open");
        if now != is_open.get_untracked() {
            open.update(|open| {
                if now {
                    open.insert(id);
                } else {
                    open.remove(&id);
                }
            });
        }
    };
    // It may have been opened before scripts ran.
    Effect::new(move |_| {
        details.track();
        tell();
    });
    let facts = facts(row)
        .into_iter()
        .map(|(label, copy, text)| {
            let copied = text.clone();
            view! {
                <div>
                    <dt class="text-xs text-muted">{label}</dt>
                    <dd class="flex flex-wrap items-center gap-x-2 gap-y-1">
                        <code class="font-mono text-xs break-all text-ink">{text}</code>
                        // Most are never opened, and without scripts there is no button.
                        {move || is_open.get().then(|| view! { <CopyText text=copied.clone() label=copy/> })}
                    </dd>
                </div>
            }
        })
        .collect_view();
    view! {
        <details class="group/request w-full min-w-0 text-left wide:max-w-md" node_ref=details on:toggle=move |_| tell()>
            <summary class="flex min-h-7 list-none items-start gap-1.5 rounded-sm py-1 hover:text-ink">
                <span class="pt-px text-muted transition-transform group-open/request:rotate-90">
                    <Icon name=IconName::ChevronRight/>
                </span>
                <span class="line-clamp-2 min-w-0 font-mono text-small break-all text-ink group-open/request:line-clamp-none" title=whole>
                    {line}
                </span>
            </summary>
            <dl class="mt-1 space-y-2 pb-1 pl-5.5">{facts}</dl>
        </details>
    }
}

/// Label, the words on the button that copies it, and value.
fn facts(row: TrafficRow) -> Vec<(&'static str, &'static str, String)> {
    let error_type = row.error_type.map(|kind| ("Error type", "Copy error type", kind));
    let error_id = row.error_id.map(|id| ("Error ID", "Copy error ID", id.to_string()));
    let ids = [("Request ID", "Copy request ID", row.request_id.to_string()), ("Trace ID", "Copy trace ID", row.trace_id)];
    ids.into_iter().chain(error_type).chain(error_id).collect()
}

/// The look of a status; the number or word in it says the same.
const fn tone(class: Option<StatusClass>) -> (&'static str, IconName) {
    match class {
        Some(StatusClass::Success) => ("pill bg-ok-soft text-ok tabular-nums", IconName::Check),
        Some(StatusClass::Redirect) => ("pill bg-info-soft text-info tabular-nums", IconName::External),
        Some(StatusClass::ClientError) => ("pill bg-warn-soft text-warn tabular-nums", IconName::Warning),
        Some(StatusClass::Failed) => ("pill bg-bad-soft text-bad tabular-nums", IconName::Cross),
        None => ("pill bg-sunken text-muted tabular-nums", IconName::Circle),
    }
}
