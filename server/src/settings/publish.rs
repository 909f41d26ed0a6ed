//! Turns what is stored into what is in force, after every commit, for as much as the commit touched.
//!
//! What can't be opened is left out and reported, never used without its secret.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::{ArcSwap, ArcSwapOption};
use tokio::sync::{broadcast, watch};

use super::effective::{self, StoredExport};
use super::{Error, Settings};
use crate::live::{
    self, BrowserTracking, ExportTarget, Exports, KeyHash, Owner, Routing, ServerTracking, TenantWebhooks, Webhooks, WebhooksInForce,
};
use crate::store::{self, ExportSettings, Store};
use crate::values::TenantId;
use crate::vault::Vault;

mod agents;
mod exports;
mod problem;
mod routing;
mod webhooks;

pub(super) use exports::stored_export;
use exports::{keep, suspended, with};
pub(super) use problem::count_unreadable;
pub use problem::{Problem, SecretPlace};
pub(super) use webhooks::unsealed_webhook;

/// How much has to be built anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// Nothing that is in force.
    Nothing,
    Operator,
    ErrorTracking,
    Workspace(TenantId),
    All,
}

/// Holds what is in force.
#[derive(Debug)]
pub(super) struct Publisher {
    routing: Arc<ArcSwap<Routing>>,
    exports: watch::Sender<Arc<Exports>>,
    browser_tracking: Arc<ArcSwapOption<BrowserTracking>>,
    server_tracking: watch::Sender<Option<Arc<ServerTracking>>>,
    webhooks: Arc<ArcSwap<Webhooks>>,
    webhooks_changed: watch::Sender<()>,
    broken: Mutex<Vec<SecretPlace>>,
    newly_broken: broadcast::Sender<SecretPlace>,
}

/// Places that may wait for whoever listens.
const NEWLY_BROKEN: usize = 256;

impl Default for Publisher {
    fn default() -> Self {
        Self {
            routing: Arc::new(ArcSwap::from_pointee(Routing::default())),
            exports: watch::Sender::new(Arc::new(Exports::default())),
            browser_tracking: Arc::default(),
            server_tracking: watch::Sender::new(None),
            webhooks: Arc::default(),
            webhooks_changed: watch::Sender::new(()),
            broken: Mutex::default(),
            newly_broken: broadcast::Sender::new(NEWLY_BROKEN),
        }
    }
}

/// Everything of one workspace that decides what is in force.
struct Stored {
    workspace: store::Workspace,
    routes: Vec<store::Route>,
    keys: Vec<store::ApiKey>,
    agents: Vec<store::Agent>,
    export: Option<ExportSettings>,
    webhooks: Vec<store::Webhook>,
}

impl Publisher {
    pub(super) fn routing(&self) -> Arc<ArcSwap<Routing>> {
        Arc::clone(&self.routing)
    }

    pub(super) fn exports(&self) -> watch::Receiver<Arc<Exports>> {
        self.exports.subscribe()
    }

    pub(super) fn browser_tracking(&self) -> Arc<ArcSwapOption<BrowserTracking>> {
        Arc::clone(&self.browser_tracking)
    }

    pub(super) fn server_tracking(&self) -> watch::Receiver<Option<Arc<ServerTracking>>> {
        self.server_tracking.subscribe()
    }

    pub(super) fn webhooks(&self) -> WebhooksInForce {
        WebhooksInForce { now: Arc::clone(&self.webhooks), changed: self.webhooks_changed.subscribe() }
    }

    pub(super) fn unreadable(&self) -> broadcast::Receiver<SecretPlace> {
        self.newly_broken.subscribe()
    }

    pub(super) fn problems(&self) -> Vec<Problem> {
        self.broken().iter().map(|place| Problem::Secret { place: place.clone() }).collect()
    }

    pub(super) fn publish(&self, settings: &Settings, scope: Scope) -> Result<(), Error> {
        let store = settings.store();
        let mut broken = Vec::new();
        match scope {
            Scope::Nothing => return Ok(()),
            Scope::Operator => self.publish_operator(settings, &mut broken)?,
            Scope::ErrorTracking => self.publish_tracking(settings)?,
            Scope::Workspace(id) => self.publish_one(store, settings.vault(), id, &mut broken)?,
            Scope::All => {
                self.publish_operator(settings, &mut broken)?;
                self.publish_tracking(settings)?;
                self.publish_all(store, settings.vault(), &mut broken)?;
            }
        }
        let mut known = self.broken();
        for place in broken.iter().filter(|place| !known.contains(place)) {
            // Nobody may be listening.
            let _ = self.newly_broken.send(place.clone());
        }
        known.retain(|place| scope != Scope::All && place.scope() != scope);
        known.extend(broken);
        known.sort();
        Ok(())
    }

    fn publish_operator(&self, settings: &Settings, broken: &mut Vec<SecretPlace>) -> Result<(), Error> {
        let stored = match settings.store().exports().operator() {
            // Reported by the store; the environment's settings hold all the same.
            Err(store::ReadError::Undecodable { .. }) => StoredExport { unreadable: true, ..StoredExport::default() },
            other => stored_export(settings.vault(), other?.as_ref()),
        };
        let effective = effective::operator(&stored, settings.environment(), settings.instance());
        if stored.headers.is_none() {
            broken.push(SecretPlace::OperatorHeaders);
        }
        let suspended = effective.target.is_none() && (effective.is_set || suspended(settings.store(), None)?);
        self.replace_exports(|exports| {
            let operator = keep(exports.operator.as_ref(), effective.target);
            Exports { operator, tenants: exports.tenants.clone(), suspended: with(&exports.suspended, Owner::Operator, suspended) }
        });
        Ok(())
    }

    fn replace_exports(&self, next: impl FnOnce(&Exports) -> Exports) {
        self.exports.send_if_modified(|exports| {
            let next = next(exports);
            let changed = **exports != next;
            if changed {
                *exports = Arc::new(next);
            }
            changed
        });
    }

    fn publish_tracking(&self, settings: &Settings) -> Result<(), Error> {
        let effective = settings.effective_tracking()?;
        self.browser_tracking.store(effective.browser.map(Arc::new));
        self.server_tracking.send_if_modified(|server| {
            let changed = server.as_deref() != effective.server.as_ref();
            if changed {
                *server = effective.server.map(Arc::new);
            }
            changed
        });
        Ok(())
    }

    fn publish_one(&self, store: &Store, vault: &Vault, id: TenantId, broken: &mut Vec<SecretPlace>) -> Result<(), Error> {
        let (workspace, known) = match store.workspaces().get(id) {
            // It is there, and may be readable again.
            Err(store::ReadError::Undecodable { .. }) => (None, true),
            other => {
                let workspace = other?;
                let known = workspace.is_some();
                (workspace, known)
            }
        };
        let Built { target, keys, webhooks } = match workspace.filter(|workspace| workspace.enabled) {
            Some(workspace) => {
                let export = match store.exports().of(id) {
                    Err(store::ReadError::Undecodable { .. }) => None,
                    other => other?,
                };
                let stored = Stored {
                    workspace,
                    routes: store.routes().of_workspace(id)?,
                    keys: store.api_keys().of_workspace(id)?,
                    agents: store.agents().of_workspace(id)?,
                    export,
                    webhooks: store.webhooks().of_workspace(id)?,
                };
                build(vault, &stored, broken)
            }
            None => Built::default(),
        };
        let suspended = target.is_none() && known && suspended(store, Some(id))?;
        self.replace_exports(|exports| {
            let mut tenants = exports.tenants.clone();
            match keep(exports.tenants.get(&id), target) {
                Some(target) => tenants.insert(id, target),
                None => tenants.remove(&id),
            };
            let suspended = with(&exports.suspended, Owner::Tenant(id), suspended);
            Exports { operator: exports.operator.clone(), tenants, suspended }
        });
        let mut all = self.routing.load().keys.clone();
        all.retain(|_, key| key.workspace.id != id);
        all.extend(keys);
        self.routing.store(Arc::new(Routing { keys: all }));
        let mut tenants = self.webhooks.load().tenants.clone();
        let before = match webhooks {
            Some(webhooks) => tenants.insert(id, webhooks).is_some(),
            None => tenants.remove(&id).is_some(),
        };
        if before || tenants.contains_key(&id) {
            self.publish_webhooks(tenants);
        }
        Ok(())
    }

    fn publish_all(&self, store: &Store, vault: &Vault, broken: &mut Vec<SecretPlace>) -> Result<(), Error> {
        let mut routes = by_workspace(store.routes().all()?, |route| route.workspace);
        let mut api_keys = by_workspace(store.api_keys().all()?, |key| key.workspace);
        let mut agents = by_workspace(store.agents().all()?, |agent| agent.workspace);
        let mut webhooks = by_workspace(store.webhooks().all()?, |webhook| webhook.workspace);
        let mut exports: BTreeMap<TenantId, ExportSettings> = BTreeMap::new();
        for export in store.exports().all()? {
            if let Some(workspace) = export.workspace {
                exports.insert(workspace, export);
            }
        }
        let mut tenants = HashMap::new();
        let mut keys = HashMap::new();
        let mut endpoints = HashMap::new();
        let before = Arc::clone(&self.exports.borrow());
        let mut suspended_ones = BTreeSet::new();
        for workspace in store.workspaces().all()? {
            let id = workspace.id;
            if !workspace.enabled {
                if suspended(store, Some(id))? {
                    suspended_ones.insert(Owner::Tenant(id));
                }
                continue;
            }
            let stored = Stored {
                workspace,
                routes: routes.remove(&id).unwrap_or_default(),
                keys: api_keys.remove(&id).unwrap_or_default(),
                agents: agents.remove(&id).unwrap_or_default(),
                export: exports.remove(&id),
                webhooks: webhooks.remove(&id).unwrap_or_default(),
            };
            let built = build(vault, &stored, broken);
            match keep(before.tenants.get(&id), built.target) {
                Some(target) => {
                    tenants.insert(id, target);
                }
                None if suspended(store, Some(id))? => {
                    suspended_ones.insert(Owner::Tenant(id));
                }
                None => {}
            }
            keys.extend(built.keys);
            endpoints.extend(built.webhooks.map(|webhooks| (id, webhooks)));
        }
        // Of workspaces whose records can't be read: deleting one deletes its export.
        let of_unreadable = exports.values().filter(|export| export.endpoint.is_some()).filter_map(|export| export.workspace);
        suspended_ones.extend(of_unreadable.filter(|id| !tenants.contains_key(id)).map(Owner::Tenant));
        self.publish_webhooks(endpoints);
        self.routing.store(Arc::new(Routing { keys }));
        self.replace_exports(|exports| {
            let operators = exports.suspended.get(&Owner::Operator).copied();
            Exports { operator: exports.operator.clone(), tenants, suspended: operators.into_iter().chain(suspended_ones).collect() }
        });
        Ok(())
    }

    fn publish_webhooks(&self, tenants: HashMap<TenantId, Arc<TenantWebhooks>>) {
        self.webhooks.store(Arc::new(Webhooks { tenants }));
        self.webhooks_changed.send_replace(());
    }

    fn broken(&self) -> MutexGuard<'_, Vec<SecretPlace>> {
        self.broken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Each workspace's part of the list, in its order.
fn by_workspace<T>(list: Vec<T>, of: impl Fn(&T) -> TenantId) -> HashMap<TenantId, Vec<T>> {
    let mut parts: HashMap<TenantId, Vec<T>> = HashMap::new();
    for one in list {
        parts.entry(of(&one)).or_default().push(one);
    }
    parts
}

/// What of one workspace is in force.
#[derive(Default)]
struct Built {
    target: Option<ExportTarget>,
    keys: Vec<(KeyHash, live::ApiKey)>,
    webhooks: Option<Arc<TenantWebhooks>>,
}

fn build(vault: &Vault, stored: &Stored, broken: &mut Vec<SecretPlace>) -> Built {
    let id = stored.workspace.id;
    let target = stored.export.as_ref().and_then(|export| {
        let unsealed = stored_export(vault, Some(export));
        if unsealed.headers.is_none() {
            broken.push(SecretPlace::TenantHeaders(id));
        }
        effective::tenant(id, &unsealed)
    });
    Built { target, keys: routing::build(vault, stored, broken), webhooks: webhooks::build(vault, &stored.webhooks, broken) }
}
