//! What each fuzz target does with its input, and what has to hold of the outcome. The targets in `fuzz_targets/` and the
//! tests in `server/tests/it/fuzz.rs`, which replay `corpus/`, run the same functions.
//!
//! A function takes any bytes, returns if they are none of its business, and panics where a rule is broken. It reads and
//! writes nothing else.

mod ai;
mod bootstrap;
mod http;
mod otlp;
mod values;

/// Takes any bytes; panics where a rule is broken.
type Body = fn(&[u8]);

/// Every target with the name of its folder below `corpus/`.
pub const TARGETS: [(&str, Body); 7] = [
    ("header_list", header_list),
    ("endpoint", endpoint),
    ("dsn", dsn),
    ("trace_context", trace_context),
    ("bootstrap", bootstrap),
    ("otlp_answer", otlp_answer),
    ("ai_usage", ai_usage),
];

pub use ai::ai_usage;
pub use bootstrap::bootstrap;
pub use http::trace_context;
pub use otlp::otlp_answer;
pub use values::{dsn, endpoint, header_list};
