//! A collector behind TLS whose authority nobody knows but whom the variable tells of it.

use std::time::Duration;

use app::contract::{ExportAttempt, ExportStatus, FailureKind};
use reqwest::Client;
use tempfile::tempdir;
use tokio::time::Instant;

use super::life::{OPERATOR, signed_in};
use super::{KEY, Process, Setup, reached};
use crate::support::collector::{Collector, attributes};
use crate::support::upstream::{Certificate, Upstream};

const PATIENCE: Duration = Duration::from_secs(60);

/// What the operator's card says of its requests to the collector, once there are any. Each question is one more span to send.
async fn attempts(process: &Process) -> Vec<ExportAttempt> {
    let console = signed_in(process).await;
    let deadline = Instant::now() + PATIENCE;
    loop {
        let request = console.post(format!("{}/api/integrations/export-health", process.console)).header("origin", process.console.clone());
        let answer = request.header("accept", "application/json").form(&[("workspace", "")]).send().await.unwrap();
        let status: ExportStatus = answer.json().await.unwrap();
        if !status.attempts.is_empty() {
            return status.attempts;
        }
        assert!(Instant::now() < deadline, "nothing was sent:\n{}", process.output());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_authority_that_the_variable_names_is_trusted_for_the_export_and_for_no_upstream() {
    let certificate = Certificate::of_authority();
    let (collector, upstream) = (Collector::start_tls(&certificate).await, Upstream::start_tls(&certificate, false).await);
    let folder = tempdir().unwrap();
    let authority = folder.path().join("authority.pem");
    std::fs::write(&authority, &certificate.pem).unwrap();
    let bootstrap = format!("{OPERATOR}[[workspace]]\nslug = \"acme\"\n{}", reached(&upstream.url()));
    let endpoint = collector.endpoint();

    let env = [("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()), ("OTEL_BSP_SCHEDULE_DELAY", "20")];
    let process = Process::start(&folder.path().join("without"), &Setup { bootstrap: Some(&bootstrap), env: &env, ..Setup::default() });
    let attempts = attempts(&process).await;
    assert!(attempts.iter().all(|attempt| attempt.failure == Some(FailureKind::Tls)), "{attempts:?}");
    assert!(collector.received().requests.is_empty());
    drop(process);

    let env = [("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()), ("OTEL_EXPORTER_OTLP_CERTIFICATE", authority.to_str().unwrap())];
    let process = Process::start(&folder.path().join("with"), &Setup { bootstrap: Some(&bootstrap), env: &env, ..Setup::default() });
    let client = Client::builder().no_proxy().build().unwrap();
    let request = client.get(&process.gateway).header("x-knoxcall-key", KEY).header("x-knoxcall-route", "billing");
    assert_eq!(request.send().await.unwrap().status(), 502, "what workspaces connect to is not trusted for it");
    process.signal("TERM");
    let (status, output) = process.ended();
    assert!(status.success(), "{output}");

    let received = collector.received();
    let logs = received.logs();
    assert_eq!(logs.len(), 1, "{output}");
    assert_eq!(attributes(&logs[0].record.attributes)["error.type"], "\"tls\"");
    assert_eq!(received.spans().iter().filter(|span| span.record.name == "GET billing").count(), 1);
    assert!(received.metrics().iter().any(|metric| metric.record.name == "knoxcall.proxy.requests"));
}
