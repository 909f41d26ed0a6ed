//! The export cards: what is set, and how the destination is doing.

use app::contract::{
    ApiError, ExportForm, ExportScope, ExportStatus, ExportView, FieldChange, Integrations, Managed, RevisionCause, TestReport,
};
use async_trait::async_trait;

use super::{Bound, health, secret_view};
use crate::live::{ExportTarget, Owner};
use crate::settings::{self, ExportChange, ExportReader, ExportWriter, InEffect, Resume, Standing};
use crate::store;

#[async_trait]
impl Integrations for Bound {
    async fn export(&self, scope: &ExportScope) -> Result<ExportView, ApiError> {
        let (reader, owner, enabled) = self.reader(scope)?;
        let export = self.settings().export(&reader)?;
        let status = self.status(owner, enabled, export.standing);
        Ok(ExportView {
            endpoint: managed(export.endpoint),
            service_name: managed(export.service_name),
            headers: Managed { value: secret_view(export.headers.value), by: export.headers.by },
            traces: managed(export.traces),
            logs: managed(export.logs),
            metrics: managed(export.metrics),
            compression: managed(export.compression),
            timeout_s: managed(export.timeout_s),
            temporality: managed(export.temporality),
            preset: export.preset,
            also_managed: export.also_managed,
            generation: export.generation,
            saved_at: export.saved_at,
            saved_by: export.saved_by.map(String::from),
            status,
            history: export.history.into_iter().map(revision).collect(),
        })
    }

    async fn export_status(&self, scope: &ExportScope) -> Result<ExportStatus, ApiError> {
        let (reader, owner, enabled) = self.reader(scope)?;
        Ok(self.status(owner, enabled, self.settings().export_standing(&reader)?))
    }

    async fn save_export(&self, scope: &ExportScope, form: ExportForm) -> Result<(), ApiError> {
        let writer = self.writer(scope)?;
        Ok(self.settings().save_export(&writer, &change(form)).await?)
    }

    async fn test_export(&self, scope: &ExportScope, form: ExportForm) -> Result<TestReport, ApiError> {
        let writer = self.tester(scope)?;
        let target = self.settings().export_target(&writer, &change(form))?;
        self.probe(&target).await
    }

    async fn pause_export(&self, scope: &ExportScope, generation: u64) -> Result<(), ApiError> {
        let writer = self.writer(scope)?;
        Ok(self.settings().pause_export(&writer, generation).await?)
    }

    async fn resume_export(&self, scope: &ExportScope, generation: u64) -> Result<bool, ApiError> {
        let writer = self.tester(scope)?;
        let Some(target) = self.settings().export_to_test(&writer)? else {
            self.settings().resume_export(&writer, generation, Resume::AtOnce).await?;
            return Ok(true);
        };
        let passed = self.probe(&target).await?.passed();
        if passed {
            self.settings().resume_export(&writer, generation, Resume::Tested).await?;
        }
        Ok(passed)
    }

    async fn revert_export(&self, scope: &ExportScope, to: u64, generation: u64) -> Result<(), ApiError> {
        let writer = self.writer(scope)?;
        Ok(self.settings().revert_export(&writer, to, generation).await?)
    }
}

impl Bound {
    /// The right to look, whose destination it is, and whether its workspace is enabled.
    fn reader(&self, scope: &ExportScope) -> Result<(ExportReader, Owner, bool), ApiError> {
        match scope {
            ExportScope::Global => Ok((ExportReader::Operator(self.visitor.operator()?), Owner::Operator, true)),
            ExportScope::Workspace(slug) => {
                let (workspace, member) = self.visitor.member_of(slug)?;
                Ok((ExportReader::Workspace(member), Owner::Tenant(workspace.id), workspace.enabled))
            }
        }
    }

    fn writer(&self, scope: &ExportScope) -> Result<ExportWriter, ApiError> {
        match scope {
            ExportScope::Global => Ok(ExportWriter::Operator(self.visitor.operator()?)),
            ExportScope::Workspace(slug) => Ok(ExportWriter::Workspace(self.visitor.admin_of(slug)?.1)),
        }
    }

    /// The right to send a test: nothing leaves for a disabled workspace, but for the operator who looks into it.
    fn tester(&self, scope: &ExportScope) -> Result<ExportWriter, ApiError> {
        if let ExportScope::Workspace(slug) = scope {
            let (workspace, admin) = self.visitor.admin_of(slug)?;
            if !workspace.enabled && !admin.is_operator() {
                return Err(ApiError::WorkspaceDisabled);
            }
        }
        self.writer(scope)
    }

    /// A disabled workspace exports nothing, whatever is set.
    fn status(&self, owner: Owner, enabled: bool, standing: Standing) -> ExportStatus {
        let standing = Standing { on: standing.on && enabled, ..standing };
        health::status(&self.parts.telemetry, owner, standing, &self.settings().own_endpoints(owner))
    }

    async fn probe(&self, target: &ExportTarget) -> Result<TestReport, ApiError> {
        let found = self.parts.telemetry.probe(target).await.map_err(health::throttled)?;
        Ok(health::report(found, &self.settings().own_endpoints(target.owner)))
    }
}

/// A switch of a form is there when it is on.
fn change(form: ExportForm) -> ExportChange {
    ExportChange {
        endpoint: form.endpoint,
        service_name: form.service_name,
        headers: form.headers,
        clear_headers: form.clear_headers.is_some(),
        traces: form.traces.is_some(),
        logs: form.logs.is_some(),
        metrics: form.metrics.is_some(),
        compression: form.compression,
        timeout_s: form.timeout_s,
        temporality: form.temporality,
        preset: form.preset,
        generation: form.generation,
    }
}

pub(super) fn managed<T>(value: InEffect<T>) -> Managed<T> {
    Managed { value: value.value, by: value.by }
}

fn revision(of: settings::Revision) -> app::contract::ExportRevision {
    app::contract::ExportRevision {
        generation: of.generation,
        at: of.at,
        by: of.by.map(String::from),
        cause: match of.cause {
            store::RevisionCause::Saved => RevisionCause::Saved,
            store::RevisionCause::Bootstrap => RevisionCause::Bootstrap,
            store::RevisionCause::Reverted { to } => RevisionCause::Reverted { to },
            store::RevisionCause::Paused => RevisionCause::Paused,
            store::RevisionCause::Resumed => RevisionCause::Resumed,
            store::RevisionCause::PausedItself { failing_since, attempts } => RevisionCause::PausedItself { failing_since, attempts },
        },
        changes: of.changes.into_iter().map(|change| FieldChange { field: change.field, values: change.values }).collect(),
        can_revert: of.can_revert,
    }
}
