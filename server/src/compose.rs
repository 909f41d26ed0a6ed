//! The composition root: the one place that knows many rooms. It builds each part with what it needs, connects them, and
//! takes them down in the right order. It holds no logic of its own.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use crate::backend::{Backend, Parts};
use crate::bus::Bus;
use crate::config::Config;
use crate::config::bootstrap::Bootstrap;
use crate::demo;
use crate::error_tracking::ErrorTracking;
use crate::settings::BootstrapReport;
use crate::telemetry::Telemetry;
use crate::traffic::Traffic;
use crate::webhooks::Webhooks;

mod house;
mod messages;

use house::{Ends, House};

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
    ends: Ends,
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
        let house = House::open(config).await?;
        // From here on, so that what the bootstrap file changes is told of too.
        let audited = house.settings.store().audit().listen();
        let report = house.apply(bootstrap.as_ref()).await?;
        let demo = house.start_demo().await?;

        errors.start(house.settings.server_tracking(), &house.bus, house.outbound.clone());
        let telemetry = house.start_telemetry();
        let audit = house.start_audit(audited);
        let (webhooks, webhook_stopper) = house.start_webhooks().await?;
        house.report_unreadable();
        house.report_rotated(&report);
        let gateway = house.start_gateway(listeners.gateway);
        let traffic = Traffic::start(&house.bus);
        if let Some(account) = &demo {
            house.visit(account, &traffic, &gateway_url);
        }
        let setup_url = house.auth.setup_url(&console_url).await?;
        let backend = Backend::new(Parts {
            auth: house.auth.clone(),
            settings: house.settings.clone(),
            telemetry: telemetry.clone(),
            errors: errors.clone(),
            webhooks: webhooks.clone(),
            traffic,
            outbound: house.outbound.clone(),
            console_url: console_url.clone(),
            gateway_url: gateway_url.clone(),
        });
        let console = house.start_console(listeners.console, backend);

        Ok(Self {
            console_url,
            gateway_url,
            setup_url,
            made_keys: made_keys(&report),
            made_signing_secrets: made_signing_secrets(&report),
            demo,
            console,
            gateway,
            bus: house.bus,
            audit,
            telemetry,
            webhooks,
            errors,
            webhook_stopper,
            ends: house.ends,
            grace: house.config.shutdown_grace,
        })
    }

    /// Stops accepting, finishes requests, then webhook deliveries that are under way (what waits is on disk), then sends what
    /// is queued for every destination: all of it within the grace, counted from now. What can't be sent by then is spooled.
    pub async fn stop(self) {
        let Self { console, gateway, bus, audit, telemetry, webhooks, errors, webhook_stopper, ends, grace, .. } = self;
        let began = Instant::now();
        let (requests_end, end) = (began + for_requests(grace), began + grace);
        ends.shutdown.cancel();
        let finishing = async {
            let (console, gateway) = tokio::join!(console, gateway);
            told_of("the console's listener", console);
            told_of("the gateway's listener", gateway);
            ends.saved_all.cancel();
            told_of("what tells of the audit log", audit.await);
            webhooks.shutdown(requests_end.saturating_duration_since(Instant::now())).await;
            ends.attempted_all.cancel();
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
