//! A proxy in the environment, by every name that HTTP clients know it by: nothing that leaves goes there.

use reqwest::Client;
use tempfile::tempdir;

use super::{KEY, Process, Setup, reached};
use crate::support::collector::Collector;
use crate::support::network::Closed;
use crate::support::receiver::Receiver;
use crate::support::sentry::FakeSentry;
use crate::support::upstream::{Certificate, Upstream};

const VARIABLES: [&str; 6] = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

#[tokio::test(flavor = "multi_thread")]
async fn no_proxy_of_the_environment_is_used() {
    let certificate = Certificate::of_authority();
    let (proxy, upstream, receiver) = (Upstream::start().await, Upstream::start().await, Receiver::start().await);
    // One by HTTPS and one by HTTP, which have variables of their own.
    let (collector, own) = (Collector::start_tls(&certificate).await, Collector::start().await);
    let (sentry, closed) = (FakeSentry::start().await, Closed::port());
    let folder = tempdir().unwrap();
    let authority = folder.path().join("authority.pem");
    std::fs::write(&authority, &certificate.pem).unwrap();
    let bootstrap = format!(
        r#"
[[workspace]]
slug = "acme"
[workspace.telemetry]
endpoint = "{}"
{}
[[workspace.route]]
slug = "gone"
[[workspace.route.environment]]
name = "production"
default = true
target_base_url = "http://{closed}"
[[workspace.webhook]]
name = "all"
url = "{}"
event_types = ["request.completed"]
"#,
        own.endpoint(),
        reached(&upstream.url()),
        receiver.url("/hook"),
    );
    let (proxy_url, endpoint) = (proxy.url(), collector.endpoint());
    let mut env = VARIABLES.map(|name| (name, proxy_url.as_str())).to_vec();
    env.extend([
        // Whatever this machine exempts, such as loopback.
        ("NO_PROXY", ""),
        ("no_proxy", ""),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", authority.to_str().unwrap()),
        ("SENTRY_DSN_BACKEND", sentry.dsn.as_str()),
    ]);
    let process = Process::start(&folder.path().join("data"), &Setup { bootstrap: Some(&bootstrap), env: &env, ..Setup::default() });
    let client = Client::builder().no_proxy().build().unwrap();
    for (route, status) in [("billing", 200), ("gone", 502)] {
        let request = client.get(&process.gateway).header("x-knoxcall-key", KEY).header("x-knoxcall-route", route);
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), status, "{route}, while the proxy got {:?}", proxy.seen());
        answer.bytes().await.unwrap();
    }
    receiver.wait("/hook", 2).await;
    sentry.wait_for(|posted| !posted.is_empty()).await;
    process.signal("TERM");
    let (status, output) = process.ended();
    assert!(status.success(), "{output}");

    assert_eq!(upstream.seen().len(), 1);
    for collector in [&collector, &own] {
        let received = collector.received();
        assert_eq!(received.logs().iter().filter(|log| log.record.event_name == "knoxcall.proxy.request").count(), 2);
        assert!(!received.metrics().is_empty());
    }
    assert_eq!(proxy.connections(), 0, "{:?}", proxy.seen());
}
