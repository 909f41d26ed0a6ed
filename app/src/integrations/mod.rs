//! Settings → Integrations: the cards of the Global scope and of a workspace, and the page of each export.
//!
//! `view_model` holds the words and rules, `api` the way to the server; the other files are views.

mod api;
mod attempts;
mod browser_outcome;
mod browser_test;
mod card;
mod chart;
mod export_form;
mod export_page;
mod grid;
mod header_rows;
mod health;
mod history;
mod pause;
mod presets;
mod scope;
mod test_result;
mod view_model;

pub use browser_test::BrowserTestError;
pub use export_page::{GlobalOtlp, WorkspaceOtlp};
pub use grid::{GlobalIntegrations, WorkspaceIntegrations};
