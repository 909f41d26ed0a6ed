//! How an agent is called: a command, and the official clients with two arguments changed.

use leptos::prelude::*;

use super::view_model::examples;
use crate::contract::AgentView;
use crate::ui::{Card, CardHeader, CodeBlock, Notice, NoticeKind};

/// The card.
#[component]
pub fn CallIt(slug: String, view: AgentView) -> impl IntoView {
    let found = examples(&view.call_url, view.provider, &view.models);
    let keys = format!("/w/{slug}/keys");
    let enabled = view.enabled;
    view! {
        <Card>
            <CardHeader title="Call it" subtitle="As the provider itself is called, with this address and a KnoxCall key in place of the provider's."/>
            <div class="space-y-4 p-5">
                {(!enabled).then(|| view! {
                    <Notice kind=NoticeKind::Warning>"This agent is disabled, so calls to it are answered with 404."</Notice>
                })}
                <div class="space-y-1.5">
                    <h3 class="text-small font-medium text-ink">"curl"</h3>
                    <CodeBlock text=found.curl label="Copy command"/>
                </div>
                <div class="space-y-1.5">
                    <h3 class="text-small font-medium text-ink">
                        "Python, package " <code class="font-mono">{found.package}</code>
                    </h3>
                    <CodeBlock text=found.python label="Copy lines"/>
                </div>
                <p class="text-small text-muted">
                    "Put one of the workspace's " <a href=keys class="link">"API keys"</a>
                    " into the variable " <code class="font-mono text-ink">"KNOXCALL_KEY"</code> " first."
                </p>
            </div>
        </Card>
    }
}
