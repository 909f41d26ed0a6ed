//! The page of an export, in either scope: its form, and how the destination is doing.

use leptos::prelude::*;
use leptos::server_fn::ServerFn;

use super::api::{PauseExport, Place, ResumeExport, RevertExport, SaveExport, TestExport, export, export_health};
use super::attempts::Attempts;
use super::export_form::ExportFields;
use super::health::HealthPanel;
use super::history::History;
use super::pause::PauseCard;
use super::presets::{PresetPicker, asked_preset};
use super::scope::{GlobalScope, WorkspaceScope};
use super::test_result::Report;
use super::tested_form::{Saved, TestResultOf, TestedFoot, refused};
use super::view_model::{on_off, saved_message, secret_words, temporality_words};
use crate::contract::values::{Preset, Signal as OtlpSignal};
use crate::contract::{ExportView, Field};
use crate::layout::use_slug;
use crate::ui::{Card, CardHeader, ErrorView, Fact, Facts, KeptForm, LinkButton, PageHeader, Skeleton, follow, form_reset_by, successes};

/// A workspace gets no traces: spans tell about the gateway around it.
const WORKSPACE_SIGNALS: [OtlpSignal; 2] = [OtlpSignal::Logs, OtlpSignal::Metrics];

/// `/settings/integrations/otlp`: traces, logs and metrics of the whole gateway.
#[component]
pub fn GlobalOtlp() -> impl IntoView {
    view! { <ExportPage workspace=Signal::derive(String::new)/> }
}

/// `/w/:slug/settings/integrations/telemetry`: a workspace's own request logs and metrics.
#[component]
pub fn WorkspaceOtlp() -> impl IntoView {
    let slug = use_slug();
    view! { <ExportPage workspace=Signal::derive(move || slug.get())/> }
}

/// What the page can do, made once for as long as it is open.
#[derive(Clone, Copy)]
struct Actions {
    save: ServerAction<SaveExport>,
    saves: Memo<usize>,
    pause: ServerAction<PauseExport>,
    resume: ServerAction<ResumeExport>,
    revert: ServerAction<RevertExport>,
}

#[component]
fn ExportPage(workspace: Signal<String>) -> impl IntoView {
    let save = ServerAction::<SaveExport>::new();
    let actions =
        Actions { save, saves: successes(save), pause: ServerAction::new(), resume: ServerAction::new(), revert: ServerAction::new() };
    let others = [successes(actions.pause), successes(actions.resume), successes(actions.revert)];
    let changes = Memo::new(move |_| actions.saves.get() + others.iter().map(|count| count.get()).sum::<usize>());
    let preset = asked_preset();
    let loaded = Resource::new_blocking(move || (workspace.get(), changes.get(), preset.get()), |(workspace, ..)| export(workspace));
    view! {
        <Transition fallback=|| view! { <Skeleton lines=8/> }>
            {move || Suspend::new(async move {
                match loaded.await {
                    Err(error) => view! { <ErrorView error/> }.into_any(),
                    Ok((place, view)) => view! { <Loaded place view actions asked=preset.get_untracked()/> }.into_any(),
                }
            })}
        </Transition>
    }
}

#[component]
fn Loaded(place: Place, view: ExportView, actions: Actions, asked: Option<Preset>) -> impl IntoView {
    let slug = place.slug();
    let may_write = place.may_write();
    let managed = view.endpoint.by.is_some();
    let asked_of = slug.clone();
    let live = follow(view.status.clone(), move || export_health(asked_of.clone()));
    let (generation, history, configured) = (view.generation, view.history.clone(), !view.endpoint.value.is_empty());
    let form = if may_write {
        view! { <Settings slug=slug.clone() global=matches!(place, Place::Global { .. }) view actions asked/> }.into_any()
    } else {
        view! { <ReadOnly view/> }.into_any()
    };
    let Actions { pause, resume, revert, .. } = actions;
    let may_pause = may_write && configured && !managed;
    view! {
        <Header place/>
        <div class="grid grid-cols-1 items-start gap-6 min-[1100px]:grid-cols-[minmax(0,640px)_minmax(320px,1fr)]">
            <div class="min-w-0 space-y-6">{form}</div>
            <div class="min-w-0 space-y-6">
                <HealthPanel live/>
                {may_pause.then(|| view! { <PauseCard workspace=slug.clone() generation live pause resume/> })}
                <History workspace=slug revisions=history generation revert may_write=may_write && !managed/>
            </div>
        </div>
        <Attempts live/>
    }
}

#[component]
fn Header(place: Place) -> impl IntoView {
    match place {
        Place::Global { workspaces } => view! {
            <PageHeader
                title="OpenTelemetry export"
                subtitle="Traces, logs and metrics of the whole gateway, over OTLP/HTTP, to the collector that you run."
                scope=move || view! { <GlobalScope workspaces=workspaces.clone() within=true/> }
                actions=|| view! { <LinkButton href="/settings/integrations">"All integrations"</LinkButton> }
            />
        }
        .into_any(),
        Place::Workspace(workspace) => {
            let back = format!("/w/{}/settings/integrations", workspace.slug);
            view! {
                <PageHeader
                    title="Telemetry export (OTLP)"
                    subtitle="Request logs and metrics of this workspace alone, over OTLP/HTTP, to a collector of its own."
                    scope=move || view! { <WorkspaceScope workspace=workspace.clone() within=true/> }
                    actions=move || view! { <LinkButton href=back.clone()>"All integrations"</LinkButton> }
                />
            }
            .into_any()
        }
    }
}

#[component]
fn Settings(slug: String, global: bool, view: ExportView, actions: Actions, asked: Option<Preset>) -> impl IntoView {
    let Actions { save, saves, .. } = actions;
    let form = form_reset_by(saves);
    let test = ServerAction::<TestExport>::new();
    let refused = refused(save, test);
    let signals: &'static [OtlpSignal] = if global { &OtlpSignal::ALL } else { &WORKSPACE_SIGNALS };
    let saved = Saved {
        word: "otlp",
        message: saved_message(&view.endpoint.value, &view.status.state),
        at: view.saved_at,
        by: view.saved_by.clone(),
    };
    let report = view.status.test.clone();
    let managed = view.endpoint.by.is_some();
    let asked = asked.filter(|_| !managed);
    let current = asked.or(view.preset);
    view! {
        <Card>
            <CardHeader title="Settings" subtitle="A change takes effect at once, without a restart."/>
            {(!managed).then(|| view! { <PresetPicker current/> })}
            <KeptForm action=save about=vec![("workspace", slug)] also=TestExport::PATH node_ref=form>
                <ExportFields view signals answer=refused asked/>
                <TestedFoot save test answer=refused saved test_label="Send test"/>
            </KeptForm>
            <TestResultOf test report sending="Sending a test…" show=|report| view! { <Report report/> }.into_any()/>
        </Card>
    }
}

/// What a viewer sees in place of the form.
#[component]
fn ReadOnly(view: ExportView) -> impl IntoView {
    view! {
        <Card>
            <CardHeader title="Settings" subtitle="Your role may look at these but not change them."/>
            <Facts>
                <Fact label=Field::Endpoint.label()>
                    {if view.endpoint.value.is_empty() {
                        view! { <span class="text-faint">"Not set; the export is off"</span> }.into_any()
                    } else {
                        view! { <span class="font-mono break-all">{view.endpoint.value}</span> }.into_any()
                    }}
                </Fact>
                <Fact label=Field::ServiceName.label()>
                    {if view.service_name.value.is_empty() {
                        view! { <span class="text-faint">"Not set; the collector sees knoxcall"</span> }.into_any()
                    } else {
                        view.service_name.value.into_any()
                    }}
                </Fact>
                <Fact label=Field::Headers.label()>{secret_words(&view.headers.value)}</Fact>
                <Fact label=Field::Logs.label()>{on_off(view.logs.value)}</Fact>
                <Fact label=Field::Metrics.label()>{on_off(view.metrics.value)}</Fact>
                <Fact label=Field::Compression.label()>{view.compression.value.name()}</Fact>
                <Fact label=Field::Temporality.label()>{temporality_words(view.temporality.value)}</Fact>
            </Facts>
        </Card>
    }
}
