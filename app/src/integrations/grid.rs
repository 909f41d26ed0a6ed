//! The integrations of a scope: a card for each, with its state at a glance.

use leptos::prelude::*;

use super::api::{Place, export};
use super::card::{CardGrid, IntegrationCard};
use super::scope::{GlobalScope, WorkspaceScope};
use crate::contract::ExportView;
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
    let loaded = Resource::new_blocking(move || workspace.get(), export);
    view! {
        <Transition fallback=|| view! { <Skeleton lines=6/> }>
            {move || Suspend::new(async move {
                match loaded.await {
                    Err(error) => view! { <ErrorView error/> }.into_any(),
                    Ok((Place::Global { workspaces }, view)) => view! { <ForGlobal workspaces view/> }.into_any(),
                    Ok((Place::Workspace(workspace), view)) => {
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

#[component]
fn ForGlobal(workspaces: Vec<(String, String)>, view: ExportView) -> impl IntoView {
    view! {
        <PageHeader
            title="Integrations"
            subtitle="Where the telemetry of the whole gateway goes. Each workspace has its own integrations besides."
            scope=move || view! { <GlobalScope workspaces=workspaces.clone()/> }
        />
        <CardGrid>
            <IntegrationCard
                href=super::api::page("")
                icon=IconName::Pulse
                name="OpenTelemetry export"
                summary="Sends traces, logs and metrics of every request to your collector, over OTLP/HTTP."
                status=view.status
            />
        </CardGrid>
    }
}
