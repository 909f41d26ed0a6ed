//! Which part of the console a path belongs to.

use leptos::prelude::*;
use leptos_router::hooks::{use_location, use_params_map};

use super::viewer::access_to;
use crate::contract::Viewer;

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

    /// A workspace that the viewer may not see is not named: not in the navigation either.
    #[must_use]
    pub fn known_to(self, viewer: &Viewer) -> Self {
        match self {
            Self::Workspace(slug) if access_to(viewer, &slug).is_some() => Self::Workspace(slug),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_have_scopes() {
        for global in ["/", "/settings/integrations", "/account", "/w", "/w/"] {
            assert_eq!(Scope::of(global), Scope::Global, "{global}");
        }
        for workspace in ["/w/acme", "/w/acme/", "/w/acme/settings/integrations"] {
            assert_eq!(Scope::of(workspace), Scope::Workspace("acme".into()), "{workspace}");
        }
    }

    #[test]
    fn a_workspace_of_others_is_not_named() {
        let mut viewer = Viewer { user_id: uuid::Uuid::nil(), email: "a@b".into(), operator: false, workspaces: Vec::new() };
        assert_eq!(Scope::of("/w/acme").known_to(&viewer), Scope::Global);
        viewer.operator = true;
        assert_eq!(Scope::of("/w/acme").known_to(&viewer), Scope::Workspace("acme".into()));
    }
}
