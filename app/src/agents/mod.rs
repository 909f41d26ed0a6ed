//! A workspace's AI agents: the list, a new one, and the page of one with its settings and how it is called.
//!
//! `view_model` holds the words and rules, `api` the way to the server; the other files are views.

mod api;
mod call;
mod form;
mod list;
mod new;
mod page;
mod view_model;

pub use list::AgentList;
pub use new::NewAgent;
pub use page::AgentPage;
