//! A new agent.

use leptos::prelude::*;

use super::api::CreateAgent;
use super::form::{AgentFields, Initial};
use crate::contract::{ApiError, WorkspaceRef};
use crate::layout::use_slug;
use crate::routes::workspace;
use crate::ui::{Button, ButtonKind, Card, ErrorView, KeptForm, LinkButton, PageHeader, Skeleton};

/// `/w/:slug/agents/new`
#[component]
pub fn NewAgent() -> impl IntoView {
    let slug = use_slug();
    let create = ServerAction::<CreateAgent>::new();
    let loaded = Resource::new_blocking(move || slug.get(), workspace);
    view! {
        <Transition fallback=|| view! { <Skeleton lines=6/> }>
            {move || Suspend::new(async move {
                match loaded.await {
                    Err(error) => view! { <ErrorView error/> }.into_any(),
                    Ok(found) if !found.access.may_write() => view! { <ErrorView error=ApiError::Forbidden/> }.into_any(),
                    Ok(found) => view! { <CreateForm workspace=found create/> }.into_any(),
                }
            })}
        </Transition>
    }
}

#[component]
fn CreateForm(workspace: WorkspaceRef, create: ServerAction<CreateAgent>) -> impl IntoView {
    let back = format!("/w/{}/agents", workspace.slug);
    view! {
        <PageHeader title="Create agent" subtitle="It takes calls as soon as it is created."/>
        <div class="max-w-[640px]">
            <Card>
                <KeptForm action=create about=vec![("workspace", workspace.slug)]>
                    <AgentFields initial=Initial::new() answer=create.value()/>
                    <div class="flex items-center gap-2 border-t border-line px-5 py-3.5">
                        <Button kind=ButtonKind::Primary submit=true pending=create.pending()>
                            "Create agent"
                        </Button>
                        <LinkButton href=back kind=ButtonKind::Quiet>
                            "Cancel"
                        </LinkButton>
                    </div>
                </KeptForm>
            </Card>
        </div>
    }
}
