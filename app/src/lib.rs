//! The console: what an admin sees in the browser, rendered on the server and hydrated.
//!
//! `contract` is what the browser may ask; the feature folders hold one page family each (`api.rs` server functions,
//! `page.rs`, one file per part, `view_model.rs` for pure logic); `layout` is the frame, `ui` the design system.

// Server functions and views nest types deeply.
#![recursion_limit = "512"]
#![expect(clippy::needless_pass_by_value, reason = "a component owns its properties")]

pub mod contract;

mod account;
mod agents;
mod app;
mod audit;
mod browser_errors;
mod directory;
#[cfg(feature = "ssr")]
mod failure_view;
mod integrations;
mod keys;
#[cfg(feature = "hydrate")]
mod late_answers;
mod layout;
mod overview;
mod pages;
mod routes;
mod service;
mod setup;
#[cfg(feature = "ssr")]
mod shell;
mod sign_in;
mod traffic;
pub mod ui;
mod webhooks;

pub use app::App;
#[cfg(feature = "ssr")]
pub use service::{Services, is_own_path};
#[cfg(feature = "ssr")]
pub use shell::{AssetPaths, ErrorTracking, shell};

/// Takes over the server-rendered page.
#[cfg(feature = "hydrate")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    std::panic::set_hook(Box::new(browser_errors::panicked));
    drop(any_spawner::Executor::init_wasm_bindgen());
    ui::press::watch();
    leptos::task::spawn_local(async {
        // Until the code of the page is there, links and forms are the browser's; without it they stay so.
        if pages::fetch_own_part().await.is_ok() {
            leptos::mount::hydrate_body(App);
        }
    });
}
