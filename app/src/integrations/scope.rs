//! The switch between the Global scope and a workspace, beside the title. Only an operator has both; whoever has one
//! scope alone sees its name and no switch.

use leptos::prelude::*;

use crate::contract::{Access, WorkspaceRef};
use crate::ui::{Badge, Icon, IconName};

const SEGMENT: &str = "inline-flex h-6 max-w-56 items-center gap-1 rounded-sm px-2 text-small font-medium text-muted transition-colors hover:text-ink aria-[current]:bg-surface aria-[current]:text-ink aria-[current]:shadow-xs";

/// The switch as it stands in the Global scope.
#[component]
pub fn GlobalScope(
    /// Where the operator can go: slug and name.
    workspaces: Vec<(String, String)>,
    /// On the page of one card; the scope's own page is then somewhere to go.
    #[prop(optional)]
    within: bool,
) -> impl IntoView {
    let other = match workspaces.as_slice() {
        [] => None,
        [(slug, name)] => Some(view! { <WorkspaceLink slug=slug.clone() name=name.clone()/> }.into_any()),
        _ => Some(view! { <WorkspaceMenu workspaces=workspaces.clone()/> }.into_any()),
    };
    view! {
        <nav aria-label="Scope" class="flex items-center gap-0.5 rounded-md border border-line bg-sunken p-0.5">
            <a href="/settings/integrations" aria-current=current(within) class=SEGMENT>
                "Global"
            </a>
            {other}
        </nav>
    }
}

/// The switch as it stands in a workspace.
#[component]
pub fn WorkspaceScope(workspace: WorkspaceRef, #[prop(optional)] within: bool) -> impl IntoView {
    if workspace.access != Access::Operator {
        return view! { <Badge>{workspace.name}</Badge> }.into_any();
    }
    view! {
        <nav aria-label="Scope" class="flex items-center gap-0.5 rounded-md border border-line bg-sunken p-0.5">
            <a href="/settings/integrations" class=SEGMENT>
                "Global"
            </a>
            <a href=path(&workspace.slug) aria-current=current(within) class=SEGMENT>
                <span class="truncate">{workspace.name}</span>
            </a>
        </nav>
    }
    .into_any()
}

#[component]
fn WorkspaceLink(slug: String, name: String) -> impl IntoView {
    view! {
        <a href=path(&slug) class=SEGMENT>
            <span class="truncate">{name}</span>
        </a>
    }
}

#[component]
fn WorkspaceMenu(workspaces: Vec<(String, String)>) -> impl IntoView {
    let items = workspaces
        .into_iter()
        .map(|(slug, name)| {
            view! {
                <li>
                    <a href=path(&slug) class="block truncate rounded-sm px-2 py-1 text-small text-ink hover:bg-hover">
                        {name}
                    </a>
                </li>
            }
        })
        .collect_view();
    view! {
        <details class="relative">
            <summary class=SEGMENT>"Workspace" <Icon name=IconName::ChevronDown/></summary>
            <ul class="absolute top-full left-0 z-10 mt-1.5 max-h-80 w-56 overflow-y-auto rounded-md border border-line bg-surface p-1 shadow-lg">
                {items}
            </ul>
        </details>
    }
}

fn path(slug: &str) -> String {
    format!("/w/{slug}/settings/integrations")
}

const fn current(within: bool) -> &'static str {
    if within { "true" } else { "page" }
}
