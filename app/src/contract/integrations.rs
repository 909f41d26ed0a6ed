//! Where telemetry goes: the operator's destination and a workspace's own.

use serde::{Deserialize, Serialize};

#[cfg(feature = "ssr")]
use super::ApiError;
use super::values::{EgressRule, Signal};
use super::{UnixMillis, Variable};

/// A field together with the environment variable that manages it, if one does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Managed<T> {
    /// The value in effect.
    pub value: T,
    pub by: Option<Variable>,
}

/// What may be shown of a stored secret: that there is one, since when, by whom, and for headers their names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretView {
    pub set: bool,
    pub names: Vec<String>,
    pub set_at: Option<UnixMillis>,
    pub set_by: Option<String>,
    /// The stored value can't be decrypted: it has to be entered again.
    pub unreadable: bool,
}

/// The Global card "OpenTelemetry export".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperatorExportView {
    pub endpoint: Managed<String>,
    pub service_name: Managed<String>,
    pub headers: Managed<SecretView>,
    pub traces: Managed<bool>,
    pub logs: Managed<bool>,
    pub metrics: Managed<bool>,
    /// Further variables in effect that have no field of their own.
    pub also_managed: Vec<Variable>,
    /// Counts saves; sent back with the form so that nobody overwrites another's change unseen.
    pub generation: u64,
    pub saved_at: Option<UnixMillis>,
    pub saved_by: Option<String>,
    pub status: ExportStatus,
}

/// The workspace card "Telemetry export (OTLP)".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenantExportView {
    pub endpoint: String,
    pub service_name: String,
    pub headers: SecretView,
    pub generation: u64,
    pub saved_at: Option<UnixMillis>,
    pub saved_by: Option<String>,
    pub status: ExportStatus,
}

/// The form of either card. Signal switches are present when on and are ignored for a workspace.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportForm {
    /// Empty turns the export off.
    #[serde(default)]
    pub endpoint: String,
    #[serde(default)]
    pub service_name: String,
    /// `k=v` pairs; blank keeps what is stored.
    #[serde(default)]
    pub headers: String,
    /// Present when the stored headers are to be removed.
    #[serde(default)]
    pub clear_headers: Option<String>,
    #[serde(default)]
    pub traces: Option<String>,
    #[serde(default)]
    pub logs: Option<String>,
    #[serde(default)]
    pub metrics: Option<String>,
    /// [`OperatorExportView::generation`] as the form was loaded.
    #[serde(default)]
    pub generation: u64,
}

impl std::fmt::Debug for ExportForm {
    /// Without the headers, which are credentials.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ExportForm").field("endpoint", &self.endpoint).field("generation", &self.generation).finish_non_exhaustive()
    }
}

/// The five states a card can be in, besides a broken record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ExportState {
    Off,
    Active,
    /// Active, with the endpoint from the environment.
    Managed,
    Failing {
        since: UnixMillis,
    },
    Paused,
    /// The stored settings can't be read; nothing is exported until they are saved again.
    Broken,
}

/// How a destination is doing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportStatus {
    pub state: ExportState,
    pub last_success_at: Option<UnixMillis>,
    pub last_failure: Option<ExportFailure>,
    pub counts: ExportCounts,
}

impl ExportStatus {
    #[must_use]
    pub fn off() -> Self {
        Self { state: ExportState::Off, last_success_at: None, last_failure: None, counts: ExportCounts::default() }
    }
}

/// Since this destination's settings were last changed, or since the start. Always
/// accepted = delivered + rejected + dropped + queued.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportCounts {
    /// Spans and log records taken on for this destination.
    pub accepted: u64,
    pub delivered: u64,
    /// Refused by the collector in a partial success.
    pub rejected: u64,
    /// Dropped, by reason (`queue_full`, `not_retryable`, `expired`, `disabled`, …); only reasons that occurred.
    pub dropped: Vec<(String, u64)>,
    pub queued: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportFailure {
    pub at: UnixMillis,
    pub signal: Signal,
    pub kind: FailureKind,
    /// The collector's host, as configured.
    pub host: String,
}

/// What went wrong with an export request, as far as it may be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum FailureKind {
    NameNotFound,
    /// Not even tried: the name or address leads where this destination may not go.
    Blocked {
        rule: EgressRule,
    },
    Refused,
    Unreachable,
    Tls,
    Timeout,
    /// The connection broke while a request was under way.
    Closed,
    Redirect {
        status: u16,
    },
    Status {
        status: u16,
    },
    PartialSuccess {
        rejected: u64,
    },
    /// The answer was not what OTLP says, or too large.
    BadAnswer,
    /// The request would have been larger than 64 MiB.
    TooLarge,
}

/// The export cards. The Global one takes the operator; a workspace's takes its members to read, its admins to write.
#[cfg(feature = "ssr")]
#[async_trait::async_trait]
pub trait Integrations: Send + Sync {
    async fn operator_export(&self) -> Result<OperatorExportView, ApiError>;
    async fn save_operator_export(&self, form: ExportForm) -> Result<(), ApiError>;
    async fn tenant_export(&self, workspace: &str) -> Result<TenantExportView, ApiError>;
    async fn save_tenant_export(&self, workspace: &str, form: ExportForm) -> Result<(), ApiError>;
}
