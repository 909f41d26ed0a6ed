//! Signing in.

mod api;
mod page;

pub use page::SignInPage;
