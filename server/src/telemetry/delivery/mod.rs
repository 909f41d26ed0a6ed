//! Brings encoded payloads to a collector: bounded, retried as OTLP says, counted whatever becomes of them.
//!
//! Knows payloads, answers and time; knows nothing of spans or of who configured the destination.

mod answer;
mod give_up;
mod lane;
mod payload;
mod retry;
mod transport;
mod worker;

pub use answer::{Answer, Judged, judged};
pub use give_up::{Exhausted, GiveUp};
pub use lane::{Lane, Limit};
pub use payload::{MAX_REQUEST, Payload, points_in, split_metrics};
pub use retry::Retry;
pub use transport::{OutboundTransport, Transport, Unsent};
pub use worker::{Worker, exchange, headers};
