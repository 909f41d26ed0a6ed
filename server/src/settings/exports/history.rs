//! The generations of a destination: who changed what, and going back to one.
//!
//! A revision keeps its headers sealed, so that going back brings a working credential back too; they open at their own
//! place alone. Clearing headers clears them from every revision: who clears a secret wants it gone.

use super::save::scope;
use super::view::text;
use super::{ExportWriter, Settings};
use crate::egress::Scope as Reach;
use crate::settings::Error;
use crate::settings::secret::ciphertext;
use crate::store::{Changes, ExportRevision, ExportSettings, RevisionCause, UnixMillis};
use crate::values::{Email, Field, Rule, TenantId};

/// How many generations are kept of one destination, the current one among them.
const KEPT: usize = 20;

/// One generation, as it may be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision {
    pub generation: u64,
    pub at: UnixMillis,
    pub by: Option<Email>,
    pub cause: RevisionCause,
    pub changes: Vec<Change>,
    pub can_revert: bool,
}

/// A field that differs from the generation before: from and to, or `None` for a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub field: Field,
    pub values: Option<(String, String)>,
}

impl Settings {
    /// Makes an earlier generation's settings the newest. Whether it is paused stays as it is.
    ///
    /// # Errors
    /// It is not kept, its headers were cleared since, the environment manages the endpoint, or somebody saved meanwhile.
    pub async fn revert_export(&self, writer: &ExportWriter, to: u64, generation: u64) -> Result<(), Error> {
        let workspace = writer.workspace();
        let guard = self.writing().await;
        let current = self.export_to_change(workspace, generation)?;
        let kept = self.store().exports().history(workspace)?;
        let revision = kept.iter().find(|revision| revision.settings.generation == to).cloned().ok_or(Error::NotFound)?;
        if revision.headers_cleared {
            return Err(Error::Invalid { field: Field::Headers, rule: Rule::HeadersCleared });
        }
        let mut next = ExportSettings { paused: current.record.as_ref().and_then(|record| record.paused.clone()), ..revision.settings };
        if let Some(endpoint) = &next.endpoint {
            let reach = if workspace.is_some() { Reach::Tenant } else { Reach::Operator };
            self.check_egress(writer.actor(), reach, Field::Endpoint, &endpoint.0)?;
        }
        // Headers that were held to an origin once are held to it for good.
        if let Some(headers) = &mut next.headers
            && headers.origin.is_none()
        {
            let same = |settings: &&ExportSettings| settings.headers.as_ref().is_some_and(|other| other.sealed.data == headers.sealed.data);
            let others = kept.iter().map(|revision| &revision.settings).chain(current.record.as_ref());
            headers.origin = others.filter(same).find_map(|settings| settings.headers.as_ref()?.origin.clone());
        }
        let (changes, told) = self.next_generation(&current, next, writer.who(), RevisionCause::Reverted { to }, false)?;
        self.save(guard, changes, scope(workspace), told).await
    }

    pub(super) fn revisions(&self, workspace: Option<TenantId>, current: Option<&ExportSettings>) -> Result<Vec<Revision>, Error> {
        let kept = self.store().exports().history(workspace)?;
        let generation = current.map_or(0, |current| current.generation);
        let mut before: Option<&ExportSettings> = None;
        let mut shown = Vec::with_capacity(kept.len());
        for revision in &kept {
            let settings = &revision.settings;
            shown.push(Revision {
                generation: settings.generation,
                at: settings.saved_at,
                by: settings.saved_by.clone(),
                cause: revision.cause.clone(),
                // The first that is kept has nothing to be held against, unless it is the first there was.
                changes: if before.is_none() && settings.generation > 1 { Vec::new() } else { difference(before, settings) },
                can_revert: settings.generation != generation && !revision.headers_cleared,
            });
            before = Some(settings);
        }
        shown.reverse();
        Ok(shown)
    }

    pub(super) fn history_has_headers(&self, workspace: Option<TenantId>) -> Result<bool, Error> {
        Ok(self.store().exports().history(workspace)?.iter().any(|revision| revision.settings.headers.is_some()))
    }
}

/// Adds a revision to those that are kept, lets go of what is too old, and takes cleared headers out of the others.
pub(super) fn changes(kept: &[ExportRevision], next: &ExportSettings, cause: RevisionCause, headers_cleared: bool) -> Changes {
    let mut changes = Changes::new().put(&ExportRevision { settings: next.clone(), cause, headers_cleared: false });
    let too_many = (kept.len() + 1).saturating_sub(KEPT);
    for old in &kept[..too_many] {
        changes = changes.delete::<ExportRevision>(&ExportRevision::key_of(next.workspace, old.settings.generation));
    }
    if headers_cleared {
        for old in kept[too_many..].iter().filter(|old| old.settings.headers.is_some()) {
            let mut without = old.clone();
            without.settings.headers = None;
            without.headers_cleared = true;
            changes = changes.put(&without);
        }
    }
    changes
}

/// A field as the form shows it.
type Show = fn(&ExportSettings) -> String;

pub(super) fn difference(before: Option<&ExportSettings>, after: &ExportSettings) -> Vec<Change> {
    let nothing = super::empty(after.workspace);
    let before = before.unwrap_or(&nothing);
    let fields: [(Field, Show); 9] = [
        (Field::Endpoint, |settings| text(settings.endpoint.as_ref().map(|endpoint| &endpoint.0))),
        (Field::ServiceName, |settings| settings.service_name.as_ref().map(|name| name.as_str().to_owned()).unwrap_or_default()),
        (Field::Traces, |settings| on_off(settings.traces)),
        (Field::Logs, |settings| on_off(settings.logs)),
        (Field::Metrics, |settings| on_off(settings.metrics)),
        (Field::Compression, |settings| settings.compression.unwrap_or_default().name().to_owned()),
        (Field::Timeout, |settings| settings.timeout_s.map(|seconds| format!("{seconds} s")).unwrap_or_default()),
        (Field::Temporality, |settings| settings.temporality.unwrap_or_default().name().to_owned()),
        (Field::Preset, |settings| settings.preset.map(|preset| preset.template().name.to_owned()).unwrap_or_default()),
    ];
    let mut changes: Vec<Change> = fields
        .into_iter()
        .map(|(field, show)| (field, show(before), show(after)))
        .filter(|(_, from, to)| from != to)
        .map(|(field, from, to)| Change { field, values: Some((from, to)) })
        .collect();
    if ciphertext(before.headers.as_ref()) != ciphertext(after.headers.as_ref()) {
        changes.push(Change { field: Field::Headers, values: None });
    }
    changes
}

fn on_off(on: bool) -> String {
    if on { "on" } else { "off" }.to_owned()
}
