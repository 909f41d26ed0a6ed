//! Newtypes that are parsed once, at the edge, by the same code in the browser's form and on the server.
//!
//! Every parser takes text and answers with the value or the [`Rule`](super::Rule) it breaks; it never panics.

mod egress;
mod endpoint;
mod headers;
mod names;

pub use egress::EgressRule;
pub use endpoint::{Endpoint, Signal};
pub use headers::HeaderList;
pub use names::{DisplayName, Email, Password, Role, Slug, TenantId};
