//! The export cards: what they show, saving them, pausing them, and their history. The operator's and a workspace's are one
//! thing here; what the environment manages exists for the operator's alone.

mod form;
mod history;
mod pause;
mod save;
mod view;

pub use form::ExportChange;
pub use history::{Change, Revision};
pub use pause::{Exhausted, Resume};
pub use view::{Export, InEffect, Standing};

use super::publish::stored_export;
use super::{Error, Settings, effective};
use crate::auth::{Actor, Operator, Who, WorkspaceAdmin, WorkspaceMember};
use crate::store::{ExportSettings, ReadError};
use crate::values::{Field, TenantId};

/// The right to look at one destination.
#[derive(Clone, Debug)]
pub enum ExportReader {
    Operator(Operator),
    Workspace(WorkspaceMember),
}

impl ExportReader {
    const fn workspace(&self) -> Option<TenantId> {
        match self {
            Self::Operator(_) => None,
            Self::Workspace(member) => Some(member.workspace()),
        }
    }
}

/// The right to change one destination.
#[derive(Clone, Debug)]
pub enum ExportWriter {
    Operator(Operator),
    Workspace(WorkspaceAdmin),
}

impl ExportWriter {
    const fn workspace(&self) -> Option<TenantId> {
        match self {
            Self::Operator(_) => None,
            Self::Workspace(admin) => Some(admin.workspace()),
        }
    }

    const fn actor(&self) -> &Actor {
        &self.who().actor
    }

    const fn who(&self) -> &Who {
        match self {
            Self::Operator(operator) => operator.who(),
            Self::Workspace(admin) => admin.who(),
        }
    }
}

/// A stored record, or what stands in for one that is missing or can't be read.
struct Current {
    record: Option<ExportSettings>,
    broken: bool,
}

impl Current {
    fn generation(&self) -> u64 {
        self.record.as_ref().map_or(0, |record| record.generation)
    }
}

impl Settings {
    fn current_export(&self, workspace: Option<TenantId>) -> Result<Current, Error> {
        let exports = self.store().exports();
        match workspace.map_or_else(|| exports.operator(), |workspace| exports.of(workspace)) {
            Ok(record) => Ok(Current { record, broken: false }),
            Err(ReadError::Undecodable { .. }) => Ok(Current { record: None, broken: true }),
            Err(error) => Err(error.into()),
        }
    }

    /// What is stored, for a change that is not of single fields: of what the environment manages there is none.
    fn export_to_change(&self, workspace: Option<TenantId>, generation: u64) -> Result<Current, Error> {
        self.must_exist(workspace)?;
        let current = self.current_export(workspace)?;
        if current.generation() != generation {
            return Err(Error::Stale);
        }
        let stored = stored_export(self.vault(), current.record.as_ref());
        if workspace.is_none()
            && let Some(variable) = effective::operator(&stored, self.environment(), self.instance()).managed.endpoint
        {
            return Err(form::managed_by(Field::Endpoint, variable));
        }
        Ok(current)
    }
}

fn empty(workspace: Option<TenantId>) -> ExportSettings {
    ExportSettings {
        workspace,
        endpoint: None,
        service_name: None,
        headers: None,
        traces: true,
        logs: true,
        metrics: true,
        compression: None,
        timeout_s: None,
        temporality: None,
        preset: None,
        paused: None,
        generation: 0,
        saved_at: 0,
        saved_by: None,
    }
}
