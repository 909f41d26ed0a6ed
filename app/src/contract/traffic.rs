//! The requests that a workspace's callers make, as they end: kept in memory while somebody looks at them.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

#[cfg(feature = "ssr")]
use super::ApiError;
use super::UnixMillis;

/// Requests of a workspace that are kept, the newest.
pub const MAX_REQUESTS_KEPT: usize = 500;
/// For how many minutes after the last look requests go on to be kept.
pub const REQUESTS_KEPT_MIN: u64 = 15;

/// What became of a request, as telemetry judges it too. On the wire by its [`name`](Self::name).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum StatusClass {
    #[serde(rename = "2xx")]
    Success,
    #[serde(rename = "3xx")]
    Redirect,
    #[serde(rename = "4xx")]
    ClientError,
    /// 5xx, and whatever has no answer or one that broke off.
    #[serde(rename = "failed")]
    Failed,
}

impl StatusClass {
    pub const ALL: [Self; 4] = [Self::Success, Self::Redirect, Self::ClientError, Self::Failed];

    /// `None` for a request that has no answer and did not fail: its caller went away.
    #[must_use]
    pub const fn of(status: Option<u16>, failed: bool) -> Option<Self> {
        match status {
            _ if failed => Some(Self::Failed),
            Some(500..) => Some(Self::Failed),
            Some(400..=499) => Some(Self::ClientError),
            Some(300..=399) => Some(Self::Redirect),
            Some(200..=299) => Some(Self::Success),
            _ => None,
        }
    }

    /// As an address has it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Success => "2xx",
            Self::Redirect => "3xx",
            Self::ClientError => "4xx",
            Self::Failed => "failed",
        }
    }

    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.name() == name)
    }
}

/// One request that has ended. Never its query, a header, a body, or who made it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrafficRow {
    pub request_id: Uuid,
    /// When it ended.
    pub at: UnixMillis,
    pub method: String,
    pub path: String,
    /// `None` when there was no answer.
    pub status: Option<u16>,
    pub class: Option<StatusClass>,
    /// The caller went away; not an error.
    pub cancelled: bool,
    pub latency_us: u64,
    /// The route's slug, or `ai/` and an agent's; empty when it named none that exists.
    pub route: String,
    /// Empty when there is none.
    pub environment: String,
    /// The upstream's host, when one was chosen.
    pub upstream: Option<String>,
    /// `error.type`: the failure's kind, or else the status of a 5xx.
    pub error_type: Option<String>,
    /// Of an answer that the gateway made itself: also in the answer and in the server's log.
    pub error_id: Option<Uuid>,
    /// In hexadecimal.
    pub trace_id: String,
}

/// Which requests; the default is all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TrafficFilter {
    #[serde(default)]
    pub class: Option<StatusClass>,
    /// As [`TrafficRow::route`]; empty for any.
    #[serde(default)]
    pub route: String,
}

/// A page of requests, the newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrafficPage {
    pub rows: Vec<TrafficRow>,
    /// The request before which the next page begins; `None` on the last one.
    pub next: Option<Uuid>,
}

/// What passes through the gateway, for members of the workspace.
#[cfg(feature = "ssr")]
#[async_trait::async_trait]
pub trait Traffic: Send + Sync {
    /// Those that are kept. Asking is looking: requests are kept from the first time on, until nobody has asked for a while.
    async fn traffic(&self, workspace: &str, filter: TrafficFilter, before: Option<Uuid>) -> Result<TrafficPage, ApiError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_for_each_end() {
        for (status, failed, class) in [
            (Some(204), false, Some("2xx")),
            (Some(304), false, Some("3xx")),
            (Some(429), false, Some("4xx")),
            (Some(503), false, Some("failed")),
            (Some(200), true, Some("failed")),
            (None, true, Some("failed")),
            (None, false, None),
        ] {
            assert_eq!(StatusClass::of(status, failed).map(StatusClass::name), class, "{status:?} {failed}");
        }
    }

    #[test]
    fn a_class_is_read_as_it_is_written() {
        for class in StatusClass::ALL {
            assert_eq!(StatusClass::parse(class.name()), Some(class));
        }
        assert_eq!(StatusClass::parse("5xx"), None);
    }
}
