//! Webhooks over a real store, with real receivers on loopback.

mod console;
mod delivery;
mod endpoints;
mod failing;
mod included;
mod rig;
mod verifiers;
