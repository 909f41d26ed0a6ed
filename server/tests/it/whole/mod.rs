//! The binary itself, started as an operator starts it: bootstrap file, both listeners, collectors, signals.

mod ai;
mod audit;
mod egress;
mod export;
mod life;
mod oracle;
mod process;
mod trace;
mod webhooks;

pub use process::{Process, Setup};
