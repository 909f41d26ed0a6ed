//! A workspace's webhooks: the list, a new one, the page of one with its settings and state, and what was delivered to it.
//!
//! `view_model` holds the words and rules, `api` the way to the server; the other files are views.

mod api;
mod auth_fields;
mod delivery;
mod form;
mod history;
mod list;
mod new;
mod page;
mod parts;
mod settings;
mod view_model;

pub use history::DeliveryHistory;
pub use list::WebhookList;
pub use new::NewWebhook;
pub use page::WebhookPage;
