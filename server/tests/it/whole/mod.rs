//! The binary itself, started as an operator starts it: bootstrap file, both listeners, collectors, signals.

mod ai;
mod audit;
mod demo;
mod egress;
mod export;
mod life;
mod process;
mod spool;
mod trace;
mod webhooks;

pub use process::{Process, Setup};
