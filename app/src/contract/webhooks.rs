//! A workspace's webhook endpoints and what was delivered to them.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::values::{DeliveryMethod, EventType, WebhookAuth};
#[cfg(feature = "ssr")]
use super::{ApiError, ShownOnce};
use super::{FailureKind, SecretView, UnixMillis};

/// An endpoint as the list shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookRow {
    pub id: Uuid,
    pub name: String,
    /// As for [`WebhookView::url`].
    pub url: String,
    pub state: WebhookState,
    pub event_types: Vec<EventType>,
    /// Deliveries of the last 24 hours that ended.
    pub delivered: u64,
    pub failed: u64,
    /// Deliveries that wait for their first or next attempt.
    pub waiting: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum WebhookState {
    Active,
    /// Switched off by a person.
    Disabled,
    /// It answered 410 Gone.
    Gone {
        since: UnixMillis,
    },
    /// It had only failed for five days.
    GaveUp {
        since: UnixMillis,
    },
    /// Its last attempts failed; deliveries are tried again.
    Failing {
        since: UnixMillis,
    },
    /// What is stored of it can't be read; nothing is delivered until it is saved again.
    Broken,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookView {
    pub id: Uuid,
    pub name: String,
    /// Whole for whoever may change it; path and query often are a secret, so others see scheme, host and port.
    pub url: String,
    pub event_types: Vec<EventType>,
    pub method: DeliveryMethod,
    pub auth: WebhookAuth,
    /// Of `Basic`.
    pub auth_user: String,
    /// Of `Header`.
    pub auth_header: String,
    /// The password, the token or the header's value.
    pub auth_secret: SecretView,
    pub headers: SecretView,
    /// Slugs of the routes it is told of, or the id of one that is gone; empty means all.
    pub routes: Vec<String>,
    /// These two: what of a request and its answer goes along, secrets redacted.
    pub include_headers: bool,
    pub include_bodies: bool,
    /// In seconds, 1 to 60; `None` is the default of 15.
    pub timeout_s: Option<u32>,
    /// Attempts after the first, 0 to 10; `None` is the default of 3.
    pub retries: Option<u32>,
    pub enabled: bool,
    pub state: WebhookState,
    /// Deliveries that were not made because too many waited already, since the endpoint was made.
    pub dropped: u64,
    /// The signing secret itself is shown once, after it was made.
    pub signing_secret: SecretView,
    /// Until when the secret before the newest signs too.
    pub overlap_until: Option<UnixMillis>,
    pub generation: u64,
    pub saved_at: UnixMillis,
    pub saved_by: Option<String>,
}

/// The form of an endpoint.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookForm {
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    pub url: String,
    /// By name.
    #[serde(default)]
    pub event_types: Vec<String>,
    #[serde(default)]
    pub method: String,
    #[serde(default)]
    pub auth: String,
    #[serde(default)]
    pub auth_user: String,
    #[serde(default)]
    pub auth_header: String,
    /// Blank keeps what is stored, never towards another origin.
    #[serde(default)]
    pub auth_secret: String,
    /// `k=v` pairs; blank keeps what is stored, never towards another origin.
    #[serde(default)]
    pub headers: String,
    /// Present when the stored headers are to be removed.
    #[serde(default)]
    pub clear_headers: Option<String>,
    /// Slugs; empty means all.
    #[serde(default)]
    pub routes: Vec<String>,
    /// These two are present when they are on.
    #[serde(default)]
    pub include_headers: Option<String>,
    #[serde(default)]
    pub include_bodies: Option<String>,
    /// Whole seconds; blank is the default.
    #[serde(default)]
    pub timeout_s: String,
    /// A whole number; blank is the default.
    #[serde(default)]
    pub retries: String,
    /// [`WebhookView::generation`] as the form was loaded; 0 for a new one.
    #[serde(default)]
    pub generation: u64,
}

impl std::fmt::Debug for WebhookForm {
    /// Without secrets, and without the URL, which may hold one.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WebhookForm").field("name", &self.name).finish_non_exhaustive()
    }
}

/// What of a workspace's events was not told, or not whole, since the server started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookLosses {
    /// Events that could not be queued.
    pub events: u64,
    /// Events that were told without headers or bodies that an endpoint includes, because there was no room for copies.
    pub without_copies: u64,
    /// Deliveries that were not made, because too much waited on disk.
    pub no_room: u64,
}

/// Something that was, or is to be, delivered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryRow {
    /// `webhook-id`, the same in every attempt.
    pub id: Uuid,
    pub event: EventType,
    pub created_at: UnixMillis,
    pub state: DeliveryState,
    /// The newest first.
    pub attempts: Vec<DeliveryAttempt>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeliveryState {
    /// Before its first attempt, or between two.
    Waiting {
        next_at: UnixMillis,
    },
    Delivered,
    /// No attempt is left, or none would help.
    Failed,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryAttempt {
    pub at: UnixMillis,
    /// 1 for the first.
    pub number: u32,
    /// The answer's, when there was one.
    pub status: Option<u16>,
    pub latency_ms: u64,
    /// `None`: it was taken (2xx).
    pub failure: Option<FailureKind>,
}

/// A page of deliveries, the newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deliveries {
    pub rows: Vec<DeliveryRow>,
    /// Where the next page begins; `None` on the last one.
    pub next: Option<Uuid>,
}

/// Webhooks. Reading takes any membership, writing takes the operator or a workspace's admin.
#[cfg(feature = "ssr")]
#[async_trait::async_trait]
pub trait Webhooks: Send + Sync {
    async fn webhooks(&self, workspace: &str) -> Result<Vec<WebhookRow>, ApiError>;
    async fn losses(&self, workspace: &str) -> Result<WebhookLosses, ApiError>;
    async fn webhook(&self, workspace: &str, id: Uuid) -> Result<WebhookView, ApiError>;
    /// Returns its id; [`Webhooks::take_secret`] shows the signing secret once.
    async fn create_webhook(&self, workspace: &str, form: WebhookForm) -> Result<Uuid, ApiError>;
    async fn save_webhook(&self, workspace: &str, id: Uuid, form: WebhookForm) -> Result<(), ApiError>;
    /// Enabling one that gave up gives it its five days anew.
    async fn enable_webhook(&self, workspace: &str, id: Uuid, enabled: bool) -> Result<(), ApiError>;
    /// With what waits for it. `confirmation` must be its name.
    async fn delete_webhook(&self, workspace: &str, id: Uuid, confirmation: &str) -> Result<(), ApiError>;
    /// Makes a new signing secret; the old one signs too for 24 hours, so that receivers can follow.
    async fn rotate_secret(&self, workspace: &str, id: Uuid) -> Result<(), ApiError>;
    async fn take_secret(&self, workspace: &str, id: Uuid) -> Result<Option<ShownOnce>, ApiError>;
    /// Delivers `webhook.test` once, at once, and says what came of it. It is in the history too.
    async fn test_webhook(&self, workspace: &str, id: Uuid) -> Result<DeliveryAttempt, ApiError>;
    /// `before`: a [`Deliveries::next`]. `failed`: only those that failed.
    async fn deliveries(&self, workspace: &str, id: Uuid, before: Option<Uuid>, failed: bool) -> Result<Deliveries, ApiError>;
    /// Queues a delivery that ended once more, with its own id.
    async fn redeliver(&self, workspace: &str, id: Uuid, delivery: Uuid) -> Result<(), ApiError>;
    /// Queues everything that failed since then; returns how many.
    async fn redeliver_failed(&self, workspace: &str, id: Uuid, since: UnixMillis) -> Result<u64, ApiError>;
}
