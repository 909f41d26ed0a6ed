//! Integration tests: one binary, one module per room.

mod gateway;
mod store;
mod support;
