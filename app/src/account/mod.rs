//! The viewer's own account.

mod api;
mod page;

pub use page::AccountPage;
