//! Integration tests: one binary, one module per room.

mod architecture;
mod gateway;
mod store;
mod support;
mod telemetry;
mod web;
mod whole;
