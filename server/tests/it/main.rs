//! Integration tests: one binary, one module per room.

mod architecture;
mod store;
mod support;
mod telemetry;
mod web;
