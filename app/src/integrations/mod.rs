//! Settings → Integrations: the cards of the Global scope and of a workspace, the page of each export, and that of error
//! tracking (`tracking_*`).
//!
//! `view_model` and `tracking_words` hold the words and rules, `api` and `tracking_api` the way to the server; the other files are views.

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
mod tested_form;
mod tracking_api;
mod tracking_page;
mod tracking_status;
mod tracking_words;
mod view_model;

pub use card::StillFailing;
pub use export_page::{GlobalOtlp, WorkspaceOtlp};
pub use grid::{GlobalIntegrations, WorkspaceIntegrations};
pub use header_rows::HeaderRows;
pub use tested_form::{Answer, TestResultOf};
pub use tracking_page::GlobalSentry;
pub use view_model::secret_words;
#[cfg(feature = "ssr")]
pub use view_model::still_failing_sentence;
