//! Brings encoded payloads to a collector: bounded, retried as OTLP says, counted whatever becomes of them.
//!
//! Knows payloads, answers and time; knows nothing of spans or of who configured the destination.

mod answer;
mod lane;
mod payload;
mod retry;
mod transport;
mod worker;

pub use lane::Lane;
pub use payload::{MAX_REQUEST, Payload, split_metrics};
pub use retry::Retry;
pub use transport::{OutboundTransport, Transport};
pub use worker::Worker;
