//! What is reported of an error, and the event it becomes. Only what is named here gets into an event.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::SystemTime;

use sentry::Level;
use sentry::protocol::{Event, Exception, Frame, Mechanism, Stacktrace, User, Value};
use url::Url;
use uuid::Uuid;

use crate::event::{Component, Request};
use crate::faults::AtHand;
use crate::values::TenantId;

/// An error, as whoever noticed it tells it.
#[derive(Clone, Debug, Default)]
pub struct Report {
    pub error_id: Uuid,
    /// What kind of failure, such as `connection_refused` or `panic`.
    pub kind: Cow<'static, str>,
    pub message: String,
    /// File and line.
    pub location: Option<String>,
    pub component: &'static str,
    pub tenant: Option<TenantId>,
    pub user: Option<Uuid>,
    pub request: Option<OfRequest>,
    pub extra: BTreeMap<String, Value>,
}

/// The request in which it happened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OfRequest {
    pub id: Uuid,
    pub method: String,
    /// Without the query.
    pub path: String,
    /// The gateway's route or the console's pattern; empty when there is none.
    pub route: String,
    pub status: Option<u16>,
}

/// The log line tells of these, in more words: see [`super::layer`].
const LOGGED: &str = "internal";
const PANIC: &str = "panic";

impl Report {
    /// Of a request that ended as a failure of this platform: one that was given an error id.
    pub fn of_request(request: &Request) -> Option<Self> {
        let failure = request.failure.as_ref().filter(|failure| failure.kind != LOGGED)?;
        let error_id = failure.error_id?;
        let route = match (&request.proxied, &request.http_route) {
            (Some(proxied), _) => proxied.route.to_string(),
            (None, Some(route)) => route.to_string(),
            (None, None) => String::new(),
        };
        Some(Self {
            error_id,
            kind: failure.kind.into(),
            message: failure.message.clone(),
            location: failure.location.clone(),
            component: request.component.name(),
            tenant: request.tenant,
            user: request.user,
            request: Some(OfRequest {
                id: request.request_id,
                method: request.method.to_string(),
                path: request.path.clone(),
                route,
                status: request.status,
            }),
            extra: BTreeMap::new(),
        })
    }

    /// Names the request of the console that was being served.
    pub fn during(mut self, request: &AtHand) -> Self {
        self.component = Component::Console.name();
        self.tenant = request.tenant.get().copied();
        self.user = request.user.get().copied();
        self.request =
            Some(OfRequest { id: request.request_id, method: request.method.clone(), path: request.path.clone(), ..OfRequest::default() });
        self
    }

    /// The workspace it counts against. A panic, and what has a place in the code, is this program's own failure, whoever ran into it.
    pub fn whose(&self) -> Option<TenantId> {
        self.tenant.filter(|_| self.location.is_none() && self.kind != PANIC)
    }

    /// What makes two errors the same one for whoever holds them back.
    pub fn key(&self) -> String {
        let mut parts = self.fingerprint();
        // What workspaces run into over and over does not hide the same where there is none.
        if self.tenant.is_some() {
            parts.push("tenant".to_owned());
        }
        parts.join("\u{1f}")
    }

    fn fingerprint(&self) -> Vec<String> {
        let mut parts = vec![self.component.to_owned(), self.kind.to_string()];
        match &self.location {
            Some(location) => parts.push(location.clone()),
            // Workspaces and routes would make ever more kinds of this program's own failure.
            None if self.kind == PANIC => {}
            None => {
                parts.push(self.tenant.map(|tenant| tenant.0.to_string()).unwrap_or_default());
                parts.push(self.request.as_ref().map(|request| request.route.clone()).unwrap_or_default());
            }
        }
        parts
    }

    pub fn into_event(self, release: &str, at: SystemTime) -> Event<'static> {
        let fingerprint: Vec<Cow<'static, str>> = self.fingerprint().into_iter().map(Cow::Owned).collect();
        let mut tags = BTreeMap::from([
            ("errorId".to_owned(), self.error_id.to_string()),
            ("component".to_owned(), self.component.to_owned()),
            ("release".to_owned(), release.to_owned()),
        ]);
        if let Some(tenant) = self.tenant {
            tags.insert("tenant_id".to_owned(), tenant.0.to_string());
        }
        let mut event = Event { level: Level::Error, timestamp: at, fingerprint: fingerprint.into(), ..Event::default() };
        if let Some(request) = self.request {
            tags.insert("request_id".to_owned(), request.id.to_string());
            if let Some(status) = request.status {
                tags.insert("http.status_code".to_owned(), status.to_string());
            }
            let of = if request.route.is_empty() { String::new() } else { format!(" {}", request.route) };
            event.transaction = Some(format!("{}{of}", request.method));
            event.request = Some(sentry::protocol::Request {
                url: url(self.component, &request.path),
                method: Some(request.method),
                ..sentry::protocol::Request::default()
            });
        }
        let handled = self.kind != PANIC;
        event.exception = vec![Exception {
            ty: self.kind.into_owned(),
            value: Some(self.message),
            stacktrace: self.location.as_deref().map(stacktrace),
            mechanism: Some(Mechanism { ty: "knoxcall".to_owned(), handled: Some(handled), ..Mechanism::default() }),
            ..Exception::default()
        }]
        .into();
        event.user = self.user.map(|id| User { id: Some(id.to_string()), ..User::default() });
        event.extra = self.extra;
        event.platform = "rust".into();
        event.tags = tags;
        event
    }
}

/// A URL needs a host; which one the client wrote may be an address, so it is the component.
fn url(component: &str, path: &str) -> Option<Url> {
    let mut url = Url::parse(&format!("http://{component}/")).ok()?;
    url.set_path(path);
    Some(url)
}

/// The one place that is known.
fn stacktrace(location: &str) -> Stacktrace {
    let (file, line) = match location.rsplit_once(':') {
        Some((file, line)) => (file, line.parse().ok()),
        None => (location, None),
    };
    let frame = Frame { filename: Some(file.to_owned()), lineno: line, in_app: Some(true), ..Frame::default() };
    Stacktrace { frames: vec![frame], ..Stacktrace::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(kind: &'static str, location: Option<&str>, tenant: Option<u128>, route: &str) -> Report {
        Report {
            kind: kind.into(),
            location: location.map(str::to_owned),
            component: "gateway",
            tenant: tenant.map(|n| TenantId(Uuid::from_u128(n))),
            request: Some(OfRequest { route: route.to_owned(), ..OfRequest::default() }),
            ..Report::default()
        }
    }

    #[test]
    fn what_a_workspace_may_bring_about_counts_against_it() {
        let place = Some("server/src/store/open.rs:12");
        for (report, whose) in [
            (report("connection_refused", None, Some(1), "billing"), Some(TenantId(Uuid::from_u128(1)))),
            (report("timeout", None, None, "/settings/workspaces"), None),
            (report("store", place, Some(1), ""), None),
            (report("store", place, None, ""), None),
            (report("panic", place, Some(1), "billing"), None),
            (report("panic", None, Some(1), "billing"), None),
        ] {
            assert_eq!(report.whose(), whose, "{report:?}");
        }
    }

    #[test]
    fn kinds_of_this_programs_own_failures_grow_with_no_workspace() {
        for (kind, location) in [("store", Some("server/src/store/open.rs:12")), ("panic", Some("server/src/ids.rs:3")), ("panic", None)] {
            let one = report(kind, location, Some(1), "billing").key();
            assert_eq!(report(kind, location, Some(2), "orders").key(), one);
            assert_ne!(report(kind, location, None, "").key(), one, "counted apart where there is none");
        }
        let one = report("timeout", None, Some(1), "billing").key();
        assert_ne!(report("timeout", None, Some(1), "orders").key(), one);
        assert_ne!(report("timeout", None, Some(2), "billing").key(), one);
    }
}
