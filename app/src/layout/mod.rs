//! The frame around every page of somebody who is signed in: navigation, workspace switch, account.

mod account;
mod api;
mod brand;
mod door;
mod frame;
mod nav;
mod scope;
mod switch;
mod viewer;

#[cfg(feature = "ssr")]
pub use brand::Brand;
pub use door::Door;
pub use frame::Frame;
pub use scope::use_slug;
pub use viewer::{access_to, use_viewer};
