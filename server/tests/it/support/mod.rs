//! Servers that the tests talk to.

pub mod bugsink;
pub mod collector;
mod h2;
pub mod network;
pub mod oracle;
pub mod process;
pub mod provider;
pub mod receiver;
pub mod rotel;
pub mod sentry;
pub mod upstream;

pub use h2::h2;
