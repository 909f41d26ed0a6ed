//! The requests of a workspace, while somebody looks at them.

use app::contract::{ApiError, Traffic, TrafficFilter, TrafficPage, TrafficRow};
use async_trait::async_trait;
use uuid::Uuid;

use super::Bound;
use crate::store::unix_millis;
use crate::traffic::{Entry, Wanted};

const PER_PAGE: usize = 50;
/// Until then somebody may have left the page of another workspace.
const AGAIN_S: u32 = 60;

#[async_trait]
impl Traffic for Bound {
    async fn traffic(&self, workspace: &str, filter: TrafficFilter, before: Option<Uuid>) -> Result<TrafficPage, ApiError> {
        let (_, member) = self.visitor.member_of(workspace)?;
        let wanted = Wanted { class: filter.class, route: filter.route };
        let page = self.parts.traffic.look(&member, &wanted, before, PER_PAGE).ok_or(ApiError::Throttled { retry_after_s: AGAIN_S })?;
        Ok(TrafficPage { rows: page.entries.iter().map(|entry| row(entry)).collect(), next: page.next })
    }
}

fn row(entry: &Entry) -> TrafficRow {
    TrafficRow {
        request_id: entry.request_id,
        at: unix_millis(entry.ended),
        method: entry.method.to_string(),
        path: entry.path.to_string(),
        status: entry.status,
        class: entry.class(),
        cancelled: entry.cancelled,
        latency_us: u64::try_from(entry.duration.as_micros()).unwrap_or(u64::MAX),
        route: entry.route.to_string(),
        environment: entry.environment.to_string(),
        upstream: entry.upstream.as_ref().map(ToString::to_string),
        error_type: entry.error_type().map(String::from),
        error_id: entry.error_id,
        trace_id: hex::encode(entry.trace_id),
    }
}
