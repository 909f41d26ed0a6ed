//! The series that requests fall into, kept at hand between two collections: finding one by what tells requests apart costs a
//! fraction of finding it in each instrument by all its attributes.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};

use foldhash::HashMap;
use opentelemetry::metrics::{BoundCounter, BoundHistogram};

use super::kinds::Kinds;
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
#[derive(Clone, Debug)]
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
pub(super) struct Series(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    all: HashMap<Kind, Bound>,
    /// Some of them, found without cloning and hashing what tells them apart.
    some: Kinds<Option<Bound>>,
}

fn found<'a>(all: &'a mut HashMap<Kind, Bound>, request: &Request, bind: impl FnOnce() -> Bound) -> &'a Bound {
    let kind = Kind::of(request);
    if all.len() >= AT_HAND && !all.contains_key(&kind) {
        all.clear();
    }
    all.entry(kind).or_insert_with(bind)
}

impl Series {
    /// Counts the request, in the series that `bind` finds where it is the first of its kind.
    pub(super) fn record(&self, request: &Request, bind: impl FnOnce() -> Bound) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Known { all, some } = &mut *known;
        // How a request failed is no part of the kinds that are kept.
        let kept = if request.failure.is_none() { some.kept_for(request) } else { None };
        match kept {
            Some(Some(bound)) => bound.record(request),
            Some(first) => first.insert(found(all, request, bind).clone()).record(request),
            None => found(all, request, bind).record(request),
        }
    }

    /// Lets go of all, so that a series which nothing falls into any more can end.
    pub(super) fn clear(&self) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.all.clear();
        known.some.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::request as fixture;
    use super::*;
    use crate::event::{Failure, Proxied};

    /// Whether this one was the first of its series.
    fn is_first(series: &Series, request: &Request) -> bool {
        let mut bound = false;
        series.record(request, || {
            bound = true;
            Bound { proxy: None, server: None }
        });
        bound
    }

    #[test]
    fn each_series_is_found_once_until_it_is_let_go() {
        let elsewhere = Some(Proxied { upstream_address: Some("other:1".into()), ..fixture().proxied.unwrap() });
        let failed = |kind| Request { failure: Some(Failure::new(kind, String::new())), ..fixture() };
        let series = Series::default();
        for _ in 0..2 {
            for (request, first) in [
                (fixture(), true),
                (fixture(), false),
                (Request { proxied: elsewhere.clone(), ..fixture() }, false),
                (Request { cancelled: true, ..fixture() }, false),
                (failed("timeout"), true),
                (failed("timeout"), false),
                (failed("tls"), true),
                (Request { cancelled: true, ..failed("tls") }, false),
                (fixture(), false),
                (Request { status: Some(503), ..fixture() }, true),
                (Request { status: Some(503), ..failed("tls") }, true),
                (Request { status: Some(503), ..fixture() }, false),
                (Request { proxied: None, ..fixture() }, true),
                (Request { http_route: Some("/a".into()), ..fixture() }, true),
                (Request { http_route: Some("/b".into()), ..fixture() }, true),
            ] {
                assert_eq!(is_first(&series, &request), first, "{request:?}");
            }
            series.clear();
        }
        for status in 100..600 {
            assert!(is_first(&series, &Request { status: Some(status), ..fixture() }));
            assert!(!is_first(&series, &Request { status: Some(status), ..fixture() }));
        }
    }
}
