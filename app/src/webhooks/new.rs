//! A new webhook.

use leptos::prelude::*;

use super::api::CreateWebhook;
use super::form::{Initial, WebhookFields};
use crate::contract::{ApiError, RouteRow, WorkspaceRef};
use crate::layout::use_slug;
use crate::routes::routes;
use crate::ui::{Button, ButtonKind, Card, ErrorView, KeptForm, LinkButton, PageHeader, Skeleton};

/// `/w/:slug/webhooks/new`
#[component]
pub fn NewWebhook() -> impl IntoView {
    let slug = use_slug();
    let create = ServerAction::<CreateWebhook>::new();
    let loaded = Resource::new_blocking(move || slug.get(), routes);
    view! {
        <Transition fallback=|| view! { <Skeleton lines=8/> }>
            {move || Suspend::new(async move {
                match loaded.await {
                    Err(error) => view! { <ErrorView error/> }.into_any(),
                    Ok((found, _)) if !found.access.may_write() => view! { <ErrorView error=ApiError::Forbidden/> }.into_any(),
                    Ok((found, routes)) => view! { <CreateForm workspace=found routes create/> }.into_any(),
                }
            })}
        </Transition>
    }
}

#[component]
fn CreateForm(workspace: WorkspaceRef, routes: Vec<RouteRow>, create: ServerAction<CreateWebhook>) -> impl IntoView {
    let back = format!("/w/{}/webhooks", workspace.slug);
    view! {
        <PageHeader title="Create webhook" subtitle="It is told of events as soon as it is created. Its signing secret is shown once, right after."/>
        <div class="max-w-[640px]">
            <Card>
                <KeptForm action=create about=vec![("workspace", workspace.slug)]>
                    <WebhookFields initial=Initial::new() routes answer=create.value()/>
                    <div class="flex items-center gap-2 border-t border-line px-5 py-3.5">
                        <Button kind=ButtonKind::Primary submit=true pending=create.pending()>
                            "Create webhook"
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
