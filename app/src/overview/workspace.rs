//! `/w/{slug}`: what a workspace has, what it lacks, and a request to try.

use leptos::prelude::*;

use super::api::{RenameWorkspace, WorkspaceSummary, load_workspace_summary};
use super::steps::{Step, Steps};
use super::view_model::{agents_line, export_line, listed, webhooks_line};
use crate::contract::values::DisplayName;
use crate::contract::{ExportState, Field};
use crate::layout::use_slug;
use crate::ui::{
    ActionError, Button, ButtonKind, Card, CardHeader, CodeBlock, ConfirmDialog, ErrorView, KeptForm, LinkButton, Notice, NoticeKind,
    PageHeader, PillState, Skeleton, StatusPill, TextField, error_of, field_error, successes,
};

/// A workspace's first page.
#[component]
pub fn WorkspaceOverview() -> impl IntoView {
    let slug = use_slug();
    let rename = ServerAction::<RenameWorkspace>::new();
    let renamed = successes(rename);
    let summary = Resource::new_blocking(move || (slug.get(), renamed.get()), |(slug, _)| load_workspace_summary(slug));
    view! {
        <Transition fallback=|| view! { <Skeleton lines=6/> }>
            {move || Suspend::new(async move {
                match summary.await {
                    Ok(summary) => view! { <Summary summary rename/> }.into_any(),
                    Err(error) => view! { <ErrorView error/> }.into_any(),
                }
            })}
        </Transition>
    }
}

#[component]
fn Summary(summary: WorkspaceSummary, rename: ServerAction<RenameWorkspace>) -> impl IntoView {
    let WorkspaceSummary { workspace, routes, keys, webhooks, agents, endpoint, export, curl } = summary;
    let may_write = workspace.access.may_write();
    let base = format!("/w/{}", workspace.slug);
    let step =
        |done, title, text, path: &str, words| Step { done, title, text, action: may_write.then(|| (format!("{base}{path}"), words)) };
    let steps = vec![
        step(!routes.is_empty(), "Create a route", "A route sends requests to one upstream API.", "/routes/new", "Create route"),
        step(!keys.is_empty(), "Create an API key", "Callers name the workspace by their key.", "/keys", "Create key"),
        step(
            export.state != ExportState::Off,
            "Send this workspace's telemetry to your collector",
            "Request logs and metrics of this workspace alone, over OTLP/HTTP.",
            "/settings/integrations/telemetry",
            "Set up export",
        ),
    ];
    let complete = steps.iter().all(|step| step.done);
    let name = workspace.name.clone();
    let slug = workspace.slug.clone();
    let figures = [
        (listed(&routes, "route", "routes"), format!("{base}/routes"), "Routes", "View routes"),
        (listed(&keys, "API key", "API keys"), format!("{base}/keys"), "API keys", "View keys"),
        (webhooks_line(&webhooks), format!("{base}/webhooks"), "Webhooks", "View webhooks"),
        (agents_line(&agents), format!("{base}/agents"), "AI agents", "View agents"),
    ]
    .map(|(count, href, words, open)| {
        view! {
            <Card>
                <CardHeader title=words subtitle=count actions=move || view! { <LinkButton href=href.clone()>{open}</LinkButton> }/>
            </Card>
        }
    });
    view! {
        <PageHeader
            title=workspace.name
            actions=move || may_write.then(|| view! { <Rename rename slug=slug.clone() name=name.clone()/> })
        />
        <div class="space-y-6">
            {(!workspace.enabled).then(|| view! {
                <Notice kind=NoticeKind::Warning>"This workspace is disabled: its keys are refused and it exports nothing."</Notice>
            })}
            {(!complete).then(|| view! {
                <Card>
                    <CardHeader title="Get started"/>
                    <Steps steps/>
                </Card>
            })}
            {curl.map(|curl| view! {
                <Card>
                    <CardHeader title="Send a request" subtitle="Through the first route that is enabled."/>
                    <div class="space-y-3 p-5">
                        <CodeBlock text=curl label="Copy command"/>
                        <p class="text-small text-muted">
                            "Put an API key that may use it into the variable " <code class="font-mono text-ink">"KNOXCALL_KEY"</code>
                            " first. A key is shown once, when it is created."
                        </p>
                    </div>
                </Card>
            })}
            <div class="grid gap-4 wide:grid-cols-2">{figures}</div>
            <Card>
                <CardHeader
                    title="Telemetry export (OTLP)"
                    subtitle=export_line(&endpoint, &export)
                    actions=move || view! {
                        <StatusPill state=PillState::of_export(&export.state)/>
                        <LinkButton href=format!("{base}/settings/integrations/telemetry")>"View export"</LinkButton>
                    }
                />
            </Card>
        </div>
    }
}

#[component]
fn Rename(rename: ServerAction<RenameWorkspace>, slug: String, name: String) -> impl IntoView {
    view! {
        <ConfirmDialog id="rename" trigger_label="Rename" title="Rename workspace" kind=ButtonKind::Secondary>
            <KeptForm action=rename about=vec![("workspace", slug)]>
                <div class="space-y-4">
                    <ActionError error=error_of(rename.value())/>
                    <TextField
                        label="Name"
                        name="name"
                        value=name
                        required=true
                        help="The slug stays as it is."
                        validate=|text| DisplayName::parse(text).map(drop)
                        error=field_error(rename.value(), Field::Name)
                    />
                    <Button kind=ButtonKind::Primary submit=true pending=rename.pending()>
                        "Rename workspace"
                    </Button>
                </div>
            </KeptForm>
        </ConfirmDialog>
    }
}
