//! One repository per kind: where its records lie and how they are found. Reads only; writes go through
//! [`Changes`](super::Changes).

mod agents;
mod api_keys;
mod error_tracking;
mod exports;
mod members;
mod meta;
mod routes;
mod sessions;
mod setup_tokens;
mod users;
mod webhooks;
mod workspaces;

pub use agents::Agents;
pub use api_keys::ApiKeys;
pub use exports::Exports;
pub use members::Members;
pub use meta::Meta;
pub use routes::Routes;
pub use sessions::Sessions;
pub use setup_tokens::SetupTokens;
pub use users::Users;
pub use webhooks::Webhooks;
pub use workspaces::{Rows, Workspaces};

use uuid::Uuid;

use crate::values::{Slug, TenantId};

/// Workspace first, so that what belongs to one workspace is one range.
fn in_workspace(workspace: TenantId, id: Uuid) -> Vec<u8> {
    pair(workspace.0, id)
}

/// Of what has its slug within a workspace.
fn slug_key(workspace: TenantId, slug: &Slug) -> Vec<u8> {
    let mut key = workspace.0.as_bytes().to_vec();
    key.extend_from_slice(slug.as_str().as_bytes());
    key
}

fn pair(first: Uuid, second: Uuid) -> Vec<u8> {
    let mut key = first.as_bytes().to_vec();
    key.extend_from_slice(second.as_bytes());
    key
}
