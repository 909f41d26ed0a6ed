//! `/settings/workspaces`: every workspace, for the operator.

use leptos::html::Input;
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::api::{CreateWorkspace, DeleteWorkspace, EnableWorkspace, load_workspaces};
use super::workspace_parts::{CreateForm, WorkspaceTable};
use crate::contract::{Page, WorkspaceRow};
use crate::ui::{
    ActionError, Card, EmptyState, ErrorView, Icon, IconName, LinkButton, PageHeader, QueryForm, Skeleton, counted, error_of, successes,
    thousands,
};

const PATH: &str = "/settings/workspaces";

/// Everything that a row of the list can do. Disabling is apart from enabling, because what goes wrong with it is said in its question.
#[derive(Clone, Copy)]
pub(super) struct Actions {
    pub enable: ServerAction<EnableWorkspace>,
    pub disable: ServerAction<EnableWorkspace>,
    pub delete: ServerAction<DeleteWorkspace>,
}

/// The operator's list: search, create, disable, delete.
#[component]
pub fn Workspaces() -> impl IntoView {
    let create = ServerAction::<CreateWorkspace>::new();
    let actions = Actions { enable: ServerAction::new(), disable: ServerAction::new(), delete: ServerAction::new() };
    let created = successes(create);
    let changes = [created, successes(actions.enable), successes(actions.disable), successes(actions.delete)];
    let query = use_query_map();
    let search = Memo::new(move |_| query.with(|query| query.get("q").unwrap_or_default()));
    let field = NodeRef::<Input>::new();
    // The field is kept when the page is built anew, and with it what was typed; it says what is listed, also where all are.
    Effect::new(move |before: Option<String>| {
        let asked = search.get();
        if before.is_some_and(|before| before != asked)
            && let Some(field) = field.get_untracked()
        {
            field.set_value(&asked);
        }
        asked
    });
    let page = Memo::new(move |_| query.with(|query| query.get_str("page").and_then(|page| page.parse::<u32>().ok()).unwrap_or(1).max(1)));
    let rows = Resource::new_blocking(
        move || (search.get(), page.get(), changes.map(|count| count.get())),
        |(search, page, _)| load_workspaces(search, page - 1),
    );
    view! {
        <Transition fallback=|| view! { <Skeleton lines=6/> }>
            {move || Suspend::new(async move {
                match rows.await {
                    Ok(rows) => view! {
                        <PageHeader title="Workspaces" subtitle="Each workspace has its own routes, API keys, members and telemetry export."/>
                        <div class="space-y-6">
                            <CreateForm create created/>
                            <div class="space-y-4">
                                <Search text=search.get_untracked() field/>
                                <ActionError error=error_of(actions.enable.value())/>
                                <List rows search=search.get_untracked() actions/>
                            </div>
                        </div>
                    }
                    .into_any(),
                    Err(error) => view! { <ErrorView error/> }.into_any(),
                }
            })}
        </Transition>
    }
}

#[component]
fn List(rows: Page<WorkspaceRow>, search: String, actions: Actions) -> impl IntoView {
    if rows.rows.is_empty() {
        return if rows.total > 0 {
            // Anyone can write an address, and workspaces are deleted.
            let text = format!("The list has {} and ends before this page.", counted(rows.total, "workspace", "workspaces"));
            view! { <EmptyState title="Nothing on this page" text><LinkButton href=page_path(&search, 0)>"Show first page"</LinkButton></EmptyState> }
                .into_any()
        } else if search.is_empty() {
            view! { <EmptyState title="No workspaces yet" text="Create the first one above. It needs a name, and a slug that stands in its addresses."/> }.into_any()
        } else {
            view! {
                <EmptyState title="Nothing found" text=format!("No workspace's name or slug contains “{search}”.")>
                    <LinkButton href=PATH>"Show all workspaces"</LinkButton>
                </EmptyState>
            }
            .into_any()
        };
    }
    let Page { rows, total, page, per_page } = rows;
    view! {
        <Card>
            <WorkspaceTable rows actions/>
            <Pager total page=page per_page search/>
        </Card>
    }
    .into_any()
}

/// A form that asks for this page with `?q=`; `/` focuses it.
#[component]
fn Search(text: String, field: NodeRef<Input>) -> impl IntoView {
    Effect::new(move |_| {
        let listener = window_event_listener(leptos::ev::keydown, move |event| {
            let typing =
                document().active_element().is_some_and(|element| matches!(element.tag_name().as_str(), "INPUT" | "TEXTAREA" | "SELECT"));
            if event.key() == "/"
                && !typing
                && let Some(field) = field.get_untracked()
            {
                event.prevent_default();
                drop(field.focus());
            }
        });
        on_cleanup(move || listener.remove());
    });
    view! {
        <QueryForm action=PATH>
            <div class="relative max-w-sm" role="search">
                <span class="pointer-events-none absolute top-2 left-2.5 text-muted">
                    <Icon name=IconName::Search/>
                </span>
                <input
                    type="search"
                    name="q"
                    value=text
                    node_ref=field
                    aria-label="Search workspaces"
                    placeholder="Search by name or slug"
                    autocomplete="off"
                    class="block h-8 w-full rounded-md border border-line-strong bg-field pr-2.5 pl-8 text-sm text-ink shadow-xs placeholder:text-faint hover:border-line-heavy"
                />
            </div>
        </QueryForm>
    }
}

/// Where a page of the list is. Pages count from 0 here and from 1 in the address, which names only what is not as always.
fn page_path(search: &str, page: u32) -> String {
    let search = (!search.is_empty()).then(|| format!("q={}", utf8_percent_encode(search, NON_ALPHANUMERIC)));
    let page = (page > 0).then(|| format!("page={}", page + 1));
    let query: Vec<String> = search.into_iter().chain(page).collect();
    if query.is_empty() { PATH.to_owned() } else { format!("{PATH}?{}", query.join("&")) }
}

/// "26–50 of 1,204", with the ways back and on.
#[component]
fn Pager(total: u64, page: u32, per_page: u32, search: String) -> impl IntoView {
    let first = u64::from(page) * u64::from(per_page) + 1;
    let last = total.min(first - 1 + u64::from(per_page));
    if total <= u64::from(per_page) {
        return ().into_any();
    }
    let back = (page > 0).then(|| view! { <LinkButton href=page_path(&search, page - 1)>"Previous"</LinkButton> });
    let on = (last < total).then(|| view! { <LinkButton href=page_path(&search, page + 1)>"Next"</LinkButton> });
    let shown = format!("{}–{} of {}", thousands(first), thousands(last), thousands(total));
    view! {
        <nav aria-label="Pages" class="flex items-center justify-between gap-3 border-t border-line px-5 py-3">
            <p class="text-small text-muted tabular-nums">{shown}</p>
            <div class="flex gap-2">{back} {on}</div>
        </nav>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::page_path;

    #[test]
    fn an_address_has_what_is_asked_for_and_no_more() {
        assert_eq!(page_path("", 0), "/settings/workspaces");
        assert_eq!(page_path("", 1), "/settings/workspaces?page=2");
        assert_eq!(page_path("a&b", 0), "/settings/workspaces?q=a%26b");
        assert_eq!(page_path("acme", 2), "/settings/workspaces?q=acme&page=3");
    }
}
