//! Integration tests: one binary, one module per room.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::large_futures,
    reason = "a test fails by panicking, in its helpers too, and its futures live on its own stack"
)]

mod architecture;
mod error_tracking;
mod fuzz;
mod gateway;
mod store;
mod support;
mod telemetry;
mod web;
mod webhooks;
mod whole;
