//! Pausing an export: what is paused is not collected. A person does it, or the export itself when it has only failed for
//! too long; that one resumes only once somebody has seen a test pass.

use super::save::scope;
use super::{ExportWriter, Settings};
use crate::auth::{Actor, Who};
use crate::live::ExportTarget;
use crate::settings::publish::stored_export;
use crate::settings::{Error, effective};
use crate::store::{Pause, RevisionCause, UnixMillis, now};
use crate::values::TenantId;

/// A destination that has only failed for too long, as telemetry saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exhausted {
    /// `None` for the operator's.
    pub workspace: Option<TenantId>,
    /// Of the settings that failed; newer ones are given their own time.
    pub generation: u64,
    pub failing_since: UnixMillis,
    pub attempts: u64,
}

/// How a paused export may be resumed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resume {
    /// Somebody paused it.
    AtOnce,
    /// It may have paused itself: a test has passed.
    Tested,
}

impl Settings {
    /// # Errors
    /// There is nothing to pause, the environment manages the endpoint, or somebody saved meanwhile.
    pub async fn pause_export(&self, writer: &ExportWriter, generation: u64) -> Result<(), Error> {
        let pause = Pause { at: now(), by: writer.actor().email().cloned() };
        self.set_pause(writer.workspace(), writer.who(), generation, Some(pause), RevisionCause::Paused).await
    }

    /// # Errors
    /// It is not paused, it needs a test that passed, or somebody saved meanwhile.
    pub async fn resume_export(&self, writer: &ExportWriter, generation: u64, how: Resume) -> Result<(), Error> {
        let current = self.current_export(writer.workspace())?;
        let pause = current.record.as_ref().and_then(|record| record.paused.as_ref()).ok_or(Error::NotFound)?;
        if pause.by.is_none() && how == Resume::AtOnce {
            return Err(Error::NotFound);
        }
        self.set_pause(writer.workspace(), writer.who(), generation, None, RevisionCause::Resumed).await
    }

    /// The target that has to pass a test before the export may resume; `None` where it need not.
    ///
    /// # Errors
    /// The store can't be read.
    pub fn export_to_test(&self, writer: &ExportWriter) -> Result<Option<ExportTarget>, Error> {
        let workspace = writer.workspace();
        let Some(record) = self.current_export(workspace)?.record else { return Ok(None) };
        if record.paused.as_ref().is_none_or(|pause| pause.by.is_some()) {
            return Ok(None);
        }
        let stored = stored_export(self.vault(), Some(&crate::store::ExportSettings { paused: None, ..record }));
        Ok(match workspace {
            Some(workspace) => effective::tenant(workspace, &stored),
            None => effective::operator(&stored, self.environment(), self.instance()).target,
        })
    }

    /// Pauses what can't deliver. Does nothing if its settings changed meanwhile.
    ///
    /// # Errors
    /// The store can't be written.
    pub async fn pause_exhausted(&self, exhausted: Exhausted) -> Result<bool, Error> {
        let cause = RevisionCause::PausedItself { failing_since: exhausted.failing_since, attempts: exhausted.attempts };
        let pause = Pause { at: now(), by: None };
        match self.set_pause(exhausted.workspace, &Who::from(Actor::System), exhausted.generation, Some(pause), cause).await {
            Ok(()) => Ok(true),
            Err(Error::Stale | Error::NotFound | Error::Managed { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn set_pause(
        &self,
        workspace: Option<TenantId>,
        who: &Who,
        generation: u64,
        pause: Option<Pause>,
        cause: RevisionCause,
    ) -> Result<(), Error> {
        let guard = self.writing().await;
        let current = self.export_to_change(workspace, generation)?;
        let old = current.record.as_ref().filter(|record| record.endpoint.is_some()).ok_or(Error::NotFound)?;
        if old.paused.is_some() == pause.is_some() {
            return Err(Error::NotFound);
        }
        let next = crate::store::ExportSettings { paused: pause, ..old.clone() };
        let (changes, told) = self.next_generation(&current, next, who, cause, false)?;
        self.save(guard, changes, scope(workspace), told).await
    }
}
