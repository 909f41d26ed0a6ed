//! Where telemetry goes: the operator's destination and a workspace's own.

use serde::{Deserialize, Serialize};

use super::export_health::ExportStatus;
use super::export_history::ExportRevision;
use super::values::{Compression, Preset, Temporality};
#[cfg(feature = "ssr")]
use super::{ApiError, export_health::TestReport};
use super::{UnixMillis, Variable};

/// A field together with the environment variable that manages it, if one does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Managed<T> {
    /// The value in effect.
    pub value: T,
    pub by: Option<Variable>,
}

impl<T> Managed<T> {
    /// One that no variable manages.
    pub const fn free(value: T) -> Self {
        Self { value, by: None }
    }
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

/// Whose destination: the operator's or a workspace's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExportScope {
    Global,
    /// By slug.
    Workspace(String),
}

impl ExportScope {
    /// As forms name it: a workspace's slug, or nothing for the Global scope.
    #[must_use]
    pub fn of_field(workspace: &str) -> Self {
        if workspace.is_empty() { Self::Global } else { Self::Workspace(workspace.to_owned()) }
    }
}

/// The card of either scope: "OpenTelemetry export", "Telemetry export (OTLP)". Nothing is managed in a workspace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportView {
    /// Empty when there is none.
    pub endpoint: Managed<String>,
    pub service_name: Managed<String>,
    pub headers: Managed<SecretView>,
    /// Means the operator's destination only: a workspace gets no traces.
    pub traces: Managed<bool>,
    pub logs: Managed<bool>,
    pub metrics: Managed<bool>,
    pub compression: Managed<Compression>,
    /// In seconds; `None` is the default.
    pub timeout_s: Managed<Option<u32>>,
    pub temporality: Managed<Temporality>,
    pub preset: Option<Preset>,
    /// Further variables in effect that have no field of their own.
    pub also_managed: Vec<Variable>,
    /// Counts saves; sent back with the form so that nobody overwrites another's change unseen.
    pub generation: u64,
    pub saved_at: Option<UnixMillis>,
    pub saved_by: Option<String>,
    pub status: ExportStatus,
    /// The newest first.
    pub history: Vec<ExportRevision>,
}

/// The form of either card. Signal switches are present when on; a workspace has none for traces.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
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
    /// By name; blank is the default.
    #[serde(default)]
    pub compression: String,
    /// In whole seconds; blank is the default.
    #[serde(default)]
    pub timeout_s: String,
    /// By name; blank is the default.
    #[serde(default)]
    pub temporality: String,
    /// A [`Preset`]'s slug; blank is none.
    #[serde(default)]
    pub preset: String,
    /// [`ExportView::generation`] as the form was loaded.
    #[serde(default)]
    pub generation: u64,
}

impl std::fmt::Debug for ExportForm {
    /// Without the headers, which are credentials.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ExportForm").field("endpoint", &self.endpoint).field("generation", &self.generation).finish_non_exhaustive()
    }
}

/// The export cards. The Global one takes the operator; a workspace's takes its members to read, its admins for all else.
#[cfg(feature = "ssr")]
#[async_trait::async_trait]
pub trait Integrations: Send + Sync {
    async fn export(&self, scope: &ExportScope) -> Result<ExportView, ApiError>;
    /// Without settings and history: what the card asks for again and again.
    async fn export_status(&self, scope: &ExportScope) -> Result<ExportStatus, ApiError>;
    async fn save_export(&self, scope: &ExportScope, form: ExportForm) -> Result<(), ApiError>;
    /// Sends a marked record per signal to where the form, saved or not, would send; changes nothing.
    async fn test_export(&self, scope: &ExportScope, form: ExportForm) -> Result<TestReport, ApiError>;
    async fn pause_export(&self, scope: &ExportScope, generation: u64) -> Result<(), ApiError>;
    /// One that paused itself resumes only if a test passes: `false`, and the report is in the status.
    async fn resume_export(&self, scope: &ExportScope, generation: u64) -> Result<bool, ApiError>;
    /// Makes an earlier generation's settings the newest.
    async fn revert_export(&self, scope: &ExportScope, to: u64, generation: u64) -> Result<(), ApiError>;
}
