//! What the export cards say while the environment names where single signals go.

use std::time::Duration;

use app::contract::values::Signal;
use app::contract::{ExportState, ExportStatus, FailureKind};

use super::console::ask;
use super::{Browser, PASSWORD, TestConsole};
use crate::support::collector::{Collector, Reply};

const TRACES: &str = "/v1/traces";
const CARDS: &str = "/settings/integrations";
const CARD: &str = "/settings/integrations/otlp";

/// Asks how the operator's export is doing until that is as expected. Each question is one more span to send.
async fn until(browser: &Browser, expected: impl Fn(&ExportStatus) -> bool) -> ExportStatus {
    let mut status: ExportStatus = ask(browser, "/api/integrations/export-health", &[]).await;
    for _ in 0..500 {
        if expected(&status) {
            return status;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        status = ask(browser, "/api/integrations/export-health", &[]).await;
    }
    panic!("waited in vain: {status:?}");
}

#[tokio::test]
async fn what_goes_on_beside_a_pause_and_fails_is_told_in_words() {
    let collector = Collector::start().await;
    collector.always(TRACES, Reply::Status(401));
    let (stored, traces) = (collector.endpoint(), format!("{}{TRACES}", collector.endpoint()));
    let variables = [("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", traces.as_str()), ("OTEL_BSP_SCHEDULE_DELAY", "20")];
    let console = TestConsole::start_within(&variables).await;
    console.user("root@example.com", true).await;
    let root = console.browser().signed_in("root@example.com", PASSWORD).await;
    let save =
        [("form[endpoint]", stored.as_str()), ("form[traces]", "on"), ("form[logs]", "on"), ("form[generation]", "0"), ("workspace", "")];
    let () = ask(&root, "/api/integrations/save-export", &save).await;
    let failing = until(&root, |status| matches!(status.state, ExportState::Failing { .. })).await;
    assert!(failing.still_failing.is_empty(), "the state says so itself");

    let () = ask(&root, "/api/integrations/pause-export", &[("generation", "1")]).await;
    let status = until(&root, |status| !status.still_failing.is_empty()).await;
    assert!(matches!(&status.state, ExportState::Paused(pause) if pause.going_on == [Signal::Traces]), "{status:?}");
    let told: Vec<_> = status.still_failing.iter().map(|failure| (failure.signal, failure.kind, failure.host.as_str())).collect();
    assert_eq!(told, [(Signal::Traces, FailureKind::Status { status: 401 }, "127.0.0.1")]);
    let words =
        "Traces go on, by what the environment says, and are failing. 127.0.0.1 refused the credentials (401). Check the auth headers.";
    for path in [CARDS, CARD] {
        let page = root.get(path).await.text();
        assert!(page.contains("Paused") && page.contains(&format!(">{words}<")), "{path}: {page}");
    }
    assert!(root.get(CARD).await.text().contains("Export is paused. What the environment names goes on and is failing."));

    collector.always(TRACES, Reply::Taken);
    until(&root, |status| status.still_failing.is_empty()).await;
    for path in [CARDS, CARD] {
        let page = root.get(path).await.text();
        assert!(page.contains("Paused") && !page.contains("are failing"), "{path}: {page}");
    }
}
