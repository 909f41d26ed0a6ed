//! Which part of the console a path belongs to.

use leptos::prelude::*;
use leptos_router::hooks::{use_location, use_params_map};

use super::viewer::use_viewer;

/// The whole gateway, or one workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    Global,
    /// By its slug.
    Workspace(String),
}

impl Scope {
    /// The scope of a path of the console.
    #[must_use]
    pub fn of(path: &str) -> Self {
        match path.strip_prefix("/w/").and_then(|rest| rest.split('/').next()) {
            Some(slug) if !slug.is_empty() => Self::Workspace(slug.to_owned()),
            _ => Self::Global,
        }
    }
}

/// The scope of the page at hand.
pub(super) fn use_scope() -> Memo<Scope> {
    let location = use_location();
    Memo::new(move |_| location.pathname.with(|path| Scope::of(path)))
}

/// The slug in the path of a workspace's page.
#[must_use]
pub fn use_slug() -> Memo<String> {
    let params = use_params_map();
    Memo::new(move |_| params.with(|params| params.get("slug").unwrap_or_default()))
}

/// Beside a page's title: the scope it is about, and for an operator a way to the same page in Global scope.
///
/// `page` is the path below the scope, such as `settings/integrations`. Whoever may not see the Global scope gets the
/// workspace's name alone.
#[component]
pub fn ScopeSwitch(page: &'static str) -> impl IntoView {
    let viewer = use_viewer();
    let scope = use_scope();
    view! {
        <Suspense>
            {move || {
                let scope = scope.get();
                Suspend::new(async move {
                let viewer = viewer.await.ok()?;
                let current = match &scope {
                    Scope::Global => None,
                    Scope::Workspace(slug) => Some(
                        viewer.workspaces.iter().find(|w| w.slug == *slug).map_or_else(|| slug.clone(), |w| w.name.clone()),
                    ),
                };
                let global = viewer.operator.then(|| view! {
                    <ScopeTab href=format!("/{page}") words="Global".to_owned() current=current.is_none()/>
                });
                // In Global scope the switch offers the first workspace; the others are in the navigation.
                let workspace = match (scope, current) {
                    (Scope::Workspace(slug), Some(name)) => Some((slug, name, true)),
                    _ => viewer.workspaces.first().map(|first| (first.slug.clone(), first.name.clone(), false)),
                };
                let workspace = workspace.map(|(slug, words, current)| view! { <ScopeTab href=format!("/w/{slug}/{page}") words current/> });
                Some(view! {
                    <nav aria-label="Scope" class="flex max-w-full items-center gap-0.5 rounded-md border border-line bg-sunken p-0.5">
                        {global}
                        {workspace}
                    </nav>
                })
                })
            }}
        </Suspense>
    }
}

#[component]
fn ScopeTab(href: String, words: String, current: bool) -> impl IntoView {
    view! {
        <a
            href=href
            aria-current=current.then_some("true")
            class="max-w-48 truncate rounded-sm px-2 py-0.5 text-small font-medium text-muted hover:text-ink aria-[current]:bg-surface aria-[current]:text-ink aria-[current]:shadow-xs"
        >
            {words}
        </a>
    }
}

#[cfg(test)]
mod tests {
    use super::Scope;

    #[test]
    fn paths_have_scopes() {
        for global in ["/", "/settings/integrations", "/account", "/w", "/w/"] {
            assert_eq!(Scope::of(global), Scope::Global, "{global}");
        }
        for workspace in ["/w/acme", "/w/acme/", "/w/acme/settings/integrations"] {
            assert_eq!(Scope::of(workspace), Scope::Workspace("acme".into()), "{workspace}");
        }
    }
}
