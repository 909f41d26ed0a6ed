//! Where errors are reported to Sentry: those of the console's pages and those of the server. For operators alone.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

#[cfg(feature = "ssr")]
use super::ApiError;
use super::{FailureKind, Managed, UnixMillis};

/// The states either tier can be in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TrackingState {
    Off,
    Active,
    /// Active, with the DSN from the environment.
    Managed,
    Failing {
        since: UnixMillis,
    },
    /// The stored settings can't be read; nothing is reported until they are saved again.
    Broken,
}

/// The card "Error tracking (Sentry)".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrackingView {
    /// A DSN is no secret and is shown whole; empty when there is none.
    pub dsn_browser: Managed<String>,
    pub dsn_server: Managed<String>,
    pub environment: Managed<String>,
    /// Only the environment changes it.
    pub release: Managed<String>,
    /// Counts saves; sent back with the form so that nobody overwrites another's change unseen.
    pub generation: u64,
    pub saved_at: Option<UnixMillis>,
    pub saved_by: Option<String>,
    pub browser: TrackingState,
    pub server: ServerTrackingStatus,
}

/// How the server's reporting goes, since its settings last changed or the process started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerTrackingStatus {
    pub state: TrackingState,
    pub last_sent_at: Option<UnixMillis>,
    pub last_failure: Option<TrackingFailure>,
    pub counts: TrackingCounts,
    /// What "Send test error" found last, until the server restarts.
    pub test: Option<TrackingTest>,
}

/// Always accepted = sent + dropped + queued.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrackingCounts {
    pub accepted: u64,
    pub sent: u64,
    /// By reason (`queue_full`, `rate_limited`, …); only reasons that occurred.
    pub dropped: Vec<(String, u64)>,
    pub queued: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrackingFailure {
    pub at: UnixMillis,
    pub kind: FailureKind,
    /// As configured.
    pub host: String,
}

/// What "Send test error" found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrackingTest {
    pub at: UnixMillis,
    /// The tag by which the event is found in Sentry.
    pub error_id: Uuid,
    pub host: String,
    /// The answer's, when there was one.
    pub status: Option<u16>,
    pub latency_ms: u64,
    /// `None`: the event was accepted.
    pub failure: Option<FailureKind>,
    /// In Sentry's words or those of the TLS library, shortened.
    pub detail: Option<String>,
}

/// The form. Blank turns a tier off, or is no environment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrackingForm {
    #[serde(default)]
    pub dsn_browser: String,
    #[serde(default)]
    pub dsn_server: String,
    #[serde(default)]
    pub environment: String,
    /// [`TrackingView::generation`] as the form was loaded.
    #[serde(default)]
    pub generation: u64,
}

/// Error tracking. Each method takes the operator.
#[cfg(feature = "ssr")]
#[async_trait::async_trait]
pub trait ErrorTracking: Send + Sync {
    async fn tracking(&self) -> Result<TrackingView, ApiError>;
    async fn save_tracking(&self, form: TrackingForm) -> Result<(), ApiError>;
    /// Sends a marked event to where the form, saved or not, would send the server's errors; changes nothing.
    async fn test_tracking(&self, form: TrackingForm) -> Result<TrackingTest, ApiError>;
}
