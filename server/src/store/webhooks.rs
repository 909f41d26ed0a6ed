//! What is kept of webhooks: endpoints, what was or is to be delivered to them, and how they are doing.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{SecretRecord, UnixMillis};
use crate::values::{DeliveryMethod, DisplayName, Email, EventType, FailureKind, TenantId, WebhookAuth, WebhookUrl};
use crate::vault::Sealed;

/// An endpoint that a workspace's events are delivered to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Webhook {
    pub id: Uuid,
    pub workspace: TenantId,
    pub name: DisplayName,
    /// Parsed again when it is read, so that a record can't carry what a form refuses.
    pub url: WebhookUrl,
    pub event_types: Vec<EventType>,
    pub method: DeliveryMethod,
    pub auth: WebhookAuth,
    /// Of [`WebhookAuth::Basic`]; else empty.
    pub auth_user: String,
    /// Of [`WebhookAuth::Header`]; else empty.
    pub auth_header: String,
    /// Text: the password, the token or the header's value.
    pub auth_secret: Option<SecretRecord>,
    /// A header list.
    pub headers: Option<SecretRecord>,
    /// Empty means all.
    pub routes: Vec<Uuid>,
    /// These two: what of a request and its answer goes along.
    #[serde(default)]
    pub include_headers: bool,
    #[serde(default)]
    pub include_bodies: bool,
    /// These two: `None` is the product's default.
    pub timeout_s: Option<u32>,
    pub retries: Option<u32>,
    pub enabled: bool,
    /// Since when it is enabled: what failed before does not count against it.
    pub enabled_at: UnixMillis,
    /// Why KnoxCall switched it off itself, until somebody switches it on.
    #[serde(default)]
    pub stopped: Option<Stopped>,
    /// Text: the newest signing secret.
    pub signing: SecretRecord,
    /// The one before, while it signs too.
    #[serde(default)]
    pub previous: Option<PreviousSecret>,
    /// Counts saves of the form.
    pub generation: u64,
    pub saved_at: UnixMillis,
    /// `None` when the bootstrap file wrote it.
    pub saved_by: Option<Email>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PreviousSecret {
    pub secret: SecretRecord,
    pub until: UnixMillis,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stopped {
    pub why: StopReason,
    pub since: UnixMillis,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// It answered 410.
    Gone,
    /// It had only failed for too long.
    GaveUp,
}

/// One event for one endpoint.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Delivery {
    /// `webhook-id`: of version 7, so that they lie in the order they were made.
    pub id: Uuid,
    pub workspace: TenantId,
    pub endpoint: Uuid,
    pub event: EventType,
    pub body: DeliveryBody,
    pub created_at: UnixMillis,
    pub state: DeliveryState,
    /// The newest last; only the last of them are kept.
    pub attempts: Vec<Attempt>,
    /// Attempts that were made before somebody had it delivered again.
    #[serde(default)]
    pub earlier: u32,
    /// The request that caused it.
    pub request_id: Option<Uuid>,
    pub trace: Option<Trace>,
}

/// JSON, byte for byte as it is sent and signed.
#[derive(Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub enum DeliveryBody {
    Sealed(Sealed),
    /// As earlier versions kept it.
    Plain(String),
}

impl DeliveryBody {
    /// About how much it takes on disk, in bytes.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "no body is empty")]
    pub const fn len(&self) -> usize {
        match self {
            Self::Sealed(sealed) => sealed.data.len(),
            Self::Plain(text) => text.len(),
        }
    }
}

impl std::fmt::Debug for DeliveryBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DeliveryBody({} bytes)", self.len())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    Waiting { next_at: UnixMillis },
    Delivered { at: UnixMillis },
    Failed { at: UnixMillis },
}

impl DeliveryState {
    #[must_use]
    pub const fn is_waiting(&self) -> bool {
        matches!(self, Self::Waiting { .. })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    pub at: UnixMillis,
    /// From 1, over all rounds.
    pub number: u32,
    pub status: Option<u16>,
    pub latency_ms: u64,
    /// `None`: it was taken.
    pub failure: Option<FailureKind>,
}

/// A place in a trace (W3C Trace Context).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trace {
    /// In hex, as is the next.
    pub trace_id: String,
    pub span_id: String,
    pub flags: u8,
    pub state: Option<String>,
}

/// How an endpoint is doing. Written with every attempt, so it is a record of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookHealth {
    pub workspace: TenantId,
    pub endpoint: Uuid,
    /// The first failure since the last success.
    pub failing_since: Option<UnixMillis>,
    /// Deliveries that ended, by the hour; only the last day's are kept.
    pub hours: Vec<Hour>,
    /// Deliveries that were not taken in because too many waited.
    pub dropped: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hour {
    /// Hours since the Unix epoch.
    pub hour: i64,
    pub delivered: u64,
    pub failed: u64,
}

const HOUR_MS: UnixMillis = 3_600_000;
const HOURS: i64 = 24;

impl WebhookHealth {
    /// Of an endpoint to which nothing has been delivered yet.
    #[must_use]
    pub const fn new(workspace: TenantId, endpoint: Uuid) -> Self {
        Self { workspace, endpoint, failing_since: None, hours: Vec::new(), dropped: 0 }
    }

    /// Counts a delivery that has ended.
    pub fn ended(&mut self, delivered: bool, now: UnixMillis) {
        let this = now.div_euclid(HOUR_MS);
        self.hours.retain(|hour| this - hour.hour < HOURS);
        if self.hours.last().is_none_or(|last| last.hour != this) {
            self.hours.push(Hour { hour: this, delivered: 0, failed: 0 });
        }
        if let Some(hour) = self.hours.last_mut() {
            if delivered {
                hour.delivered += 1;
            } else {
                hour.failed += 1;
            }
        }
    }

    /// Delivered and failed within the last day.
    #[must_use]
    pub fn last_day(&self, now: UnixMillis) -> (u64, u64) {
        let this = now.div_euclid(HOUR_MS);
        let lately = self.hours.iter().filter(|hour| this - hour.hour < HOURS);
        lately.fold((0, 0), |(delivered, failed), hour| (delivered + hour.delivered, failed + hour.failed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_counted_and_forgotten() {
        let mut health = WebhookHealth::new(TenantId(Uuid::nil()), Uuid::nil());
        for hour in 0..30 {
            health.ended(hour % 3 == 0, hour * HOUR_MS + 1);
            health.ended(true, hour * HOUR_MS + 2);
        }
        assert_eq!(health.hours.len(), 24);
        assert_eq!(health.last_day(29 * HOUR_MS), (32, 16));
        assert_eq!(health.last_day(52 * HOUR_MS), (1, 1), "hour 29 alone");
        assert_eq!(health.last_day(100 * HOUR_MS), (0, 0));
    }
}
