//! A house without listeners: store, settings, accounts, the bus and the webhooks over it.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use app::Services;
use app::contract::{WebhookForm, WebhookState};
use async_trait::async_trait;
use server::auth::{Auth, Clock, Origin};
use server::backend::{Backend, Parts};
use server::bus::{Bus, Interest, Listener};
use server::config::OtelEnvironment;
use server::error_tracking::ErrorTracking;
use server::event::{Event, Failure, Request, TraceContext, Webhook, sample};
use server::outbound::{Backoff, Outbound};
use server::settings::Settings;
use server::store::{Changes, Member, Store, User, Workspace};
use server::telemetry::{self, OutboundTransport, Telemetry};
use server::traffic::Traffic;
use server::values::{DisplayName, Email, Password, Role, Slug, TenantId};
use server::vault::Vault;
use server::webhooks::{Options, Place, Retry, Stop, Webhooks};
use tokio::sync::{Mutex, mpsc, oneshot};
use tower_sessions::session::{Id, Record};
use tower_sessions::{Session, SessionStore, session_store};
use uuid::Uuid;

use crate::support::network::{LOOPBACK, outbound, policy};
use crate::support::receiver::Receiver;
use crate::support::upstream::until;

const PASSWORD: &str = "correct horse battery staple";
/// The trace of every request that the rig tells of.
pub const TRACE: [u8; 16] = [0xab; 16];
pub const SPAN: [u8; 8] = [0xcd; 8];

/// Retries within milliseconds.
pub fn quick() -> Options {
    let initial = Duration::from_millis(5);
    let backoff = Backoff { initial, max_delay: initial, ..Retry::default().backoff };
    Options { retry: Retry { backoff, ..Retry::default() }, ..Options::default() }
}

/// Keeps what is told of attempts and of security.
#[derive(Default)]
pub struct Told(std::sync::Mutex<Vec<Arc<Event>>>);

impl Listener for Told {
    fn interest(&self, _: Option<TenantId>) -> Interest {
        Interest { events: true, traces: true, more: false }
    }
    fn accept(&self, event: &Arc<Event>) {
        self.0.lock().unwrap().push(Arc::clone(event));
    }
}

impl Told {
    pub fn all(&self) -> Vec<Arc<Event>> {
        self.0.lock().unwrap().clone()
    }

    pub fn attempts(&self) -> Vec<Webhook> {
        let attempt = |event: &Arc<Event>| match &**event {
            Event::Webhook(webhook) => Some(webhook.clone()),
            _ => None,
        };
        self.all().iter().filter_map(attempt).collect()
    }
}

pub struct Rig {
    pub store: Store,
    pub settings: Settings,
    pub bus: Bus,
    pub webhooks: Webhooks,
    pub told: Arc<Told>,
    /// Endpoints that are to be switched off, and were.
    pub stopped: Arc<std::sync::Mutex<Vec<Stop>>>,
    auth: Auth,
    backend: Backend,
    folder: tempfile::TempDir,
}

impl Rig {
    pub async fn start(options: Options) -> Self {
        Self::over(options, outbound(), LOOPBACK, tempfile::tempdir().unwrap()).await
    }

    /// Another way out, and other networks that settings allow.
    pub async fn start_over(options: Options, outbound: Outbound, networks: &str) -> Self {
        Self::over(options, outbound, networks, tempfile::tempdir().unwrap()).await
    }

    async fn over(mut options: Options, outbound: Outbound, networks: &str, folder: tempfile::TempDir) -> Self {
        let store = Self::opened(folder.path()).await;
        let bus = Bus::default();
        let told = Arc::new(Told::default());
        bus.listen(&(Arc::clone(&told) as Arc<dyn Listener>));
        let settings =
            Settings::open(store.clone(), Vault::from_key([7; 32]), OtelEnvironment::default(), Uuid::nil(), policy(networks)).unwrap();
        let (stops, mut reported) = mpsc::channel::<Stop>(16);
        options.stops = Some(stops);
        let stopped = Arc::<std::sync::Mutex<Vec<Stop>>>::default();
        let (by, seen) = (settings.clone(), Arc::clone(&stopped));
        tokio::spawn(async move {
            while let Some(stop) = reported.recv().await {
                by.stop_webhook(stop.workspace, stop.endpoint, stop.generation, stop.why).await.unwrap();
                seen.lock().unwrap().push(stop);
            }
        });
        let place = Place { store: store.clone(), vault: Vault::from_key([7; 32]) };
        let webhooks = Webhooks::start(settings.webhooks_in_force(), place, &bus, outbound.clone(), options).unwrap();
        let auth = Auth::new(store.clone(), bus.clone(), Clock::system());
        let transport = Arc::new(OutboundTransport::new(outbound.clone()));
        let backend = Backend::new(Parts {
            auth: auth.clone(),
            settings: settings.clone(),
            telemetry: Telemetry::start(settings.exports(), &bus, transport, telemetry::Options::default()),
            errors: ErrorTracking::new().unwrap(),
            webhooks: webhooks.clone(),
            traffic: Traffic::start(&bus),
            outbound,
            console_url: String::new(),
            gateway_url: String::new(),
        });
        Self { store, settings, bus, webhooks, told, stopped, auth, backend, folder }
    }

    /// The folder of the process before is free only once its last task is gone.
    async fn opened(folder: &Path) -> Store {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
        loop {
            match Store::open(&folder.join("db")) {
                Ok(store) => return store,
                Err(error) => assert!(tokio::time::Instant::now() < deadline, "{error}"),
            }
            tokio::task::yield_now().await;
        }
    }

    /// Ends as a process does, and starts again on the same folder.
    pub async fn restarted(self, options: Options) -> Self {
        let Self { webhooks, folder, store, settings, bus, told, stopped, auth, backend } = self;
        webhooks.shutdown(Duration::ZERO).await;
        drop((webhooks, store, settings, bus, told, stopped, auth, backend));
        Self::over(options, outbound(), LOOPBACK, folder).await
    }

    pub async fn workspace(&self, slug: &str) -> Workspace {
        self.workspace_as(TenantId(Uuid::now_v7()), slug).await
    }

    pub async fn workspace_as(&self, id: TenantId, slug: &str) -> Workspace {
        let workspace =
            Workspace { id, slug: Slug::parse(slug).unwrap(), name: DisplayName::parse(slug).unwrap(), enabled: true, created_at: 0 };
        self.store.commit(Changes::new().put(&workspace)).await.unwrap();
        workspace
    }

    /// What somebody with this role in the workspace may ask for; without a workspace, an operator.
    pub async fn services(&self, email: &str, role: Option<(&Workspace, Role)>) -> Services {
        let user = User {
            id: Uuid::now_v7(),
            email: Email::parse(email).unwrap(),
            password_hash: Some(self.auth.passwords().hash(&Password::parse(PASSWORD).unwrap()).await.unwrap()),
            operator: role.is_none(),
            disabled: false,
            created_at: 0,
            session_epoch: 0,
            vouched_by: None,
        };
        let mut changes = Changes::new().put(&user);
        if let Some((workspace, role)) = role {
            changes = changes.put(&Member { workspace: workspace.id, user: user.id, role, added_at: 0, disabled: false });
        }
        self.store.commit(changes).await.unwrap();
        let session = Session::new(None, Arc::new(InMemory::default()), None);
        let nobody = self.auth.visitor(session.clone(), Origin::default()).await.unwrap();
        nobody.sign_in(email, PASSWORD).await.unwrap();
        self.backend.services(self.auth.visitor(session, Origin::default()).await.unwrap())
    }

    pub async fn nobody(&self) -> Services {
        let session = Session::new(None, Arc::new(InMemory::default()), None);
        self.backend.services(self.auth.visitor(session, Origin::default()).await.unwrap())
    }

    /// Tells of a request that has ended.
    pub fn ended(&self, workspace: &Workspace, status: u16) {
        self.emit(Request { status: Some(status), ..request(workspace) });
    }

    pub fn failed(&self, workspace: &Workspace, status: u16, kind: &'static str) {
        self.emit(Request { status: Some(status), failure: Some(Failure::new(kind, String::new())), ..request(workspace) });
    }

    pub fn emit(&self, request: Request) {
        self.bus.emit(request.tenant, || Event::Request(request));
    }
}

/// One request of the workspace, as the gateway tells of it.
pub fn request(workspace: &Workspace) -> Request {
    Request {
        started: SystemTime::now(),
        request_id: Uuid::now_v7(),
        tenant: Some(workspace.id),
        trace: TraceContext { trace_id: TRACE, span_id: SPAN, state: Some("vendor=x".to_owned()), ..sample::trace() },
        ..sample::request()
    }
}

/// A form for an endpoint at this receiver's path.
pub fn form(receiver: &Receiver, path: &str, events: &[&str]) -> WebhookForm {
    WebhookForm {
        name: path.trim_start_matches('/').to_owned(),
        url: receiver.url(path),
        event_types: events.iter().map(|event| (*event).to_owned()).collect(),
        ..WebhookForm::default()
    }
}

pub async fn until_state(services: &Services, id: Uuid, what: &str, wanted: impl Fn(&WebhookState) -> bool) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
    loop {
        let state = services.webhooks.webhook("acme", id).await.unwrap().state;
        if wanted(&state) {
            return;
        }
        assert!(tokio::time::Instant::now() < deadline, "waited in vain: {what}; it is {state:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Waits until so many of the workspace's deliveries were not made because too much waits on disk, and returns how many.
pub async fn until_no_room(services: &Services, workspace: &str, wanted: impl Fn(u64) -> bool) -> u64 {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
    loop {
        let no_room = services.webhooks.losses(workspace).await.unwrap().no_room;
        if wanted(no_room) {
            return no_room;
        }
        assert!(tokio::time::Instant::now() < deadline, "waited in vain: there was no room for {no_room}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

pub async fn until_told(told: &Told, count: usize) -> Vec<Webhook> {
    until(&format!("{count} attempts told of"), || told.attempts().len() >= count).await;
    told.attempts()
}

#[derive(Clone, Debug, Default)]
struct InMemory(Arc<Mutex<HashMap<Id, Record>>>);

#[async_trait]
impl SessionStore for InMemory {
    async fn save(&self, record: &Record) -> session_store::Result<()> {
        self.0.lock().await.insert(record.id, record.clone());
        Ok(())
    }
    async fn load(&self, id: &Id) -> session_store::Result<Option<Record>> {
        Ok(self.0.lock().await.get(id).cloned())
    }
    async fn delete(&self, id: &Id) -> session_store::Result<()> {
        self.0.lock().await.remove(id);
        Ok(())
    }
}

/// Everything that writes to disk or takes out secrets does so on one thread, which the test can hold.
pub fn on_one_thread(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).max_blocking_threads(1).enable_all().build().unwrap();
    runtime.block_on(test);
}

/// Holds that thread until what is returned is dropped.
pub async fn held() -> oneshot::Sender<()> {
    let (release, released) = oneshot::channel::<()>();
    let (begun, holds) = oneshot::channel();
    tokio::task::spawn_blocking(move || {
        begun.send(()).unwrap();
        drop(released.blocking_recv());
    });
    holds.await.unwrap();
    release
}
