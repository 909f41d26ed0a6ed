//! Integration tests: one binary, one module per room.

mod store;
mod support;
mod telemetry;
mod web;
