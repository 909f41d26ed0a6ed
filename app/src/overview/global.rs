//! `/`: the gateway for its operator, or a member's own workspaces.

use leptos::prelude::*;

use super::api::{GatewaySummary, load_gateway_summary};
use super::steps::{Step, Steps};
use super::view_model::export_line;
use crate::contract::values::Role;
use crate::contract::{Access, ExportState, Viewer, WorkspaceRow};
use crate::integrations::StillFailing;
use crate::layout::use_viewer;
use crate::ui::{
    Badge, Card, CardHeader, Cell, EmptyState, ErrorView, Icon, IconName, LinkButton, Notice, NoticeKind, PageHeader, PillState, Row,
    Skeleton, StatusPill, Table, counted, thousands, together,
};

/// The first page after signing in.
#[component]
pub fn Overview() -> impl IntoView {
    let viewer = use_viewer();
    // The server refuses members; so only an operator's page asks.
    let summary = Resource::new_blocking(
        || (),
        move |()| async move {
            match viewer.await {
                Ok(viewer) if viewer.operator => load_gateway_summary().await.map(Some),
                Ok(_) => Ok(None),
                Err(error) => Err(error),
            }
        },
    );
    let whole = together(move || async move { (viewer.await, summary.await) });
    view! {
        <Transition fallback=|| view! { <Skeleton lines=6/> }>
            {move || Suspend::new(async move {
                match whole.await {
                    (Ok(_), Ok(Some(summary))) => view! { <ForOperator summary/> }.into_any(),
                    (Ok(viewer), Ok(None)) => view! { <ForMember viewer/> }.into_any(),
                    (Err(error), _) | (_, Err(error)) => view! { <ErrorView error/> }.into_any(),
                }
            })}
        </Transition>
    }
}

#[component]
fn ForOperator(summary: GatewaySummary) -> impl IntoView {
    let GatewaySummary { workspaces, endpoint, export, still_failing, problems } = summary;
    let line = export_line(&endpoint, &export);
    let steps = vec![
        Step {
            done: workspaces.total > 0,
            title: "Create a workspace",
            text: "A workspace holds routes, API keys and members, apart from all others.",
            action: Some(("/settings/workspaces".to_owned(), "Create workspace")),
        },
        Step {
            done: workspaces.rows.iter().any(|row| row.routes > 0),
            title: "Add a route to it",
            text: "A route sends requests to one upstream API.",
            action: workspaces.rows.first().map(|row| (format!("/w/{}/routes/new", row.slug), "Create route")),
        },
        Step {
            done: export.state != ExportState::Off,
            title: "Send telemetry to your collector",
            text: "Traces, logs and metrics of the whole gateway, over OTLP/HTTP.",
            action: Some(("/settings/integrations/otlp".to_owned(), "Set up export")),
        },
    ];
    let complete = steps.iter().all(|step| step.done);
    let total = workspaces.total;
    let shown = workspaces.rows.len();
    view! {
        <PageHeader title="Overview" subtitle="The whole gateway."/>
        <div class="space-y-6">
            {(!problems.is_empty()).then(|| view! {
                <Notice kind=NoticeKind::Error>
                    <p class="font-medium">"This needs attention. The rest works."</p>
                    <ul class="mt-1 list-disc space-y-1 pl-5">
                        {problems.into_iter().map(|problem| view! { <li>{problem}</li> }).collect_view()}
                    </ul>
                </Notice>
            })}
            {(!complete).then(|| view! {
                <Card>
                    <CardHeader title="Get started"/>
                    <Steps steps/>
                </Card>
            })}
            <Card>
                <CardHeader
                    title="OpenTelemetry export"
                    subtitle=line
                    actions=move || view! {
                        <StatusPill state=PillState::of_export(&export.state)/>
                        <LinkButton href="/settings/integrations/otlp">"View export"</LinkButton>
                    }
                />
                {(!still_failing.is_empty()).then(|| view! {
                    <div class="px-5 pb-3">
                        <StillFailing sentences=still_failing/>
                    </div>
                })}
            </Card>
            {(total > 0).then(|| view! {
                <Card>
                    <CardHeader
                        title="Workspaces"
                        subtitle=counted(total, "workspace", "workspaces")
                        actions=move || view! { <LinkButton href="/settings/workspaces">"Manage workspaces"</LinkButton> }
                    />
                    <WorkspaceTable rows=workspaces.rows/>
                    {(u64::try_from(shown).unwrap_or(0) < total).then(|| view! {
                        <p class="border-t border-line px-5 py-3 text-small text-muted">
                            <a class="link" href="/settings/workspaces">"See all workspaces"</a>
                        </p>
                    })}
                </Card>
            })}
        </div>
    }
}

#[component]
fn WorkspaceTable(rows: Vec<WorkspaceRow>) -> impl IntoView {
    let rows = rows
        .into_iter()
        .map(|row| {
            let state = if row.enabled { PillState::Active } else { PillState::Off };
            let word = if row.enabled { "Enabled" } else { "Disabled" };
            view! {
                <Row>
                    <Cell>
                        <a class="font-medium [overflow-wrap:anywhere] text-ink hover:underline" href=format!("/w/{}", row.slug)>{row.name}</a>
                    </Cell>
                    <Cell label="State"><StatusPill state word=word/></Cell>
                    <Cell label="Routes" numeric=true>{thousands(u64::from(row.routes))}</Cell>
                    <Cell label="Members" numeric=true>{thousands(u64::from(row.members))}</Cell>
                    <Cell label="Own export">{if row.exporting { "On" } else { "Off" }}</Cell>
                </Row>
            }
        })
        .collect_view();
    view! {
        <Table caption="Workspaces" headers=vec!["Name", "State", "Routes", "Members", "Own export"]>
            {rows}
        </Table>
    }
}

#[component]
fn ForMember(viewer: Viewer) -> impl IntoView {
    if viewer.workspaces.is_empty() {
        return view! {
            <PageHeader title="Your workspaces"/>
            <EmptyState title="No workspace yet" text="You are not a member of any workspace. Ask an admin of one to add your e-mail address."/>
        }
        .into_any();
    }
    let cards = viewer
        .workspaces
        .into_iter()
        .map(|workspace| {
            let role = match workspace.access {
                Access::Operator => "Operator",
                Access::Member(Role::Admin) => "Admin",
                Access::Member(Role::Viewer) => "Viewer",
            };
            let href = format!("/w/{}", workspace.slug);
            view! {
                <li>
                    <a
                        href=href
                        class="flex items-center gap-3 rounded-lg border border-line bg-surface px-4 py-3.5 shadow-xs transition-colors hover:border-line-heavy"
                    >
                        <span class="text-muted"><Icon name=IconName::Building/></span>
                        <span class="min-w-0 flex-1">
                            <span class="block truncate text-sm font-medium text-ink">{workspace.name}</span>
                            <span class="block truncate font-mono text-xs text-muted">{workspace.slug}</span>
                        </span>
                        <Badge>{role}</Badge>
                    </a>
                </li>
            }
        })
        .collect_view();
    view! {
        <PageHeader title="Your workspaces"/>
        <ul class="grid gap-3 wide:grid-cols-2">{cards}</ul>
    }
    .into_any()
}
