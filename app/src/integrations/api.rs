//! Server functions of the export cards. Each takes its services from the request before the first `await`, calls one
//! contract method and, after a change, says where to go; rules and authorisation are behind the contract.

use leptos::prelude::*;

use crate::contract::{ApiError, ExportForm, ExportStatus, OperatorExportView, TenantExportView, Viewer, WorkspaceRef};
#[cfg(feature = "ssr")]
use crate::service::{go_to, services};

/// The Global integrations, and the workspaces that the scope switch offers.
///
/// # Errors
/// As the contract's.
#[server(endpoint = "integrations/operator-export")]
pub async fn operator_export() -> Result<(Viewer, OperatorExportView), ApiError> {
    let services = services()?;
    let view = services.integrations.operator_export().await?;
    let viewer = services.accounts.viewer().await?.ok_or(ApiError::SignedOut)?;
    Ok((viewer, view))
}

/// How the operator's destination is doing, for the live panel.
///
/// # Errors
/// As the contract's.
#[server(endpoint = "integrations/operator-export-status")]
pub async fn operator_export_status() -> Result<ExportStatus, ApiError> {
    let services = services()?;
    Ok(services.integrations.operator_export().await?.status)
}

/// # Errors
/// As the contract's.
#[server(endpoint = "integrations/save-operator-export")]
pub async fn save_operator_export(form: ExportForm) -> Result<(), ApiError> {
    let services = services()?;
    services.integrations.save_operator_export(form).await?;
    go_to("/settings/integrations/otlp?saved=otlp");
    Ok(())
}

/// A workspace's integrations, and what the viewer may do there.
///
/// # Errors
/// As the contract's.
#[server(endpoint = "integrations/tenant-export")]
pub async fn tenant_export(workspace: String) -> Result<(WorkspaceRef, TenantExportView), ApiError> {
    let services = services()?;
    let view = services.integrations.tenant_export(&workspace).await?;
    Ok((services.directory.workspace(&workspace).await?, view))
}

/// How a workspace's destination is doing, for the live panel.
///
/// # Errors
/// As the contract's.
#[server(endpoint = "integrations/tenant-export-status")]
pub async fn tenant_export_status(workspace: String) -> Result<ExportStatus, ApiError> {
    let services = services()?;
    Ok(services.integrations.tenant_export(&workspace).await?.status)
}

/// # Errors
/// As the contract's.
#[server(endpoint = "integrations/save-tenant-export")]
pub async fn save_tenant_export(workspace: String, form: ExportForm) -> Result<(), ApiError> {
    let services = services()?;
    services.integrations.save_tenant_export(&workspace, form).await?;
    go_to(&format!("/w/{workspace}/settings/integrations/telemetry?saved=otlp"));
    Ok(())
}
