//! What is set up, and what to do next: for the operator, for a member, and for one workspace.

mod api;
mod global;
mod steps;
mod view_model;
mod workspace;

pub use global::Overview;
pub use workspace::WorkspaceOverview;
