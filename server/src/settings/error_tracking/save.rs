//! Saving the card, and what a test of it would report to.

use super::effective::{EffectiveTracking, StoredTracking, TrackingManagedBy};
use super::{Current, Settings, stored};
use crate::auth::{Actor, Operator, Who};
use crate::egress::Scope as Reach;
use crate::live::ServerTracking;
use crate::settings::Error;
use crate::settings::publish::Scope;
use crate::settings::told::{self, Step};
use crate::store::{Changes, ErrorTracking, now};
use crate::values::{Dsn, Field, Rule, parse_sentry_environment};

/// The card's form, as typed. Blank turns off, or is no environment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrackingChange {
    pub dsn_browser: String,
    pub dsn_server: String,
    pub environment: String,
    /// As the form was loaded.
    pub generation: u64,
}

impl Settings {
    /// # Errors
    /// A field breaks a rule or is managed by the environment, or somebody saved meanwhile.
    pub async fn save_error_tracking(&self, operator: &Operator, change: &TrackingChange) -> Result<(), Error> {
        self.put_error_tracking(operator.who(), change).await.map(drop)
    }

    /// Where the server's errors would go with the form as it stands; nothing is saved.
    ///
    /// # Errors
    /// As [`Settings::save_error_tracking`], but a newer save does not matter. [`Rule::Required`] without a DSN for the server.
    pub fn server_tracking_of(&self, operator: &Operator, change: &TrackingChange) -> Result<ServerTracking, Error> {
        let next = self.changed_tracking(&self.current_tracking()?, change, operator.actor())?;
        let missing = Error::Invalid { field: Field::SentryDsnServer, rule: Rule::Required };
        self.tracking_of(&stored(&next)).server.ok_or(missing)
    }

    /// Returns whether anything changed. The bootstrap file may set what the environment manages (the environment still
    /// wins), and knows no generation.
    pub(in crate::settings) async fn put_error_tracking(&self, who: &Who, change: &TrackingChange) -> Result<bool, Error> {
        let actor = &who.actor;
        let guard = self.writing().await;
        let current = self.current_tracking()?;
        if *actor != Actor::Bootstrap && change.generation != current.generation() {
            return Err(Error::Stale);
        }
        let mut next = self.changed_tracking(&current, change, actor)?;
        if !current.broken && current.stored() == stored(&next) {
            return Ok(false);
        }
        next.generation = current.generation() + 1;
        next.saved_at = now();
        next.saved_by = actor.email().cloned();
        let expected = current.record.as_ref().map_or_else(Changes::new, |old| Changes::new().expect_unchanged(old));
        let step = current.record.as_ref().map_or(Step::Made(&next), |old| Step::Changed(old, &next));
        let told = told::error_tracking(who, &step);
        self.save(guard, expected.put(&next), Scope::ErrorTracking, told).await?;
        Ok(true)
    }

    fn changed_tracking(&self, current: &Current, change: &TrackingChange, actor: &Actor) -> Result<ErrorTracking, Error> {
        let given = StoredTracking {
            dsn_browser: parsed(&change.dsn_browser, Field::SentryDsnBrowser)?,
            dsn_server: parsed(&change.dsn_server, Field::SentryDsnServer)?,
            environment: parse_sentry_environment(&change.environment).map_err(Error::invalid(Field::SentryEnvironment))?,
        };
        let old = current.stored();
        let by_file = *actor == Actor::Bootstrap;
        // The browser's DSN is left to the browser: this process never connects there.
        if let Some(dsn) = &given.dsn_server {
            self.check_egress(actor, Reach::Operator, Field::SentryDsnServer, dsn.base())?;
        }
        let next = if by_file { given } else { unmanaged(&self.tracking_of(&old), old, given)? };
        let mut record = current.record.clone().unwrap_or_else(ErrorTracking::empty);
        record.dsn_browser = next.dsn_browser;
        record.dsn_server = next.dsn_server;
        record.environment = next.environment;
        Ok(record)
    }
}

/// What may be stored of the form: managed fields stay as they are stored. A locked field sends nothing, or what it shows.
fn unmanaged(effective: &EffectiveTracking, stored: StoredTracking, given: StoredTracking) -> Result<StoredTracking, Error> {
    let TrackingManagedBy { dsn_browser, dsn_server, environment, .. } = effective.managed;
    let in_force = |dsn: Option<&Dsn>| dsn.cloned();
    let (browser, server) =
        (in_force(effective.browser.as_ref().map(|browser| &browser.dsn)), in_force(effective.server.as_ref().map(|server| &server.dsn)));
    let differs = [
        (Field::SentryDsnBrowser, dsn_browser, given.dsn_browser.is_some() && given.dsn_browser != browser),
        (Field::SentryDsnServer, dsn_server, given.dsn_server.is_some() && given.dsn_server != server),
        (Field::SentryEnvironment, environment, given.environment.is_some() && given.environment != effective.environment),
    ];
    for (field, variable, differs) in differs {
        if let Some(variable) = variable.filter(|_| differs) {
            return Err(Error::Managed { field, variable });
        }
    }
    Ok(StoredTracking {
        dsn_browser: if dsn_browser.is_some() { stored.dsn_browser } else { given.dsn_browser },
        dsn_server: if dsn_server.is_some() { stored.dsn_server } else { given.dsn_server },
        environment: if environment.is_some() { stored.environment } else { given.environment },
    })
}

fn parsed(text: &str, field: Field) -> Result<Option<Dsn>, Error> {
    if text.trim().is_empty() { Ok(None) } else { Dsn::parse(text).map(Some).map_err(Error::invalid(field)) }
}
