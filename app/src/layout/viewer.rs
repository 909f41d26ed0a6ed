//! Who looks at the page: loaded once for the frame, and at hand for every page in it.

use leptos::prelude::*;

use super::api;
use crate::contract::{Access, ApiError, Viewer};

#[derive(Clone, Copy)]
struct ViewerResource(Resource<Result<Viewer, ApiError>>);

/// Loads the viewer; the frame calls it once. Again when the workspaces a viewer has may have changed, which
/// every change says by a `?saved=` that starts with `workspace-`.
pub(super) fn provide_viewer() -> Resource<Result<Viewer, ApiError>> {
    let query = leptos_router::hooks::use_query_map();
    let changed =
        Memo::new(move |_| query.with(|query| query.get_str("saved").filter(|saved| saved.starts_with("workspace-")).map(str::to_owned)));
    let resource = Resource::new_blocking(move || changed.get(), |_| api::load_viewer());
    provide_context(ViewerResource(resource));
    resource
}

/// Who is signed in, for pages: await it beside the page's own data. Outside the frame it is nobody.
#[must_use]
pub fn use_viewer() -> Resource<Result<Viewer, ApiError>> {
    use_context::<ViewerResource>().map_or_else(|| Resource::new(|| (), |()| async { Err(ApiError::SignedOut) }), |viewer| viewer.0)
}

/// What the viewer may do in the workspace with this slug. Only for what to show: the server decides for itself.
#[must_use]
pub fn access_to(viewer: &Viewer, slug: &str) -> Option<Access> {
    let known = viewer.workspaces.iter().find(|workspace| workspace.slug == slug).map(|workspace| workspace.access);
    if viewer.operator { Some(Access::Operator) } else { known }
}
