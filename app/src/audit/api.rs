//! Server functions of the audit logs. `workspace` is a slug, or empty for the Global one. Both only read.

use leptos::prelude::*;

use crate::contract::{ApiError, AuditFilter, AuditPage, AuditVerdict};
#[cfg(feature = "ssr")]
use crate::service::services;

/// A page of entries, older than `before`.
///
/// # Errors
/// As the contract's.
#[server(endpoint = "audit/list")]
pub async fn load_audit(
    #[server(default)] workspace: String,
    #[server(default)] filter: AuditFilter,
    #[server(default)] before: Option<u64>,
) -> Result<AuditPage, ApiError> {
    services()?.audit.audit(&workspace, filter, before).await
}

/// # Errors
/// As the contract's.
#[server(endpoint = "audit/verify")]
pub async fn load_verdict(#[server(default)] workspace: String) -> Result<AuditVerdict, ApiError> {
    services()?.audit.verify_audit(&workspace).await
}
