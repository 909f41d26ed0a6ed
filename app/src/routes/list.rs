//! All routes of a workspace.

use leptos::prelude::*;

use super::api::routes;
use super::view_model::environment_names;
use crate::contract::RouteRow;
use crate::layout::use_slug;
use crate::ui::{Card, Cell, Collection, CollectionWords, ErrorView, PillState, Row, Skeleton, StatusPill, Table};

const WORDS: CollectionWords = CollectionWords {
    title: "Routes",
    subtitle: "The upstreams that callers of this workspace reach through the gateway.",
    create: "Create route",
    none: "No routes yet",
    purpose: "A route gives an upstream a name. Callers put the name into the header x-knoxcall-route, and KnoxCall forwards the request there.",
};

/// `/w/:slug/routes`
#[component]
pub fn RouteList() -> impl IntoView {
    let slug = use_slug();
    let loaded = Resource::new_blocking(move || slug.get(), routes);
    view! {
        <Transition fallback=|| view! { <Skeleton lines=6/> }>
            {move || Suspend::new(async move {
                match loaded.await {
                    Err(error) => view! { <ErrorView error/> }.into_any(),
                    Ok((workspace, rows)) => {
                        let (may_write, empty) = (workspace.access.may_write(), rows.is_empty());
                        let new = format!("/w/{}/routes/new", workspace.slug);
                        view! {
                            <Collection words=WORDS new may_write empty>
                                <RouteTable slug=workspace.slug rows/>
                            </Collection>
                        }
                            .into_any()
                    }
                }
            })}
        </Transition>
    }
}

#[component]
fn RouteTable(slug: String, rows: Vec<RouteRow>) -> impl IntoView {
    let rows = rows
        .into_iter()
        .map(|row| {
            let href = format!("/w/{slug}/routes/{}", row.slug);
            let (state, word) = if row.enabled { (PillState::Active, "Enabled") } else { (PillState::Off, "Disabled") };
            let environments = environment_names(&row.environments);
            let whole_slug = row.slug.clone();
            view! {
                <Row>
                    <Cell>
                        <a href=href class="font-medium [overflow-wrap:anywhere] text-ink hover:underline wide:inline-block wide:min-w-24">
                            {row.name}
                        </a>
                    </Cell>
                    <Cell label="Slug">
                        <span class="font-mono text-small break-all wide:block wide:max-w-28 wide:truncate xl:max-w-44" title=whole_slug>
                            {row.slug}
                        </span>
                    </Cell>
                    <Cell label="Target">
                        {match row.target {
                            Some(target) => view! { <Target target/> }
                            .into_any(),
                            None => view! { <span class="text-faint">"None"</span> }.into_any(),
                        }}
                    </Cell>
                    <Cell label="Environments">{environments}</Cell>
                    <Cell label="State">
                        <StatusPill state word/>
                    </Cell>
                </Row>
            }
        })
        .collect_view();
    view! {
        <Card>
        <Table caption="Routes" headers=vec!["Name", "Slug", "Target", "Environments", "State"]>
            {rows}
        </Table>
        </Card>
    }
}

/// One line where there is room, with the whole of it on hover.
#[component]
fn Target(target: String) -> impl IntoView {
    let whole = target.clone();
    view! {
        <span class="font-mono text-small break-all wide:block wide:max-w-40 wide:truncate xl:max-w-80" title=whole>
            {target}
        </span>
    }
}
