//! The composition root: the one place that knows many rooms. It builds each part with what it needs, connects them, and
//! takes them down in the right order. It holds no logic of its own.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, anyhow};
use async_trait::async_trait;
use tokio::net::TcpListener;
use tokio::sync::{broadcast, mpsc};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::audit::{Log, Written};
use crate::auth::{Auth, Clock, Operator, Passwords};
use crate::backend::{Backend, Parts};
use crate::bus::Bus;
use crate::config::Config;
use crate::config::bootstrap::Bootstrap;
use crate::egress::Policy;
use crate::error_tracking::ErrorTracking;
use crate::event::{self, Event, Security, SecurityKind, TraceContext};
use crate::gateway;
use crate::live::Owner;
use crate::outbound::Outbound;
use crate::settings::{BootstrapReport, Environment, Exhausted, Problem, SecretPlace, Settings};
use crate::spool::{self, Spool};
use crate::store::{self, Store};
use crate::telemetry::{self, GiveUp, OutboundTransport, Telemetry};
use crate::values::Password;
use crate::vault::Vault;
use crate::webhooks::{self, Webhooks};
use crate::{demo, web};

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
    shutdown: CancellationToken,
    /// Nothing is saved any more.
    saved_all: CancellationToken,
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
        let console_listener = bind(config.console_addr, "console", "--console-addr").await?;
        let gateway_listener = bind(config.gateway_addr, "gateway", "--gateway-addr").await?;
        let console_url = match &config.public_url {
            Some(url) => url.as_str().to_owned(),
            None => format!("http://{}", console_listener.local_addr()?),
        };
        let gateway_url = format!("http://{}", gateway_listener.local_addr()?);

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
        let transport = Arc::new(OutboundTransport::new(outbound.clone()));
        let (reports, exhausted) = mpsc::channel(64);
        let give_up = GiveUp { after: config.pause_failing_after, reports: Some(reports), ..GiveUp::default() };
        let options =
            telemetry::Options { give_up, spool: spool(&config, vault.clone()), own_thread: true, ..telemetry::Options::default() };
        let telemetry = Telemetry::start(settings.exports(), &bus, transport, options);
        tokio::spawn(pause_exhausted(settings.clone(), exhausted, shutdown.clone()));
        let saved_all = CancellationToken::new();
        let audit = tokio::spawn(tell_audit(audited, bus.clone(), saved_all.clone()));
        if let Some(keep) = config.audit_retention {
            tokio::spawn(trim_audit(settings.clone(), keep, shutdown.clone()));
        }
        let webhooks = start_webhooks(&settings, vault, &bus, &outbound, &shutdown).await?;
        tokio::spawn(report_unreadable(settings.unreadable(), settings.problems(), bus.clone(), shutdown.clone()));
        let gateway_config = gateway::Config { shutdown_grace: config.shutdown_grace, ..gateway::Config::default() };
        let gateway = tokio::spawn(gateway::serve(
            gateway_listener,
            gateway_config,
            settings.routing(),
            bus.clone(),
            outbound.clone(),
            shutdown.clone(),
        ));

        if let Some(account) = &demo {
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
            outbound,
            console_url: console_url.clone(),
            gateway_url: gateway_url.clone(),
        });
        let console = web::Console::new(backend, bus.clone(), web::Assets::of_this_build(), config.public_url.clone());
        let console = tokio::spawn(web::serve(console_listener, console, shutdown.clone(), config.shutdown_grace));

        let made_keys =
            report.keys.into_iter().map(|(slug, key)| (slug.to_string(), key.name.to_string(), key.secret.to_string())).collect();
        let made_signing_secrets = report
            .signing_secrets
            .into_iter()
            .map(|(slug, made)| (slug.to_string(), made.name.to_string(), made.secret.to_string()))
            .collect();
        Ok(Self {
            console_url,
            gateway_url,
            setup_url,
            made_keys,
            made_signing_secrets,
            demo,
            console,
            gateway,
            bus,
            audit,
            telemetry,
            webhooks,
            errors,
            shutdown,
            saved_all,
            grace: config.shutdown_grace,
        })
    }

    /// Stops accepting, finishes requests, then webhook deliveries that are under way (what waits is on disk), then sends what
    /// is queued for every destination; each step within the grace.
    pub async fn stop(self) {
        self.shutdown.cancel();
        let (console, gateway) = tokio::join!(self.console, self.gateway);
        for (name, ended) in [("console", console), ("gateway", gateway)] {
            if let Err(error) = ended {
                tracing::error!(%error, "the {name}'s listener ended badly");
            }
        }
        self.saved_all.cancel();
        if let Err(error) = self.audit.await {
            tracing::error!(%error, "what tells of the audit log ended badly");
        }
        self.webhooks.shutdown(self.grace).await;
        self.bus.flush();
        tokio::join!(self.telemetry.shutdown(self.grace), self.errors.shutdown(self.grace));
    }
}

/// Pauses what telemetry reports as only failing. Waits for reports; there is no timer.
async fn pause_exhausted(settings: Settings, mut reports: mpsc::Receiver<telemetry::Exhausted>, shutdown: CancellationToken) {
    loop {
        let report = tokio::select! {
            () = shutdown.cancelled() => return,
            report = reports.recv() => match report {
                Some(report) => report,
                None => return,
            },
        };
        let workspace = match report.owner {
            Owner::Operator => None,
            Owner::Tenant(workspace) => Some(workspace),
        };
        let exhausted = Exhausted {
            workspace,
            generation: report.generation,
            failing_since: store::unix_millis(report.since),
            attempts: report.attempts,
        };
        match settings.pause_exhausted(exhausted).await {
            Ok(true) => tracing::warn!(owner = ?report.owner, attempts = report.attempts, "an export that only failed has paused itself"),
            Ok(false) => {}
            Err(error) => tracing::error!(owner = ?report.owner, %error, "an export that only fails could not be paused"),
        }
    }
}

/// Puts what is written into the audit logs on the bus, until nothing is saved any more and all of it is told.
async fn tell_audit(mut audited: broadcast::Receiver<Written>, bus: Bus, saved_all: CancellationToken) {
    loop {
        let written = tokio::select! {
            biased;
            written = audited.recv() => written,
            () = saved_all.cancelled() => return,
        };
        match written {
            Ok(written) => tell(&bus, &written),
            Err(broadcast::error::RecvError::Lagged(missed)) => {
                tracing::warn!(missed, "audit entries came faster than they could be passed on; they are in the log, and were not sent");
            }
            Err(broadcast::error::RecvError::Closed) => return,
        }
    }
}

/// Removes old entries from the audit logs, at the start and each hour.
async fn trim_audit(settings: Settings, keep: Duration, shutdown: CancellationToken) {
    let mut hourly = tokio::time::interval(Duration::from_secs(3600));
    while shutdown.run_until_cancelled(hourly.tick()).await.is_some() {
        let before = SystemTime::now().checked_sub(keep).unwrap_or(SystemTime::UNIX_EPOCH);
        match settings.trim_audit(store::unix_millis(before)).await {
            Ok(0) => {}
            Ok(removed) => tracing::info!(removed, "old entries have left the audit logs"),
            Err(error) => tracing::error!(%error, "old entries could not be removed from the audit logs"),
        }
    }
}

/// Delivers webhooks, and switches off endpoints that can't be delivered to.
async fn start_webhooks(
    settings: &Settings,
    vault: Vault,
    bus: &Bus,
    outbound: &Outbound,
    shutdown: &CancellationToken,
) -> Result<Webhooks> {
    let (stops, stopped) = mpsc::channel(64);
    tokio::spawn(stop_webhooks(settings.clone(), stopped, shutdown.clone()));
    let options = webhooks::Options { stops: Some(stops), ..webhooks::Options::default() };
    let place = webhooks::Place { store: settings.store().clone(), vault };
    let (in_force, bus, outbound) = (settings.webhooks_in_force(), bus.clone(), outbound.clone());
    let started = tokio::task::spawn_blocking(move || Webhooks::start(in_force, place, &bus, outbound, options)).await?;
    started.context("the webhook deliveries that wait can't be taken over")
}

async fn stop_webhooks(settings: Settings, mut stops: mpsc::Receiver<webhooks::Stop>, shutdown: CancellationToken) {
    while let Some(Some(stop)) = shutdown.run_until_cancelled(stops.recv()).await {
        let webhooks::Stop { workspace, endpoint, generation, why } = stop;
        match settings.stop_webhook(workspace, endpoint, generation, why).await {
            Ok(true) => tracing::warn!(%workspace, webhook = %endpoint, ?why, "a webhook has been switched off"),
            Ok(false) => {}
            Err(error) => tracing::error!(%workspace, webhook = %endpoint, %error, "a webhook could not be switched off"),
        }
    }
}

fn tell(bus: &Bus, written: &Written) {
    let entry = &written.entry;
    let tenant = match Log::of(entry.log) {
        Log::Global => None,
        Log::Workspace(workspace) => Some(workspace),
    };
    bus.emit(tenant, || {
        let trace = entry.trace.map(|trace| TraceContext {
            trace_id: trace.trace_id,
            span_id: trace.span_id,
            parent_span_id: None,
            flags: trace.flags,
            state: None,
        });
        let (at, entry_json) = (entry.at.into(), written.to_json().into());
        Event::Audit(event::Audit { at, tenant, entry: entry_json, request_id: entry.request_id, trace })
    });
}

/// A security event for each secret that does not open, at the start or found later: somebody may have moved or changed what
/// is stored.
async fn report_unreadable(mut found: broadcast::Receiver<SecretPlace>, known: Vec<Problem>, bus: Bus, shutdown: CancellationToken) {
    let report = |place: &SecretPlace| {
        let (tenant, kind) = (place.workspace(), SecurityKind::SettingsDecryptFailed);
        let event = || Security { at: SystemTime::now(), kind, tenant, client_address: None, trace: None, count: 1 };
        bus.emit(tenant, || Event::Security(event()));
    };
    for problem in &known {
        if let Problem::Secret { place } = problem {
            report(place);
        }
    }
    while let Some(place) = shutdown.run_until_cancelled(found.recv()).await {
        match place {
            Ok(place) => report(&place),
            Err(broadcast::error::RecvError::Lagged(missed)) => tracing::warn!(missed, "secrets that do not open were not reported"),
            Err(broadcast::error::RecvError::Closed) => return,
        }
    }
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
        std::fs::create_dir_all(&folder).with_context(|| format!("the data folder {} can't be made", folder.display()))?;
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
    let key = demo::fresh_key(settings, &operator).await?;
    Ok(demo::Account { password, key })
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

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::audit::{Action, Actor, Resource, Told, Trace, Who};
    use crate::bus::{Interest, Listener};
    use crate::store::Changes;
    use crate::values::TenantId;

    #[derive(Default)]
    struct Recorder(Mutex<Vec<Arc<Event>>>);

    impl Listener for Recorder {
        fn interest(&self, _: Option<TenantId>) -> Interest {
            Interest { events: true, traces: false }
        }

        fn accept(&self, event: &Arc<Event>) {
            self.0.lock().unwrap().push(Arc::clone(event));
        }
    }

    /// All of it, also what was written just before the end.
    #[tokio::test]
    async fn what_is_written_into_the_audit_log_is_told_on_the_bus() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let (bus, recorder) = (Bus::default(), Arc::new(Recorder::default()));
        bus.listen(&(Arc::clone(&recorder) as Arc<dyn Listener>));
        let saved_all = CancellationToken::new();
        let telling = tokio::spawn(tell_audit(store.audit().listen(), bus, saved_all.clone()));
        let trace = Trace { trace_id: [1; 16], span_id: [2; 8], flags: 1 };
        let who = Who { request_id: Some(Uuid::from_u128(3)), trace: Some(trace), ..Who::from(Actor::System) };
        let acme = TenantId(Uuid::from_u128(4));
        for log in [Log::Global, Log::Workspace(acme)] {
            let told = Told::new(&who, log, Action::ExportPaused, Resource::new("export", "otlp", None)).secret("Auth headers", true);
            store.commit_told(Changes::new(), told).await.unwrap();
        }
        saved_all.cancel();
        telling.await.unwrap();

        let events = recorder.0.lock().unwrap();
        let audited: Vec<_> =
            events.iter().filter_map(|event| if let Event::Audit(audit) = &**event { Some(audit) } else { None }).collect();
        assert_eq!(audited.iter().map(|audit| audit.tenant).collect::<Vec<_>>(), [None, Some(acme)]);
        let told = audited[1];
        assert_eq!(told.request_id, Some(Uuid::from_u128(3)));
        assert_eq!(told.trace.as_ref().map(|trace| (trace.trace_id, trace.span_id, trace.sampled())), Some(([1; 16], [2; 8], true)));
        let entry: serde_json::Value = serde_json::from_str(&told.entry).unwrap();
        assert_eq!((&entry["action"], &entry["actor"]["kind"]), (&"export.paused".into(), &"system".into()));
        let head = store.audit().head(Log::Workspace(acme)).unwrap().unwrap();
        assert_eq!(entry["hash"], head.hash);
    }

    /// Once each, at the start as later.
    #[tokio::test]
    async fn secrets_that_do_not_open_are_security_events() {
        let (bus, recorder) = (Bus::default(), Arc::new(Recorder::default()));
        bus.listen(&(Arc::clone(&recorder) as Arc<dyn Listener>));
        let (found, unreadable) = broadcast::channel(8);
        let acme = TenantId(Uuid::from_u128(4));
        let known = vec![Problem::WrongKey { unreadable: 1 }, Problem::Secret { place: SecretPlace::OperatorHeaders }];
        found.send(SecretPlace::TenantHeaders(acme)).unwrap();
        drop(found);
        report_unreadable(unreadable, known, bus, CancellationToken::new()).await;
        let events = recorder.0.lock().unwrap();
        let told: Vec<_> = events
            .iter()
            .filter_map(|event| if let Event::Security(security) = &**event { Some((security.kind, security.tenant)) } else { None })
            .collect();
        assert_eq!(told, [(SecurityKind::SettingsDecryptFailed, None), (SecurityKind::SettingsDecryptFailed, Some(acme))]);
    }
}
