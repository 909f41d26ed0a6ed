//! Logs: the requests of a workspace as they end, while somebody looks.
//!
//! `view_model` holds the words and addresses, `api` the way to the server; the other files are views.

mod api;
mod page;
mod parts;
mod view_model;

pub use page::Logs;
