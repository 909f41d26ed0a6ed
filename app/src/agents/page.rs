//! One agent: how it is called, its settings, and taking it out of service.

use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

use super::api::{DeleteAgent, EnableAgent, SaveAgent, agent};
use super::call::CallIt;
use super::form::{AgentFields, Initial};
use super::view_model::{limit_words, state};
use crate::contract::{AgentView, Field, WorkspaceRef};
use crate::integrations::secret_words;
use crate::ui::{
    ActionError, Badge, Button, Card, CardHeader, DeleteCard, DeleteWords, ErrorView, Fact, Facts, FormFoot, KeptForm, Notice, NoticeKind,
    PageHeader, Skeleton, StatusPill, Time, error_of, form_reset_by, successes,
};

const DELETE: DeleteWords = DeleteWords {
    title: "Delete this agent",
    button: "Delete agent",
    means: "Calls to it get a 404. This can't be undone.",
    takes_along: "Its credential and limits go with it.",
};

/// Everything that this page can do. The actions live as long as the page, so that an answer outlives its form.
#[derive(Clone, Copy)]
struct Actions {
    save: ServerAction<SaveAgent>,
    saves: Memo<usize>,
    enable: ServerAction<EnableAgent>,
    delete: ServerAction<DeleteAgent>,
}

/// `/w/:slug/agents/:agent`
#[component]
pub fn AgentPage() -> impl IntoView {
    let params = use_params_map();
    let path = Memo::new(move |_| {
        let params = params.read();
        (params.get("slug").unwrap_or_default(), params.get("agent").unwrap_or_default())
    });
    let save = ServerAction::new();
    let actions = Actions { save, saves: successes(save), enable: ServerAction::new(), delete: ServerAction::new() };
    let changes = [actions.saves, successes(actions.enable)];
    let loaded = Resource::new_blocking(move || (path.get(), changes.map(|count| count.get())), |((slug, name), _)| agent(slug, name));
    view! {
        <Transition fallback=|| view! { <Skeleton lines=8/> }>
            {move || Suspend::new(async move {
                match loaded.await {
                    Err(error) => view! { <ErrorView error/> }.into_any(),
                    Ok((workspace, found)) => view! { <Loaded workspace view=found actions/> }.into_any(),
                }
            })}
        </Transition>
    }
}

#[component]
fn Loaded(workspace: WorkspaceRef, view: AgentView, actions: Actions) -> impl IntoView {
    let may_write = workspace.access.may_write();
    let slug = workspace.slug;
    let broken = view.credential.unreadable;
    let (pill, word) = state(view.enabled, broken);
    let provider = view.provider.label();
    let (switch_slug, switch_agent, enabled) = (slug.clone(), view.slug.clone(), view.enabled);
    let by = view.saved_by.as_ref().map(|by| format!(" by {by}"));
    let saved_at = view.saved_at;
    let delete = may_write.then(|| {
        let about = vec![("workspace", slug.clone()), ("agent", view.slug.clone())];
        view! { <DeleteCard id="delete-agent" words=DELETE expected=view.slug.clone() action=actions.delete about/> }
    });
    view! {
        <PageHeader
            title=view.slug.clone()
            subtitle=view.base_url.clone()
            scope=move || view! { <Badge>{provider}</Badge> <StatusPill state=pill word/> }
            actions=move || {
                let (workspace, agent) = (switch_slug.clone(), switch_agent.clone());
                may_write.then(move || view! { <EnableForm workspace agent enabled actions/> })
            }
        />
        <div class="space-y-6">
            <ActionError error=error_of(actions.enable.value())/>
            {broken.then(|| view! {
                <Notice kind=NoticeKind::Error>
                    "The stored credential can't be read, so calls are refused. Enter it again and save."
                </Notice>
            })}
            <CallIt slug=slug.clone() view=view.clone()/>
            {if may_write {
                view! { <Settings slug view actions/> }.into_any()
            } else {
                view! { <ReadOnly view/> }.into_any()
            }}
            {delete}
            <p class="text-small break-words text-faint">"Last saved " <Time at=saved_at/> {by}</p>
        </div>
    }
}

#[component]
fn EnableForm(workspace: String, agent: String, enabled: bool, actions: Actions) -> impl IntoView {
    let words = if enabled { "Disable agent" } else { "Enable agent" };
    view! {
        <KeptForm action=actions.enable about=vec![("workspace", workspace), ("agent", agent), ("enabled", (!enabled).to_string())]>
            <Button submit=true pending=actions.enable.pending()>
                {words}
            </Button>
        </KeptForm>
    }
}

#[component]
fn Settings(slug: String, view: AgentView, actions: Actions) -> impl IntoView {
    let form = form_reset_by(actions.saves);
    view! {
        <Card>
            <CardHeader title="Settings" subtitle="A change applies to new calls at once."/>
            <KeptForm action=actions.save about=vec![("workspace", slug), ("agent", view.slug.clone())] node_ref=form>
                <AgentFields initial=Initial::of(&view) answer=actions.save.value()/>
                <FormFoot label="Save" pending=actions.save.pending()/>
            </KeptForm>
        </Card>
    }
}

/// What a viewer sees in place of the form.
#[component]
fn ReadOnly(view: AgentView) -> impl IntoView {
    let models = if view.models.is_empty() { "All".to_owned() } else { view.models.join(", ") };
    view! {
        <Card>
            <CardHeader title="Settings" subtitle="Your role may look at these but not change them."/>
            <Facts>
                <Fact label=Field::Provider.label()>{view.provider.label()}</Fact>
                <Fact label=Field::BaseUrl.label()><span class="font-mono text-small break-all">{view.base_url}</span></Fact>
                <Fact label=Field::Credential.label()>{secret_words(&view.credential)}</Fact>
                <Fact label=Field::Models.label()>{models}</Fact>
                <Fact label=Field::MaxOutputTokens.label()>{limit_words(view.max_output_tokens)}</Fact>
                <Fact label=Field::TokensPerMinute.label()>{limit_words(view.tokens_per_minute)}</Fact>
            </Facts>
        </Card>
    }
}
