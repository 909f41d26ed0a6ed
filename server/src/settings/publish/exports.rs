//! The destinations of telemetry, out of what is stored: which are in force, and which are set without being in force.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use crate::live::{ExportTarget, Owner};
use crate::settings::Error;
use crate::settings::effective::StoredExport;
use crate::settings::secret::{self, Place};
use crate::store::{ExportSettings, ReadError, Store};
use crate::values::TenantId;
use crate::vault::Vault;

/// The settings of a destination, unsealed.
pub(in crate::settings) fn stored_export(vault: &Vault, record: Option<&ExportSettings>) -> StoredExport {
    record.map_or_else(StoredExport::default, |record| StoredExport {
        endpoint: record.endpoint.as_ref().map(|endpoint| endpoint.0.clone()),
        service_name: record.service_name.as_ref().map(|name| name.as_str().to_owned()),
        headers: secret::open(vault, &Place::export(record.workspace), record.headers.as_ref()).ok(),
        unreadable: false,
        traces: record.traces,
        logs: record.logs,
        metrics: record.metrics,
        compression: record.compression,
        timeout: record.timeout_s.map(|seconds| Duration::from_secs(u64::from(seconds))),
        temporality: record.temporality,
        paused: record.paused.is_some(),
        generation: record.generation,
    })
}

/// The old `Arc` where nothing changed, so that whoever holds it need not look inside.
pub(super) fn keep(old: Option<&Arc<ExportTarget>>, new: Option<ExportTarget>) -> Option<Arc<ExportTarget>> {
    let new = new?;
    Some(match old {
        Some(old) if **old == new => Arc::clone(old),
        _ => Arc::new(new),
    })
}

/// Whether a destination that is not in force is set all the same: paused, unreadable, or its workspace disabled.
pub(super) fn suspended(store: &Store, workspace: Option<TenantId>) -> Result<bool, Error> {
    let export = match workspace {
        Some(workspace) => store.exports().of(workspace),
        None => store.exports().operator(),
    };
    match export {
        Ok(export) => Ok(export.is_some_and(|export| export.endpoint.is_some())),
        Err(ReadError::Undecodable { .. }) => Ok(true),
        Err(error) => Err(error.into()),
    }
}

pub(super) fn with(all: &BTreeSet<Owner>, owner: Owner, is_in: bool) -> BTreeSet<Owner> {
    let mut all = all.clone();
    if is_in {
        all.insert(owner);
    } else {
        all.remove(&owner);
    }
    all
}
