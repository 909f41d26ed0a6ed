//! Saving a card: one commit of the settings and of their place in the history, then publishing. Testing a form makes the
//! same settings and saves nothing.

use super::form::{ExportChange, Parsed, managed_by};
use super::{Current, ExportWriter, Settings};
use crate::audit::{Action, Told};
use crate::auth::{Actor, Who};
use crate::egress::Scope as Reach;
use crate::live::ExportTarget;
use crate::settings::Error;
use crate::settings::effective::{self, ManagedBy, StoredExport};
use crate::settings::publish::{Scope, stored_export};
use crate::settings::secret::{self, HeaderChange, Place};
use crate::settings::told;
use crate::store::{Changes, ExportSettings, RevisionCause, SecretRecord, StoredEndpoint, now};
use crate::values::{Field, Rule, TenantId};

impl Settings {
    /// # Errors
    /// A field breaks a rule or is managed by the environment, or somebody saved meanwhile.
    pub async fn save_export(&self, writer: &ExportWriter, change: &ExportChange) -> Result<(), Error> {
        self.put_export(writer.workspace(), writer.who(), change).await.map(drop)
    }

    /// Where the form as it stands would send; nothing is saved. Stored headers that the form leaves blank go along, under
    /// the same rule as in a save: never to another origin.
    ///
    /// # Errors
    /// As [`Settings::save_export`], but a newer save does not matter. [`Rule::Required`] when it would send nothing.
    pub fn export_target(&self, writer: &ExportWriter, change: &ExportChange) -> Result<ExportTarget, Error> {
        let workspace = writer.workspace();
        let current = self.current_export(workspace)?;
        let mut next = self.changed(workspace, &current, change, writer.actor())?;
        next.paused = None;
        let stored = stored_export(self.vault(), Some(&next));
        let target = match workspace {
            Some(workspace) => effective::tenant(workspace, &stored),
            None => effective::operator(&stored, self.environment(), self.instance()).target,
        };
        let field = if stored.endpoint.is_none() { Field::Endpoint } else { Field::Logs };
        target.ok_or(Error::Invalid { field, rule: Rule::Required })
    }

    /// Returns whether anything changed. The bootstrap file may set what the environment manages (the environment still
    /// wins), and knows no generation.
    pub(in crate::settings) async fn put_export(
        &self,
        workspace: Option<TenantId>,
        who: &Who,
        change: &ExportChange,
    ) -> Result<bool, Error> {
        let actor = &who.actor;
        let guard = self.writing().await;
        self.must_exist(workspace)?;
        let current = self.current_export(workspace)?;
        let by_file = *actor == Actor::Bootstrap;
        if !by_file && change.generation != current.generation() {
            return Err(Error::Stale);
        }
        let next = self.changed(workspace, &current, change, actor)?;
        // Whoever clears a secret wants it gone, from the history too and even if another takes its place.
        let cleared = change.clear_headers && self.history_has_headers(workspace)?;
        if !cleared && current.record.as_ref().is_some_and(|old| same_settings(old, &next)) {
            return Ok(false);
        }
        let cause = if by_file { RevisionCause::Bootstrap } else { RevisionCause::Saved };
        let (changes, told) = self.next_generation(&current, next, who, cause, cleared)?;
        self.save(guard, changes, scope(workspace), told).await?;
        Ok(true)
    }

    pub(super) fn must_exist(&self, workspace: Option<TenantId>) -> Result<(), Error> {
        if let Some(workspace) = workspace {
            self.store().workspaces().get(workspace)?.ok_or(Error::NotFound)?;
        }
        Ok(())
    }

    /// The record that the form makes of the stored one, headers sealed.
    fn changed(
        &self,
        workspace: Option<TenantId>,
        current: &Current,
        change: &ExportChange,
        actor: &Actor,
    ) -> Result<ExportSettings, Error> {
        let old = current.record.as_ref();
        let parsed = Parsed::from(change)?;
        let by_file = *actor == Actor::Bootstrap;
        if let Some(endpoint) = parsed.endpoint() {
            let reach = if workspace.is_some() { Reach::Tenant } else { Reach::Operator };
            self.check_egress(actor, reach, Field::Endpoint, endpoint)?;
        }
        let mut headers_managed = false;
        let mut next = match workspace {
            Some(workspace) => parsed.of_workspace(workspace, old),
            None => {
                let stored = StoredExport {
                    endpoint: old.and_then(|old| old.endpoint.as_ref()).map(|endpoint| endpoint.0.clone()),
                    ..StoredExport::default()
                };
                let effective = effective::operator(&stored, self.environment(), self.instance());
                headers_managed = effective.managed.headers.is_some();
                let managed = if by_file { ManagedBy::default() } else { effective.managed };
                if let Some(variable) = managed.headers
                    && (change.clear_headers || !change.headers.trim().is_empty())
                {
                    return Err(managed_by(Field::Headers, variable));
                }
                parsed.of_operator(old, &effective, &managed)?
            }
        };
        let stored = old.and_then(|old| old.headers.as_ref());
        // Nobody could enter or clear them while the environment has them locked, and they must not go along.
        let left_behind = headers_managed && stored.is_some_and(|stored| belong_elsewhere(stored, next.endpoint.as_ref()));
        let header_change = HeaderChange {
            text: &change.headers,
            clear: change.clear_headers || left_behind,
            field: Field::Headers,
            endpoint: next.endpoint.as_ref().map(|endpoint| &endpoint.0),
        };
        // Without an endpoint there is no origin to hold them to, and the next one would get them, whoever enters it.
        if next.endpoint.is_none() && !change.headers.trim().is_empty() {
            return Err(Error::Invalid { field: Field::Endpoint, rule: Rule::Required });
        }
        next.headers = secret::change(self.vault(), &Place::export(workspace), stored, &header_change, actor)?;
        Ok(next)
    }

    /// The record as the next generation, with its revision, and what is told of it; refused if the stored one is no longer `current`.
    pub(super) fn next_generation(
        &self,
        current: &Current,
        mut next: ExportSettings,
        who: &Who,
        cause: RevisionCause,
        headers_cleared: bool,
    ) -> Result<(Changes, Told), Error> {
        let kept = self.store().exports().history(next.workspace)?;
        // Past what is kept too: the record may have been unreadable.
        let newest = kept.last().map_or(0, |revision| revision.settings.generation);
        next.generation = current.generation().max(newest) + 1;
        next.saved_at = now();
        next.saved_by = who.actor.email().cloned();
        let expected = current.record.as_ref().map_or_else(Changes::new, |old| Changes::new().expect_unchanged(old));
        let told = told(who, &cause, current.record.as_ref(), &next, headers_cleared);
        let history = super::history::changes(&kept, &next, cause, headers_cleared);
        Ok((expected.put(&next).and(history), told))
    }
}

fn told(who: &Who, cause: &RevisionCause, before: Option<&ExportSettings>, next: &ExportSettings, headers_cleared: bool) -> Told {
    let action = match cause {
        RevisionCause::Saved | RevisionCause::Bootstrap => Action::ExportSaved,
        RevisionCause::Reverted { .. } => Action::ExportReverted,
        RevisionCause::Paused | RevisionCause::PausedItself { .. } => Action::ExportPaused,
        RevisionCause::Resumed => Action::ExportResumed,
    };
    let differing = super::history::difference(before, next);
    let headers = differing.iter().any(|change| change.field == Field::Headers);
    let told = differing.iter().fold(told::export(who, action, next.workspace, before, next), |told, change| match &change.values {
        Some((before, after)) => told.change(change.field.label(), before, after),
        None => told.secret(change.field.label(), true),
    });
    // Out of the history alone.
    told.secret(Field::Headers.label(), headers_cleared && !headers)
}

/// They were saved for another origin than the one of this endpoint.
fn belong_elsewhere(headers: &SecretRecord, endpoint: Option<&StoredEndpoint>) -> bool {
    match (&headers.origin, endpoint) {
        (Some(origin), Some(endpoint)) => origin != endpoint.0.origin(),
        _ => false,
    }
}

pub(super) fn scope(workspace: Option<TenantId>) -> Scope {
    workspace.map_or(Scope::Operator, Scope::Workspace)
}

fn same_settings(old: &ExportSettings, new: &ExportSettings) -> bool {
    let origin = |settings: &ExportSettings| settings.headers.as_ref().map(|headers| headers.origin.clone());
    old.endpoint == new.endpoint
        && old.service_name == new.service_name
        && (old.traces, old.logs, old.metrics) == (new.traces, new.logs, new.metrics)
        && (old.compression, old.timeout_s, old.temporality, old.preset) == (new.compression, new.timeout_s, new.temporality, new.preset)
        && old.paused == new.paused
        && secret::ciphertext(old.headers.as_ref()) == secret::ciphertext(new.headers.as_ref())
        && origin(old) == origin(new)
}
