//! The integrations of the whole gateway, for operators.

use leptos::prelude::*;

use super::api::operator_export;
use super::card::{CardGrid, IntegrationCard};
use super::scope::GlobalScope;
use crate::ui::{ErrorView, IconName, PageHeader, Skeleton};

/// `/settings/integrations`
#[component]
pub fn GlobalIntegrations() -> impl IntoView {
    let loaded = Resource::new_blocking(|| (), |()| operator_export());
    view! {
        <Transition fallback=|| view! { <Skeleton lines=6/> }>
            {move || Suspend::new(async move {
                match loaded.await {
                    Err(error) => view! { <ErrorView error/> }.into_any(),
                    Ok((viewer, view)) => {
                        let workspaces: Vec<_> = viewer.workspaces.into_iter().map(|found| (found.slug, found.name)).collect();
                        view! {
                            <PageHeader
                                title="Integrations"
                                subtitle="Where the telemetry of the whole gateway goes. Each workspace has its own integrations besides."
                                scope=move || view! { <GlobalScope workspaces=workspaces.clone()/> }
                            />
                            <CardGrid>
                                <IntegrationCard
                                    href="/settings/integrations/otlp"
                                    icon=IconName::Pulse
                                    name="OpenTelemetry export"
                                    summary="Sends traces, logs and metrics of every request to your collector, over OTLP/HTTP."
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
