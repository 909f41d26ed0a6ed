//! The composition root: the one place that knows many rooms. It builds each part with what it needs, connects them, and
//! takes them down in the right order. It holds no logic of its own.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use async_trait::async_trait;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::auth::{Auth, Clock, Operator, Passwords};
use crate::backend::{Backend, Parts};
use crate::bus::Bus;
use crate::config::Config;
use crate::config::bootstrap::Bootstrap;
use crate::egress::Policy;
use crate::error_tracking::ErrorTracking;
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

mod messages;

use messages::{pause_exhausted, report_unreadable, stop_webhooks, tell_audit, trim_audit};

/// Beyond the grace, for a disk that is slow to take what could not be sent.
const LAST_SPOOLING: Duration = Duration::from_secs(1);

/// A running process.
pub struct KnoxCall {
    /// How people reach the console, without a trailing slash.
    pub console_url: String,
    /// Where the gateway listens, as a URL.
    pub gateway_url: String,
    /// The one-time link of a first start; `None` once there is an operator.
    pub setup_url: Option<String>,
    /// API keys that the bootstrap file had made: workspace, name and key. To be shown now or never.
    pub made_keys: Vec<(String, String, String)>,
    /// Likewise signing secrets of webhooks.
    pub made_signing_secrets: Vec<(String, String, String)>,
    pub demo: Option<demo::Account>,
    console: JoinHandle<()>,
    gateway: JoinHandle<()>,
    bus: Bus,
    audit: JoinHandle<()>,
    telemetry: Telemetry,
    webhooks: Webhooks,
    errors: ErrorTracking,
    /// Switches off webhooks that can't be delivered to.
    webhook_stopper: JoinHandle<()>,
    shutdown: CancellationToken,
    /// Nothing is saved any more, but that a webhook is off.
    saved_all: CancellationToken,
    /// No attempt at a webhook is made any more.
    attempted_all: CancellationToken,
    grace: Duration,
}

impl KnoxCall {
    /// Opens the data folder, applies the bootstrap file, and starts listening.
    ///
    /// # Errors
    /// Whatever keeps the process from serving, in words for the person who started it.
    pub async fn start(config: Config) -> Result<Self> {
        Self::start_reporting(config, ErrorTracking::new()?).await
    }

    /// As [`KnoxCall::start`], with error tracking that the log feeds already.
    ///
    /// # Errors
    /// As [`KnoxCall::start`].
    pub async fn start_reporting(config: Config, errors: ErrorTracking) -> Result<Self> {
        let bootstrap = read_bootstrap(&config)?;
        let (listeners, console_url, gateway_url) = listen(&config).await?;
        let egress = egress(&config);
        let (settings, vault) = open_settings(&config, egress.clone()).await?;
        let bus = Bus::default();
        // From here on, so that what the bootstrap file changes is told of too.
        let audited = settings.store().audit().listen();
        let auth = Auth::new(settings.store().clone(), bus.clone(), Clock::system());
        let mut report = BootstrapReport::default();
        if let Some(file) = &bootstrap {
            report = settings.apply_bootstrap(&Operator::at_startup(), file, &Hashing(auth.passwords().clone())).await?;
        }
        let shutdown = CancellationToken::new();
        let demo = if config.demo { Some(start_demo(&settings, &auth, &shutdown).await?) } else { None };

        let outbound = Outbound::new(egress).context("TLS can't be set up")?;
        errors.start(settings.server_tracking(), &bus, outbound.clone());
        let telemetry = start_telemetry(&config, &settings, vault.clone(), &bus, &outbound, &shutdown);
        let saved_all = CancellationToken::new();
        let audit = tokio::spawn(tell_audit(audited, bus.clone(), saved_all.clone()));
        if let Some(keep) = config.audit_retention {
            tokio::spawn(trim_audit(settings.clone(), keep, shutdown.clone()));
        }
        let attempted_all = CancellationToken::new();
        let (webhooks, webhook_stopper) = start_webhooks(&settings, vault, &bus, &outbound, &attempted_all).await?;
        tokio::spawn(report_unreadable(settings.unreadable(), settings.problems(), bus.clone(), shutdown.clone()));
        let proxies = Proxies::new(config.trusted_proxies.iter().copied());
        let gateway = start_gateway(listeners.gateway, &config, &proxies, &settings, &bus, &outbound, &shutdown);
        let traffic = Traffic::start(&bus);
        if let Some(account) = &demo {
            // So that the page of requests has something to show, too.
            traffic.keep(&Operator::at_startup().member_of(account.workspace));
            let visit = demo::visit(outbound.clone(), gateway_url.clone(), account.clone());
            tokio::spawn(shutdown.clone().run_until_cancelled_owned(visit));
        }
        let setup_url = auth.setup_url(&console_url).await?;
        let backend = Backend::new(Parts {
            auth,
            settings,
            telemetry: telemetry.clone(),
            errors: errors.clone(),
            webhooks: webhooks.clone(),
            traffic,
            outbound,
            console_url: console_url.clone(),
            gateway_url: gateway_url.clone(),
        });
        let console = web::Console::new(backend, bus.clone(), web::Assets::of_this_build(), config.public_url.clone(), proxies);
        let console = tokio::spawn(web::serve(listeners.console, console, shutdown.clone(), for_requests(config.shutdown_grace)));

        Ok(Self {
            console_url,
            gateway_url,
            setup_url,
            made_keys: made_keys(&report),
            made_signing_secrets: made_signing_secrets(&report),
            demo,
            console,
            gateway,
            bus,
            audit,
            telemetry,
            webhooks,
            errors,
            webhook_stopper,
            shutdown,
            saved_all,
            attempted_all,
            grace: config.shutdown_grace,
        })
    }

    /// Stops accepting, finishes requests, then webhook deliveries that are under way (what waits is on disk), then sends what
    /// is queued for every destination: all of it within the grace, counted from now. What can't be sent by then is spooled.
    pub async fn stop(self) {
        let Self {
            console,
            gateway,
            bus,
            audit,
            telemetry,
            webhooks,
            errors,
            webhook_stopper,
            shutdown,
            saved_all,
            attempted_all,
            grace,
            ..
        } = self;
        let began = Instant::now();
        let (requests_end, end) = (began + for_requests(grace), began + grace);
        shutdown.cancel();
        let finishing = async {
            let (console, gateway) = tokio::join!(console, gateway);
            told_of("the console's listener", console);
            told_of("the gateway's listener", gateway);
            saved_all.cancel();
            told_of("what tells of the audit log", audit.await);
            webhooks.shutdown(requests_end.saturating_duration_since(Instant::now())).await;
            attempted_all.cancel();
            told_of("what switches webhooks off", webhook_stopper.await);
        };
        if timeout_at(end, finishing).await.is_err() {
            tracing::error!("the disk takes too long: what came of requests and webhook attempts may be lost");
        }
        bus.flush();
        // The rest is for the disk.
        let sending = end.saturating_duration_since(Instant::now()) * 3 / 4;
        let flushing = async { tokio::join!(telemetry.shutdown(sending), errors.shutdown(sending)) };
        if timeout_at(end + LAST_SPOOLING, flushing).await.is_err() {
            tracing::error!("the disk takes too long: what could not be sent may be lost");
        }
    }
}

/// How long requests, and after them webhook attempts, may go on after the shutdown began. A third of the grace is kept for what is
/// queued for export.
fn for_requests(grace: Duration) -> Duration {
    grace.saturating_sub(grace / 3)
}

fn told_of(what: &str, ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "{what} ended badly");
    }
}

/// Passes requests on.
fn start_gateway(
    listener: TcpListener,
    config: &Config,
    proxies: &Proxies,
    settings: &Settings,
    bus: &Bus,
    outbound: &Outbound,
    shutdown: &CancellationToken,
) -> JoinHandle<()> {
    let config = gateway::Config {
        shutdown_grace: for_requests(config.shutdown_grace),
        max_requests: config.max_requests,
        proxies: proxies.clone(),
        ..gateway::Config::default()
    };
    tokio::spawn(gateway::serve(listener, config, settings.routing(), bus.clone(), outbound.clone(), shutdown.clone()))
}

/// Exports telemetry, and pauses exports that only fail.
fn start_telemetry(
    config: &Config,
    settings: &Settings,
    vault: Vault,
    bus: &Bus,
    outbound: &Outbound,
    shutdown: &CancellationToken,
) -> Telemetry {
    let transport = Arc::new(OutboundTransport::new(outbound.clone()));
    let (reports, exhausted) = mpsc::channel(64);
    let give_up = GiveUp { after: config.pause_failing_after, reports: Some(reports), ..GiveUp::default() };
    let options = telemetry::Options { give_up, spool: spool(config, vault), own_thread: true, ..telemetry::Options::default() };
    let telemetry = Telemetry::start(settings.exports(), bus, transport, options);
    tokio::spawn(pause_exhausted(settings.clone(), exhausted, shutdown.clone()));
    telemetry
}

/// Delivers webhooks, and switches off endpoints that can't be delivered to.
async fn start_webhooks(
    settings: &Settings,
    vault: Vault,
    bus: &Bus,
    outbound: &Outbound,
    attempted_all: &CancellationToken,
) -> Result<(Webhooks, JoinHandle<()>)> {
    let (stops, stopped) = mpsc::channel(64);
    let stopping = tokio::spawn(stop_webhooks(settings.clone(), stopped, attempted_all.clone()));
    let options = webhooks::Options { stops: Some(stops), ..webhooks::Options::default() };
    let place = webhooks::Place { store: settings.store().clone(), vault };
    let (in_force, bus, outbound) = (settings.webhooks_in_force(), bus.clone(), outbound.clone());
    let started = tokio::task::spawn_blocking(move || Webhooks::start(in_force, place, &bus, outbound, options)).await?;
    Ok((started.context("the webhook deliveries that wait can't be taken over")?, stopping))
}

fn made_keys(report: &BootstrapReport) -> Vec<(String, String, String)> {
    let made = report.keys.iter();
    made.map(|(workspace, key)| (workspace.to_string(), key.name.to_string(), key.secret.to_string())).collect()
}

fn made_signing_secrets(report: &BootstrapReport) -> Vec<(String, String, String)> {
    let made = report.signing_secrets.iter();
    made.map(|(workspace, made)| (workspace.to_string(), made.name.to_string(), made.secret.to_string())).collect()
}

fn read_bootstrap(config: &Config) -> Result<Option<Bootstrap>> {
    let Some(path) = &config.bootstrap else { return Ok(None) };
    let vars = |name: &str| std::env::var(name).ok();
    match Bootstrap::load(path, &vars) {
        Ok(file) => Ok(Some(file)),
        Err(errors) => {
            let lines: Vec<String> = errors.iter().map(|error| format!("{}: {error}", path.display())).collect();
            Err(anyhow!("{}", lines.join("\n")))
        }
    }
}

/// Where people and requests come in.
struct Listeners {
    console: TcpListener,
    gateway: TcpListener,
}

/// Listens, and says at which URLs the console and the gateway are found.
async fn listen(config: &Config) -> Result<(Listeners, String, String)> {
    let console = bind(config.console_addr, "console", "--console-addr").await?;
    let gateway = bind(config.gateway_addr, "gateway", "--gateway-addr").await?;
    let console_url = match &config.public_url {
        Some(url) => url.as_str().to_owned(),
        None => format!("http://{}", console.local_addr()?),
    };
    let gateway_url = format!("http://{}", gateway.local_addr()?);
    Ok((Listeners { console, gateway }, console_url, gateway_url))
}

async fn bind(address: SocketAddr, what: &str, flag: &str) -> Result<TcpListener> {
    let bound = TcpListener::bind(address).await;
    bound.with_context(|| format!("the {what} can't listen on {address}; choose another address with {flag}"))
}

/// The networks that the operator opened; a demo opens the machine's own loopback, where its echo and the collector of
/// the quick start are.
fn egress(config: &Config) -> Policy {
    let demo = if config.demo { demo::ALLOWED_EGRESS } else { &[] };
    Policy::new(config.allow_egress.iter().copied().chain(demo.iter().copied()))
}

/// Where exports keep what they can't send; nothing is made before something has to be kept.
fn spool(config: &Config, vault: Vault) -> Option<Spool> {
    let options = spool::Options { total: config.spool_bytes, ..spool::Options::default() };
    (config.spool_bytes > 0).then(|| Spool::new(config.data_dir.join("spool"), vault, options))
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

async fn start_demo(settings: &Settings, auth: &Auth, shutdown: &CancellationToken) -> Result<demo::Account> {
    let upstream = demo::upstream(shutdown.clone()).await.context("the demo's upstream can't listen on loopback")?;
    let (password, file) = demo::bootstrap(upstream)?;
    let operator = Operator::at_startup();
    settings.apply_bootstrap(&operator, &file, &Hashing(auth.passwords().clone())).await?;
    let (workspace, key) = demo::fresh_key(settings, &operator).await?;
    Ok(demo::Account { workspace, password, key })
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
