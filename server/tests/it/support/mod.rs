//! Servers that the tests talk to.

pub mod collector;
pub mod network;
pub mod process;
pub mod upstream;
