//! The console over real HTTP: a store in a temporary folder, `web::serve` on port 0, and a client that acts as a browser
//! does.

mod assets;
mod audit;
mod browser;
pub mod console;
mod csrf;
mod disabling;
mod egress;
mod error_tracking;
mod events;
mod exports;
mod forms;
mod functions;
mod harness;
mod headers;
mod operators;
mod pages;
mod probes;
mod serving;
mod sessions;
mod setup;
mod sign_in;
mod speed;
mod traffic;
mod webhooks;

pub use browser::{Answer, Browser};
pub use harness::{PASSWORD, TestConsole};
