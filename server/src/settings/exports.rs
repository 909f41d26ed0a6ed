//! The export cards: what they show, and saving them.

use super::effective::{self, StoredExport};
use super::publish::{Scope, stored_export};
use super::secret::{self, HeaderChange, Place, SecretState};
use super::{Error, Settings};
use crate::auth::{Actor, Operator, WorkspaceAdmin, WorkspaceMember};
use crate::egress::Scope as Reach;
use crate::store::{Changes, ExportSettings, ReadError, StoredEndpoint, UnixMillis, now};
use crate::values::{DisplayName, Email, Endpoint, Field, Rule, TenantId, Variable};

/// A value in force, and the variable that manages it if one does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InEffect<T> {
    pub value: T,
    pub by: Option<Variable>,
}

/// The Global card, but for how the destination is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperatorExport {
    /// Empty when there is none.
    pub endpoint: InEffect<String>,
    pub service_name: InEffect<String>,
    pub headers: InEffect<SecretState>,
    pub traces: InEffect<bool>,
    pub logs: InEffect<bool>,
    pub metrics: InEffect<bool>,
    pub also_managed: Vec<Variable>,
    pub generation: u64,
    pub saved_at: Option<UnixMillis>,
    pub saved_by: Option<Email>,
    /// Something is exported.
    pub on: bool,
    /// The stored settings or their headers can't be read.
    pub broken: bool,
}

/// A workspace's card, but for how the destination is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantExport {
    /// Empty when there is none.
    pub endpoint: String,
    /// The one in force.
    pub service_name: String,
    pub headers: SecretState,
    pub generation: u64,
    pub saved_at: Option<UnixMillis>,
    pub saved_by: Option<Email>,
    pub on: bool,
    /// The stored settings or their headers can't be read.
    pub broken: bool,
}

/// Either card's form. The switches mean the operator's export only.
#[derive(Clone, Default)]
pub struct ExportChange {
    /// Blank turns the export off, or leaves alone what the environment manages.
    pub endpoint: String,
    /// Blank is the default.
    pub service_name: String,
    /// Blank keeps what is stored.
    pub headers: String,
    /// Removes stored headers, unless new ones are given.
    pub clear_headers: bool,
    pub traces: bool,
    pub logs: bool,
    pub metrics: bool,
    /// As it was when the form was loaded.
    pub generation: u64,
}

impl std::fmt::Debug for ExportChange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ExportChange").field("generation", &self.generation).finish_non_exhaustive()
    }
}

/// A stored record, or what stands in for one that is missing or can't be read.
struct Current {
    record: Option<ExportSettings>,
    broken: bool,
}

impl Settings {
    /// # Errors
    /// The store can't be read.
    pub fn operator_export(&self, _witness: &Operator) -> Result<OperatorExport, Error> {
        let current = self.current_export(None)?;
        let stored = stored_export(self.vault(), current.record.as_ref());
        let effective = effective::operator(&stored, self.environment(), self.instance());
        let managed = effective.managed;
        let headers = if managed.headers.is_some() {
            SecretState { set: !effective.header_names.is_empty(), names: effective.header_names, ..SecretState::default() }
        } else {
            self.export_headers(None, current.record.as_ref())
        };
        let record = current.record.as_ref();
        Ok(OperatorExport {
            endpoint: InEffect { value: text(effective.endpoint.as_ref()), by: managed.endpoint },
            service_name: InEffect {
                // Empty means the default, so that a form that is saved as it is does not pin it.
                value: if managed.service_name.is_some() {
                    effective.service_name
                } else {
                    stored.service_name.clone().unwrap_or_default()
                },
                by: managed.service_name,
            },
            headers: InEffect { value: headers, by: managed.headers },
            traces: InEffect { value: effective.traces, by: managed.traces },
            logs: InEffect { value: effective.logs, by: managed.logs },
            metrics: InEffect { value: effective.metrics, by: managed.metrics },
            also_managed: effective.also_managed,
            generation: stored.generation,
            saved_at: record.map(|record| record.saved_at),
            saved_by: record.and_then(|record| record.saved_by.clone()),
            on: effective.target.is_some(),
            broken: current.broken || effective.broken,
        })
    }

    /// # Errors
    /// The store can't be read.
    pub fn tenant_export(&self, witness: &WorkspaceMember) -> Result<TenantExport, Error> {
        let workspace = witness.workspace();
        let current = self.current_export(Some(workspace))?;
        let stored = stored_export(self.vault(), current.record.as_ref());
        let headers = self.export_headers(Some(workspace), current.record.as_ref());
        let record = current.record.as_ref();
        Ok(TenantExport {
            endpoint: text(stored.endpoint.as_ref()),
            service_name: stored.service_name.clone().unwrap_or_default(),
            generation: stored.generation,
            saved_at: record.map(|record| record.saved_at),
            saved_by: record.and_then(|record| record.saved_by.clone()),
            on: effective::tenant(workspace, &stored).is_some(),
            broken: current.broken || (stored.endpoint.is_some() && headers.unreadable),
            headers,
        })
    }

    /// # Errors
    /// A field breaks a rule or is managed by the environment, or somebody saved meanwhile.
    pub async fn save_operator_export(&self, witness: &Operator, change: &ExportChange) -> Result<(), Error> {
        self.save_export(None, witness.actor(), change).await.map(drop)
    }

    /// # Errors
    /// A field breaks a rule, or somebody saved meanwhile.
    pub async fn save_tenant_export(&self, witness: &WorkspaceAdmin, change: &ExportChange) -> Result<(), Error> {
        self.save_export(Some(witness.workspace()), witness.actor(), change).await.map(drop)
    }

    /// Returns whether anything changed. The bootstrap file may set what the environment manages (the environment still
    /// wins), and knows no generation.
    pub(super) async fn save_export(&self, workspace: Option<TenantId>, actor: &Actor, change: &ExportChange) -> Result<bool, Error> {
        let guard = self.writing().await;
        if let Some(workspace) = workspace {
            self.store().workspaces().get(workspace)?.ok_or(Error::NotFound)?;
        }
        let current = self.current_export(workspace)?;
        let by_user = *actor != Actor::Bootstrap;
        let generation = current.record.as_ref().map_or(0, |record| record.generation);
        if by_user && change.generation != generation {
            return Err(Error::Stale);
        }
        let mut next = self.changed(workspace, current.record.as_ref(), change, by_user)?;
        let header_change = HeaderChange {
            text: &change.headers,
            clear: change.clear_headers,
            field: Field::Headers,
            endpoint: next.endpoint.as_ref().map(|endpoint| &endpoint.0),
        };
        let old = current.record.as_ref();
        next.headers =
            secret::change(self.vault(), &Place::export(workspace), old.and_then(|old| old.headers.as_ref()), &header_change, actor)?;
        let same = old.is_some_and(|old| same_settings(old, &next));
        if same {
            return Ok(false);
        }
        next.generation = generation + 1;
        next.saved_at = now();
        next.saved_by = actor.email().cloned();
        let changes = old.map_or_else(Changes::new, |old| Changes::new().expect_unchanged(old)).put(&next);
        self.save(&guard, changes, workspace.map_or(Scope::Operator, Scope::Workspace)).await?;
        Ok(true)
    }

    /// The record that the form makes of the stored one, but for the headers.
    fn changed(
        &self,
        workspace: Option<TenantId>,
        old: Option<&ExportSettings>,
        change: &ExportChange,
        by_user: bool,
    ) -> Result<ExportSettings, Error> {
        let mut next = old.cloned().unwrap_or_else(|| empty(workspace));
        let endpoint = match change.endpoint.trim() {
            "" => None,
            text => Some(Endpoint::parse(text).map_err(Error::invalid(Field::Endpoint))?),
        };
        let stored_endpoint = old.and_then(|old| old.endpoint.as_ref()).map(|stored| &stored.0);
        // What the bootstrap file says again changes nothing, and so keeps nobody from starting.
        if let Some(endpoint) = endpoint.as_ref().filter(|endpoint| by_user || stored_endpoint != Some(*endpoint)) {
            let reach = if workspace.is_some() { Reach::Tenant } else { Reach::Operator };
            self.check_egress(reach, Field::Endpoint, endpoint)?;
        }
        let service_name = match change.service_name.trim() {
            "" => None,
            text => Some(DisplayName::parse(text).map_err(Error::invalid(Field::ServiceName))?),
        };
        // The signal paths are appended to it.
        if endpoint.as_ref().is_some_and(|endpoint| endpoint.as_str().len() > 2000) {
            return Err(Error::Invalid { field: Field::Endpoint, rule: Rule::TooLong { max: 2000 } });
        }
        if workspace.is_some() {
            next.endpoint = endpoint.map(StoredEndpoint);
            next.service_name = service_name;
            return Ok(next);
        }
        let stored = StoredExport { endpoint: old.and_then(|old| old.endpoint.as_ref()).map(|e| e.0.clone()), ..StoredExport::default() };
        let effective = effective::operator(&stored, self.environment(), self.instance());
        let managed = if by_user { effective.managed } else { effective::ManagedBy::default() };
        match managed.endpoint {
            None => next.endpoint = endpoint.map(StoredEndpoint),
            Some(variable) if endpoint.is_some() && endpoint != effective.endpoint => {
                return Err(Error::Managed { field: Field::Endpoint, variable });
            }
            Some(_) => {}
        }
        match managed.service_name {
            None => next.service_name = service_name,
            Some(variable) if service_name.is_some_and(|name| name.as_str() != effective.service_name) => {
                return Err(Error::Managed { field: Field::ServiceName, variable });
            }
            Some(_) => {}
        }
        if let Some(variable) = managed.headers
            && (change.clear_headers || !change.headers.trim().is_empty())
        {
            return Err(Error::Managed { field: Field::Headers, variable });
        }
        for (field, variable, in_effect, wanted, slot) in [
            (Field::Traces, managed.traces, effective.traces, change.traces, &mut next.traces),
            (Field::Logs, managed.logs, effective.logs, change.logs, &mut next.logs),
            (Field::Metrics, managed.metrics, effective.metrics, change.metrics, &mut next.metrics),
        ] {
            match variable {
                None => *slot = wanted,
                // A locked switch sends nothing, so only turning on what is off is a change.
                Some(variable) if wanted && !in_effect => return Err(Error::Managed { field, variable }),
                Some(_) => {}
            }
        }
        Ok(next)
    }

    fn current_export(&self, workspace: Option<TenantId>) -> Result<Current, Error> {
        let exports = self.store().exports();
        match workspace.map_or_else(|| exports.operator(), |workspace| exports.of(workspace)) {
            Ok(record) => Ok(Current { record, broken: false }),
            Err(ReadError::Undecodable { .. }) => Ok(Current { record: None, broken: true }),
            Err(error) => Err(error.into()),
        }
    }

    fn export_headers(&self, workspace: Option<TenantId>, record: Option<&ExportSettings>) -> SecretState {
        secret::state(self.vault(), &Place::export(workspace), record.and_then(|record| record.headers.as_ref()))
    }
}

fn text(endpoint: Option<&Endpoint>) -> String {
    endpoint.map(|endpoint| endpoint.as_str().to_owned()).unwrap_or_default()
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
        generation: 0,
        saved_at: 0,
        saved_by: None,
    }
}

/// A secret that was kept keeps its ciphertext; one that was sealed anew has another.
fn same_settings(old: &ExportSettings, new: &ExportSettings) -> bool {
    let sealed = |settings: &ExportSettings| settings.headers.as_ref().map(|headers| (headers.sealed.data.clone(), headers.origin.clone()));
    old.endpoint == new.endpoint
        && old.service_name == new.service_name
        && (old.traces, old.logs, old.metrics) == (new.traces, new.logs, new.metrics)
        && sealed(old) == sealed(new)
}
