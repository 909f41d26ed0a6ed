//! A collector that is down while the process is killed: what waits on disk is sent after the next start.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use reqwest::Client;
use tempfile::tempdir;

use super::{KEY, Process, Setup, reached};
use crate::support::collector::{Collector, Reply, attributes};
use crate::support::upstream::Upstream;

/// Records that wait in the spool's files of this signal, read as the format says: a head of 44 bytes, the state at 4, the length
/// at 16, the number of records at 20.
fn waiting(folder: &Path, signal: &str) -> u64 {
    let mut sum = 0;
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    for path in entries {
        if path.is_dir() {
            sum += waiting(&path, signal);
        } else if path.parent().is_some_and(|parent| parent.ends_with(signal)) {
            let bytes = std::fs::read(&path).unwrap_or_default();
            let mut at = 0;
            let number = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
            while at + 44 <= bytes.len() {
                assert_eq!(&bytes[at..at + 4], b"KnS1");
                sum += if bytes[at + 4] == 0 { u64::from(number(at + 20)) } else { 0 };
                at += 44 + number(at + 16) as usize;
            }
        }
    }
    sum
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_survives_kill_9() {
    let (all, own) = (Collector::start().await, Collector::start().await);
    let upstream = Upstream::start().await;
    let folder = tempdir().unwrap();
    let data = folder.path().join("data");
    let bootstrap = format!(
        r#"
[otlp]
endpoint = "{}"
[[workspace]]
slug = "acme"
[workspace.telemetry]
endpoint = "{}"
{}"#,
        all.endpoint(),
        own.endpoint(),
        reached(&upstream.url())
    );
    for collector in [&all, &own] {
        for path in ["/v1/traces", "/v1/logs", "/v1/metrics"] {
            collector.always(path, Reply::Status(503));
        }
    }
    let env = [("OTEL_BSP_SCHEDULE_DELAY", "50"), ("OTEL_BLRP_SCHEDULE_DELAY", "50")];
    let process = Process::start(&data, &Setup { bootstrap: Some(&bootstrap), env: &env, ..Setup::default() });
    let client = Client::new();
    for n in 0..60 {
        let call = client.get(format!("{}/{n}", process.gateway)).header("x-knoxcall-key", KEY).header("x-knoxcall-route", "billing");
        assert_eq!(call.send().await.unwrap().status(), 200);
    }
    let spool = data.join("spool");
    let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
    // The operator's and the workspace's logs, and the operator's spans.
    while (waiting(&spool, "logs"), waiting(&spool, "traces")) != (120, 60) {
        assert!(tokio::time::Instant::now() < deadline, "{} {}", waiting(&spool, "logs"), waiting(&spool, "traces"));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    process.signal("KILL");
    let (_, output) = process.ended();
    assert!(!output.contains("panicked at"), "{output}");

    for collector in [&all, &own] {
        for path in ["/v1/traces", "/v1/logs", "/v1/metrics"] {
            collector.always(path, Reply::Taken);
        }
    }
    let process = Process::start(&data, &Setup { env: &env, ..Setup::default() });
    let paths = |received: &crate::support::collector::Received| -> Vec<String> {
        received.logs().iter().map(|log| attributes(&log.record.attributes)["url.path"].clone()).collect()
    };
    for collector in [&all, &own] {
        let received = collector.wait_for(|received| paths(received).len() >= 60).await;
        let paths = paths(&received);
        assert_eq!((paths.len(), paths.iter().collect::<BTreeSet<_>>().len()), (60, 60), "each once");
    }
    all.wait_for(|received| received.spans().len() >= 60).await;
    process.signal("TERM");
    let (status, output) = process.ended();
    assert!(status.success(), "{output}");
    assert_eq!(std::fs::read_dir(&spool).map_or(0, Iterator::count), 0, "nothing is left on disk");
}
