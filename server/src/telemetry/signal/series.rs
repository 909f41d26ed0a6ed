//! The series that requests fall into, kept at hand between two collections: finding one by what tells requests apart costs a
//! fraction of finding it in each instrument by all its attributes.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};

use foldhash::HashMap;
use opentelemetry::metrics::{BoundCounter, BoundHistogram};

use super::{Outcome, error_type, method, milliseconds, outcome};
use crate::event::Request;
use crate::values::TenantId;

/// Above it all are let go and found anew.
const AT_HAND: usize = 4096;

/// All that the attributes of a request's metrics are made of.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Kind {
    component: &'static str,
    method: &'static str,
    scheme: &'static str,
    version: &'static str,
    status: Option<u16>,
    failed: bool,
    error: Option<Cow<'static, str>>,
    /// The route and the environment.
    proxied: Option<(Arc<str>, Arc<str>)>,
    http_route: Option<Arc<str>>,
    tenant: Option<TenantId>,
}

impl Kind {
    fn of(request: &Request) -> Self {
        Self {
            component: request.component.name(),
            method: method(request),
            scheme: request.scheme,
            version: request.protocol_version,
            status: request.status,
            failed: outcome(request) == Outcome::ServerError,
            error: error_type(request),
            proxied: request.proxied.as_ref().map(|proxied| (Arc::clone(&proxied.route), Arc::clone(&proxied.environment))),
            http_route: request.http_route.clone(),
            tenant: request.tenant,
        }
    }
}

/// Where a request of one kind is counted.
#[derive(Debug)]
pub(super) struct Bound {
    pub(super) proxy: Option<(BoundCounter<u64>, BoundHistogram<f64>)>,
    pub(super) server: Option<BoundHistogram<f64>>,
}

impl Bound {
    fn record(&self, request: &Request) {
        if let Some((requests, duration)) = &self.proxy {
            requests.add(1);
            duration.record(milliseconds(request.duration));
        }
        if let Some(duration) = &self.server {
            duration.record(request.duration.as_secs_f64());
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Series(Mutex<HashMap<Kind, Bound>>);

impl Series {
    /// Counts the request, in the series that `bind` finds where it is the first of its kind.
    pub(super) fn record(&self, request: &Request, bind: impl FnOnce() -> Bound) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let kind = Kind::of(request);
        if known.len() >= AT_HAND && !known.contains_key(&kind) {
            known.clear();
        }
        known.entry(kind).or_insert_with(bind).record(request);
    }

    /// Lets go of all, so that a series which nothing falls into any more can end.
    pub(super) fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
