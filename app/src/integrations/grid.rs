//! The integrations of a scope: a card for each, with its state at a glance.

use leptos::prelude::*;

use super::api::{Place, export, export_health, page};
use super::card::{CardGrid, IntegrationCard, LiveFact};
use super::live::follow;
use super::scope::{GlobalScope, WorkspaceScope};
use super::tracking_api::{self, tracking};
use super::tracking_words::{overall, tiers};
use crate::contract::{ApiError, ExportStatus, ExportView, TrackingView};
use crate::layout::use_slug;
use crate::ui::{ErrorView, IconName, PageHeader, PillState, Skeleton};

/// `/settings/integrations`, for operators.
#[component]
pub fn GlobalIntegrations() -> impl IntoView {
    view! { <Integrations workspace=Signal::derive(String::new)/> }
}

/// `/w/:slug/settings/integrations`, for the workspace's members and operators.
#[component]
pub fn WorkspaceIntegrations() -> impl IntoView {
    let slug = use_slug();
    view! { <Integrations workspace=Signal::derive(move || slug.get())/> }
}

#[component]
fn Integrations(workspace: Signal<String>) -> impl IntoView {
    let loaded = Resource::new_blocking(move || workspace.get(), load);
    view! {
        <Transition fallback=|| view! { <Skeleton lines=6/> }>
            {move || Suspend::new(async move {
                match loaded.await {
                    Err(error) => view! { <ErrorView error/> }.into_any(),
                    Ok((Place::Global { workspaces }, view, tracking)) => view! { <ForGlobal workspaces view tracking/> }.into_any(),
                    Ok((Place::Workspace(workspace), view, _)) => {
                        let slug = workspace.slug.clone();
                        view! {
                            <PageHeader
                                title="Integrations"
                                subtitle="What this workspace shares with systems of its own."
                                scope=move || view! { <WorkspaceScope workspace=workspace.clone()/> }
                            />
                            <CardGrid>
                                <ExportCard
                                    workspace=slug
                                    name="Telemetry export (OTLP)"
                                    summary="Sends this workspace's request logs and metrics to a collector of its own, over OTLP/HTTP."
                                    status=view.status
                                />
                            </CardGrid>
                        }
                            .into_any()
                    }
                }
            })}
        </Transition>
    }
}

/// The cards of a scope; error tracking is the Global scope's alone.
async fn load(workspace: String) -> Result<(Place, ExportView, Option<TrackingView>), ApiError> {
    let global = workspace.is_empty();
    let (place, view) = export(workspace).await?;
    let tracking = if global { Some(tracking().await?) } else { None };
    Ok((place, view, tracking))
}

#[component]
fn ForGlobal(
    workspaces: Vec<(String, String)>,
    view: ExportView,
    #[prop(optional_no_strip)] tracking: Option<TrackingView>,
) -> impl IntoView {
    view! {
        <PageHeader
            title="Integrations"
            subtitle="Where the telemetry and the errors of the whole gateway go. Each workspace has its own integrations besides."
            scope=move || view! { <GlobalScope workspaces=workspaces.clone()/> }
        />
        <CardGrid>
            <ExportCard
                workspace=String::new()
                name="OpenTelemetry export"
                summary="Sends traces, logs and metrics of every request to your collector, over OTLP/HTTP."
                status=view.status
            />
            {tracking.map(|view| view! { <TrackingCard view/> })}
        </CardGrid>
    }
}

#[component]
fn ExportCard(workspace: String, name: &'static str, summary: &'static str, status: ExportStatus) -> impl IntoView {
    let href = page(&workspace);
    let newest = follow(status, move || export_health(workspace.clone())).newest;
    let state = Signal::derive(move || newest.with(|status| PillState::of_export(&status.state)));
    view! {
        <IntegrationCard href icon=IconName::Pulse name summary state>
            {move || view! { <LiveFact status=newest.get()/> }}
        </IntegrationCard>
    }
}

#[component]
fn TrackingCard(view: TrackingView) -> impl IntoView {
    let newest = follow(view, tracking).newest;
    let state = Signal::derive(move || newest.with(overall));
    view! {
        <IntegrationCard
            href=tracking_api::PAGE
            icon=IconName::Warning
            name="Error tracking (Sentry)"
            summary="Reports errors of the console's pages and of the server to Sentry, scrubbed before they leave."
            state
        >
            <span>{move || newest.with(tiers)}</span>
        </IntegrationCard>
    }
}
