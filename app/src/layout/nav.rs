//! The navigation's links for the scope at hand.

use leptos::prelude::*;
use leptos_router::hooks::use_location;

use super::scope::Scope;
use crate::ui::{Icon, IconName};

/// Words, path and icon of one link; whether only its exact path makes it the current one.
struct Entry {
    words: &'static str,
    href: String,
    icon: IconName,
    exact: bool,
}

fn entry(words: &'static str, href: String, icon: IconName) -> Entry {
    Entry { words, href, icon, exact: false }
}

/// What the scope has. The Global scope's settings are the operator's alone.
fn entries(scope: &Scope, operator: bool) -> Vec<Entry> {
    match scope {
        Scope::Workspace(slug) => vec![
            Entry { exact: true, ..entry("Overview", format!("/w/{slug}"), IconName::Gauge) },
            entry("Routes", format!("/w/{slug}/routes"), IconName::Route),
            entry("API keys", format!("/w/{slug}/keys"), IconName::Key),
            entry("Webhooks", format!("/w/{slug}/webhooks"), IconName::Send),
            entry("AI agents", format!("/w/{slug}/agents"), IconName::Spark),
            entry("Logs", format!("/w/{slug}/logs"), IconName::Pulse),
            entry("Members", format!("/w/{slug}/members"), IconName::Users),
            entry("Integrations", format!("/w/{slug}/settings/integrations"), IconName::Plug),
            entry("Audit log", format!("/w/{slug}/audit"), IconName::List),
        ],
        Scope::Global => {
            let mut entries = vec![Entry { exact: true, ..entry("Overview", "/".to_owned(), IconName::Gauge) }];
            if operator {
                entries.push(entry("Workspaces", "/settings/workspaces".to_owned(), IconName::Building));
                entries.push(entry("Operators", "/settings/operators".to_owned(), IconName::Users));
                entries.push(entry("Integrations", "/settings/integrations".to_owned(), IconName::Plug));
                entries.push(entry("Audit log", "/settings/audit".to_owned(), IconName::List));
            }
            entries
        }
    }
}

/// Whether `path` is `href` or, unless `exact`, below it.
fn is_current(href: &str, path: &str, exact: bool) -> bool {
    let path = if path == "/" { path } else { path.trim_end_matches('/') };
    path == href || (!exact && path.strip_prefix(href).is_some_and(|rest| rest.starts_with('/')))
}

/// The links.
#[component]
pub(super) fn Nav(scope: Scope, operator: bool) -> impl IntoView {
    let path = use_location().pathname;
    let links = entries(&scope, operator)
        .into_iter()
        .map(|Entry { words, href, icon, exact }| {
            let target = href.clone();
            let current = move || path.with(|path| is_current(&target, path, exact)).then_some("page");
            view! {
                <li>
                    <a href=href class="nav-item" aria-current=current>
                        <Icon name=icon/>
                        {words}
                    </a>
                </li>
            }
        })
        .collect_view();
    view! { <ul class="space-y-0.5">{links}</ul> }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_current_link() {
        assert!(is_current("/w/acme/routes", "/w/acme/routes/billing", false));
        assert!(is_current("/w/acme", "/w/acme/", true));
        assert!(!is_current("/w/acme", "/w/acme/routes", true));
        assert!(!is_current("/w/acme/routes", "/w/acme/routes-old", false));
    }

    #[test]
    fn members_never_see_that_global_exists() {
        assert!(entries(&Scope::Global, false).iter().all(|entry| !entry.href.starts_with("/settings")));
        assert!(entries(&Scope::Workspace("acme".into()), false).iter().all(|entry| !entry.href.starts_with("/settings")));
    }
}
