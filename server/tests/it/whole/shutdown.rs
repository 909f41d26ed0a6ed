//! How it stops: within its grace whatever hangs, and at once when it is told twice.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use tempfile::tempdir;

use super::{KEY, Process, Setup, reached};
use crate::support::collector::{Collector, Received, Reply, attributes};
use crate::support::receiver::{Answer, Receiver};
use crate::support::upstream::{Upstream, until};

const GRACE: Duration = Duration::from_secs(3);
const SIGNALS: [&str; 3] = ["/v1/traces", "/v1/logs", "/v1/metrics"];

/// Of what the collector took: the requests that it has a log record and a span of.
fn told_of(received: &Received) -> BTreeSet<String> {
    let logs: BTreeSet<String> =
        received.logs().iter().filter_map(|log| attributes(&log.record.attributes).get("url.path").cloned()).collect();
    let spans: BTreeSet<String> =
        received.spans().iter().filter_map(|span| attributes(&span.record.attributes).get("url.path").cloned()).collect();
    logs.intersection(&spans).cloned().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_hangs_it_ends_within_its_grace_and_loses_nothing() {
    let (collector, receiver, upstream) = (Collector::start().await, Receiver::start().await, Upstream::start().await);
    SIGNALS.iter().for_each(|path| collector.always(path, Reply::Hang));
    receiver.script("/hook", vec![Answer::Stall; 10]);
    let folder = tempdir().unwrap();
    let data = folder.path().join("data");
    let file = format!(
        r#"
[otlp]
endpoint = "{}"
[[workspace]]
slug = "acme"
{}
[[workspace.webhook]]
name = "all"
url = "{}"
event_types = ["request.completed"]
"#,
        collector.endpoint(),
        reached(&upstream.url()),
        receiver.url("/hook"),
    );
    let env = [("OTEL_BSP_SCHEDULE_DELAY", "50"), ("OTEL_BLRP_SCHEDULE_DELAY", "50")];
    let setup = Setup { bootstrap: Some(&file), env: &env, flags: &["--shutdown-grace", "3s"], ..Setup::default() };
    let process = Process::start(&data, &setup);
    let client = reqwest::Client::new();
    let get = |path: &str| {
        let request = client.get(format!("{}{path}", process.gateway)).header("x-knoxcall-key", KEY);
        request.header("x-knoxcall-route", "billing")
    };
    get("/plain").send().await.unwrap().bytes().await.unwrap();
    receiver.wait("/hook", 1).await;
    collector.wait_for(|received| !received.on("/v1/logs").is_empty() && !received.on("/v1/traces").is_empty()).await;
    let mut streaming = get("/streaming").header("x-script", "drip").send().await.unwrap();
    assert_eq!(streaming.chunk().await.unwrap().unwrap(), "first");

    let told = Instant::now();
    process.signal("TERM");
    let (status, output) = process.ended();
    let took = told.elapsed();
    assert!(status.success(), "{output}");
    // The request, the webhook and the export hang: were each given the whole grace, it would be three of them.
    // Beyond the grace the disk has a second, and this machine another.
    assert!(took < GRACE + Duration::from_secs(2), "it took {took:?}:\n{output}");
    drop(streaming);

    let before = receiver.got("/hook").len();
    SIGNALS.iter().for_each(|path| collector.always(path, Reply::Taken));
    receiver.release();
    let process = Process::start(&data, &Setup { env: &env, ..Setup::default() });
    let both = BTreeSet::from(["\"/plain\"".to_owned(), "\"/streaming\"".to_owned()]);
    collector.wait_for(|received| told_of(received) == both).await;
    let got = receiver.wait("/hook", before + 2).await;
    let mut delivered: Vec<String> =
        got[before..].iter().map(|got| got.json()["data"]["request"]["path"].as_str().unwrap().to_owned()).collect();
    delivered.sort();
    assert_eq!(delivered, ["/plain", "/streaming"]);
    process.signal("TERM");
    assert!(process.ended().0.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_ends_it_at_once() {
    let upstream = Upstream::start().await;
    let file = format!("[[workspace]]\nslug = \"acme\"\n{}", reached(&upstream.url()));
    for signals in [["TERM", "TERM"], ["INT", "TERM"], ["TERM", "INT"]] {
        let folder = tempdir().unwrap();
        // Far longer than a test waits for a process to end.
        let setup = Setup { bootstrap: Some(&file), flags: &["--shutdown-grace", "1h"], ..Setup::default() };
        let process = Process::start(&folder.path().join("data"), &setup);
        let request = reqwest::Client::new().get(format!("{}/", process.gateway)).header("x-knoxcall-key", KEY);
        let mut streaming = request.header("x-knoxcall-route", "billing").header("x-script", "drip").send().await.unwrap();
        assert_eq!(streaming.chunk().await.unwrap().unwrap(), "first");
        let [first, second] = signals;
        process.signal(first);
        until("it is stopping", || process.output().contains("stopping")).await;
        process.signal(second);
        let (status, output) = process.ended();
        assert_eq!(status.code(), Some(1), "{signals:?}: by its own doing, and not as if all were done:\n{output}");
        drop(streaming);
    }
}
