//! The integrations of a scope: a card for each, with its state at a glance.

use leptos::prelude::*;

use super::api::{Place, export};
use super::card::{CardGrid, IntegrationCard, LiveFact, pill};
use super::scope::{GlobalScope, WorkspaceScope};
use super::tracking_api::{self, tracking};
use super::tracking_words::{overall, tiers};
use crate::contract::{ApiError, ExportView, TrackingView};
use crate::layout::use_slug;
use crate::ui::{ErrorView, IconName, PageHeader, Skeleton};

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
                        let href = super::api::page(&workspace.slug);
                        view! {
                            <PageHeader
                                title="Integrations"
                                subtitle="What this workspace shares with systems of its own."
                                scope=move || view! { <WorkspaceScope workspace=workspace.clone()/> }
                            />
                            <CardGrid>
                                <IntegrationCard
                                    href
                                    icon=IconName::Pulse
                                    name="Telemetry export (OTLP)"
                                    summary="Sends this workspace's request logs and metrics to a collector of its own, over OTLP/HTTP."
                                    state=pill(&view.status.state)
                                >
                                    <LiveFact status=view.status/>
                                </IntegrationCard>
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
            <IntegrationCard
                href=super::api::page("")
                icon=IconName::Pulse
                name="OpenTelemetry export"
                summary="Sends traces, logs and metrics of every request to your collector, over OTLP/HTTP."
                state=pill(&view.status.state)
            >
                <LiveFact status=view.status/>
            </IntegrationCard>
            {tracking.map(|tracking| view! {
                <IntegrationCard
                    href=tracking_api::PAGE
                    icon=IconName::Warning
                    name="Error tracking (Sentry)"
                    summary="Reports errors of the console's pages and of the server to Sentry, scrubbed before they leave."
                    state=overall(&tracking)
                >
                    <span>{tiers(&tracking)}</span>
                </IntegrationCard>
            })}
        </CardGrid>
    }
}
