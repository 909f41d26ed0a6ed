//! What is kept of a request: what the page shows, and nothing else. No query, header, body or credential, and not who made
//! it. Pure.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use uuid::Uuid;

use crate::event::{Proxied, Request};
use crate::values::StatusClass;

/// How much of a path is kept, in bytes.
const MOST_OF_PATH: usize = 2048;

/// One request that has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub ended: SystemTime,
    pub duration: Duration,
    pub request_id: Uuid,
    pub trace_id: [u8; 16],
    pub method: http::Method,
    /// A long one is cut.
    pub path: Box<str>,
    /// `None` when there was no answer.
    pub status: Option<u16>,
    /// The caller went away; not an error.
    pub cancelled: bool,
    /// The route's slug; empty when the request named none that exists.
    pub route: Arc<str>,
    /// Empty when there is none.
    pub environment: Arc<str>,
    pub upstream: Option<Arc<str>>,
    /// Why it ended as a failure of this platform or of the way to the upstream.
    pub failure: Option<&'static str>,
    pub error_id: Option<Uuid>,
}

impl Entry {
    #[must_use]
    pub fn of(request: &Request, proxied: &Proxied) -> Self {
        let failure = request.failure.as_ref().filter(|_| !request.cancelled);
        Self {
            ended: request.started.checked_add(request.duration).unwrap_or(request.started),
            duration: request.duration,
            request_id: request.request_id,
            trace_id: request.trace.trace_id,
            method: request.method.clone(),
            path: cut(&request.path),
            status: request.status,
            cancelled: request.cancelled,
            route: Arc::clone(&proxied.route),
            environment: Arc::clone(&proxied.environment),
            upstream: proxied.upstream_host.clone(),
            failure: failure.map(|failure| failure.kind),
            error_id: failure.and_then(|failure| failure.error_id),
        }
    }

    #[must_use]
    pub const fn class(&self) -> Option<StatusClass> {
        StatusClass::of(self.status, self.failure.is_some())
    }

    /// `error.type`, as telemetry has it: the failure's kind, or else the status of a 5xx.
    #[must_use]
    pub fn error_type(&self) -> Option<Cow<'static, str>> {
        match (self.failure, self.status) {
            (Some(kind), _) => Some(Cow::Borrowed(kind)),
            (None, Some(status @ 500..)) => Some(Cow::Owned(status.to_string())),
            (None, _) => None,
        }
    }

    /// About how much memory it holds, in bytes.
    pub(super) fn size(&self) -> usize {
        let names = self.route.len() + self.environment.len() + self.upstream.as_ref().map_or(0, |host| host.len());
        size_of::<Self>() + self.method.as_str().len() + self.path.len() + names
    }
}

fn cut(path: &str) -> Box<str> {
    let kept = &path[..path.floor_char_boundary(MOST_OF_PATH)];
    if kept.len() < path.len() { format!("{kept}…").into() } else { kept.into() }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{entry, request};
    use super::*;
    use crate::event::Failure;

    #[test]
    fn nothing_is_kept_that_the_page_does_not_show() {
        let failure = Some(Failure::new("timeout", "canary".to_owned()));
        let kept = format!("{:?}", entry(&Request { failure, ..request() }));
        assert!(kept.contains("/invoices") && kept.contains("timeout"), "{kept}");
        assert!(!kept.contains("canary") && !kept.contains("192.0.2.7"), "{kept}");
    }

    #[test]
    fn it_ended_when_its_time_was_over() {
        let kept = entry(&request());
        assert_eq!(kept.ended, request().started + Duration::from_micros(12_500));
        assert_eq!((&*kept.route, &*kept.environment, kept.upstream.as_deref()), ("billing", "production", Some("api.upstream.test")));
    }

    #[test]
    fn errors_are_told_as_telemetry_tells_them() {
        let id = Uuid::from_u128(9);
        let failure = || Some(Failure { error_id: Some(id), ..Failure::new("timeout", String::new()) });
        for (status, failure, cancelled, class, error, error_id) in [
            (Some(200), None, false, Some(StatusClass::Success), None, None),
            (Some(404), None, false, Some(StatusClass::ClientError), None, None),
            (Some(503), None, false, Some(StatusClass::Failed), Some("503"), None),
            (Some(504), failure(), false, Some(StatusClass::Failed), Some("timeout"), Some(id)),
            (Some(200), failure(), false, Some(StatusClass::Failed), Some("timeout"), Some(id)),
            (None, failure(), false, Some(StatusClass::Failed), Some("timeout"), Some(id)),
            (None, None, true, None, None, None),
            (Some(200), failure(), true, Some(StatusClass::Success), None, None),
        ] {
            let kept = entry(&Request { status, failure, cancelled, ..request() });
            assert_eq!((kept.class(), kept.error_type().as_deref(), kept.error_id), (class, error, error_id), "{status:?} {cancelled}");
        }
    }

    #[test]
    fn a_long_path_is_cut_between_two_characters() {
        let path = format!("/{}", "ä".repeat(MOST_OF_PATH));
        let kept = entry(&Request { path, ..request() }).path;
        assert!(kept.ends_with("ä…") && kept.len() <= MOST_OF_PATH + '…'.len_utf8(), "{}", kept.len());
        let path = format!("/{}", "a".repeat(MOST_OF_PATH - 1));
        assert_eq!(&*entry(&Request { path: path.clone(), ..request() }).path, path);
    }
}
