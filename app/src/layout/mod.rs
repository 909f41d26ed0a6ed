//! The frame around every page of somebody who is signed in: navigation, workspace switch, account menu.

mod account_menu;
mod api;
mod brand;
mod door;
mod frame;
mod nav;
mod scope;
mod switch;
mod viewer;

pub use door::Door;
pub use frame::Frame;
pub use scope::{ScopeSwitch, use_slug};
pub use viewer::{access_to, use_viewer};
