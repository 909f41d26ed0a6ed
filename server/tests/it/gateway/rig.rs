//! A gateway on port 0 with one workspace, and a listener that keeps every event.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arc_swap::ArcSwap;
use http::{HeaderMap, Method};
use server::bus::{Bus, Interest, Listener};
use server::event::{self, Event, Security};
use server::gateway::{self, Config};
use server::live::{Agent, ApiKey, Environment, Limits, Route, Routing, Upstream, Workspace, hash_key};
use server::outbound::Outbound;
use server::values::{Endpoint, TenantId};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::support::network::outbound;
use crate::support::upstream::until;

pub const TENANT: TenantId = TenantId(Uuid::from_u128(0x7e4a));
pub const ROUTE: Uuid = Uuid::from_u128(0xb111);
pub const KEY: &str = "tk_good";
/// May use another route only.
pub const NARROW_KEY: &str = "tk_narrow";

/// One route, `billing`, with the environments `production` (default) and `staging` (base path `/staging`).
#[derive(Clone)]
pub struct Table {
    pub target: String,
    pub methods: Vec<Method>,
    pub limits: Limits,
    pub inject: HeaderMap,
    pub agents: Vec<Arc<Agent>>,
}

impl Table {
    pub fn to(target: &str) -> Self {
        Self { target: target.to_owned(), methods: Vec::new(), limits: Limits::default(), inject: HeaderMap::new(), agents: Vec::new() }
    }

    pub fn per_second(mut self, rate: u32) -> Self {
        self.limits.requests_per_second = NonZeroU32::new(rate);
        self
    }

    pub fn build(&self) -> Routing {
        let environment = |name: &str, target: &str| {
            Arc::new(Environment {
                name: name.into(),
                upstream: Upstream::new(&Endpoint::parse_exact(target).unwrap()).unwrap(),
                inject: self.inject.clone(),
            })
        };
        let production = environment("production", &self.target);
        let staging = environment("staging", &format!("{}/staging", self.target));
        let route = Arc::new(Route {
            id: ROUTE,
            slug: "billing".into(),
            name: "Billing API".into(),
            methods: self.methods.clone(),
            limits: self.limits,
            environments: HashMap::from([("production".into(), Arc::clone(&production)), ("staging".into(), staging)]),
            default_environment: Some(production),
        });
        let names: [Arc<str>; 3] = ["billing".into(), "Billing API".into(), ROUTE.to_string().into()];
        let routes = names.into_iter().map(|name| (name, Arc::clone(&route))).collect();
        let agents = self.agents.iter().map(|agent| (Arc::clone(&agent.slug), Arc::clone(agent))).collect();
        let workspace = Arc::new(Workspace { id: TENANT, slug: "acme".into(), routes, agents });
        let key = |routes| ApiKey { id: Uuid::nil(), workspace: Arc::clone(&workspace), routes };
        Routing {
            keys: HashMap::from([
                (hash_key(KEY), key(vec![])),
                (hash_key(NARROW_KEY), key(vec![Uuid::from_u128(1)])),
                (hash_key("tk_also"), key(vec![ROUTE])),
            ]),
        }
    }
}

/// Keeps events; what it is interested in can be changed.
pub struct Recorder {
    pub events: AtomicBool,
    pub traces: AtomicBool,
    /// The next question for interest panics, as a defect in a handler would.
    pub panic: AtomicBool,
    kept: Mutex<Vec<Arc<Event>>>,
}

impl Listener for Recorder {
    fn interest(&self, _: Option<TenantId>) -> Interest {
        assert!(!self.panic.swap(false, Ordering::SeqCst), "a panic on purpose");
        Interest { events: self.events.load(Ordering::SeqCst), traces: self.traces.load(Ordering::SeqCst), more: false }
    }

    fn accept(&self, event: &Arc<Event>) {
        if self.events.load(Ordering::SeqCst) {
            self.kept.lock().unwrap().push(Arc::clone(event));
        }
    }
}

impl Recorder {
    pub fn requests(&self) -> Vec<event::Request> {
        let kept = self.kept.lock().unwrap();
        kept.iter().filter_map(|event| if let Event::Request(request) = &**event { Some(request.clone()) } else { None }).collect()
    }

    pub fn calls(&self) -> Vec<event::Ai> {
        let kept = self.kept.lock().unwrap();
        kept.iter().filter_map(|event| if let Event::Ai(call) = &**event { Some(call.clone()) } else { None }).collect()
    }

    pub fn security(&self) -> Vec<Security> {
        let kept = self.kept.lock().unwrap();
        kept.iter().filter_map(|event| if let Event::Security(security) = &**event { Some(security.clone()) } else { None }).collect()
    }

    pub fn everything(&self) -> String {
        format!("{:?}", self.kept.lock().unwrap())
    }

    /// Waits for as many request events, and returns them.
    pub async fn wait(&self, count: usize) -> Vec<event::Request> {
        until("request events", || self.requests().len() >= count).await;
        self.requests()
    }
}

pub struct Rig {
    pub address: SocketAddr,
    pub routing: Arc<ArcSwap<Routing>>,
    pub recorder: Arc<Recorder>,
    pub bus: Bus,
    pub shutdown: CancellationToken,
    pub served: tokio::task::JoinHandle<()>,
}

impl Rig {
    pub async fn start(table: &Table) -> Self {
        Self::with(table, Config::default(), outbound()).await
    }

    pub async fn with(table: &Table, config: Config, outbound: Outbound) -> Self {
        Self::listening(&Bus::default(), table, config, outbound).await
    }

    /// Beside other listeners.
    pub async fn on(bus: &Bus, table: &Table, outbound: Outbound) -> Self {
        Self::listening(bus, table, Config::default(), outbound).await
    }

    async fn listening(bus: &Bus, table: &Table, config: Config, outbound: Outbound) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let routing = Arc::new(ArcSwap::from_pointee(table.build()));
        let recorder = Arc::new(Recorder {
            events: AtomicBool::new(true),
            traces: AtomicBool::new(true),
            panic: AtomicBool::new(false),
            kept: Mutex::default(),
        });
        bus.listen(&(Arc::clone(&recorder) as Arc<dyn Listener>));
        let shutdown = CancellationToken::new();
        let served = tokio::spawn(gateway::serve(listener, config, Arc::clone(&routing), bus.clone(), outbound, shutdown.clone()));
        Self { address, routing, recorder, bus: bus.clone(), shutdown, served }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// A request with a good key and route.
    pub fn request(&self, client: &reqwest::Client, method: Method, path: &str) -> reqwest::RequestBuilder {
        client.request(method, self.url(path)).header("x-knoxcall-key", KEY).header("x-knoxcall-route", "billing")
    }

    pub async fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        stream
    }

    /// Sends bytes as they are and returns what came until the connection was closed.
    pub async fn raw(&self, bytes: impl AsRef<[u8]>) -> String {
        let mut stream = self.connect().await;
        stream.write_all(bytes.as_ref()).await.unwrap();
        read_to_end(&mut stream).await
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.shutdown.cancel();
        self.served.abort();
    }
}

/// Until the other side closes; a reset counts as that.
pub async fn read_to_end(stream: &mut TcpStream) -> String {
    let mut out = Vec::new();
    let reading = async {
        let mut piece = [0; 16 * 1024];
        while let Ok(read @ 1..) = stream.read(&mut piece).await {
            out.extend_from_slice(&piece[..read]);
        }
    };
    let closed = tokio::time::timeout(Duration::from_secs(10), reading).await.is_ok();
    let text = String::from_utf8_lossy(&out).into_owned();
    assert!(closed, "the connection stayed open after {text:?}");
    text
}

pub fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap()
}

pub fn h2_client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().http2_prior_knowledge().build().unwrap()
}

/// The lines that say who one is, for raw requests.
pub const WHO: &str = "Host: gw.test\r\nx-knoxcall-key: tk_good\r\nx-knoxcall-route: billing\r\n";
