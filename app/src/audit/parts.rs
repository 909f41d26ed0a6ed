//! The parts of an audit log's page: filter, entries, downloads, and what following the chain found. All of it is links and
//! a form that asks for an address, so that it is the same without JavaScript.

use leptos::prelude::*;

use super::view_model::{Asked, action_choices, actor_words, change_words, kind_words, verdict_words};
use crate::contract::{ApiError, AuditChange, AuditPage, AuditRow, AuditVerdict};
use crate::ui::{
    Button, ButtonKind, Card, Cell, EmptyState, ErrorView, LinkButton, Notice, NoticeKind, QueryForm, Row, Select, Table, TextField, Time,
    counted, form_reset_for,
};

/// How many changes of an entry are shown before the rest is folded.
const SHOWN: usize = 4;

/// What following the chain of hashes found.
#[component]
pub(super) fn Verdict(verdict: Result<AuditVerdict, ApiError>) -> impl IntoView {
    let verdict = match verdict {
        Ok(verdict) => verdict,
        Err(error @ ApiError::Verifying) => return view! { <Notice kind=NoticeKind::Warning>{error.to_string()}</Notice> }.into_any(),
        Err(error) => return view! { <ErrorView error/> }.into_any(),
    };
    let kind = if matches!(verdict, AuditVerdict::Intact { .. }) { NoticeKind::Success } else { NoticeKind::Error };
    let (words, head) = verdict_words(&verdict);
    let head = head.map(|head| {
        view! {
            <p class="font-mono text-small break-all">{head}</p>
            <p class="mt-1 text-small text-muted">
                "Note the head somewhere else: whoever can rewrite the whole data folder can rewrite the log, and only a head from before shows it."
            </p>
        }
    });
    view! {
        <Notice kind>
            <p>{words}</p>
            {head}
        </Notice>
    }
    .into_any()
}

/// Asks for this page with the filter in the address.
#[component]
pub(super) fn FilterForm(base: String, asked: Asked, actions: Vec<String>, wrong: Option<ApiError>) -> impl IntoView {
    let clear = asked.is_filtered().then(|| view! { <LinkButton href=base.clone() kind=ButtonKind::Quiet>"Clear filter"</LinkButton> });
    let options = action_choices(&actions, &asked.filter.action);
    let part = form_reset_for(asked.at(&base, None));
    let filter = asked.filter;
    view! {
        <QueryForm action=base>
            <div role="search" aria-label="Audit log" class="space-y-4" node_ref=part>
                <div class="grid grid-cols-2 gap-4 lg:grid-cols-5">
                    <TextField label="Actor" name="actor" value=filter.actor placeholder="Part of the e-mail"/>
                    <Select label="Action" name="action" options value=filter.action/>
                    <TextField label="Resource" name="resource" value=filter.resource placeholder="Part of the name"/>
                    <TextField label="From" name="from" kind="date" value=filter.from/>
                    <TextField label="To" name="to" kind="date" value=filter.to/>
                </div>
                {wrong.map(|error| view! { <Notice kind=NoticeKind::Error>{error.to_string()}</Notice> })}
                <div class="flex items-center gap-2">
                    <Button submit=true>"Filter entries"</Button>
                    {clear}
                </div>
            </div>
        </QueryForm>
    }
}

/// The whole log, or what the filter means of it, as a file.
#[component]
pub(super) fn Downloads(base: String, asked: Asked) -> impl IntoView {
    // `rel` keeps the router from taking the link for a page.
    let link = |format: &'static str, words: &'static str| {
        view! {
            <a href=asked.file(&base, format) download="" rel="external" class=ButtonKind::Secondary.classes()>
                {words}
            </a>
        }
    };
    view! {
        <div class="flex flex-wrap items-center gap-2">
            {link("csv", "Download CSV")}
            {link("jsonl", "Download JSON Lines")}
            <p class="text-small text-muted">
                {if asked.is_filtered() { "Every entry that matches, oldest first." } else { "The whole log, oldest first." }}
            </p>
        </div>
    }
}

#[component]
pub(super) fn Entries(base: String, asked: Asked, page: AuditPage) -> impl IntoView {
    let newest = asked.before.is_some().then(|| view! { <LinkButton href=asked.at(&base, None)>"Newest"</LinkButton> });
    let older = page.next.map(|before| view! { <LinkButton href=asked.at(&base, Some(before))>"Older"</LinkButton> });
    let more = older.is_some();
    if page.rows.is_empty() && !more && newest.is_none() {
        return if asked.is_filtered() {
            view! {
                <EmptyState title="Nothing found" text="No entry of this log matches the filter.">
                    <LinkButton href=base>"Show all entries"</LinkButton>
                </EmptyState>
            }
            .into_any()
        } else {
            view! { <EmptyState title="No entries yet" text="From now on each change is kept here with who made it, when, and from where."/> }.into_any()
        };
    }
    let table = if page.rows.is_empty() {
        let words = if more { "None of the entries looked at so far matches. Older ones may." } else { "There are no older entries." };
        view! { <p class="px-5 py-4 text-small text-muted">{words}</p> }.into_any()
    } else {
        view! { <EntryTable rows=page.rows/> }.into_any()
    };
    let pager = (more || newest.is_some()).then(|| {
        view! {
            <nav aria-label="Pages" class="flex items-center justify-end gap-2 border-t border-line px-5 py-3">
                {newest}
                {older}
            </nav>
        }
    });
    view! { <Card>{table} {pager}</Card> }.into_any()
}

#[component]
fn EntryTable(rows: Vec<AuditRow>) -> impl IntoView {
    let rows = rows
        .into_iter()
        .map(|row| {
            let actor = actor_words(&row.actor);
            let entry = format!("Entry {}, hash {}", row.sequence, row.hash);
            view! {
                <Row>
                    <Cell><span title=entry><Time at=row.at/></span></Cell>
                    <Cell label="Actor"><Short text=actor/></Cell>
                    <Cell label="Action"><span class="font-mono text-small">{row.action}</span></Cell>
                    <Cell label="Resource">
                        <span class="text-small text-muted">{kind_words(&row.resource_kind)}</span>
                        " "
                        <Short text=row.resource/>
                    </Cell>
                    // Left empty where there are none, so that a stacked row does without its label.
                    <Cell label="Changes">{(!row.changes.is_empty()).then(|| view! { <Changes changes=row.changes/> })}</Cell>
                    <Cell label="Address">
                        {match row.address {
                            Some(address) => view! { <Short text=address mono=true/> }.into_any(),
                            None => view! { <span class="text-small text-faint">"None"</span> }.into_any(),
                        }}
                    </Cell>
                </Row>
            }
        })
        .collect_view();
    view! {
        <Table caption="Entries of the audit log, the newest first" headers=vec!["Time", "Actor", "Action", "Resource", "Changes", "Address"]>
            {rows}
        </Table>
    }
}

/// A text that is cut where the table has no room for it, whole on hover.
#[component]
fn Short(text: String, #[prop(optional)] mono: bool) -> impl IntoView {
    let whole = text.clone();
    view! {
        <span class="break-all wide:block wide:max-w-40 wide:truncate" class:font-mono=mono class:text-small=mono title=whole>
            {text}
        </span>
    }
}

/// The first few are enough to recognise a change by; a new route has many.
#[component]
fn Changes(changes: Vec<AuditChange>) -> impl IntoView {
    let mut lines: Vec<_> = changes.iter().map(|change| view! { <li>{change_words(change)}</li> }).collect();
    let rest = lines.split_off(lines.len().min(SHOWN));
    let more = (!rest.is_empty()).then(|| {
        let words = counted(u64::try_from(rest.len()).unwrap_or(u64::MAX), "more change", "more changes");
        view! {
            <details>
                <summary class="cursor-pointer hover:text-ink">{words}</summary>
                <ul>{rest}</ul>
            </details>
        }
    });
    view! {
        <div class="min-w-0 text-small break-words text-muted wide:max-w-96">
            <ul>{lines}</ul>
            {more}
        </div>
    }
}
