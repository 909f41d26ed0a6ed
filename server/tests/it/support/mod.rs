//! Servers that the tests talk to.

pub mod collector;
pub mod upstream;
