//! Where errors are reported: what the card shows, saving it, and what is in force. Operators alone may look at it.
//!
//! A DSN is no secret: it is stored and shown as it is.

mod effective;
mod save;

pub use effective::{EffectiveTracking, StoredTracking, TrackingManagedBy, effective as effective_tracking};
pub use save::TrackingChange;

use super::exports::InEffect;
use super::{Error, Settings};
use crate::auth::Operator;
use crate::store::{ErrorTracking, ReadError, UnixMillis};
use crate::values::{Dsn, Email};

/// The card, but for how the reporting goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tracking {
    /// Empty when there is none.
    pub dsn_browser: InEffect<String>,
    pub dsn_server: InEffect<String>,
    pub environment: InEffect<String>,
    /// Nothing but the environment changes it.
    pub release: InEffect<String>,
    pub generation: u64,
    pub saved_at: Option<UnixMillis>,
    pub saved_by: Option<Email>,
    /// The stored settings can't be read.
    pub broken: bool,
}

/// The stored record, or what stands in for one that is missing or can't be read.
struct Current {
    record: Option<ErrorTracking>,
    broken: bool,
}

impl Current {
    fn generation(&self) -> u64 {
        self.record.as_ref().map_or(0, |record| record.generation)
    }

    fn stored(&self) -> StoredTracking {
        self.record.as_ref().map_or_else(StoredTracking::default, stored)
    }
}

fn stored(record: &ErrorTracking) -> StoredTracking {
    StoredTracking {
        dsn_browser: record.dsn_browser.clone(),
        dsn_server: record.dsn_server.clone(),
        environment: record.environment.clone(),
    }
}

impl Settings {
    /// # Errors
    /// The store can't be read.
    pub fn error_tracking(&self, _operator: &Operator) -> Result<Tracking, Error> {
        let current = self.current_tracking()?;
        let effective = self.tracking_of(&current.stored());
        let text = |dsn: Option<&Dsn>| dsn.map(ToString::to_string).unwrap_or_default();
        let managed = effective.managed;
        let record = current.record.as_ref();
        Ok(Tracking {
            dsn_browser: InEffect { value: text(effective.browser.as_ref().map(|browser| &browser.dsn)), by: managed.dsn_browser },
            dsn_server: InEffect { value: text(effective.server.as_ref().map(|server| &server.dsn)), by: managed.dsn_server },
            environment: InEffect { value: effective.environment.unwrap_or_default(), by: managed.environment },
            release: InEffect { value: effective.release, by: managed.release },
            generation: current.generation(),
            saved_at: record.map(|record| record.saved_at),
            saved_by: record.and_then(|record| record.saved_by.clone()),
            broken: current.broken,
        })
    }

    /// What is in force; an unreadable record counts as none, and the environment's settings hold all the same.
    pub(super) fn effective_tracking(&self) -> Result<EffectiveTracking, Error> {
        Ok(self.tracking_of(&self.current_tracking()?.stored()))
    }

    fn tracking_of(&self, stored: &StoredTracking) -> EffectiveTracking {
        effective_tracking(stored, self.sentry_environment())
    }

    fn current_tracking(&self) -> Result<Current, Error> {
        match self.store().error_tracking() {
            Ok(record) => Ok(Current { record, broken: false }),
            Err(ReadError::Undecodable { .. }) => Ok(Current { record: None, broken: true }),
            Err(error) => Err(error.into()),
        }
    }
}
