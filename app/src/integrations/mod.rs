//! Settings → Integrations: the cards of the Global scope and of a workspace, and the page of each export.
//!
//! `view_model` holds the words and rules, `api` the way to the server; the other files are views.

mod api;
mod card;
mod export_form;
mod global;
mod global_otlp;
mod header_rows;
mod health;
mod scope;
mod view_model;
mod workspace;
mod workspace_otlp;

pub use global::GlobalIntegrations;
pub use global_otlp::GlobalOtlp;
pub use workspace::WorkspaceIntegrations;
pub use workspace_otlp::WorkspaceOtlp;
