//! Webhooks over a real store, with real receivers on loopback.

mod console;
mod delivery;
mod endpoints;
mod failing;
mod included;
mod latency;
mod rig;
mod turns;
mod verifiers;

pub use rig::{Rig, form, quick, request};
