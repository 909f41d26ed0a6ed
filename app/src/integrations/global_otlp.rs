//! The card "OpenTelemetry export": where traces, logs and metrics of the whole gateway go.

use leptos::prelude::*;

use super::api::{SaveOperatorExport, operator_export};
use super::export_form::{ExportFields, SaveLine, SignalSwitches, Stored};
use super::health::HealthPanel;
use crate::contract::values::Signal as OtlpSignal;
use crate::contract::{OperatorExportView, Variable};
use crate::routes::{form_reset_by, successes};
use crate::ui::{Badge, Card, CardHeader, ErrorView, KeptForm, LinkButton, PageHeader, Skeleton};

/// `/settings/integrations/otlp`
#[component]
pub fn GlobalOtlp() -> impl IntoView {
    let save = ServerAction::<SaveOperatorExport>::new();
    let saves = successes(save);
    let loaded = Resource::new_blocking(move || saves.get(), |_| operator_export());
    view! {
        <Transition fallback=|| view! { <Skeleton lines=8/> }>
            {move || Suspend::new(async move {
                match loaded.await {
                    Err(error) => view! { <ErrorView error/> }.into_any(),
                    Ok((_, view)) => view! { <Loaded view save saves/> }.into_any(),
                }
            })}
        </Transition>
    }
}

#[component]
fn Loaded(view: OperatorExportView, save: ServerAction<SaveOperatorExport>, saves: Memo<usize>) -> impl IntoView {
    let form = form_reset_by(saves);
    let value = save.value();
    let answer = Signal::derive(move || value.get());
    let stored = Stored {
        endpoint: view.endpoint.clone(),
        service_name: view.service_name,
        headers: view.headers,
        generation: view.generation,
        state: view.status.state.clone(),
        signals: &OtlpSignal::ALL,
    };
    let state = view.status.state.clone();
    let (traces, logs, metrics) = (view.traces, view.logs, view.metrics);
    view! {
        <PageHeader
            title="OpenTelemetry export"
            subtitle="Traces, logs and metrics of the whole gateway, over OTLP/HTTP, to the collector that you run."
            scope=|| view! { <Badge>"Global"</Badge> }
            actions=|| view! { <LinkButton href="/settings/integrations">"All integrations"</LinkButton> }
        />
        <div class="grid grid-cols-1 items-start gap-6 min-[1100px]:grid-cols-[minmax(0,640px)_minmax(280px,1fr)]">
            <Card>
                <CardHeader title="Settings" subtitle="A change takes effect at once, without a restart."/>
                <KeptForm action=save node_ref=form>
                    <ExportFields stored answer>
                        <SignalSwitches traces logs metrics answer/>
                        <AlsoManaged variables=view.also_managed/>
                    </ExportFields>
                    <SaveLine
                        pending=save.pending()
                        answer
                        endpoint=view.endpoint.value
                        state
                        saved_at=view.saved_at
                        saved_by=view.saved_by
                    />
                </KeptForm>
            </Card>
            <HealthPanel initial=view.status workspace=None/>
        </div>
    }
}

/// Variables in effect that have no field here.
#[component]
fn AlsoManaged(variables: Vec<Variable>) -> impl IntoView {
    (!variables.is_empty()).then(|| {
        let names = variables
            .into_iter()
            .map(|variable| view! { <li class="font-mono text-[0.9em] break-all">{variable.name()}</li> })
            .collect_view();
        view! {
            <div class="text-small text-muted">
                <p>"The environment also sets:"</p>
                <ul class="mt-1 space-y-0.5">{names}</ul>
            </div>
        }
    })
}
