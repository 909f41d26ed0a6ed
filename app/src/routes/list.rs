//! All routes of a workspace.

use leptos::prelude::*;

use super::api::routes;
use super::view_model::environment_names;
use crate::contract::RouteRow;
use crate::layout::use_slug;
use crate::ui::{
    ButtonKind, Card, Cell, EmptyState, ErrorView, Icon, IconName, LinkButton, PageHeader, PillState, Row, Skeleton, StatusPill, Table,
};

const PURPOSE: &str =
    "A route gives an upstream a name. Callers put the name into the header x-knoxcall-route, and KnoxCall forwards the request there.";

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
                        let may_write = workspace.access.may_write();
                        view! { <Loaded slug=workspace.slug may_write rows/> }.into_any()
                    }
                }
            })}
        </Transition>
    }
}

#[component]
fn Loaded(slug: String, may_write: bool, rows: Vec<RouteRow>) -> impl IntoView {
    let new = format!("/w/{slug}/routes/new");
    let button = move || {
        let href = new.clone();
        may_write.then(|| view! { <LinkButton href kind=ButtonKind::Primary><Icon name=IconName::Plus/> "Create route"</LinkButton> })
    };
    let empty = rows.is_empty();
    let head = button.clone();
    view! {
        <PageHeader
            title="Routes"
            subtitle="The upstreams that callers of this workspace reach through the gateway."
            actions=move || (!empty).then(&head)
        />
        {if empty {
            view! { <EmptyState title="No routes yet" text=PURPOSE>{button()}</EmptyState> }.into_any()
        } else {
            view! { <RouteTable slug rows/> }.into_any()
        }}
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
                        <a href=href class="font-medium text-ink hover:underline">
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
