//! Brings encoded payloads to a collector: bounded, retried as OTLP says, counted whatever becomes of them.
//!
//! ```text
//! pipeline ─► Lane (memory) ─► Worker ─► collector
//!                   │            ▲ │ from the first failure on, until all of it is sent
//!                   └► Backlog (disk) ◄┘        └► at the end: an heir's Estate, the disk, or nobody (counted)
//! ```
//! Knows payloads, answers and time; knows nothing of spans or of who configured the destination.

mod answer;
mod backlog;
mod disk;
mod estate;
mod exchange;
mod give_up;
mod gzip;
mod lane;
mod merge;
mod payload;
mod retry;
mod transport;
mod way;
mod worker;

pub use answer::{Answer, Judged, judged};
pub use backlog::Backlog;
pub use estate::{Estate, Heir, Heirs, Inherits, Left};
pub use exchange::{exchange, headers};
pub use give_up::{Exhausted, GiveUp};
pub use gzip::Gzip;
pub use lane::{Lane, Limit};
pub use payload::{MAX_REQUEST, Payload, points_in, split_metrics};
pub use retry::Retry;
pub use transport::{OutboundTransport, Transport, Unsent};
pub use way::Way;
pub use worker::Worker;
