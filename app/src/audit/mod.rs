//! The audit logs: who changed what, of a workspace and of the Global scope.
//!
//! `view_model` holds the words and addresses, `api` the way to the server; the other files are views.

mod api;
mod page;
mod parts;
mod view_model;

pub use page::{GlobalAudit, WorkspaceAudit};
