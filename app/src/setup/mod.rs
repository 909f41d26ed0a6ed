//! One-time links: making the first operator, and taking up an invitation.

mod api;
mod page;

pub use page::SetupPage;
