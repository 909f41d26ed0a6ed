//! All AI agents of a workspace.

use leptos::prelude::*;

use super::api::agents;
use super::view_model::{models_words, row_state};
use crate::contract::AgentRow;
use crate::layout::use_slug;
use crate::ui::{ButtonKind, Card, Cell, EmptyState, ErrorView, Icon, IconName, LinkButton, PageHeader, Row, Skeleton, StatusPill, Table};

const PURPOSE: &str = "An agent stands between your programs and an AI provider: they call it with a KnoxCall key, the provider's credential stays here, and every call is measured in tokens. Prompts and answers are never recorded.";

/// `/w/:slug/agents`
#[component]
pub fn AgentList() -> impl IntoView {
    let slug = use_slug();
    let loaded = Resource::new_blocking(move || slug.get(), agents);
    view! {
        <Transition fallback=|| view! { <Skeleton lines=6/> }>
            {move || Suspend::new(async move {
                match loaded.await {
                    Err(error) => view! { <ErrorView error/> }.into_any(),
                    Ok((workspace, rows)) => {
                        let may_write = workspace.access.may_write();
                        view! { <Loaded slug=workspace.slug may_write rows/> }.into_any()
                    }
                }
            })}
        </Transition>
    }
}

#[component]
fn Loaded(slug: String, may_write: bool, rows: Vec<AgentRow>) -> impl IntoView {
    let new = format!("/w/{slug}/agents/new");
    let button = move || {
        let href = new.clone();
        may_write.then(|| view! { <LinkButton href kind=ButtonKind::Primary><Icon name=IconName::Plus/> "Create agent"</LinkButton> })
    };
    let empty = rows.is_empty();
    let head = button.clone();
    view! {
        <PageHeader
            title="AI agents"
            subtitle="The AI providers that callers of this workspace reach through the gateway, each under a name of its own."
            actions=move || (!empty).then(&head)
        />
        {if empty {
            view! { <EmptyState title="No AI agents yet" text=PURPOSE>{button()}</EmptyState> }.into_any()
        } else {
            view! { <AgentTable slug rows/> }.into_any()
        }}
    }
}

#[component]
fn AgentTable(slug: String, rows: Vec<AgentRow>) -> impl IntoView {
    let rows = rows
        .into_iter()
        .map(|row| {
            let href = format!("/w/{slug}/agents/{}", row.slug);
            let (state, word) = row_state(&row);
            let whole_url = row.base_url.clone();
            let all_models = row.models.join(", ");
            view! {
                <Row>
                    <Cell>
                        <a href=href class="font-mono text-small font-medium break-all text-ink hover:underline">
                            {row.slug}
                        </a>
                    </Cell>
                    <Cell label="Provider">{row.provider.label()}</Cell>
                    <Cell label="Base URL">
                        <span class="font-mono text-small break-all wide:block wide:max-w-40 wide:truncate xl:max-w-72" title=whole_url>
                            {row.base_url}
                        </span>
                    </Cell>
                    <Cell label="Models">
                        <span class="[overflow-wrap:anywhere]" title=all_models>{models_words(&row.models)}</span>
                    </Cell>
                    <Cell label="State">
                        <StatusPill state word/>
                    </Cell>
                </Row>
            }
        })
        .collect_view();
    view! {
        <Card>
            <Table caption="AI agents" headers=vec!["Slug", "Provider", "Base URL", "Models", "State"]>
                {rows}
            </Table>
        </Card>
    }
}
