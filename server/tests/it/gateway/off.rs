//! What telemetry costs a request while export is off, webhooks one of a workspace that has none, and the list of requests
//! one of a workspace that nobody looks at: nothing, counted in allocations against a gateway to which nothing is connected
//! at all.

use std::path::Path;
use std::sync::Arc;

use arc_swap::ArcSwap;
use server::bus::{Bus, Interest, Listener};
use server::capture::Wanted;
use server::event::Event;
use server::gateway::{self, Config};
use server::live::{Exports, Owner, WebhooksInForce};
use server::store::Store;
use server::telemetry::{Options, OutboundTransport, Telemetry};
use server::traffic::Traffic;
use server::values::TenantId;
use server::vault::Vault;
use server::webhooks::{self, Webhooks};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::rig::{Table, WHO};
use crate::support::network::outbound;
use crate::support::upstream::Upstream;
use crate::telemetry::{exports, target};

const REQUESTS: u64 = 40;

/// What is connected to the gateway's bus.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Connected {
    Nothing,
    Off,
    On,
    /// Webhooks, of which the workspace has none.
    Webhooks,
    /// The list of requests, at which nobody looks.
    Traffic,
    /// Somebody who takes events, with copies or without.
    Taker {
        copies: bool,
    },
}

struct Taker {
    copies: bool,
}

impl Listener for Taker {
    fn interest(&self, _: Option<TenantId>) -> Interest {
        Interest { events: true, traces: false, more: self.copies }
    }
    fn accept(&self, _: &Arc<Event>) {}
    fn wants_copies(&self, _: TenantId, _: Option<Uuid>) -> Wanted {
        Wanted { headers: self.copies, bodies: self.copies }
    }
}

/// Whatever listens lives as long as this.
fn connect(connected: Connected, bus: &Bus, folder: &Path) -> Option<Webhooks> {
    match connected {
        Connected::Taker { copies } => bus.listen(&(Arc::new(Taker { copies }) as Arc<dyn Listener>)),
        Connected::Webhooks => {
            let place = webhooks::Place { store: Store::open(folder).unwrap(), vault: Vault::from_key([7; 32]) };
            let in_force = WebhooksInForce { now: Arc::default(), changed: watch::channel(()).1 };
            return Some(Webhooks::start(in_force, place, bus, outbound(), webhooks::Options::default()).unwrap());
        }
        // The bus keeps it.
        Connected::Traffic => drop(Traffic::start(bus)),
        Connected::Nothing | Connected::Off | Connected::On => {}
    }
    None
}

/// One request and its answer over a connection that stays open.
async fn exchange(stream: &mut TcpStream) {
    let request =
        format!("GET /v1/x HTTP/1.1\r\n{WHO}traceparent: 00-{}-{}-01\r\ntracestate: a=b\r\n\r\n", "ab".repeat(16), "cd".repeat(8));
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut buffer = [0; 4096];
    let mut read = 0;
    loop {
        read += stream.read(&mut buffer[read..]).await.unwrap();
        let text = String::from_utf8_lossy(&buffer[..read]);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        let length = head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse::<usize>().ok());
        if body.len() == length.expect("the answer has a length") {
            return;
        }
    }
}

/// Allocations of some requests together, in this thread: gateway, telemetry, and the client, which is always the same.
fn allocations(connected: Connected, upstream: &str) -> u64 {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let exports = match connected {
        Connected::On => exports([target(Owner::Operator, "http://127.0.0.1:1", "")]),
        _ => Exports::default(),
    };
    let (_sender, receiver) = watch::channel(Arc::new(exports));
    let stop = CancellationToken::new();
    let folder = tempfile::tempdir().unwrap();
    let (mut stream, served, _telemetry, _webhooks) = runtime.block_on(async {
        let outbound = outbound();
        let bus = Bus::default();
        let webhooks = connect(connected, &bus, folder.path());
        let telemetry = matches!(connected, Connected::Off | Connected::On).then(|| {
            let transport = Arc::new(OutboundTransport::new(outbound.clone()));
            Telemetry::start(receiver, &bus, transport, Options::default())
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let routing = Arc::new(ArcSwap::from_pointee(Table::to(upstream).build()));
        let served = tokio::spawn(gateway::serve(listener, Config::default(), routing, bus, outbound, stop.clone()));
        let mut stream = TcpStream::connect(address).await.unwrap();
        for _ in 0..REQUESTS {
            exchange(&mut stream).await;
        }
        (stream, served, telemetry, webhooks)
    });
    let mut one_round = || {
        let requests = async {
            for _ in 0..REQUESTS {
                exchange(&mut stream).await;
            }
        };
        allocation_counter::measure(|| runtime.block_on(requests)).count_total
    };
    // The least of a few rounds: a buffer that grows now and then is nobody's cost.
    let least = (0..5).map(|_| one_round()).min().unwrap();
    drop(stream);
    stop.cancel();
    runtime.block_on(served).unwrap();
    least
}

#[test]
fn off_allocates_nothing_for_a_request() {
    let elsewhere = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let upstream = elsewhere.block_on(Upstream::start());
    let [without, off, on] = [Connected::Nothing, Connected::Off, Connected::On].map(|connected| allocations(connected, &upstream.url()));
    println!("allocations of {REQUESTS} requests: {without} without telemetry, {off} with export off, {on} with it on");
    assert!(off < without + REQUESTS, "not one allocation per request: {off} against {without}");
    assert!(on >= without + REQUESTS, "else this counts nothing: {on} against {without}");
    elsewhere.block_on(async { drop(upstream) });
}

#[test]
fn what_nobody_includes_or_looks_at_costs_nothing() {
    let elsewhere = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let upstream = elsewhere.block_on(Upstream::start());
    let of = |connected| allocations(connected, &upstream.url());
    let [without, webhooks, traffic] = [Connected::Nothing, Connected::Webhooks, Connected::Traffic].map(of);
    let [plain, copied] = [false, true].map(|copies| of(Connected::Taker { copies }));
    println!(
        "allocations of {REQUESTS} requests: {without} alone, {webhooks} with webhooks of others, {traffic} with nobody looking, {plain} with events, {copied} with copies"
    );
    assert!(webhooks < without + REQUESTS, "not one allocation per request: {webhooks} against {without}");
    assert!(traffic < without + REQUESTS, "not one allocation per request: {traffic} against {without}");
    // The event and its texts, as for telemetry; and with copies the recorder, both heads and the body.
    assert!(copied >= plain + 3 * REQUESTS, "else this counts nothing: {copied} against {plain}");
    elsewhere.block_on(async { drop(upstream) });
}
