//! The card "Telemetry export (OTLP)": where a workspace's own request logs and metrics go.

use leptos::prelude::*;

use super::api::{SaveTenantExport, tenant_export};
use super::export_form::{ExportFields, SaveLine, Stored};
use super::health::HealthPanel;
use crate::contract::values::Signal as OtlpSignal;
use crate::contract::{Field, Managed, SecretView, TenantExportView, WorkspaceRef};
use crate::layout::use_slug;
use crate::routes::{Fact, Facts, form_reset_by, successes};
use crate::ui::{Badge, Card, CardHeader, ErrorView, KeptForm, LinkButton, PageHeader, Skeleton};

/// A workspace gets no traces: spans tell about the gateway around it.
const SIGNALS: [OtlpSignal; 2] = [OtlpSignal::Logs, OtlpSignal::Metrics];

/// `/w/:slug/settings/integrations/telemetry`
#[component]
pub fn WorkspaceOtlp() -> impl IntoView {
    let slug = use_slug();
    let save = ServerAction::<SaveTenantExport>::new();
    let saves = successes(save);
    let loaded = Resource::new_blocking(move || (slug.get(), saves.get()), |(slug, _)| tenant_export(slug));
    view! {
        <Transition fallback=|| view! { <Skeleton lines=8/> }>
            {move || Suspend::new(async move {
                match loaded.await {
                    Err(error) => view! { <ErrorView error/> }.into_any(),
                    Ok((workspace, view)) => view! { <Loaded workspace view save saves/> }.into_any(),
                }
            })}
        </Transition>
    }
}

#[component]
fn Loaded(workspace: WorkspaceRef, view: TenantExportView, save: ServerAction<SaveTenantExport>, saves: Memo<usize>) -> impl IntoView {
    let name = workspace.name.clone();
    let back = format!("/w/{}/settings/integrations", workspace.slug);
    let status = view.status.clone();
    let slug = workspace.slug.clone();
    let settings = if workspace.access.may_write() {
        view! { <Settings slug=workspace.slug view save saves/> }.into_any()
    } else {
        view! { <ReadOnly view/> }.into_any()
    };
    view! {
        <PageHeader
            title="Telemetry export (OTLP)"
            subtitle="Request logs and metrics of this workspace alone, over OTLP/HTTP, to a collector of its own."
            scope=move || {
                let name = name.clone();
                view! { <Badge>{name}</Badge> }
            }
            actions=move || view! { <LinkButton href=back.clone()>"All integrations"</LinkButton> }
        />
        <div class="grid grid-cols-1 items-start gap-6 min-[1100px]:grid-cols-[minmax(0,640px)_minmax(280px,1fr)]">
            {settings} <HealthPanel initial=status workspace=Some(slug)/>
        </div>
    }
}

#[component]
fn Settings(slug: String, view: TenantExportView, save: ServerAction<SaveTenantExport>, saves: Memo<usize>) -> impl IntoView {
    let form = form_reset_by(saves);
    let value = save.value();
    let answer = Signal::derive(move || value.get());
    let stored = Stored {
        endpoint: Managed { value: view.endpoint.clone(), by: None },
        service_name: Managed { value: view.service_name, by: None },
        headers: Managed { value: view.headers, by: None },
        generation: view.generation,
        state: view.status.state.clone(),
        signals: &SIGNALS,
    };
    view! {
        <Card>
            <CardHeader title="Settings" subtitle="A change takes effect at once. Logs and metrics are sent; traces are not."/>
            <KeptForm action=save about=vec![("workspace", slug)] node_ref=form>
                <ExportFields stored answer/>
                <SaveLine
                    pending=save.pending()
                    answer
                    endpoint=view.endpoint
                    state=view.status.state
                    saved_at=view.saved_at
                    saved_by=view.saved_by
                />
            </KeptForm>
        </Card>
    }
}

/// What a viewer sees in place of the form.
#[component]
fn ReadOnly(view: TenantExportView) -> impl IntoView {
    view! {
        <Card>
            <CardHeader title="Settings" subtitle="Your role may look at these but not change them."/>
            <Facts>
                <Fact label=Field::Endpoint.label()>
                    {if view.endpoint.is_empty() {
                        view! { <span class="text-faint">"Not set; the export is off"</span> }.into_any()
                    } else {
                        view! { <span class="font-mono break-all">{view.endpoint}</span> }.into_any()
                    }}
                </Fact>
                <Fact label=Field::ServiceName.label()>
                    {if view.service_name.is_empty() {
                        view! { <span class="text-faint">"Not set; the collector sees knoxcall"</span> }.into_any()
                    } else {
                        view.service_name.into_any()
                    }}
                </Fact>
                <Fact label=Field::Headers.label()>{secret_words(&view.headers)}</Fact>
            </Facts>
        </Card>
    }
}

fn secret_words(secret: &SecretView) -> String {
    match (secret.unreadable, secret.set) {
        (true, _) => "Stored, but unreadable".to_owned(),
        (false, true) => secret.names.join(", "),
        (false, false) => "None".to_owned(),
    }
}
