//! Brings encoded payloads to a collector: bounded, retried as OTLP says, counted whatever becomes of them.
//!
//! Knows payloads, answers and time; knows nothing of spans or of who configured the destination.

mod answer;
mod lane;
mod payload;
mod retry;
mod worker;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use hyper::body::Incoming;

pub use lane::Lane;
pub use payload::{MAX_REQUEST, Payload, split_metrics};
pub use retry::Retry;
pub use worker::Worker;

use crate::live::ExportTarget;
use crate::values::FailureKind;

/// The way out. It sends the request as it is: no header added for another destination, no redirect followed, no proxy
/// from the environment.
#[async_trait]
pub trait Transport: Send + Sync + 'static {
    /// # Errors
    /// What kept a response from coming; such a failure may be tried again.
    async fn send(&self, target: &ExportTarget, request: Request<Bytes>) -> Result<Response<Incoming>, FailureKind>;
}
