//! The service that everything in this room hangs on: the store, the vault, the environment, and what is published.

use std::sync::Arc;

use arc_swap::{ArcSwap, ArcSwapOption};
use tokio::sync::{Mutex, OwnedMutexGuard, broadcast, watch};
use uuid::Uuid;

use super::Error;
use super::audit::Verifying;
use super::finish::Finish;
use super::publish::{Problem, Publisher, Scope, SecretPlace};
use crate::audit::Told;
use crate::auth::Actor;
use crate::config::{OtelEnvironment, SentryEnvironment};
use crate::egress::{Policy, Scope as Reach};
use crate::live::{BrowserTracking, Exports, Routing, ServerTracking, WebhooksInForce};
use crate::store::{Changes, CommitError, Store};
use crate::values::{Endpoint, Field, Rule};
use crate::vault::{Binding, Vault};

const KEY_CHECK: Binding<'_> = Binding { tree: "meta", record: "key_check", field: "value" };
const KEY_CHECK_TEXT: &[u8] = b"knoxcall key check";

/// What the environment says; it wins over what is stored.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Environment {
    pub otel: OtelEnvironment,
    pub sentry: SentryEnvironment,
}

impl From<OtelEnvironment> for Environment {
    fn from(otel: OtelEnvironment) -> Self {
        Self { otel, ..Self::default() }
    }
}

/// Proves that nobody else saves.
pub(super) type Writing = OwnedMutexGuard<()>;

/// Reads, saves and publishes settings. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Settings {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    store: Store,
    vault: Vault,
    environment: Environment,
    instance: Uuid,
    /// Where connections may lead, as it is enforced when they are made.
    egress: Policy,
    /// Saves happen one at a time, from the first read to the publication.
    writes: Arc<Mutex<()>>,
    publisher: Publisher,
    /// The database belongs to another master key.
    wrong_key: bool,
    verifying: Verifying,
}

impl Settings {
    /// Checks the master key, then publishes what is stored. `instance` is `service.instance.id`: new for each process.
    /// Blocks; call it at start-up.
    ///
    /// # Errors
    /// The store can't be read or written. Unreadable records and secrets are no error: see [`Settings::problems`].
    pub fn open(store: Store, vault: Vault, environment: impl Into<Environment>, instance: Uuid, egress: Policy) -> Result<Self, Error> {
        let environment = environment.into();
        let publisher = Publisher::default();
        let wrong_key = check_key(&store, &vault)?;
        let (writes, verifying) = (Arc::default(), Verifying::default());
        let inner = Inner { store, vault, environment, instance, egress, writes, publisher, wrong_key, verifying };
        let settings = Self { inner: Arc::new(inner) };
        settings.publish(Scope::All)?;
        for problem in settings.problems() {
            match problem {
                Problem::Record(_) => {} // The store has logged it.
                problem => tracing::error!("{problem}"),
            }
        }
        Ok(settings)
    }

    /// The routing table in force; each change replaces it.
    #[must_use]
    pub fn routing(&self) -> Arc<ArcSwap<Routing>> {
        self.inner.publisher.routing()
    }

    /// The destinations in force. Those that a change does not touch stay the same `Arc`.
    #[must_use]
    pub fn exports(&self) -> watch::Receiver<Arc<Exports>> {
        self.inner.publisher.exports()
    }

    /// What the console's pages report their errors to; `None` is nothing. Each save replaces it.
    #[must_use]
    pub fn browser_tracking(&self) -> Arc<ArcSwapOption<BrowserTracking>> {
        self.inner.publisher.browser_tracking()
    }

    /// What the server reports its errors to. Wakes only when that changes.
    #[must_use]
    pub fn server_tracking(&self) -> watch::Receiver<Option<Arc<ServerTracking>>> {
        self.inner.publisher.server_tracking()
    }

    /// The webhook endpoints in force; each change replaces them.
    #[must_use]
    pub fn webhooks_in_force(&self) -> WebhooksInForce {
        self.inner.publisher.webhooks()
    }

    /// What is stored and can't be used: a wrong master key first, then secrets, then records.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if self.inner.wrong_key {
            let unreadable = super::publish::count_unreadable(self.store(), self.vault());
            if unreadable > 0 {
                problems.push(Problem::WrongKey { unreadable });
            }
        }
        problems.extend(self.inner.publisher.problems());
        problems.extend(self.store().problems().into_iter().map(Problem::Record));
        problems
    }

    /// Secrets that are found not to open, from now on, once each; those found before are among the [`Settings::problems`].
    /// The receiver is bounded: one that falls behind misses the oldest.
    #[must_use]
    pub fn unreadable(&self) -> broadcast::Receiver<SecretPlace> {
        self.inner.publisher.unreadable()
    }

    /// For reads that need no judgement, and for accounts and sessions.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.inner.store
    }

    pub(super) fn vault(&self) -> &Vault {
        &self.inner.vault
    }

    #[must_use]
    pub fn environment(&self) -> &OtelEnvironment {
        &self.inner.environment.otel
    }

    pub(super) fn sentry_environment(&self) -> &SentryEnvironment {
        &self.inner.environment.sentry
    }

    pub(super) fn instance(&self) -> Uuid {
        self.inner.instance
    }

    pub(super) fn publisher(&self) -> &Publisher {
        &self.inner.publisher
    }

    pub(super) fn verifying(&self) -> &Verifying {
        &self.inner.verifying
    }

    /// As [`Settings::judge_egress`], but for the bootstrap file's, which are warned of instead: see [`super::bootstrap::blocked`].
    pub(super) fn check_egress(&self, actor: &Actor, reach: Reach, field: Field, endpoint: &Endpoint) -> Result<(), Error> {
        if *actor == Actor::Bootstrap { Ok(()) } else { self.judge_egress(reach, field, endpoint) }
    }

    /// Refuses what no connection could ever be made to. A name is judged when it is connected to: it may change.
    pub(super) fn judge_egress(&self, reach: Reach, field: Field, endpoint: &Endpoint) -> Result<(), Error> {
        let judged = self.inner.egress.host(reach, endpoint.host());
        judged.map_err(|rule| Error::Invalid { field, rule: Rule::EgressBlocked { rule } })
    }

    /// To be held from the first read of a save on.
    pub(super) async fn writing(&self) -> Writing {
        Arc::clone(&self.inner.writes).lock_owned().await
    }

    /// Commits and publishes. The guard of [`Settings::writing`] proves that nobody else saves meanwhile. What is `told` goes
    /// into the audit log in the same transaction; see [`super::told`].
    ///
    /// What is stored is in force, whether or not somebody still waits for the answer: a request that is broken off between
    /// the two would leave a deleted key working until the next save.
    pub(super) async fn save(&self, guard: Writing, changes: Changes, scope: Scope, told: Told) -> Result<(), Error> {
        self.save_all_told(guard, changes, scope, vec![told]).await
    }

    /// As [`Settings::save`], where several things are told.
    pub(super) async fn save_all_told(&self, guard: Writing, changes: Changes, scope: Scope, told: Vec<Told>) -> Result<(), Error> {
        let settings = self.clone();
        Finish::new(async move {
            let _held = guard;
            // One that is refused at once leaves nothing that could be written late.
            let could_start = settings.store().check_saving().is_ok();
            let saved = settings.store().commit_all_told(changes, told).await;
            // Asked before what is stored is read: what ends in between is read once more.
            let late = if could_start && matches!(saved, Err(CommitError::Io(_))) { settings.store().under_way() } else { None };
            let published = match saved {
                // Whether the disk has it nobody knows, but whoever reads sees it: a key that looks deleted may not go on working.
                Ok(()) | Err(CommitError::Io(_)) => settings.publish(scope),
                Err(_) => Ok(()),
            };
            if let Some(ended) = late {
                tokio::spawn(settings.clone().publish_after(ended, scope));
            }
            saved?;
            published
        })
        .await
    }

    /// What the disk takes when nobody waits for it any more is in force then, too.
    async fn publish_after(self, ended: impl Future<Output = ()> + Send, scope: Scope) {
        ended.await;
        let _held = self.writing().await;
        if let Err(error) = self.publish(scope) {
            tracing::error!(%error, "what the disk took late is not in force before the next save");
        }
    }

    fn publish(&self, scope: Scope) -> Result<(), Error> {
        self.publisher().publish(self, scope)
    }
}

/// Whether the database belongs to another master key.
fn check_key(store: &Store, vault: &Vault) -> Result<bool, Error> {
    if let Some(check) = store.meta().key_check()? {
        if vault.open_sealed(&KEY_CHECK, &check).is_ok_and(|text| *text == KEY_CHECK_TEXT) {
            return Ok(false);
        }
        if super::publish::count_unreadable(store, vault) > 0 {
            return Ok(true);
        }
        // Every secret has been entered again since: the database belongs to this key now.
    }
    store.meta().set_key_check(&vault.seal(&KEY_CHECK, KEY_CHECK_TEXT)?)?;
    Ok(false)
}
