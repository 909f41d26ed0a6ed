//! Server functions of the export cards. Each takes its services from the request before the first `await`, calls one
//! contract method and, after a change, says where to go; rules and authorisation are behind the contract.
//!
//! `workspace` is a slug, or empty for the Global scope.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use super::view_model::still_failing_sentence;
#[cfg(feature = "ssr")]
use crate::contract::ExportScope;
use crate::contract::{ApiError, ExportForm, ExportState, ExportStatus, ExportView, TestReport, TrackingState, UnixMillis, WorkspaceRef};
#[cfg(feature = "ssr")]
use crate::service::{Services, go_to, services};

/// Where a card stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Place {
    /// With the workspaces that the scope switch offers: slug and name.
    Global {
        workspaces: Vec<(String, String)>,
    },
    Workspace(WorkspaceRef),
}

impl Place {
    #[must_use]
    pub fn may_write(&self) -> bool {
        match self {
            Self::Global { .. } => true,
            Self::Workspace(workspace) => workspace.access.may_write(),
        }
    }

    /// As the forms name it.
    #[must_use]
    pub fn slug(&self) -> String {
        match self {
            Self::Global { .. } => String::new(),
            Self::Workspace(workspace) => workspace.slug.clone(),
        }
    }
}

/// The cards of a scope, each at a glance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cards {
    pub place: Place,
    pub glances: Glances,
}

/// What the cards show of their states. It is asked for every two seconds, so it is small.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Glances {
    pub export: ExportGlance,
    /// In the Global scope alone.
    pub tracking: Option<TrackingGlance>,
}

/// How a destination is doing, in short.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportGlance {
    pub state: ExportState,
    pub last_success_at: Option<UnixMillis>,
    /// [`ExportStatus::still_failing`] in words, which the code of the cards need not have then: it is loaded first.
    pub still_failing: Vec<String>,
}

impl From<ExportStatus> for ExportGlance {
    fn from(status: ExportStatus) -> Self {
        let still_failing = status.still_failing.iter().map(still_failing_sentence).collect();
        Self { state: status.state, last_success_at: status.last_success_at, still_failing }
    }
}

/// Whether the errors of either tier are reported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrackingGlance {
    pub browser: TrackingState,
    pub server: TrackingState,
}

/// # Errors
/// As the contract's.
#[server(endpoint = "integrations/cards")]
pub async fn load_cards(#[server(default)] workspace: String) -> Result<Cards, ApiError> {
    let services = services()?;
    let glances = glances_of(&services, &workspace).await?;
    Ok(Cards { place: place_of(&services, &workspace).await?, glances })
}

/// # Errors
/// As the contract's.
#[server(endpoint = "integrations/glances")]
pub async fn load_glances(#[server(default)] workspace: String) -> Result<Glances, ApiError> {
    glances_of(&services()?, &workspace).await
}

#[cfg(feature = "ssr")]
async fn glances_of(services: &Services, workspace: &str) -> Result<Glances, ApiError> {
    let export = services.integrations.export_status(&ExportScope::of_field(workspace)).await?.into();
    let tracking = if workspace.is_empty() {
        let view = services.error_tracking.tracking().await?;
        Some(TrackingGlance { browser: view.browser, server: view.server.state })
    } else {
        None
    };
    Ok(Glances { export, tracking })
}

#[cfg(feature = "ssr")]
async fn place_of(services: &Services, workspace: &str) -> Result<Place, ApiError> {
    if !workspace.is_empty() {
        return Ok(Place::Workspace(services.directory.workspace(workspace).await?));
    }
    let viewer = services.accounts.viewer().await?.ok_or(ApiError::SignedOut)?;
    Ok(Place::Global { workspaces: viewer.workspaces.into_iter().map(|found| (found.slug, found.name)).collect() })
}

/// An export card with where it stands.
///
/// # Errors
/// As the contract's.
#[server(endpoint = "integrations/export")]
pub async fn export(#[server(default)] workspace: String) -> Result<(Place, ExportView), ApiError> {
    let services = services()?;
    let view = services.integrations.export(&ExportScope::of_field(&workspace)).await?;
    Ok((place_of(&services, &workspace).await?, view))
}

/// How a destination is doing, for the live panel.
///
/// # Errors
/// As the contract's.
#[server(endpoint = "integrations/export-health")]
pub async fn export_health(#[server(default)] workspace: String) -> Result<ExportStatus, ApiError> {
    services()?.integrations.export_status(&ExportScope::of_field(&workspace)).await
}

/// # Errors
/// As the contract's.
#[server(endpoint = "integrations/save-export")]
pub async fn save_export(#[server(default)] workspace: String, form: ExportForm) -> Result<(), ApiError> {
    services()?.integrations.save_export(&ExportScope::of_field(&workspace), form).await?;
    go_to(&format!("{}?saved=otlp", page(&workspace)));
    Ok(())
}

/// Sends a test as the form stands. The report is also on the card, for pages without scripts.
///
/// # Errors
/// As the contract's.
#[server(endpoint = "integrations/test-export")]
pub async fn test_export(#[server(default)] workspace: String, form: ExportForm) -> Result<TestReport, ApiError> {
    services()?.integrations.test_export(&ExportScope::of_field(&workspace), form).await
}

/// # Errors
/// As the contract's.
#[server(endpoint = "integrations/pause-export")]
pub async fn pause_export(#[server(default)] workspace: String, generation: u64) -> Result<(), ApiError> {
    services()?.integrations.pause_export(&ExportScope::of_field(&workspace), generation).await?;
    go_to(&format!("{}?saved=export-paused", page(&workspace)));
    Ok(())
}

/// One that paused itself stays paused if its test does not pass; the report says why.
///
/// # Errors
/// As the contract's.
#[server(endpoint = "integrations/resume-export")]
pub async fn resume_export(#[server(default)] workspace: String, generation: u64) -> Result<(), ApiError> {
    let resumed = services()?.integrations.resume_export(&ExportScope::of_field(&workspace), generation).await?;
    go_to(&format!("{}{}", page(&workspace), if resumed { "?saved=export-resumed" } else { "?resumed=no" }));
    Ok(())
}

/// # Errors
/// As the contract's.
#[server(endpoint = "integrations/revert-export")]
pub async fn revert_export(#[server(default)] workspace: String, to: u64, generation: u64) -> Result<(), ApiError> {
    services()?.integrations.revert_export(&ExportScope::of_field(&workspace), to, generation).await?;
    go_to(&format!("{}?saved=export-reverted", page(&workspace)));
    Ok(())
}

/// The card's page.
#[must_use]
pub fn page(workspace: &str) -> String {
    if workspace.is_empty() { "/settings/integrations/otlp".to_owned() } else { format!("/w/{workspace}/settings/integrations/telemetry") }
}
