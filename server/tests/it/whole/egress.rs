//! What the flags let workspaces reach, as an operator sees it.

use reqwest::Client;
use serde_json::Value;
use tempfile::tempdir;

use super::{KEY, Process, Setup, reached};
use crate::support::collector::{Collector, Received};
use crate::support::upstream::Upstream;

fn bootstrap(upstream: &Upstream, host: &str) -> String {
    format!("[[workspace]]\nslug = \"acme\"\n{}", reached(&format!("http://{host}:{}", upstream.address.port())))
}

async fn call(process: &Process) -> reqwest::Response {
    let request = Client::new().get(&process.gateway).header("x-knoxcall-key", KEY);
    request.header("x-knoxcall-route", "billing").send().await.unwrap()
}

/// One address of one workspace keeps nothing else from starting.
#[tokio::test(flavor = "multi_thread")]
async fn loopback_is_closed_until_the_flag_opens_it() {
    let (upstream, collector) = (Upstream::start().await, Collector::start().await);
    let folder = tempdir().unwrap();
    let data = folder.path().join("data");
    let export = format!("[otlp]\nendpoint = \"{}\"\n", collector.endpoint());
    let env = [("OTEL_BSP_SCHEDULE_DELAY", "20")];
    for (n, host) in ["127.0.0.1", "localhost"].into_iter().enumerate() {
        let file = export.clone() + &bootstrap(&upstream, host);
        let closed = Process::start(&data, &Setup { bootstrap: Some(&file), guarded: true, env: &env, ..Setup::default() });
        let answer = call(&closed).await;
        assert_eq!(answer.status(), 502, "{host}");
        assert_eq!(answer.json::<Value>().await.unwrap()["rule"], "loopback", "{host}");
        let told = |received: &Received| received.spans().iter().filter(|span| span.record.name == "security egress.blocked").count();
        collector.wait_for(|received| told(received) > n).await;
        closed.signal("TERM");
        let (status, output) = closed.ended();
        assert!(status.success());
        let warnings: Vec<_> = output.lines().filter(|line| line.contains("bootstrap file, ")).collect();
        // `localhost` is a name: it is judged when it is connected to.
        assert_eq!(warnings.len(), usize::from(host == "127.0.0.1"), "{output}");
        for said in ["workspace acme, route billing", "Target base URL", "loopback address", "--allow-egress"] {
            assert!(warnings.iter().all(|line| line.contains("WARN") && line.contains(said)), "{said}: {output}");
        }
    }
    assert_eq!(upstream.connections(), 0);

    let flags = ["--allow-egress", "127.0.0.0/8", "--allow-egress", "::1"];
    for (n, host) in ["127.0.0.1", "localhost"].into_iter().enumerate() {
        let file = bootstrap(&upstream, host);
        let open = Process::start(&data, &Setup { bootstrap: Some(&file), flags: &flags, guarded: true, ..Setup::default() });
        assert_eq!(call(&open).await.status(), 200, "{host}");
        assert_eq!(upstream.connections(), n + 1);
        open.signal("TERM");
        let (status, output) = open.ended();
        assert!(status.success() && !output.contains("bootstrap file, "), "{output}");
    }
}

#[test]
fn a_demo_says_that_loopback_is_open() {
    let folder = tempdir().unwrap();
    let demo = Process::start(&folder.path().join("data"), &Setup { flags: &["--demo"], guarded: true, ..Setup::default() });
    demo.signal("TERM");
    let (status, output) = demo.ended();
    assert!(status.success());
    assert!(output.contains("--allow-egress 127.0.0.0/8,::1/128"), "{output}");
}
