//! Panics where nobody expects them: in the gateway's handler before and after a request is recorded, and in a task. Each is
//! reported once, and the process goes on.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use async_trait::async_trait;
use http::Method;
use serde_json::Value;
use server::faults;
use server::outbound::{Network, Outbound, Turn};
use tokio::net::TcpStream;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use uuid::Uuid;

use super::Rig;
use crate::gateway::{Rig as Gateway, TENANT, Table, client};
use crate::support::network::{LOOPBACK, policy};
use crate::support::sentry::{FakeSentry, Posted};

/// A defect in the middle of a request.
struct Broken;

#[async_trait]
impl Network for Broken {
    async fn resolve(&self, _: &str, port: u16, _: Turn) -> io::Result<Vec<SocketAddr>> {
        Ok(vec![SocketAddr::from(([127, 0, 0, 1], port))])
    }

    async fn connect(&self, _: SocketAddr) -> io::Result<TcpStream> {
        panic!("the network panics on purpose, with tk_canary0123456789")
    }
}

async fn fails(gateway: &Gateway) -> Value {
    let response = gateway.request(&client(), Method::PUT, "/orders?q=canary").send().await.unwrap();
    assert_eq!(response.status(), 500);
    let body: Value = response.json().await.unwrap();
    assert!(!body.to_string().contains("purpose"), "{body}");
    body
}

fn check(posted: &Posted, component: &str, message: &str) {
    assert_eq!((posted.tag("component").as_str(), posted.exception().0.as_str()), (component, "panic"));
    assert!(posted.exception().1.contains(message), "{:?}", posted.exception());
    assert_eq!(posted.event()["exception"]["values"][0]["mechanism"]["handled"], false);
    let file = &posted.event()["exception"]["values"][0]["stacktrace"]["frames"][0]["filename"];
    assert!(file.as_str().is_some_and(|file| file.ends_with(".rs")), "{file}");
    assert!(!posted.raw.contains("canary"), "{}", posted.raw);
}

#[tokio::test]
async fn each_is_reported_once_and_the_process_goes_on() {
    faults::watch();
    let sentry = FakeSentry::start().await;
    let rig = Rig::start(Some(&sentry.dsn));
    let log = tracing_subscriber::registry().with(rig.errors.layer().with_filter(LevelFilter::ERROR));
    let _log = tracing::subscriber::set_default(log);
    let outbound = Outbound::over(policy(LOOPBACK), Arc::new(Broken)).unwrap();
    let gateway = Gateway::on(&rig.bus, &Table::to("http://upstream.example"), outbound).await;

    let body = fails(&gateway).await;
    let posted = sentry.wait_for(|posted| posted.len() == 1).await.remove(0);
    check(&posted, "gateway", "the network panics on purpose");
    assert_eq!(Value::from(posted.tag("errorId")), body["errorId"]);
    assert_eq!(posted.tag("tenant_id"), TENANT.0.to_string());
    assert_eq!((&posted.event()["request"]["method"], &posted.event()["request"]["url"]), (&"PUT".into(), &"http://gateway/orders".into()));

    // Before anything is known of the request.
    gateway.recorder.panic.store(true, Ordering::SeqCst);
    let body = fails(&gateway).await;
    let posted = sentry.wait_for(|posted| posted.len() == 2).await.remove(1);
    check(&posted, "gateway", "a panic on purpose");
    assert_eq!(Value::from(posted.tag("errorId")), body["errorId"]);

    let joined = tokio::spawn(async { panic!("a task panics on purpose") }).await;
    assert!(joined.is_err_and(|error| error.is_panic()));
    let posted = sentry.wait_for(|posted| posted.len() == 3).await.remove(2);
    check(&posted, "server", "a task panics on purpose");
    assert!(Uuid::try_parse(&posted.tag("errorId")).is_ok());

    assert_eq!(rig.status(|status| status.sent == 3).await.accepted, 3, "nothing is told twice");
    assert_eq!(client().get(gateway.url("/")).send().await.unwrap().status(), 401, "the process goes on");
}
