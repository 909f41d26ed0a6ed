//! What is there before anything serves, and what is started on it: one step for each part, in the order that the composition
//! root chooses.

use std::sync::Arc;

use anyhow::{Context, Result};
use async_trait::async_trait;
use tokio::net::TcpListener;
use tokio::sync::{broadcast, mpsc};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::for_requests;
use super::messages::{pause_exhausted, report_rotated, report_unreadable, stop_webhooks, tell_audit, trim_audit};
use crate::audit::Written;
use crate::auth::{Auth, Clock, Operator, Passwords};
use crate::backend::Backend;
use crate::bus::Bus;
use crate::config::Config;
use crate::config::bootstrap::Bootstrap;
use crate::egress::Policy;
use crate::gateway;
use crate::outbound::Outbound;
use crate::peers::Proxies;
use crate::settings::{BootstrapReport, Environment, Settings};
use crate::spool::{self, Spool};
use crate::store::Store;
use crate::telemetry::{self, GiveUp, OutboundTransport, Telemetry};
use crate::traffic::Traffic;
use crate::values::Password;
use crate::vault::Vault;
use crate::webhooks::{self, Webhooks};
use crate::{demo, web};

/// What the parts share.
pub struct House {
    pub config: Config,
    pub settings: Settings,
    vault: Vault,
    pub bus: Bus,
    pub auth: Auth,
    pub outbound: Outbound,
    proxies: Proxies,
    pub ends: Ends,
}

/// Until when tasks go on, in the order in which it comes to an end.
#[derive(Default)]
pub struct Ends {
    /// Nothing new is accepted any more.
    pub shutdown: CancellationToken,
    /// Nothing is saved any more, but that a webhook is off.
    pub saved_all: CancellationToken,
    /// No attempt at a webhook is made any more.
    pub attempted_all: CancellationToken,
}

impl House {
    /// Opens the data folder.
    pub async fn open(config: Config) -> Result<Self> {
        let egress = egress(&config);
        let (settings, vault) = open_settings(&config, egress.clone()).await?;
        let bus = Bus::default();
        let auth = Auth::new(settings.store().clone(), bus.clone(), Clock::system());
        let outbound = Outbound::new(egress).context("TLS can't be set up")?;
        let proxies = Proxies::new(config.trusted_proxies.iter().copied());
        Ok(Self { config, settings, vault, bus, auth, outbound, proxies, ends: Ends::default() })
    }

    /// Applies the bootstrap file, where there is one.
    pub async fn apply(&self, file: Option<&Bootstrap>) -> Result<BootstrapReport> {
        let Some(file) = file else { return Ok(BootstrapReport::default()) };
        let passwords = Hashing(self.auth.passwords().clone());
        Ok(self.settings.apply_bootstrap(&Operator::at_startup(), file, &passwords).await?)
    }

    /// Starts the demo's upstream and makes its workspace, where a demo is asked for.
    pub async fn start_demo(&self) -> Result<Option<demo::Account>> {
        if !self.config.demo {
            return Ok(None);
        }
        let upstream = demo::upstream(self.ends.shutdown.clone()).await.context("the demo's upstream can't listen on loopback")?;
        let (password, file) = demo::bootstrap(upstream)?;
        self.apply(Some(&file)).await?;
        let (workspace, key) = demo::fresh_key(&self.settings, &Operator::at_startup()).await?;
        Ok(Some(demo::Account { workspace, password, key }))
    }

    /// Exports telemetry, and pauses exports that only fail.
    pub fn start_telemetry(&self) -> Telemetry {
        let transport = Arc::new(OutboundTransport::new(self.outbound.clone()));
        let (reports, exhausted) = mpsc::channel(64);
        let give_up = GiveUp { after: self.config.pause_failing_after, reports: Some(reports), ..GiveUp::default() };
        let options = telemetry::Options { give_up, spool: self.spool(), own_thread: true, ..telemetry::Options::default() };
        let telemetry = Telemetry::start(self.settings.exports(), &self.bus, transport, options);
        tokio::spawn(pause_exhausted(self.settings.clone(), exhausted, self.ends.shutdown.clone()));
        telemetry
    }

    /// Where exports keep what they can't send; nothing is made before something has to be kept.
    fn spool(&self) -> Option<Spool> {
        let total = self.config.spool_bytes;
        let options = spool::Options { total, ..spool::Options::default() };
        (total > 0).then(|| Spool::new(self.config.data_dir.join("spool"), self.vault.clone(), options))
    }

    /// Tells of what is written into the audit logs, and has old entries leave them.
    pub fn start_audit(&self, audited: broadcast::Receiver<Written>) -> JoinHandle<()> {
        let telling = tokio::spawn(tell_audit(audited, self.bus.clone(), self.ends.saved_all.clone()));
        if let Some(keep) = self.config.audit_retention {
            tokio::spawn(trim_audit(self.settings.clone(), keep, self.ends.shutdown.clone()));
        }
        telling
    }

    /// Delivers webhooks, and switches off endpoints that can't be delivered to.
    pub async fn start_webhooks(&self) -> Result<(Webhooks, JoinHandle<()>)> {
        let (stops, stopped) = mpsc::channel(64);
        let stopping = tokio::spawn(stop_webhooks(self.settings.clone(), stopped, self.ends.attempted_all.clone()));
        let options = webhooks::Options { stops: Some(stops), ..webhooks::Options::default() };
        let place = webhooks::Place { store: self.settings.store().clone(), vault: self.vault.clone() };
        let (in_force, bus, outbound) = (self.settings.webhooks_in_force(), self.bus.clone(), self.outbound.clone());
        let started = tokio::task::spawn_blocking(move || Webhooks::start(in_force, place, &bus, outbound, options)).await?;
        Ok((started.context("the webhook deliveries that wait can't be taken over")?, stopping))
    }

    /// Tells of secrets that do not open.
    pub fn report_unreadable(&self) {
        let (found, known) = (self.settings.unreadable(), self.settings.problems());
        tokio::spawn(report_unreadable(found, known, self.bus.clone(), self.ends.shutdown.clone()));
    }

    /// Tells of signing secrets that the bootstrap file replaced, once there is somebody who listens.
    pub fn report_rotated(&self, report: &BootstrapReport) {
        report_rotated(&report.rotated, &self.bus);
    }

    /// Passes requests on.
    pub fn start_gateway(&self, listener: TcpListener) -> JoinHandle<()> {
        let config = gateway::Config {
            shutdown_grace: for_requests(self.config.shutdown_grace),
            max_requests: self.config.max_requests,
            proxies: self.proxies.clone(),
            ..gateway::Config::default()
        };
        let (routing, shutdown) = (self.settings.routing(), self.ends.shutdown.clone());
        tokio::spawn(gateway::serve(listener, config, routing, self.bus.clone(), self.outbound.clone(), shutdown))
    }

    /// Sends the demo's first requests, so that the page of requests has something to show, too.
    pub fn visit(&self, account: &demo::Account, traffic: &Traffic, gateway_url: &str) {
        traffic.keep(&Operator::at_startup().member_of(account.workspace));
        let visit = demo::visit(self.outbound.clone(), gateway_url.to_owned(), account.clone());
        tokio::spawn(self.ends.shutdown.clone().run_until_cancelled_owned(visit));
    }

    /// Serves the console.
    pub fn start_console(&self, listener: TcpListener, backend: Backend) -> JoinHandle<()> {
        let (assets, public_url) = (web::Assets::of_this_build(), self.config.public_url.clone());
        let console = web::Console::new(backend, self.bus.clone(), assets, public_url, self.proxies.clone());
        tokio::spawn(web::serve(listener, console, self.ends.shutdown.clone(), for_requests(self.config.shutdown_grace)))
    }
}

/// The networks that the operator opened; a demo opens the machine's own loopback, where its echo and the collector of
/// the quick start are.
fn egress(config: &Config) -> Policy {
    let demo = if config.demo { demo::ALLOWED_EGRESS } else { &[] };
    Policy::new(config.allow_egress.iter().copied().chain(demo.iter().copied()))
}

async fn open_settings(config: &Config, egress: Policy) -> Result<(Settings, Vault)> {
    let (folder, key) = (config.data_dir.clone(), config.master_key.clone());
    let environment = Environment { otel: config.otel.clone(), sentry: config.sentry.clone() };
    let open = move || -> Result<(Settings, Vault)> {
        let store = Store::open(&folder)?;
        let vault = Vault::open(&folder, key.as_deref().map(String::as_str))?;
        Ok((Settings::open(store, vault.clone(), environment, Uuid::new_v4(), egress)?, vault))
    };
    tokio::task::spawn_blocking(open).await?
}

/// Lends the bootstrap file the accounts' password hashing.
struct Hashing(Passwords);

#[async_trait]
impl crate::settings::Passwords for Hashing {
    async fn hash(&self, password: &Password) -> Result<String, String> {
        self.0.hash(password).await.map_err(|error| error.to_string())
    }

    async fn verify(&self, password: &Password, stored: &str) -> Result<bool, String> {
        self.0.verify(password.expose(), Some(stored)).await.map_err(|error| error.to_string())
    }
}
