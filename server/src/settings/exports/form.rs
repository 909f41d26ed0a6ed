//! From a card's form to the record it makes: parsed field by field, with what the environment manages left alone.

use super::empty;
use crate::settings::Error;
use crate::settings::effective::{Effective, ManagedBy};
use crate::store::{ExportSettings, StoredEndpoint};
use crate::values::{Compression, DisplayName, Endpoint, Field, Preset, Rule, Temporality, TenantId, Variable, parse_export_timeout};

/// The signal paths are appended to an endpoint, and the result has to be one too.
const LONGEST_ENDPOINT: usize = 2000;

/// Either card's form, as text.
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
    /// A workspace has no traces.
    pub traces: bool,
    pub logs: bool,
    pub metrics: bool,
    /// These four: blank is the default, or none.
    pub compression: String,
    pub timeout_s: String,
    pub temporality: String,
    pub preset: String,
    /// As it was when the form was loaded.
    pub generation: u64,
}

impl std::fmt::Debug for ExportChange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ExportChange").field("generation", &self.generation).finish_non_exhaustive()
    }
}

/// A form whose every field was understood.
pub(super) struct Parsed {
    endpoint: Option<Endpoint>,
    service_name: Option<DisplayName>,
    traces: bool,
    logs: bool,
    metrics: bool,
    compression: Option<Compression>,
    timeout_s: Option<u32>,
    temporality: Option<Temporality>,
    preset: Option<Preset>,
}

impl Parsed {
    pub(super) fn from(change: &ExportChange) -> Result<Self, Error> {
        let endpoint = given(&change.endpoint, Field::Endpoint, Endpoint::parse)?;
        if endpoint.as_ref().is_some_and(|endpoint| endpoint.as_str().len() > LONGEST_ENDPOINT) {
            return Err(Error::Invalid { field: Field::Endpoint, rule: Rule::TooLong { max: LONGEST_ENDPOINT } });
        }
        Ok(Self {
            endpoint,
            service_name: given(&change.service_name, Field::ServiceName, DisplayName::parse)?,
            traces: change.traces,
            logs: change.logs,
            metrics: change.metrics,
            compression: given(&change.compression, Field::Compression, Compression::parse)?,
            timeout_s: parse_export_timeout(&change.timeout_s).map_err(Error::invalid(Field::Timeout))?,
            temporality: given(&change.temporality, Field::Temporality, Temporality::parse)?,
            preset: given(&change.preset, Field::Preset, Preset::parse)?,
        })
    }

    pub(super) const fn endpoint(&self) -> Option<&Endpoint> {
        self.endpoint.as_ref()
    }

    /// A workspace's record, but for the headers. Nothing manages any of it.
    pub(super) fn of_workspace(self, workspace: TenantId, old: Option<&ExportSettings>) -> ExportSettings {
        let mut next = old.cloned().unwrap_or_else(|| empty(Some(workspace)));
        let traces = next.traces;
        self.put_into(&mut next);
        next.traces = traces;
        next
    }

    /// The operator's record, but for the headers; `managed` fields stay as they are stored.
    ///
    /// # Errors
    /// A managed field was given another value than the one in force.
    pub(super) fn of_operator(
        self,
        old: Option<&ExportSettings>,
        effective: &Effective,
        managed: &ManagedBy,
    ) -> Result<ExportSettings, Error> {
        self.refuse_managed(effective, managed)?;
        let stored = old.cloned().unwrap_or_else(|| empty(None));
        let mut next = stored.clone();
        self.put_into(&mut next);
        if managed.endpoint.is_some() {
            next.endpoint = stored.endpoint;
        }
        if managed.service_name.is_some() {
            next.service_name = stored.service_name;
        }
        for (variable, slot, kept) in [
            (managed.traces, &mut next.traces, stored.traces),
            (managed.logs, &mut next.logs, stored.logs),
            (managed.metrics, &mut next.metrics, stored.metrics),
        ] {
            if variable.is_some() {
                *slot = kept;
            }
        }
        if managed.compression.is_some() {
            next.compression = stored.compression;
        }
        if managed.timeout.is_some() {
            next.timeout_s = stored.timeout_s;
        }
        if managed.temporality.is_some() {
            next.temporality = stored.temporality;
        }
        Ok(next)
    }

    /// A locked field sends nothing, or what it shows.
    fn refuse_managed(&self, effective: &Effective, managed: &ManagedBy) -> Result<(), Error> {
        let seconds = effective.timeout.map(|timeout| timeout.as_secs());
        let differs = [
            (Field::Endpoint, managed.endpoint, self.endpoint.is_some() && self.endpoint != effective.endpoint),
            (
                Field::ServiceName,
                managed.service_name,
                self.service_name.as_ref().is_some_and(|name| name.as_str() != effective.service_name),
            ),
            // A locked switch sends nothing, so only turning on what is off is a change.
            (Field::Traces, managed.traces, self.traces && !effective.traces),
            (Field::Logs, managed.logs, self.logs && !effective.logs),
            (Field::Metrics, managed.metrics, self.metrics && !effective.metrics),
            (Field::Compression, managed.compression, self.compression.is_some_and(|given| given != effective.compression)),
            (Field::Timeout, managed.timeout, self.timeout_s.is_some_and(|given| Some(u64::from(given)) != seconds)),
            (Field::Temporality, managed.temporality, self.temporality.is_some_and(|given| given != effective.temporality)),
        ];
        match differs.into_iter().find_map(|(field, variable, differs)| variable.filter(|_| differs).map(|variable| (field, variable))) {
            Some((field, variable)) => Err(managed_by(field, variable)),
            None => Ok(()),
        }
    }

    fn put_into(self, next: &mut ExportSettings) {
        next.endpoint = self.endpoint.map(StoredEndpoint);
        next.service_name = self.service_name;
        (next.traces, next.logs, next.metrics) = (self.traces, self.logs, self.metrics);
        // The default is stored as none, so that it stays the default.
        next.compression = self.compression.filter(|given| *given != Compression::default());
        next.timeout_s = self.timeout_s;
        next.temporality = self.temporality.filter(|given| *given != Temporality::default());
        next.preset = self.preset;
    }
}

pub(super) const fn managed_by(field: Field, variable: Variable) -> Error {
    Error::Managed { field, variable }
}

fn given<T>(text: &str, field: Field, parse: impl FnOnce(&str) -> Result<T, Rule>) -> Result<Option<T>, Error> {
    match text.trim() {
        "" => Ok(None),
        text => parse(text).map(Some).map_err(Error::invalid(field)),
    }
}
