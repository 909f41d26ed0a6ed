//! All webhooks of a workspace.

use leptos::prelude::*;

use super::api::webhooks;
use super::view_model::{events_words, host_of, state_pill, success_words, untold};
use crate::contract::{WebhookLosses, WebhookRow};
use crate::layout::use_slug;
use crate::ui::{Card, Cell, Collection, CollectionWords, ErrorView, Notice, NoticeKind, Row, Skeleton, StatusPill, Table, thousands};

const WORDS: CollectionWords = CollectionWords {
    title: "Webhooks",
    subtitle: "Servers of yours that are told what happens in this workspace.",
    create: "Create webhook",
    none: "No webhooks yet",
    purpose: "A webhook tells a server of yours what happens here, as it happens: a request that failed, a change that somebody made. Deliveries are signed, and tried again when the receiver is away.",
};

/// `/w/:slug/webhooks`
#[component]
pub fn WebhookList() -> impl IntoView {
    let slug = use_slug();
    let loaded = Resource::new_blocking(move || slug.get(), webhooks);
    view! {
        <Transition fallback=|| view! { <Skeleton lines=6/> }>
            {move || Suspend::new(async move {
                match loaded.await {
                    Err(error) => view! { <ErrorView error/> }.into_any(),
                    Ok((workspace, rows, losses)) => {
                        let (may_write, empty) = (workspace.access.may_write(), rows.is_empty());
                        let new = format!("/w/{}/webhooks/new", workspace.slug);
                        view! {
                            <Collection words=WORDS new may_write empty>
                                <Untold losses/>
                                <WebhookTable slug=workspace.slug rows/>
                            </Collection>
                        }
                            .into_any()
                    }
                }
            })}
        </Transition>
    }
}

/// Says so where events were not told.
#[component]
fn Untold(losses: WebhookLosses) -> impl IntoView {
    let notice = |text: String| view! { <div class="mb-4"><Notice kind=NoticeKind::Warning>{text}</Notice></div> };
    untold(losses).into_iter().map(notice).collect_view()
}

#[component]
fn WebhookTable(slug: String, rows: Vec<WebhookRow>) -> impl IntoView {
    let rows = rows
        .into_iter()
        .map(|row| {
            let href = format!("/w/{slug}/webhooks/{}", row.id);
            let (state, word) = state_pill(&row.state);
            let host = host_of(&row.url);
            let whole_host = host.clone();
            let all_events = row.event_types.iter().map(|event| event.name()).collect::<Vec<_>>().join(", ");
            view! {
                <Row>
                    <Cell>
                        <span class="block min-w-0">
                            <a href=href class="block font-medium [overflow-wrap:anywhere] text-ink hover:underline">
                                {row.name}
                            </a>
                            <span class="block font-mono text-xs break-all text-muted wide:max-w-56 wide:truncate" title=whole_host>
                                {host}
                            </span>
                        </span>
                    </Cell>
                    <Cell label="Events">
                        <span class="[overflow-wrap:anywhere]" title=all_events>{events_words(&row.event_types)}</span>
                    </Cell>
                    <Cell label="State">
                        <StatusPill state word/>
                    </Cell>
                    <Cell label="Delivered, 24 h" numeric=true>{success_words(row.delivered, row.failed)}</Cell>
                    <Cell label="Waiting" numeric=true>{thousands(row.waiting)}</Cell>
                </Row>
            }
        })
        .collect_view();
    view! {
        <Card>
            <Table caption="Webhooks" headers=vec!["Name", "Events", "State", "Delivered, 24 h", "Waiting"]>
                {rows}
            </Table>
        </Card>
    }
}
