//! Workspaces (for the operator) and the members of one.

mod api;
mod member_parts;
mod members;
mod workspace_parts;
mod workspaces;

pub use members::Members;
pub use workspaces::Workspaces;
