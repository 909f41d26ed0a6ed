//! A console to test against: everything real but the clock and the listener of the bus.

use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use server::auth::{Auth, Clock};
use server::backend::{Backend, Parts};
use server::bus::{Bus, Interest, Listener};
use server::config::OtelEnvironment;
use server::error_tracking::ErrorTracking;
use server::event::{Event, SecurityKind};
use server::peers::Proxies;
use server::settings::Settings;
use server::store::{Changes, Member, Store, User, Workspace};
use server::telemetry::{Options, OutboundTransport, Telemetry};
use server::traffic::Traffic;
use server::values::{DisplayName, Email, Endpoint, Password, Role, Slug, TenantId};
use server::vault::Vault;
use server::web::{Assets, Console, serve};
use server::webhooks;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};
use uuid::Uuid;

use super::browser::Browser;
use super::probes;
use crate::support::network::{LOOPBACK, outbound, policy};

/// The password of every account that the harness makes.
pub const PASSWORD: &str = "correct horse battery staple";

/// The machine's clock, moved.
#[derive(Clone, Default)]
pub struct TestClock(Arc<AtomicI64>);

impl TestClock {
    pub fn advance(&self, by: Duration) {
        self.0.fetch_add(i64::try_from(by.as_secs()).unwrap(), Ordering::SeqCst);
    }

    fn clock(&self) -> Clock {
        let shift = Arc::clone(&self.0);
        Clock::from_fn(move || SystemTime::now() + Duration::from_secs(u64::try_from(shift.load(Ordering::SeqCst)).unwrap()))
    }
}

/// Keeps every event.
#[derive(Default)]
pub struct Recorder(Mutex<Vec<Arc<Event>>>);

impl Listener for Recorder {
    fn interest(&self, _: Option<TenantId>) -> Interest {
        Interest { events: true, traces: true, more: false }
    }

    fn accept(&self, event: &Arc<Event>) {
        self.0.lock().unwrap().push(Arc::clone(event));
    }
}

impl Recorder {
    pub fn all(&self) -> Vec<Arc<Event>> {
        self.0.lock().unwrap().clone()
    }

    pub fn security(&self) -> Vec<SecurityKind> {
        let kind = |event: &Arc<Event>| match event.as_ref() {
            Event::Security(security) => Some(security.kind),
            _ => None,
        };
        self.all().iter().filter_map(kind).collect()
    }
}

pub struct TestConsole {
    pub base: String,
    pub errors: ErrorTracking,
    pub auth: Auth,
    pub bus: Bus,
    pub store: Store,
    pub settings: Settings,
    pub clock: TestClock,
    pub events: Arc<Recorder>,
    serving: JoinHandle<()>,
    stop: DropGuard,
    folder: tempfile::TempDir,
}

impl TestConsole {
    pub async fn start() -> Self {
        Self::start_with(None, None).await
    }

    /// `public_url` as configured; `site` is a folder of built files.
    pub async fn start_with(public_url: Option<&str>, site: Option<&Path>) -> Self {
        Self::start_as(public_url, site, Proxies::default(), OtelEnvironment::default()).await
    }

    /// With this network of trusted proxies.
    pub async fn start_behind(proxies: &str) -> Self {
        Self::start_as(None, None, Proxies::new([proxies.parse().unwrap()]), OtelEnvironment::default()).await
    }

    /// With these variables of the environment.
    pub async fn start_within(variables: &[(&str, &str)]) -> Self {
        let of = |name: &str| variables.iter().find(|(other, _)| *other == name).map(|(_, value)| (*value).to_owned());
        Self::start_as(None, None, Proxies::default(), OtelEnvironment::from_vars(of).unwrap()).await
    }

    async fn start_as(public_url: Option<&str>, site: Option<&Path>, proxies: Proxies, environment: OtelEnvironment) -> Self {
        probes::register();
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("db")).unwrap();
        let clock = TestClock::default();
        let bus = Bus::default();
        let events = Arc::new(Recorder::default());
        bus.listen(&(Arc::clone(&events) as Arc<dyn Listener>));
        let auth = Auth::new(store.clone(), bus.clone(), clock.clock());
        let assets = Assets::in_folder(site.unwrap_or(&folder.path().join("no-site")));
        let settings = Settings::open(store.clone(), Vault::from_key([7; 32]), environment, Uuid::now_v7(), policy(LOOPBACK)).unwrap();
        let transport = Arc::new(OutboundTransport::new(outbound()));
        let telemetry = Telemetry::start(settings.exports(), &bus, transport, Options::default());
        let errors = ErrorTracking::new().unwrap();
        errors.start(settings.server_tracking(), &bus, outbound());
        let webhooks = {
            let place = webhooks::Place { store: store.clone(), vault: Vault::from_key([7; 32]) };
            webhooks::Webhooks::start(settings.webhooks_in_force(), place, &bus, outbound(), Default::default()).unwrap()
        };
        let backend = Backend::new(Parts {
            auth: auth.clone(),
            settings: settings.clone(),
            telemetry,
            errors: errors.clone(),
            webhooks,
            traffic: Traffic::start(&bus),
            outbound: outbound(),
            console_url: public_url.unwrap_or("http://127.0.0.1:3000").to_owned(),
            gateway_url: "http://127.0.0.1:8080".to_owned(),
        });
        let console = Console::new(backend, bus.clone(), assets, public_url.map(|url| Endpoint::parse_exact(url).unwrap()), proxies);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let stop = CancellationToken::new();
        let serving = tokio::spawn(serve(listener, console, stop.clone(), Duration::from_secs(10)));
        Self { base, errors, auth, bus, store, settings, clock, events, serving, stop: stop.drop_guard(), folder }
    }

    /// Ends it as a signal does, and waits for the end.
    pub async fn shut_down(self) {
        drop(self.stop);
        tokio::time::timeout(Duration::from_secs(9), self.serving).await.expect("it ends by itself").unwrap();
    }

    pub fn browser(&self) -> Browser {
        Browser::new(&self.base)
    }

    /// How many transactions of the store are on disk for certain, as the file beside it says.
    pub fn flushed(&self) -> u64 {
        std::fs::read_to_string(self.folder.path().join("db/commits")).unwrap().parse().unwrap()
    }

    /// An account with [`PASSWORD`].
    pub async fn user(&self, email: &str, operator: bool) -> User {
        let user = User {
            id: Uuid::now_v7(),
            email: Email::parse(email).unwrap(),
            password_hash: Some(self.auth.passwords().hash(&Password::parse(PASSWORD).unwrap()).await.unwrap()),
            operator,
            disabled: false,
            created_at: 0,
            session_epoch: 0,
            vouched_by: None,
        };
        self.store.commit(Changes::new().put(&user)).await.unwrap();
        user
    }

    pub async fn workspace(&self, slug: &str) -> Workspace {
        let workspace = Workspace {
            id: TenantId(Uuid::now_v7()),
            slug: Slug::parse(slug).unwrap(),
            name: DisplayName::parse(slug).unwrap(),
            enabled: true,
            created_at: 0,
        };
        self.store.commit(Changes::new().put(&workspace)).await.unwrap();
        workspace
    }

    pub async fn member(&self, workspace: &Workspace, email: &str, role: Role) -> User {
        let user = self.user(email, false).await;
        let member = Member { workspace: workspace.id, user: user.id, role, added_at: 0, disabled: false };
        self.store.commit(Changes::new().put(&member)).await.unwrap();
        user
    }

    /// Disables a membership in the store, whoever it is.
    pub async fn disable(&self, workspace: &Workspace, user: &User) {
        let member = self.store.members().get(workspace.id, user.id).unwrap().unwrap();
        self.store.commit(Changes::new().put(&Member { disabled: true, ..member })).await.unwrap();
    }
}
