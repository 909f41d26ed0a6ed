//! The integrations of one workspace, for its members and operators.

use leptos::prelude::*;

use super::api::tenant_export;
use super::card::{CardGrid, IntegrationCard};
use super::scope::WorkspaceScope;
use crate::layout::use_slug;
use crate::ui::{ErrorView, IconName, PageHeader, Skeleton};

/// `/w/:slug/settings/integrations`
#[component]
pub fn WorkspaceIntegrations() -> impl IntoView {
    let slug = use_slug();
    let loaded = Resource::new_blocking(move || slug.get(), tenant_export);
    view! {
        <Transition fallback=|| view! { <Skeleton lines=6/> }>
            {move || Suspend::new(async move {
                match loaded.await {
                    Err(error) => view! { <ErrorView error/> }.into_any(),
                    Ok((workspace, view)) => {
                        let href = format!("/w/{}/settings/integrations/telemetry", workspace.slug);
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
