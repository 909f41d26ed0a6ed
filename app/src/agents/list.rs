//! All AI agents of a workspace.

use leptos::prelude::*;

use super::api::agents;
use super::view_model::{models_words, row_state};
use crate::contract::AgentRow;
use crate::layout::use_slug;
use crate::ui::{Card, Cell, Collection, CollectionWords, ErrorView, Row, Skeleton, StatusPill, Table};

const WORDS: CollectionWords = CollectionWords {
    title: "AI agents",
    subtitle: "The AI providers that callers of this workspace reach through the gateway, each under a name of its own.",
    create: "Create agent",
    none: "No AI agents yet",
    purpose: "An agent stands between your programs and an AI provider: they call it with a KnoxCall key, the provider's credential stays here, and every call is measured in tokens. Prompts and answers are never recorded.",
};

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
                        let (may_write, empty) = (workspace.access.may_write(), rows.is_empty());
                        let new = format!("/w/{}/agents/new", workspace.slug);
                        view! {
                            <Collection words=WORDS new may_write empty>
                                <AgentTable slug=workspace.slug rows/>
                            </Collection>
                        }
                            .into_any()
                    }
                }
            })}
        </Transition>
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
