//! One route: a command to try it, its settings, its environments, and taking it out of service.

use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

use super::api::{DeleteEnvironment, DeleteRoute, EnableEnvironment, EnableRoute, SaveEnvironment, UpdateRoute, route};
use super::environments::Environments;
use super::settings::{Limits, SettingsForm};
use super::view_model::curl_command;
use crate::contract::{RouteDetail, WorkspaceRef};
use crate::ui::{
    ActionError, Badge, Button, Card, CardHeader, CodeBlock, DeleteCard, DeleteWords, ErrorView, KeptForm, Notice, NoticeKind, PageHeader,
    PillState, Skeleton, StatusPill, Time, error_of, successes,
};

const DELETE: DeleteWords = DeleteWords {
    title: "Delete this route",
    button: "Delete route",
    means: "Requests that name it get a 404. This can't be undone.",
    takes_along: "Its environments, limits and stored headers go with it.",
};

/// Everything that this page can do. The actions live as long as the page, so that an answer outlives its form.
#[derive(Clone, Copy)]
pub(super) struct Actions {
    pub update: ServerAction<UpdateRoute>,
    /// How often the settings were saved since the page was opened.
    pub updates: Memo<usize>,
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
    let update = ServerAction::new();
    let actions = Actions {
        update,
        updates: successes(update),
        enable: ServerAction::new(),
        delete: ServerAction::new(),
        save_environment: ServerAction::new(),
        enable_environment: ServerAction::new(),
        delete_environment: ServerAction::new(),
    };
    let changes = [
        actions.updates,
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
            {may_write.then(|| {
                let about = vec![("workspace", slug), ("route", detail.slug.clone())];
                view! { <DeleteCard id="delete-route" words=DELETE expected=detail.slug.clone() action=actions.delete about/> }
            })}
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
