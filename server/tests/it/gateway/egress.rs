//! A workspace that points its routes where it may not go: refused, told by its rule, reported, and nothing connected.

use std::sync::Arc;
use std::time::Duration;

use http::Method;
use serde_json::Value;
use server::event::SecurityKind;
use server::gateway::Config;
use server::outbound::{Body, Error, Network, SystemNetwork, Turn, Whose};
use server::values::EgressRule;

use super::rig::{Rig, TENANT, Table, client};
use crate::support::network::{FakeNetwork, LOOPBACK, SOMEONE};
use crate::support::upstream::{Certificate, Echo, Upstream};

const PLENTY: Duration = Duration::from_secs(5);

/// Hosts as a workspace may write them, and the rule by which each is refused.
pub const HOSTILE: &[(&str, &str)] = &[
    ("127.0.0.1", "loopback"),
    ("[::1]", "loopback"),
    ("0.0.0.0", "unspecified"),
    ("[::]", "unspecified"),
    ("0.1.2.3", "this_network"),
    ("10.0.0.1", "private"),
    ("172.16.0.1", "private"),
    ("192.168.0.1", "private"),
    ("100.64.0.1", "shared"),
    ("169.254.1.1", "link_local"),
    ("[fe80::1]", "link_local"),
    ("169.254.169.254", "cloud_metadata"),
    ("169.254.170.2", "cloud_metadata"),
    ("100.100.100.200", "cloud_metadata"),
    ("168.63.129.16", "cloud_metadata"),
    ("[fd00:ec2::254]", "cloud_metadata"),
    ("[fd20:ce::254]", "cloud_metadata"),
    ("192.0.0.1", "protocol_assignment"),
    ("198.18.0.1", "benchmarking"),
    ("203.0.113.1", "documentation"),
    ("[2001:db8::1]", "documentation"),
    ("224.0.0.1", "multicast"),
    ("[ff02::1]", "multicast"),
    ("255.255.255.255", "broadcast"),
    ("240.0.0.1", "reserved"),
    ("[fd00::1]", "unique_local"),
    ("[fec0::1]", "site_local"),
    ("[100::1]", "discard"),
    ("[4000::1]", "not_global"),
    ("[::ffff:8.8.8.8]", "ipv4_mapped"),
    ("[::ffff:127.0.0.1]", "loopback"),
    ("[::ffff:a9fe:a9fe]", "cloud_metadata"),
    ("[::8.8.8.8]", "ipv4_compatible"),
    ("[::127.0.0.1]", "loopback"),
    ("[2002:808:808::1]", "6to4"),
    ("[2002:a00:1::1]", "private"),
    ("[2001:0:808:808::f7f7:f7f7]", "teredo"),
    ("[64:ff9b::808:808]", "nat64"),
    ("[64:ff9b::a9fe:a9fe]", "cloud_metadata"),
    ("[64:ff9b:1::a00:1]", "nat64"),
    ("2130706433", "loopback"),
    ("0x7f000001", "loopback"),
    ("0X7F.1", "loopback"),
    ("0177.0.0.1", "loopback"),
    ("127.1", "loopback"),
    ("127.0.0.1.", "loopback"),
    ("2852039166", "cloud_metadata"),
    ("134744072", "host_form"),
    ("1.2.3.4.5", "host_form"),
];

/// What names resolve to, and the rule.
const NAMES: &[(&str, &[&str], &str)] = &[
    ("localhost", &["127.0.0.1", "::1"], "loopback"),
    ("localhost.", &["::1"], "loopback"),
    ("127.0.0.1.nip.test", &["127.0.0.1"], "loopback"),
    ("metadata.google.internal", &["169.254.169.254"], "cloud_metadata"),
    ("database.internal", &["10.1.2.3"], "private"),
    ("mapped.test", &["::ffff:10.0.0.1"], "private"),
    ("mixed.test", &["93.184.216.34", "10.0.0.1"], "private"),
    ("six.test", &["93.184.216.34", "fd00::1"], "unique_local"),
];

async fn rig(network: &Arc<FakeNetwork>, allowed: &str, target: &str) -> Rig {
    Rig::with(&Table::to(target), Config::default(), network.outbound(allowed)).await
}

fn retarget(rig: &Rig, target: &str) {
    rig.routing.store(Arc::new(Table::to(target).build()));
}

async fn refused(rig: &Rig, rule: &str, what: &str) {
    let (requests, events) = (rig.recorder.requests().len(), rig.recorder.security().len());
    let response = rig.request(&client(), Method::POST, "/x").body("canary-body").send().await.unwrap();
    assert_eq!(response.status(), 502, "{what}");
    assert!(!response.headers().contains_key("x-knox-upstream-status"));
    let body: Value = response.json().await.unwrap();
    assert_eq!((body["status"].as_u64(), body["rule"].as_str()), (Some(502), Some(rule)), "{what}: {body}");
    assert!(body["error"].as_str().unwrap().contains("not allowed") && body["errorId"].is_string(), "{body}");

    let request = rig.recorder.wait(requests + 1).await.pop().unwrap();
    let failure = request.failure.unwrap();
    assert_eq!((request.status, failure.kind), (Some(502), "egress_blocked"), "{what}");
    // Too many of a kind would wait to be told together.
    rig.bus.flush();
    let security = rig.recorder.security();
    assert_eq!(security.len(), events + 1, "{what}");
    let event = security.last().unwrap();
    let SecurityKind::EgressBlocked { rule: reported } = event.kind else { panic!("{:?}", event.kind) };
    assert_eq!((reported.name(), event.tenant, event.trace.as_ref()), (rule, Some(TENANT), Some(&request.trace)), "{what}");
    assert_eq!(event.client_address, Some([127, 0, 0, 1].into()));
}

#[tokio::test]
async fn hosts_that_no_workspace_may_reach() {
    let network = FakeNetwork::new();
    let rig = rig(&network, "", "http://unset.test").await;
    for (host, rule) in HOSTILE {
        for scheme in ["http", "https"] {
            retarget(&rig, &format!("{scheme}://{host}:9000"));
            refused(&rig, rule, host).await;
        }
    }
    assert!(network.connected().is_empty() && network.asked().is_empty(), "nothing was looked up or connected to");
}

#[tokio::test]
async fn names_that_resolve_there() {
    let network = FakeNetwork::new();
    let rig = rig(&network, "", "http://unset.test").await;
    for (name, addresses, rule) in NAMES {
        network.name(name, &[addresses]);
        retarget(&rig, &format!("http://{name}"));
        refused(&rig, rule, name).await;
    }
    assert_eq!(network.asked().len(), NAMES.len());
    assert!(network.connected().is_empty());
}

#[tokio::test]
async fn a_refusal_names_no_address() {
    let network = FakeNetwork::new();
    network.name("database.internal", &[&["10.98.76.54"]]);
    let rig = rig(&network, "", "http://database.internal").await;
    let answer = rig.request(&client(), Method::GET, "/").send().await.unwrap().text().await.unwrap();
    rig.recorder.wait(1).await;
    assert!(!answer.contains("10.98.76.54") && !rig.recorder.everything().contains("10.98.76.54"));
}

#[tokio::test]
async fn a_name_that_changes_its_answer_gains_nothing() {
    let upstream = Upstream::start().await;
    let network = FakeNetwork::new();
    network.stand_in("93.184.216.34", upstream.address);
    // Public when it is first looked up, loopback ever after.
    network.name("rebind.test", &[&["93.184.216.34"], &["127.0.0.1"]]);
    let rig = rig(&network, "", "http://rebind.test").await;
    let get = || rig.request(&client(), Method::GET, "/").send();
    let first = get().await.unwrap();
    assert_eq!(first.status(), 200);
    assert_eq!(first.json::<Echo>().await.unwrap().host, "rebind.test");
    assert_eq!(
        (network.asked().len(), network.connected()),
        (1, vec!["93.184.216.34:80".parse().unwrap()]),
        "looked up once, and that was used"
    );
    // The pooled connection still leads to what was checked; it is not looked up again.
    assert_eq!(get().await.unwrap().status(), 200);
    assert_eq!(network.asked().len(), 1);
    // A new connection is checked anew.
    retarget(&rig, "http://rebind.test:81");
    refused(&rig, "loopback", "rebind.test").await;
    assert_eq!((network.asked().len(), network.connected().len(), upstream.connections()), (2, 1, 1));
}

#[tokio::test]
async fn an_allowed_network_opens_itself_alone() {
    let upstream = Upstream::start().await;
    let network = FakeNetwork::new();
    network.stand_in("10.1.2.3", upstream.address);
    network.name("mixed.test", &[&["10.1.2.3", "93.184.216.34"]]);
    let rig = rig(&network, "10.1.0.0/16", "http://10.1.2.3:9000").await;
    let get = || rig.request(&client(), Method::GET, "/").send();
    assert_eq!(get().await.unwrap().status(), 200);
    retarget(&rig, "http://mixed.test");
    assert_eq!(get().await.unwrap().status(), 200, "all of them are allowed");
    for (host, rule) in
        [("10.2.0.1", "private"), ("127.0.0.1", "loopback"), ("[::ffff:10.1.2.3]", "ipv4_mapped"), ("167838211", "host_form")]
    {
        retarget(&rig, &format!("http://{host}:9000"));
        refused(&rig, rule, host).await;
    }
    assert!(network.connected().iter().all(|address| address.ip().to_string() == "10.1.2.3"), "{:?}", network.connected());
}

/// What the operator may reach is never lent to a workspace, over a pooled connection neither.
#[tokio::test]
async fn the_operators_connections_are_not_for_workspaces() {
    let upstream = Upstream::start().await;
    let network = FakeNetwork::new();
    network.name("collector.internal", &[&["127.0.0.1"]]);
    let outbound = network.outbound("");
    let url = format!("http://collector.internal:{}/", upstream.address.port());
    let send = |whose| outbound.send(whose, http::Request::get(&url).body(Body::Empty).unwrap(), PLENTY);
    drop(http_body_util::BodyExt::collect(send(Whose::Operator).await.unwrap().into_body()).await.unwrap());
    assert_eq!(send(SOMEONE).await.unwrap_err(), Error::Blocked { rule: EgressRule::Loopback });
    drop(http_body_util::BodyExt::collect(send(Whose::Operator).await.unwrap().into_body()).await.unwrap());
    assert_eq!((network.connected().len(), upstream.connections()), (1, 1), "the operator's own connection is there to be reused");
}

#[tokio::test]
async fn a_client_with_other_roots_has_the_same_guard() {
    let certificate = Certificate::localhost();
    let network = FakeNetwork::new();
    let trusting = network.outbound("").with_roots(&certificate.pem).unwrap();
    for (host, rule) in [("127.0.0.1", EgressRule::Loopback), ("169.254.169.254", EgressRule::CloudMetadata)] {
        let request = http::Request::get(format!("https://{host}/")).body(Body::Empty).unwrap();
        assert_eq!(trusting.send(SOMEONE, request, PLENTY).await.unwrap_err(), Error::Blocked { rule });
    }
    assert!(network.connected().is_empty());
}

#[tokio::test]
async fn the_operator_reaches_anything_but_metadata() {
    let network = FakeNetwork::new();
    network.name("metadata.google.internal", &[&["169.254.169.254"]]);
    network.name("rebind.test", &[&["10.0.0.1", "fd00:ec2::254"]]);
    network.name("2130706433", &[&["127.0.0.1"]]);
    let outbound = network.outbound("169.254.0.0/16,fd00::/8");
    let send = async |host: &str| {
        let request = http::Request::get(format!("http://{host}:9/")).body(Body::Empty).unwrap();
        outbound.send(Whose::Operator, request, PLENTY).await.unwrap_err()
    };
    let blocked = Error::Blocked { rule: EgressRule::CloudMetadata };
    for host in ["169.254.169.254", "[fd00:ec2::254]", "[::ffff:169.254.169.254]", "2852039166", "metadata.google.internal", "rebind.test"]
    {
        assert_eq!(send(host).await, blocked, "{host}");
    }
    assert!(network.connected().is_empty());
    for host in ["10.0.0.1", "[fe80::1]", "2130706433"] {
        assert!(!matches!(send(host).await, Error::Blocked { .. }), "{host}");
    }
    assert_eq!(network.connected().len(), 3);
}

/// The reason why abbreviated addresses are read here: the system's resolver takes them. What it makes of them would be
/// refused as well.
#[tokio::test]
async fn the_systems_resolver_reads_abbreviations() {
    for host in ["2130706433", "0x7f.1", "0177.0.0.1", "127.1"] {
        let found = SystemNetwork.resolve(host, 80, Turn::default()).await.unwrap();
        assert!(found.iter().all(|address| address.ip().is_loopback()) && !found.is_empty(), "{host}: {found:?}");
    }
}

#[tokio::test]
async fn a_redirect_to_metadata_is_passed_on_and_not_followed() {
    let upstream = Upstream::start().await;
    let network = FakeNetwork::new();
    let rig = rig(&network, LOOPBACK, &upstream.url()).await;
    let location = "http://169.254.169.254/latest/meta-data/";
    let request = rig.request(&client(), Method::GET, "/").header("x-script", "redirect").header("x-location", location);
    let response = request.send().await.unwrap();
    assert_eq!((response.status().as_u16(), response.headers()["location"].to_str().unwrap()), (302, location));
    assert_eq!(response.headers()["x-knox-upstream-status"], "302");
    assert_eq!(network.connected(), [upstream.address], "the upstream and nothing else");
    assert!(rig.recorder.security().is_empty());
}

#[tokio::test]
async fn nobody_leaves_the_base_path() {
    let upstream = Upstream::start().await;
    let rig = Rig::start(&Table::to(&format!("{}/v1", upstream.url()))).await;
    for path in ["/../admin", "/%2e%2e/admin", "/a/..%2f..%2fadmin", "/..;/admin", "/."] {
        let who = super::rig::WHO;
        let answer = rig.raw(format!("GET {path} HTTP/1.1\r\n{who}Connection: close\r\n\r\n")).await;
        assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("\"status\":400"), "{path}: {answer}");
    }
    assert_eq!(upstream.connections(), 0);
    assert_eq!(rig.request(&client(), Method::GET, "/a/..b/.c?x=../..").send().await.unwrap().status(), 200);
}

/// A route back to the gateway itself, with a key of its own: known when it comes back, whatever it carries.
#[tokio::test]
async fn a_route_that_leads_back_here_is_no_loop() {
    let rig = Rig::start(&Table::to("http://127.0.0.1:1")).await;
    let mut back = Table::to(&rig.url(""));
    back.inject.insert("x-knoxcall-key", http::HeaderValue::from_static(super::rig::KEY));
    back.inject.insert("x-knoxcall-route", http::HeaderValue::from_static("billing"));
    rig.routing.store(Arc::new(back.build()));
    let response = rig.request(&client(), Method::GET, "/round").send().await.unwrap();
    assert_eq!((response.status().as_u16(), response.headers()["x-knox-upstream-status"].as_bytes()), (508, &b"508"[..]));
    let body: Value = response.json().await.unwrap();
    assert!(body["error"].as_str().unwrap().contains("sent this request itself"), "{body}");
    let mut events = rig.recorder.wait(2).await;
    events.sort_by_key(|event| event.proxied.is_some());
    assert_eq!(events.len(), 2, "once there and once back");
    assert_eq!((events[0].tenant, events[0].failure.as_ref().unwrap().kind), (None, "loop"), "nobody's, so that it sets nothing off");
}
