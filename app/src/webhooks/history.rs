//! Everything that was, or is to be, delivered to a webhook. `?failed=on` shows what failed alone, `?before=` the older ones:
//! both work without scripts.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::api::{Redeliver, RedeliverFailed, history};
use super::delivery::{HEADERS, Line};
use super::page::use_webhook;
use super::view_model::check_since;
use crate::contract::{ApiError, Deliveries, DeliveryRow, DeliveryState, Field, WebhookState, WebhookView, WorkspaceRef};
use crate::ui::{
    ActionError, Button, ButtonKind, Card, CardHeader, EmptyState, ErrorView, FormFoot, KeptForm, LinkButton, NotLive, PageHeader,
    Skeleton, Table, TextField, error_of, field_error, field_time, follow, held, successes,
};

const SEGMENT: &str = "inline-flex h-6 items-center rounded-sm px-2 text-small font-medium text-muted transition-colors hover:text-ink aria-[current]:bg-surface aria-[current]:text-ink aria-[current]:shadow-xs";

const NOTHING_YET: &str = "Events are delivered as they happen.";
const NOTHING_YET_TO_TEST: &str = "Events are delivered as they happen. Send a test delivery to see one.";
const NOTHING_FAILED: &str = "Nothing that is still in the history failed.";
const NOTHING_OLDER: &str = "There is nothing older in the history.";

/// Which part of the history is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Shown {
    before: Option<Uuid>,
    failed: bool,
}

impl Shown {
    /// Where this part is.
    fn path(self, page: &str) -> String {
        match self.query().trim_end_matches('&') {
            "" => page.to_owned(),
            query => format!("{page}?{query}"),
        }
    }

    /// What the list says while it is empty, to whoever can send a test delivery or can't.
    const fn none(self, may_write: bool) -> &'static str {
        match (self.before, self.failed, may_write) {
            (Some(_), ..) => NOTHING_OLDER,
            (None, true, _) => NOTHING_FAILED,
            (None, false, true) => NOTHING_YET_TO_TEST,
            (None, false, false) => NOTHING_YET,
        }
    }

    /// As the beginning of a query, each part with its `&`.
    fn query(self) -> String {
        let failed = if self.failed { "failed=on&" } else { "" };
        let before = self.before.map(|before| format!("before={before}&")).unwrap_or_default();
        format!("{failed}{before}")
    }
}

/// `/w/:slug/webhooks/:id/deliveries`
#[component]
pub fn DeliveryHistory() -> impl IntoView {
    let query = use_query_map();
    let path = use_webhook();
    let shown = Memo::new(move |_| {
        let query = query.read();
        Shown { before: query.get_str("before").and_then(|id| id.parse().ok()), failed: query.get("failed").is_some() }
    });
    let (one, all) = (ServerAction::<Redeliver>::new(), ServerAction::<RedeliverFailed>::new());
    let changes = [successes(one), successes(all)];
    let loaded = Resource::new_blocking(
        move || (path.get(), shown.get(), changes.map(|count| count.get())),
        |((slug, id), shown, _)| async move {
            let found = history(slug, id.ok_or(ApiError::NotFound)?, shown.before, shown.failed).await?;
            Ok::<_, ApiError>((shown, found))
        },
    );
    view! {
        <Transition fallback=|| view! { <Skeleton lines=8/> }>
            {move || Suspend::new(async move {
                match loaded.await {
                    Err(error) => view! { <ErrorView error/> }.into_any(),
                    Ok((shown, (workspace, view, deliveries))) => view! { <Loaded workspace view deliveries shown one all/> }.into_any(),
                }
            })}
        </Transition>
    }
}

#[component]
fn Loaded(
    workspace: WorkspaceRef,
    view: WebhookView,
    deliveries: Deliveries,
    shown: Shown,
    one: ServerAction<Redeliver>,
    all: ServerAction<RedeliverFailed>,
) -> impl IntoView {
    let may_write = workspace.access.may_write();
    let (slug, id) = (workspace.slug, view.id);
    let listed = slug.clone();
    let settings = format!("/w/{slug}/webhooks/{id}");
    let page = format!("{settings}/deliveries");
    let current = |on: bool| on.then_some("page");
    let ask = slug.clone();
    let live = follow(deliveries, move || {
        let asked = history(ask.clone(), id, shown.before, shown.failed);
        async move { asked.await.map(|(_, _, deliveries)| deliveries) }
    });
    // Here and not in the rows: one that the live figures build anew meanwhile is to be held too.
    let (one_held, all_held) = (held(one.pending(), successes(one)), held(all.pending(), successes(all)));
    let next = Memo::new(move |_| live.newest.with(|deliveries| deliveries.next));
    let older_page = page.clone();
    let older = move || {
        let part = Shown { before: Some(next.get()?), ..shown };
        Some(view! { <LinkButton href=part.path(&older_page)>"Older"</LinkButton> })
    };
    let newest = shown.before.map(|_| Shown { before: None, ..shown }.path(&page));
    let (every, failed) = (page.clone(), Shown { before: None, failed: true }.path(&page));
    let empty = Memo::new(move |_| live.newest.with(|deliveries| deliveries.rows.is_empty()));
    let rows = Signal::derive(move || live.newest.with(|deliveries| deliveries.rows.clone()));
    let table = move || {
        if empty.get() {
            view! { <EmptyState title="No deliveries" text=shown.none(may_write)/> }.into_any()
        } else {
            let slug = listed.clone();
            view! { <Card><DeliveryTable slug id rows shown may_write one pending=one_held/></Card> }.into_any()
        }
    };
    view! {
        <PageHeader
            title=format!("Deliveries of {}", view.name)
            subtitle="The newest first. A delivery keeps its webhook-id over all its attempts."
            scope=move || view! {
                <nav aria-label="Which deliveries" class="flex items-center gap-0.5 rounded-md border border-line bg-sunken p-0.5">
                    <a href=every.clone() aria-current=current(!shown.failed) class=SEGMENT>"All"</a>
                    <a href=failed.clone() aria-current=current(shown.failed) class=SEGMENT>"Failed"</a>
                </nav>
            }
            actions=move || view! { <LinkButton href=settings.clone()>"View webhook"</LinkButton> }
        />
        <div class="space-y-6">
            <ActionError error=error_of(one.value())/>
            {table}
            <nav aria-label="Pages" class="flex gap-2 empty:hidden">
                {newest.map(|href| view! { <LinkButton href>"Newest"</LinkButton> })}
                {older}
            </nav>
            {may_write.then(|| view! { <RedeliverCard slug id state=view.state all pending=all_held/> })}
            <NotLive reachable=live.reachable/>
        </div>
    }
}

#[component]
fn DeliveryTable(
    slug: String,
    id: Uuid,
    rows: Signal<Vec<DeliveryRow>>,
    shown: Shown,
    may_write: bool,
    one: ServerAction<Redeliver>,
    pending: Signal<bool>,
) -> impl IntoView {
    let mut headers = HEADERS.to_vec();
    headers.extend(may_write.then_some(""));
    view! {
        <Table caption="Deliveries" headers>
            <For each=move || rows.get() key=|row| format!("{row:?}") let:row>
                {
                    let about = vec![
                        ("workspace", slug.clone()),
                        ("id", id.to_string()),
                        ("delivery", row.id.to_string()),
                        ("shown", shown.query()),
                    ];
                    let ended = !matches!(row.state, DeliveryState::Waiting { .. });
                    let object = row.id.to_string();
                    if may_write {
                        view! { <Line row><div>{ended.then(|| view! { <RedeliverOne about object one pending/> })}</div></Line> }.into_any()
                    } else {
                        view! { <Line row/> }.into_any()
                    }
                }
            </For>
        </Table>
    }
}

#[component]
fn RedeliverOne(about: Vec<(&'static str, String)>, object: String, one: ServerAction<Redeliver>, pending: Signal<bool>) -> impl IntoView {
    view! {
        <KeptForm action=one about>
            <Button kind=ButtonKind::Quiet submit=true pending>
                "Redeliver" <span class="sr-only">" " {object}</span>
            </Button>
        </KeptForm>
    }
}

/// Everything that failed since a time, once more.
#[component]
fn RedeliverCard(slug: String, id: Uuid, state: WebhookState, all: ServerAction<RedeliverFailed>, pending: Signal<bool>) -> impl IntoView {
    let value = all.value();
    let since = match state {
        WebhookState::Gone { since } | WebhookState::GaveUp { since } | WebhookState::Failing { since } => field_time(since),
        WebhookState::Active | WebhookState::Disabled | WebhookState::Broken => String::new(),
    };
    view! {
        <div class="max-w-[640px]">
            <Card>
                <CardHeader title="Redeliver what failed" subtitle="After an outage of the receiver: queues everything that has failed since then once more."/>
                <KeptForm action=all about=vec![("workspace", slug), ("id", id.to_string())]>
                    <div class="space-y-5 p-5">
                        <ActionError error=error_of(value)/>
                        <TextField
                            label="Failed since (UTC)"
                            name="since"
                            kind="datetime-local"
                            value=since
                            help="Date and time in UTC, such as 2026-11-22T14:30."
                            required=true
                            error=field_error(value, Field::Date)
                            validate=check_since
                        />
                    </div>
                    <FormFoot label="Redeliver all failed" pending kind=ButtonKind::Secondary/>
                </KeptForm>
            </Card>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_of_the_history_comes_back_to_itself() {
        assert_eq!(Shown::default().query(), "");
        let shown = Shown { before: Some(Uuid::nil()), failed: true };
        assert_eq!(shown.query(), "failed=on&before=00000000-0000-0000-0000-000000000000&");
        assert_eq!(shown.path("/d"), "/d?failed=on&before=00000000-0000-0000-0000-000000000000");
        assert_eq!((Shown { before: None, ..shown }.path("/d").as_str(), Shown::default().path("/d").as_str()), ("/d?failed=on", "/d"));
    }
}
