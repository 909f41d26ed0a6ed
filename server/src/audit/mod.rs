//! The audit log's own rules: what an entry holds, how entries hang together by their hashes, which ones a filter means,
//! and how they are written out.
//!
//! Pure. Where entries lie is `store`'s matter, and there an entry is part of the same transaction as the change it tells
//! of. No secret comes in here: of one, an entry only says that it changed.

mod action;
mod chain;
mod entry;
mod filter;
mod told;
mod write;

pub use action::Action;
pub use chain::{Chain, Hash, Verdict};
pub use entry::{Actor, Change, Entry, Log, Resource, Trace, Who, Written};
pub use filter::{Filter, day};
pub use told::Told;
pub use write::Format;
