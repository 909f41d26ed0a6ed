//! A request for the tests of this room. What must not be kept of it says `canary`.

use super::entry::Entry;
pub use crate::event::sample::TENANT;
use crate::event::{Request, TraceContext, sample};

pub fn request() -> Request {
    Request {
        server_address: "canary.gateway.example".to_owned(),
        user_agent: Some("canary/1".to_owned()),
        trace: TraceContext { state: Some("canary=1".to_owned()), ..sample::trace() },
        ..sample::request()
    }
}

/// What is kept of a request.
pub fn entry(request: &Request) -> Entry {
    Entry::of(request, request.proxied.as_ref().unwrap())
}
