//! Workspaces and operators (for operators), and the members of one workspace.

mod api;
mod member_parts;
mod members;
mod operator_parts;
mod operators;
mod workspace_parts;
mod workspaces;

pub use members::Members;
pub use operators::Operators;
pub use workspaces::Workspaces;
