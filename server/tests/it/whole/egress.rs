//! What the flags let workspaces reach, as an operator sees it.

use reqwest::Client;
use serde_json::Value;
use tempfile::tempdir;

use super::{KEY, Process, Setup, reached};
use crate::support::upstream::Upstream;

/// `localhost` is a name: it is saved in any case and judged when it is connected to.
fn bootstrap(upstream: &Upstream, host: &str) -> String {
    format!("[[workspace]]\nslug = \"acme\"\n{}", reached(&format!("http://{host}:{}", upstream.address.port())))
}

async fn call(process: &Process) -> reqwest::Response {
    let request = Client::new().get(&process.gateway).header("x-knoxcall-key", KEY);
    request.header("x-knoxcall-route", "billing").send().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn loopback_is_closed_until_the_flag_opens_it() {
    let upstream = Upstream::start().await;
    let folder = tempdir().unwrap();
    let data = folder.path().join("data");
    let literal = bootstrap(&upstream, "127.0.0.1");
    let Err((status, output)) = Process::try_start(&data, &Setup { bootstrap: Some(&literal), guarded: true, ..Setup::default() }) else {
        panic!("it started with a target that it never connects to");
    };
    assert!(!status.success());
    for said in ["workspace acme, route billing", "Target base URL", "loopback address", "--allow-egress"] {
        assert!(output.contains(said), "{said}: {output}");
    }

    let name = bootstrap(&upstream, "localhost");
    let closed = Process::start(&data, &Setup { bootstrap: Some(&name), guarded: true, ..Setup::default() });
    let answer = call(&closed).await;
    assert_eq!(answer.status(), 502);
    assert_eq!(answer.json::<Value>().await.unwrap()["rule"], "loopback");
    closed.signal("TERM");
    assert!(closed.ended().0.success());
    assert_eq!(upstream.connections(), 0);

    let flags = ["--allow-egress", "127.0.0.0/8", "--allow-egress", "::1"];
    let open = Process::start(&data, &Setup { bootstrap: Some(&name), flags: &flags, guarded: true, ..Setup::default() });
    assert_eq!(call(&open).await.status(), 200);
    assert_eq!(upstream.connections(), 1);
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
