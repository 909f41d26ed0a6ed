//! A workspace's routes: the list, a new one, and the page of one with its limits and environments.
//!
//! `view_model` holds the words and rules, `api` the way to the server; the other files are views.

mod api;
mod environment_form;
mod environments;
mod list;
mod new;
mod page;
mod route_choices;
mod settings;
#[cfg(feature = "ssr")]
mod to_try;
mod view_model;

pub use api::{routes, workspace};
pub use list::RouteList;
pub use new::NewRoute;
pub use page::RoutePage;
pub use route_choices::RouteChoices;
#[cfg(feature = "ssr")]
pub use to_try::request_to_try;
pub use view_model::{check_name, check_slug, quoted, reach, with_scheme};
