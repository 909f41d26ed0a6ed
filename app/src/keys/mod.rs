//! A workspace's API keys: with one of them a caller proves that it belongs to the workspace.
//!
//! `view_model` holds the words and rules, `api` the way to the server; the other files are views.

mod api;
mod create_form;
mod edit_form;
mod list;
mod table;
mod view_model;

pub use list::KeyList;
