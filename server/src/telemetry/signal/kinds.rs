//! What is kept for requests of one kind, so that what they have in common is made once for many of them.

use std::sync::Arc;

use super::method;
use crate::event::{Component, Proxied, Request};
use crate::values::TenantId;

/// For so many kinds at a time, few enough to be looked through one by one; for others nothing is kept.
const MOST: usize = 16;

/// Something for each of a few kinds of proxied requests.
#[derive(Debug, Default)]
pub struct Kinds<T>(Vec<(Kind, T)>);

/// Attributes that all requests of a kind have, as they were written into a record of the first one.
#[derive(Debug, Default)]
pub struct Encoded {
    pub span: Option<Box<[u8]>>,
    pub log: Option<Box<[u8]>>,
}

/// All that such attributes, and the series of a request that did not fail, are made of.
#[derive(Debug)]
struct Kind {
    component: Component,
    method: &'static str,
    scheme: &'static str,
    version: &'static str,
    status: Option<u16>,
    tenant: Option<TenantId>,
    proxied: Proxied,
}

impl Kind {
    fn of(request: &Request, proxied: &Proxied) -> Self {
        Self {
            component: request.component,
            method: method(request),
            scheme: request.scheme,
            version: request.protocol_version,
            status: request.status,
            tenant: request.tenant,
            proxied: proxied.clone(),
        }
    }

    /// Nothing is cloned for it, and texts are read only where they are not one and the same.
    fn is_of(&self, request: &Request, proxied: &Proxied) -> bool {
        self.status == request.status
            && same(&self.proxied.route, &proxied.route)
            && same(&self.proxied.environment, &proxied.environment)
            && same_if_any(self.proxied.upstream_host.as_ref(), proxied.upstream_host.as_ref())
            && same_if_any(self.proxied.upstream_address.as_ref(), proxied.upstream_address.as_ref())
            && self.tenant == request.tenant
            && self.method == method(request)
            && self.scheme == request.scheme
            && self.version == request.protocol_version
            && self.component == request.component
    }
}

fn same(one: &Arc<str>, other: &Arc<str>) -> bool {
    Arc::ptr_eq(one, other) || **one == **other
}

fn same_if_any(one: Option<&Arc<str>>, other: Option<&Arc<str>>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => same(one, other),
        (one, other) => one.is_none() && other.is_none(),
    }
}

impl<T: Default> Kinds<T> {
    /// What is kept for the request's kind; a default if it is the first of its kind. `None`: nothing is, since there are enough
    /// kinds, or it was not proxied.
    pub fn kept_for(&mut self, request: &Request) -> Option<&mut T> {
        // A pattern of the console's is no part of a kind.
        let proxied = request.proxied.as_ref().filter(|_| request.http_route.is_none())?;
        let at = match self.0.iter().position(|(kind, _)| kind.is_of(request, proxied)) {
            Some(at) => at,
            None if self.0.len() < MOST => {
                self.0.push((Kind::of(request, proxied), T::default()));
                self.0.len() - 1
            }
            None => return None,
        };
        self.0.get_mut(at).map(|(_, kept)| kept)
    }

    /// Lets go of everything.
    pub fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;
    use uuid::Uuid;

    use super::super::fixtures::{logs, request as fixture, spans};
    use super::super::{log, span};
    use super::*;
    use crate::event::Failure;

    fn with(change: impl FnOnce(&mut Request, &mut Proxied)) -> Request {
        let mut request = fixture();
        let mut proxied = request.proxied.take().unwrap();
        change(&mut request, &mut proxied);
        Request { proxied: Some(proxied), ..request }
    }

    #[test]
    fn a_kind_is_what_its_records_have_in_common() {
        let mut kinds = Kinds::<u32>::default();
        *kinds.kept_for(&fixture()).unwrap() = 1;
        for alike in [
            // The same texts elsewhere.
            with(|_, proxied| proxied.route = "billing".into()),
            with(|_, proxied| proxied.upstream_host = Some("api.upstream.test".into())),
            with(|request, _| request.path = "/elsewhere".to_owned()),
            with(|request, _| request.duration = Duration::from_secs(7)),
            with(|request, _| request.request_id = Uuid::from_u128(8)),
            with(|request, _| request.server_address = "other.test".to_owned()),
            with(|request, _| request.server_port = None),
            with(|request, _| request.client_address = None),
            with(|request, _| request.user_agent = None),
            with(|request, _| request.cancelled = true),
            with(|request, _| request.failure = Some(Failure::new("timeout", String::new()))),
        ] {
            assert_eq!(kinds.kept_for(&alike), Some(&mut 1), "{alike:?}");
        }
        let others = [
            with(|request, _| request.component = Component::Console),
            with(|request, _| request.method = http::Method::PUT),
            with(|request, _| request.method = http::Method::from_bytes(b"PURGE").unwrap()),
            with(|request, _| request.scheme = "https"),
            with(|request, _| request.protocol_version = "2"),
            with(|request, _| request.status = Some(201)),
            with(|request, _| request.status = None),
            with(|request, _| request.tenant = None),
            with(|_, proxied| proxied.route = "Billing".into()),
            with(|_, proxied| proxied.environment = "staging".into()),
            with(|_, proxied| proxied.upstream_host = None),
            with(|_, proxied| proxied.upstream_host = Some("api.upstream.text".into())),
            with(|_, proxied| proxied.upstream_address = None),
            with(|_, proxied| proxied.upstream_address = Some("api.upstream.test:444".into())),
        ];
        for (n, other) in (2..).zip(&others) {
            let kept = kinds.kept_for(other).unwrap();
            assert_eq!(std::mem::replace(kept, n), 0, "{other:?}");
        }
        for (n, other) in (2..).zip(&others) {
            assert_eq!(kinds.kept_for(other), Some(&mut { n }), "{other:?}");
        }
        assert_eq!(kinds.kept_for(&Request { proxied: None, ..fixture() }), None);
        assert_eq!(kinds.kept_for(&Request { http_route: Some("/w/{slug}".into()), ..fixture() }), None);
    }

    #[test]
    fn there_is_no_more_than_a_few() {
        let mut kinds = Kinds::<()>::default();
        for status in 0..100 {
            let kept = kinds.kept_for(&Request { status: Some(status), ..fixture() });
            assert_eq!(kept.is_some(), usize::from(status) < MOST, "{status}");
        }
        assert!(kinds.kept_for(&Request { status: Some(3), ..fixture() }).is_some());
        kinds.clear();
        assert_eq!(kinds.0.capacity(), 0);
        assert!(kinds.kept_for(&Request { status: Some(99), ..fixture() }).is_some());
    }

    /// One of few, twice the same of which are the same.
    fn any_text() -> impl Strategy<Value = Arc<str>> {
        prop::sample::select(["", "billing", "billing", "ai/bot", "long ".repeat(40).as_str()].map(Arc::<str>::from).to_vec())
    }

    fn any_request() -> impl Strategy<Value = Request> {
        let proxied = (any_text(), any_text(), prop::option::of(any_text()), prop::option::of(any_text()));
        let head = (prop::sample::select(vec!["GET", "POST", "PURGE"]), prop::sample::select(vec!["http", "https"]));
        let ended = (prop::option::of(prop::sample::select(vec![200_u16, 404, 503])), prop::option::of(0..3_u128));
        (proxied, head, ended).prop_map(|((route, environment, upstream_host, upstream_address), (method, scheme), (status, tenant))| {
            Request {
                method: http::Method::from_bytes(method.as_bytes()).unwrap(),
                scheme,
                status,
                tenant: tenant.map(|tenant| TenantId(Uuid::from_u128(tenant))),
                proxied: Some(Proxied { route, environment, upstream_host, upstream_address, ..fixture().proxied.unwrap() }),
                ..fixture()
            }
        })
    }

    proptest! {
        /// Of requests of some kinds, in any order, with or without a span or a log record each.
        #[test]
        fn records_are_the_same_with_what_is_kept_and_without(
            some in prop::collection::vec(any_request(), 1..2 * MOST),
            order in prop::collection::vec((any::<prop::sample::Index>(), any::<[bool; 4]>(), "[a-z/]{0,200}", any::<u32>()), 1..60),
        ) {
            let mut kinds = Kinds::<Encoded>::default();
            for (n, (which, [spanned, logged, cancelled, failed], path, duration)) in (0..).zip(order) {
                let request = Request {
                    request_id: Uuid::from_u128(n),
                    path,
                    duration: Duration::from_micros(duration.into()),
                    cancelled,
                    failure: failed.then(|| Failure::new("timeout", "no answer".to_owned())),
                    ..which.get(&some).clone()
                };
                let proxied = request.proxied.as_ref().unwrap();
                let tenant = request.tenant.map(|tenant| tenant.to_string());
                let tenant = tenant.as_deref();
                let mut kept = kinds.kept_for(&request);
                if spanned {
                    let written = spans(|out| span::request(out, &request, kept.as_deref_mut(), tenant));
                    prop_assert_eq!(written, spans(|out| span::request(out, &request, None, tenant)));
                }
                if logged {
                    let written = logs(|out| log::request(out, &request, proxied, kept, tenant));
                    prop_assert_eq!(written, logs(|out| log::request(out, &request, proxied, None, tenant)));
                }
            }
            prop_assert!(kinds.0.len() <= MOST.min(some.len()));
        }
    }
}
