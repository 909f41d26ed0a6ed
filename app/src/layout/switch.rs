//! The workspace switch on top of the navigation: where one is, and where else one may go.

use leptos::prelude::*;

use super::scope::Scope;
use crate::contract::Viewer;
use crate::ui::{Icon, IconName};

/// A disclosure with the viewer's scopes; works without JavaScript. Somebody with one workspace and nothing else sees its
/// name alone.
#[component]
pub(super) fn WorkspaceSwitch(viewer: Viewer, scope: Scope) -> impl IntoView {
    let (words, hint, icon) = match &scope {
        Scope::Workspace(slug) => {
            let name = viewer.workspaces.iter().find(|w| w.slug == *slug).map_or_else(|| slug.clone(), |w| w.name.clone());
            (name, "Workspace", IconName::Building)
        }
        Scope::Global if viewer.operator => ("Global".to_owned(), "The whole gateway", IconName::Globe),
        Scope::Global => ("Your workspaces".to_owned(), "", IconName::Building),
    };
    let single = !viewer.operator && viewer.workspaces.len() == 1 && matches!(scope, Scope::Workspace(_));
    let head = view! {
        <span class="flex size-7 shrink-0 items-center justify-center rounded-md border border-line bg-surface text-muted">
            <Icon name=icon/>
        </span>
        <span class="min-w-0 flex-1">
            <span class="block truncate text-sm font-medium text-ink">{words}</span>
            {(!hint.is_empty()).then(|| view! { <span class="block truncate text-xs text-muted">{hint}</span> })}
        </span>
    };
    if single {
        return view! { <div class="flex items-center gap-2.5 px-2 py-1.5">{head}</div> }.into_any();
    }
    let global = viewer.operator.then(|| {
        view! {
            <li>
                <a href="/" class="menu-item" aria-current=(scope == Scope::Global).then_some("true")>
                    <Icon name=IconName::Globe/>
                    <span class="flex-1">"Global"</span>
                    {(scope == Scope::Global).then(|| view! { <Icon name=IconName::Check/> })}
                </a>
            </li>
        }
    });
    let workspaces = viewer
        .workspaces
        .into_iter()
        .map(|workspace| {
            let current = scope == Scope::Workspace(workspace.slug.clone());
            view! {
                <li>
                    <a href=format!("/w/{}", workspace.slug) class="menu-item" aria-current=current.then_some("true")>
                        <Icon name=IconName::Building/>
                        <span class="min-w-0 flex-1 truncate">{workspace.name}</span>
                        {(!workspace.enabled).then(|| view! { <span class="text-xs text-muted">"Disabled"</span> })}
                        {current.then(|| view! { <Icon name=IconName::Check/> })}
                    </a>
                </li>
            }
        })
        .collect_view();
    let all = viewer.operator.then(|| {
        view! {
            <li class="mt-1 border-t border-line pt-1">
                <a href="/settings/workspaces" class="menu-item">
                    <Icon name=IconName::ChevronRight/>
                    "All workspaces"
                </a>
            </li>
        }
    });
    view! {
        <details class="menu relative">
            <summary class="flex list-none items-center gap-2.5 rounded-md px-2 py-1.5 transition-colors hover:bg-hover">
                {head}
                <span class="sr-only">"Switch workspace"</span>
                <span class="text-muted">
                    <Icon name=IconName::ChevronsUpDown/>
                </span>
            </summary>
            <ul class="absolute inset-x-0 top-full z-20 mt-1 max-h-96 overflow-y-auto rounded-lg border border-line bg-surface p-1 shadow-lg">
                {global}
                {workspaces}
                {all}
            </ul>
        </details>
    }
    .into_any()
}
