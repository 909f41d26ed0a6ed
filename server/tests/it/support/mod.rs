//! Servers that the tests talk to.

pub mod collector;
pub mod process;
pub mod upstream;
