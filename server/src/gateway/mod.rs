//! The data plane: takes a request in, finds whose it is and where it goes, passes it on and the answer back, and says
//! on the bus what became of it.
//!
//! Path of a request: [`listener`](serve) accepts; `wire` watches the bytes for messages whose end is in doubt; `shape`
//! refuses what cannot be passed on; `matcher` finds workspace, route and environment; `forward` sends; `body` passes
//! both bodies through, frame by frame, and `record` emits one event when the response has ended.
//!
//! What comes for an AI agent goes the same way, by [`ai`] in place of `matcher`.
//!
//! It must not read the store, wait for telemetry, or hold a body; a copy of a body's beginning is `capture`'s. It knows the
//! bus, never who listens.
//!
//! # What passes
//! The upstream's path is the environment's base path followed by the request's path and query exactly as they came:
//! nothing is decoded, normalised or resolved. Where there is a base path, a request with a dot segment is refused, so
//! that nobody leaves it with the injected credentials in hand. `x-forwarded-for`, `-proto` and `-host` are replaced and `forwarded` is dropped, so that an
//! upstream may trust them: the gateway is the edge, or a proxy that it believes is (`crate::peers`), whose chain goes on from the sender.

mod ai;
mod body;
mod client;
mod forward;
mod framing;
mod handler;
mod headers;
mod limiter;
mod listener;
mod matcher;
mod record;
mod refusal;
mod seats;
mod shape;
mod wire;

/// The reader of AI answers' usage, for the fuzz targets.
#[doc(hidden)]
pub use ai::read_usage;
pub use listener::{Config, serve};

use crate::{ids, trace_context};
