//! The export cards: what is set, and how the destination is doing.

use std::time::{SystemTime, UNIX_EPOCH};

use app::contract::{
    ApiError, ExportCounts, ExportFailure, ExportForm, ExportState, ExportStatus, Integrations, Managed, OperatorExportView,
    TenantExportView, UnixMillis,
};
use async_trait::async_trait;

use super::{Bound, secret_view};
use crate::auth::millis;
use crate::live::Owner;
use crate::settings::{ExportChange, InEffect};
use crate::telemetry::Status;

#[async_trait]
impl Integrations for Bound {
    async fn operator_export(&self) -> Result<OperatorExportView, ApiError> {
        let operator = self.visitor.operator()?;
        let export = self.settings().operator_export(&operator)?;
        let by_environment = export.endpoint.by.is_some();
        let status = self.status(Owner::Operator, state(export.on, export.broken, by_environment));
        let headers = Managed { value: secret_view(export.headers.value), by: export.headers.by };
        Ok(OperatorExportView {
            endpoint: managed(export.endpoint),
            service_name: managed(export.service_name),
            headers,
            traces: managed(export.traces),
            logs: managed(export.logs),
            metrics: managed(export.metrics),
            also_managed: export.also_managed,
            generation: export.generation,
            saved_at: export.saved_at,
            saved_by: export.saved_by.map(String::from),
            status,
        })
    }

    async fn save_operator_export(&self, form: ExportForm) -> Result<(), ApiError> {
        let operator = self.visitor.operator()?;
        Ok(self.settings().save_operator_export(&operator, &change(form)).await?)
    }

    async fn tenant_export(&self, workspace: &str) -> Result<TenantExportView, ApiError> {
        let (workspace, member) = self.visitor.member_of(workspace)?;
        let export = self.settings().tenant_export(&member)?;
        // A disabled workspace exports nothing, whatever is set.
        let on = export.on && workspace.enabled;
        let status = self.status(Owner::Tenant(workspace.id), state(on, export.broken, false));
        Ok(TenantExportView {
            endpoint: export.endpoint,
            service_name: export.service_name,
            headers: secret_view(export.headers),
            generation: export.generation,
            saved_at: export.saved_at,
            saved_by: export.saved_by.map(String::from),
            status,
        })
    }

    async fn save_tenant_export(&self, workspace: &str, form: ExportForm) -> Result<(), ApiError> {
        let (_, admin) = self.visitor.admin_of(workspace)?;
        Ok(self.settings().save_tenant_export(&admin, &change(form)).await?)
    }
}

impl Bound {
    /// What is set decides between off, broken and on; only what is on can fail.
    fn status(&self, owner: Owner, state: ExportState) -> ExportStatus {
        let reading = if matches!(state, ExportState::Off | ExportState::Broken) { None } else { (self.parts.statuses)(owner) };
        match reading {
            None => ExportStatus { state, ..ExportStatus::off() },
            Some(reading) => export_status(reading, state),
        }
    }
}

const fn state(on: bool, broken: bool, by_environment: bool) -> ExportState {
    match (broken, on, by_environment) {
        (true, ..) => ExportState::Broken,
        (false, false, _) => ExportState::Off,
        (false, true, true) => ExportState::Managed,
        (false, true, false) => ExportState::Active,
    }
}

fn export_status(reading: Status, state: ExportState) -> ExportStatus {
    ExportStatus {
        state: reading.failing_since.map_or(state, |since| ExportState::Failing { since: unix(since) }),
        last_success_at: reading.last_success.map(unix),
        last_failure: reading.last_failure.map(|failure| ExportFailure {
            at: unix(failure.at),
            signal: failure.signal,
            kind: failure.kind,
            host: failure.host,
        }),
        counts: ExportCounts {
            accepted: reading.accepted,
            delivered: reading.delivered,
            rejected: reading.rejected,
            dropped: reading.dropped.into_iter().map(|(reason, count)| (reason.name().to_owned(), count)).collect(),
            queued: reading.queued,
        },
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
        generation: form.generation,
    }
}

fn managed<T>(value: InEffect<T>) -> Managed<T> {
    Managed { value: value.value, by: value.by }
}

fn unix(at: SystemTime) -> UnixMillis {
    at.duration_since(UNIX_EPOCH).map_or(0, millis)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_is_set_and_how_it_goes_make_one_state() {
        assert_eq!(state(false, false, true), ExportState::Off);
        assert_eq!(state(true, true, false), ExportState::Broken);
        assert_eq!(state(true, false, true), ExportState::Managed);
        let failing = Status { failing_since: Some(UNIX_EPOCH + Duration::from_millis(5)), ..Status::default() };
        assert_eq!(export_status(failing, ExportState::Managed).state, ExportState::Failing { since: 5 });
        assert_eq!(export_status(Status::default(), ExportState::Active).state, ExportState::Active);
    }
}
