//! What a card shows: what is in force, and which variable manages it.

use super::history::Revision;
use super::{ExportReader, Settings};
use crate::live::Owner;
use crate::settings::Error;
use crate::settings::effective::{self, ManagedBy};
use crate::settings::publish::stored_export;
use crate::settings::secret::{self, Place, SecretState};
use crate::store::{ExportSettings, Pause, UnixMillis};
use crate::values::{Compression, Email, Endpoint, Preset, Signal, Temporality, TenantId, Variable};

/// A value in force, and the variable that manages it if one does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InEffect<T> {
    pub value: T,
    pub by: Option<Variable>,
}

/// A card, but for how the destination is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Export {
    /// Empty when there is none.
    pub endpoint: InEffect<String>,
    /// Empty is the default, so that a form that is saved as it is does not pin it.
    pub service_name: InEffect<String>,
    pub headers: InEffect<SecretState>,
    pub traces: InEffect<bool>,
    pub logs: InEffect<bool>,
    pub metrics: InEffect<bool>,
    pub compression: InEffect<Compression>,
    /// `None` is the default.
    pub timeout_s: InEffect<Option<u32>>,
    pub temporality: InEffect<Temporality>,
    pub preset: Option<Preset>,
    pub also_managed: Vec<Variable>,
    pub generation: u64,
    pub saved_at: Option<UnixMillis>,
    pub saved_by: Option<Email>,
    pub standing: Standing,
    /// The newest first.
    pub history: Vec<Revision>,
}

/// What the settings alone say of an export.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Something is exported.
    pub on: bool,
    /// The environment names where everything goes.
    pub from_environment: bool,
    /// No endpoint is stored, so that there is nothing to pause.
    pub nothing_stored: bool,
    /// The stored settings or their headers can't be read.
    pub broken: bool,
    pub paused: Option<Pause>,
    /// Signals that a pause, or settings that can't be read, leave alone: the environment names where they go.
    pub going_on: Vec<Signal>,
}

impl Settings {
    /// # Errors
    /// The store can't be read.
    pub fn export(&self, reader: &ExportReader) -> Result<Export, Error> {
        let workspace = reader.workspace();
        let current = self.current_export(workspace)?;
        let record = current.record.as_ref();
        let stored = stored_export(self.vault(), record);
        let headers = secret::state(self.vault(), &Place::export(workspace), record.and_then(|record| record.headers.as_ref()));
        let export = Export {
            endpoint: free(text(stored.endpoint.as_ref())),
            service_name: free(stored.service_name.clone().unwrap_or_default()),
            headers: free(headers),
            traces: free(stored.traces),
            logs: free(stored.logs),
            metrics: free(stored.metrics),
            compression: free(stored.compression.unwrap_or_default()),
            timeout_s: free(record.and_then(|record| record.timeout_s)),
            temporality: free(stored.temporality.unwrap_or_default()),
            preset: record.and_then(|record| record.preset),
            also_managed: Vec::new(),
            generation: stored.generation,
            saved_at: record.map(|record| record.saved_at),
            saved_by: record.and_then(|record| record.saved_by.clone()),
            standing: self.standing(workspace, &current),
            history: self.revisions(workspace, record)?,
        };
        if workspace.is_some() {
            return Ok(export);
        }
        let effective = effective::operator(&stored, self.environment(), self.instance());
        Ok(over(export, effective))
    }

    /// # Errors
    /// The store can't be read.
    pub fn export_standing(&self, reader: &ExportReader) -> Result<Standing, Error> {
        let workspace = reader.workspace();
        Ok(self.standing(workspace, &self.current_export(workspace)?))
    }

    /// Signals whose endpoint the environment names for them alone: it is used as it is, and nothing is appended.
    #[must_use]
    pub fn own_endpoints(&self, owner: Owner) -> Vec<Signal> {
        let named = |signal: &Signal| owner == Owner::Operator && self.environment().signal(*signal).endpoint.is_some();
        Signal::ALL.into_iter().filter(named).collect()
    }

    fn standing(&self, workspace: Option<TenantId>, current: &super::Current) -> Standing {
        let stored = stored_export(self.vault(), current.record.as_ref());
        let paused = current.record.as_ref().and_then(|record: &ExportSettings| record.paused.clone());
        match workspace {
            Some(workspace) => Standing {
                on: effective::tenant(workspace, &stored).is_some(),
                from_environment: false,
                nothing_stored: stored.endpoint.is_none(),
                broken: current.broken || (stored.endpoint.is_some() && stored.headers.is_none()),
                paused: paused.filter(|_| stored.endpoint.is_some()),
                going_on: Vec::new(),
            },
            None => {
                let effective = effective::operator(&stored, self.environment(), self.instance());
                let (from_environment, nothing_stored) = (effective.managed.endpoint.is_some(), stored.endpoint.is_none());
                let broken = current.broken || effective.broken;
                let paused = paused.filter(|_| !from_environment && !nothing_stored);
                let target = effective.target.as_ref().filter(|_| broken || paused.is_some());
                let goes_on = |signal: &Signal| target.is_some_and(|target| target.signal(*signal).is_some());
                Standing {
                    on: effective.target.is_some(),
                    from_environment,
                    nothing_stored,
                    broken,
                    going_on: Signal::ALL.into_iter().filter(goes_on).collect(),
                    paused,
                }
            }
        }
    }
}

/// The stored settings with the environment's laid over them.
fn over(stored: Export, effective: effective::Effective) -> Export {
    let ManagedBy { endpoint, service_name, headers, traces, logs, metrics, compression, timeout, temporality } = effective.managed;
    Export {
        endpoint: InEffect { value: text(effective.endpoint.as_ref()), by: endpoint },
        service_name: match service_name {
            Some(by) => InEffect { value: effective.service_name, by: Some(by) },
            None => stored.service_name,
        },
        headers: match headers {
            Some(by) => {
                let shown =
                    SecretState { set: !effective.header_names.is_empty(), names: effective.header_names, ..SecretState::default() };
                InEffect { value: shown, by: Some(by) }
            }
            None => stored.headers,
        },
        traces: InEffect { value: effective.traces, by: traces },
        logs: InEffect { value: effective.logs, by: logs },
        metrics: InEffect { value: effective.metrics, by: metrics },
        compression: InEffect { value: effective.compression, by: compression },
        timeout_s: match timeout {
            // Shown in seconds; the variable is in milliseconds.
            Some(by) => {
                InEffect { value: effective.timeout.map(|timeout| u32::try_from(timeout.as_secs()).unwrap_or(u32::MAX)), by: Some(by) }
            }
            None => stored.timeout_s,
        },
        temporality: InEffect { value: effective.temporality, by: temporality },
        also_managed: effective.also_managed,
        ..stored
    }
}

const fn free<T>(value: T) -> InEffect<T> {
    InEffect { value, by: None }
}

pub(super) fn text(endpoint: Option<&Endpoint>) -> String {
    match endpoint {
        Some(endpoint) => endpoint.as_str().to_owned(),
        None => String::new(),
    }
}
