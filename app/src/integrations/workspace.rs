//! The integrations of one workspace, for its members and operators.

use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

use super::api::tenant_export;
use super::card::{CardGrid, IntegrationCard};
use super::scope::WorkspaceScope;
use crate::ui::{ErrorView, IconName, PageHeader, Skeleton};

/// `/w/:slug/settings/integrations`
#[component]
pub fn WorkspaceIntegrations() -> impl IntoView {
    let params = use_params_map();
    let slug = Memo::new(move |_| params.read().get("slug").unwrap_or_default());
    let loaded = Resource::new(move || slug.get(), tenant_export);
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
