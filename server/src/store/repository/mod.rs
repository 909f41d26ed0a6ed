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
pub use workspaces::{Rows, Workspaces};

use uuid::Uuid;

use crate::values::TenantId;

/// Workspace first, so that what belongs to one workspace is one range.
fn in_workspace(workspace: TenantId, id: Uuid) -> Vec<u8> {
    pair(workspace.0, id)
}

fn pair(first: Uuid, second: Uuid) -> Vec<u8> {
    let mut key = first.as_bytes().to_vec();
    key.extend_from_slice(second.as_bytes());
    key
}
