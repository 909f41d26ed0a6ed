//! One route: a command to try it, its settings, its environments, and taking it out of service.

use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

use super::api::{DeleteEnvironment, DeleteRoute, EnableEnvironment, EnableRoute, SaveEnvironment, UpdateRoute, route};
use super::environments::Environments;
use super::refresh::successes;
use super::settings::{Limits, SettingsForm};
use super::view_model::curl_command;
use crate::contract::{Field, RouteDetail, WorkspaceRef};
use crate::ui::{
    ActionError, Badge, Button, ButtonKind, Card, CardHeader, CodeBlock, ConfirmDialog, ErrorView, KeptForm, Notice, NoticeKind,
    PageHeader, PillState, Skeleton, StatusPill, TextField, Time, error_of, field_error,
};

/// Everything that this page can do. The actions live as long as the page, so that an answer outlives its form.
#[derive(Clone, Copy)]
pub(super) struct Actions {
    pub update: ServerAction<UpdateRoute>,
    pub enable: ServerAction<EnableRoute>,
    pub delete: ServerAction<DeleteRoute>,
    pub save_environment: ServerAction<SaveEnvironment>,
    pub enable_environment: ServerAction<EnableEnvironment>,
    pub delete_environment: ServerAction<DeleteEnvironment>,
}

/// `/w/:slug/routes/:route`
#[component]
pub fn RoutePage() -> impl IntoView {
    let params = use_params_map();
    let path = Memo::new(move |_| {
        let params = params.read();
        (params.get("slug").unwrap_or_default(), params.get("route").unwrap_or_default())
    });
    let actions = Actions {
        update: ServerAction::new(),
        enable: ServerAction::new(),
        delete: ServerAction::new(),
        save_environment: ServerAction::new(),
        enable_environment: ServerAction::new(),
        delete_environment: ServerAction::new(),
    };
    let changes = [
        successes(actions.update),
        successes(actions.enable),
        successes(actions.save_environment),
        successes(actions.enable_environment),
        successes(actions.delete_environment),
    ];
    let loaded = Resource::new_blocking(move || (path.get(), changes.map(|count| count.get())), |((slug, name), _)| route(slug, name));
    view! {
        <Transition fallback=|| view! { <Skeleton lines=8/> }>
            {move || Suspend::new(async move {
                match loaded.await {
                    Err(error) => view! { <ErrorView error/> }.into_any(),
                    Ok((workspace, detail)) => view! { <Loaded workspace detail actions/> }.into_any(),
                }
            })}
        </Transition>
    }
}

#[component]
fn Loaded(workspace: WorkspaceRef, detail: RouteDetail, actions: Actions) -> impl IntoView {
    let may_write = workspace.access.may_write();
    let slug = workspace.slug;
    let enabled = detail.enabled;
    let (state, word) = if enabled { (PillState::Active, "Enabled") } else { (PillState::Off, "Disabled") };
    let (switch_slug, switch_route) = (slug.clone(), detail.slug.clone());
    let default = detail.environments.iter().find(|environment| environment.default);
    let subtitle = default.map(|environment| environment.target_base_url.clone()).unwrap_or_default();
    let scope_slug = detail.slug.clone();
    view! {
        <PageHeader
            title=detail.name.clone()
            subtitle
            scope=move || {
                let slug = scope_slug.clone();
                view! { <Badge>{slug}</Badge> <StatusPill state word/> }
            }
            actions=move || {
                let (workspace, route) = (switch_slug.clone(), switch_route.clone());
                may_write.then(move || view! { <EnableForm workspace route enabled actions/> })
            }
        />
        <ActionError error=error_of(actions.enable.value())/>
        <div class="space-y-6">
            <TryIt slug=slug.clone() detail=detail.clone()/>
            <Environments slug=slug.clone() route=detail.slug.clone() environments=detail.environments.clone() may_write actions/>
            {if may_write {
                view! { <SettingsForm slug=slug.clone() detail=detail.clone() actions/> }.into_any()
            } else {
                view! { <Limits detail=detail.clone()/> }.into_any()
            }}
            {may_write.then(|| view! { <DeleteCard slug route=detail.slug.clone() actions/> })}
            <p class="text-small text-faint">
                "Created " <Time at=detail.created_at/> ", changed " <Time at=detail.updated_at/>
            </p>
        </div>
    }
}

#[component]
fn EnableForm(workspace: String, route: String, enabled: bool, actions: Actions) -> impl IntoView {
    let words = if enabled { "Disable route" } else { "Enable route" };
    view! {
        <KeptForm action=actions.enable about=vec![("workspace", workspace), ("route", route), ("enabled", (!enabled).to_string())]>
            <Button submit=true pending=actions.enable.pending()>
                {words}
            </Button>
        </KeptForm>
    }
}

/// A command that goes through this route.
#[component]
fn TryIt(slug: String, detail: RouteDetail) -> impl IntoView {
    let command = curl_command(&detail.gateway_url, &detail.slug, None, &detail.settings.methods);
    let keys = format!("/w/{slug}/keys");
    let without_default = detail.environments.iter().any(|environment| environment.default && !environment.enabled);
    view! {
        <Card>
            <CardHeader title="Send a request" subtitle="Goes to the default environment. Add a path after the slash as the upstream needs it."/>
            <div class="space-y-3 p-5">
                {without_default.then(|| view! {
                    <Notice kind=NoticeKind::Warning>
                        "The default environment is disabled, so this answers with 404. Enable it, make another one the default, or name one in the header x-knoxcall-environment."
                    </Notice>
                })}
                <CodeBlock text=command label="Copy command"/>
                <p class="text-small text-muted">
                    "Put one of the workspace's " <a href=keys class="link">"API keys"</a>
                    " into the variable " <code class="font-mono text-ink">"KNOXCALL_KEY"</code> " first."
                </p>
            </div>
        </Card>
    }
}

#[component]
fn DeleteCard(slug: String, route: String, actions: Actions) -> impl IntoView {
    let value = actions.delete.value();
    view! {
        <Card>
            <div class="flex flex-wrap items-center justify-between gap-x-6 gap-y-3 px-5 py-4">
                <div class="min-w-0">
                    <h2 class="text-sm font-semibold text-ink">"Delete this route"</h2>
                    <p class="mt-0.5 text-small text-muted">"Requests that name it get a 404. This can't be undone."</p>
                </div>
                <ConfirmDialog id="delete-route" trigger_label="Delete route" title="Delete this route">
                    <p>
                        "Its environments, limits and stored headers go with it. Type "
                        <code class="font-mono text-ink">{route.clone()}</code> " to confirm."
                    </p>
                    <KeptForm action=actions.delete about=vec![("workspace", slug), ("route", route)]>
                        <div class="space-y-4">
                            <ActionError error=error_of(value)/>
                            <TextField
                                label=Field::Confirmation.label()
                                name="confirmation"
                                mono=true
                                required=true
                                error=field_error(value, Field::Confirmation)
                            />
                            <Button kind=ButtonKind::Danger submit=true pending=actions.delete.pending()>
                                "Delete route"
                            </Button>
                        </div>
                    </KeptForm>
                </ConfirmDialog>
            </div>
        </Card>
    }
}
