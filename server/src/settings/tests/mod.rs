//! The services over a real store and vault.

mod agents;
mod audit;
mod bootstrap;
mod egress;
mod error_tracking;
mod export_history;
mod exports;
mod late;
mod operators;
mod people;
mod problems;
mod routing;

use std::sync::Arc;

use uuid::Uuid;

use super::{Environment, ExportChange, ExportReader, ExportWriter, Settings};
use crate::auth::{Actor, Operator, WorkspaceAdmin, WorkspaceMember};
use crate::config::{OtelEnvironment, SentryEnvironment};
use crate::egress::Policy;
use crate::live::{ExportTarget, Exports};
use crate::store::{Store, Workspace};
use crate::values::{Email, Role, TenantId};
use crate::vault::Vault;

/// A data folder and what was opened in it.
struct House {
    dir: tempfile::TempDir,
    settings: Settings,
}

fn house() -> House {
    house_with(&[])
}

fn house_with(vars: &[(&str, &str)]) -> House {
    let dir = tempfile::tempdir().unwrap();
    let settings = open(dir.path(), [1; 32], vars);
    House { dir, settings }
}

fn open(path: &std::path::Path, key: [u8; 32], vars: &[(&str, &str)]) -> Settings {
    open_over(Store::open(path).unwrap(), key, vars)
}

fn open_over(store: Store, key: [u8; 32], vars: &[(&str, &str)]) -> Settings {
    let vars = |name: &str| vars.iter().find(|(other, _)| *other == name).map(|(_, value)| (*value).to_owned());
    let environment = Environment { otel: OtelEnvironment::from_vars(vars).unwrap(), sentry: SentryEnvironment::from_vars(vars).unwrap() };
    let egress = Policy::new(["127.0.0.0/8".parse().unwrap()]);
    Settings::open(store, Vault::from_key(key), environment, Uuid::nil(), egress).unwrap()
}

impl House {
    /// Closes everything and opens it again.
    fn reopened(self, key: [u8; 32]) -> Self {
        let Self { dir, settings } = self;
        drop(settings);
        let settings = open(dir.path(), key, &[]);
        Self { dir, settings }
    }

    async fn workspace(&self, slug: &str) -> Workspace {
        self.settings.create_workspace(&operator(), slug, slug).await.unwrap()
    }

    fn exports(&self) -> Arc<Exports> {
        Arc::clone(&self.settings.exports().borrow())
    }

    fn tenant_target(&self, id: TenantId) -> Option<Arc<ExportTarget>> {
        self.exports().tenants.get(&id).cloned()
    }

    fn tenant_generation(&self, id: TenantId) -> u64 {
        self.settings.export(&ExportReader::Workspace(member(id))).unwrap().generation
    }
}

fn someone() -> Actor {
    Actor::User { id: Uuid::from_u128(42), email: Email::parse("op@example.com").unwrap() }
}

fn operator() -> Operator {
    Operator::for_test(someone())
}

fn admin(workspace: TenantId) -> WorkspaceAdmin {
    operator().admin_of(workspace)
}

/// The right to change the operator's export.
fn global() -> ExportWriter {
    ExportWriter::Operator(operator())
}

/// The right to change a workspace's export.
fn own(workspace: TenantId) -> ExportWriter {
    ExportWriter::Workspace(admin(workspace))
}

fn member(workspace: TenantId) -> WorkspaceMember {
    WorkspaceMember::for_test(someone(), workspace, Role::Viewer)
}

/// Everything on, with the endpoint and headers given.
fn form(endpoint: &str, headers: &str, generation: u64) -> ExportChange {
    ExportChange {
        endpoint: endpoint.to_owned(),
        headers: headers.to_owned(),
        traces: true,
        logs: true,
        metrics: true,
        generation,
        ..ExportChange::default()
    }
}
