//! The binary itself, started as an operator starts it: bootstrap file, both listeners, collectors, signals.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking, in its helpers too")]

mod export;
mod life;
mod process;

pub use process::{Process, Setup};
