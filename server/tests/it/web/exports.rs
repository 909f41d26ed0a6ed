//! What the export cards and the overview say while the environment names where single signals go.

use std::time::Duration;

use app::contract::values::Signal;
use app::contract::{ExportState, ExportStatus, FailureKind, TestReport};

use super::console::ask;
use super::{Browser, PASSWORD, TestConsole};
use crate::support::collector::{Collector, Delivery, Reply};

const TRACES: &str = "/v1/traces";
const LOGS: &str = "/v1/logs";
const OVERVIEW: &str = "/";
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
    for path in [OVERVIEW, CARDS, CARD] {
        let page = root.get(path).await.text();
        assert!(page.contains("Paused") && page.contains(&format!(">{words}<")), "{path}: {page}");
    }
    assert!(root.get(CARD).await.text().contains("Export is paused. What the environment names goes on and is failing."));

    collector.always(TRACES, Reply::Taken);
    until(&root, |status| status.still_failing.is_empty()).await;
    for path in [OVERVIEW, CARDS, CARD] {
        let page = root.get(path).await.text();
        assert!(page.contains("Paused") && !page.contains("are failing"), "{path}: {page}");
    }
}

#[tokio::test]
async fn nothing_is_said_to_be_appended_to_an_endpoint_of_one_signal() {
    let collector = Collector::start().await;
    collector.always(TRACES, Reply::Status(404));
    collector.always(LOGS, Reply::Status(404));
    let (stored, traces) = (collector.endpoint(), format!("{}{TRACES}", collector.endpoint()));
    let console = TestConsole::start_within(&[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", traces.as_str())]).await;
    console.user("root@example.com", true).await;
    let root = console.browser().signed_in("root@example.com", PASSWORD).await;
    let form = [("form[endpoint]", stored.as_str()), ("form[traces]", "on"), ("form[logs]", "on"), ("workspace", "")];
    let report: TestReport = ask(&root, "/api/integrations/test-export", &form).await;
    let found: Vec<_> = report.results.iter().map(|result| (result.signal, result.status, result.own_endpoint)).collect();
    assert_eq!(found, [(Signal::Traces, Some(404), true), (Signal::Logs, Some(404), false)]);
    let page = root.get(CARD).await.text();
    for words in [
        "127.0.0.1 has nothing at the endpoint of the traces (404). \
         Check the path in OTEL_EXPORTER_OTLP_TRACES_ENDPOINT; KnoxCall appends nothing to it.",
        "127.0.0.1 has nothing at /v1/logs (404). Check the path of the endpoint; KnoxCall appends /v1/logs to it.",
    ] {
        assert!(page.contains(&format!(">{words}<")), "{words}: {page}");
    }
}

#[tokio::test]
async fn an_endpoint_of_one_signal_is_used_as_it_is_and_its_query_is_not_shown() {
    let collector = Collector::start().await;
    let (logs, query) = (collector.endpoint(), "key=canary-7f3a");
    let traces = format!("{}/custom/?{query}", collector.endpoint());
    let variables = [
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", traces.as_str()),
        ("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", logs.as_str()),
        ("OTEL_BSP_SCHEDULE_DELAY", "20"),
    ];
    let console = TestConsole::start_within(&variables).await;
    console.user("root@example.com", true).await;
    let root = console.browser().signed_in("root@example.com", PASSWORD).await;
    let to = |path: &'static str, query: Option<&'static str>| {
        move |request: &Delivery| (request.path.as_str(), request.query.as_deref()) == (path, query)
    };
    collector.wait_for(|received| received.requests.iter().any(to("/custom/", Some(query)))).await;

    collector.always("/custom/", Reply::Status(404));
    let form = [("form[traces]", "on"), ("form[logs]", "on"), ("workspace", "")];
    let report: TestReport = ask(&root, "/api/integrations/test-export", &form).await;
    let found: Vec<_> = report.results.iter().map(|result| (result.signal, result.status)).collect();
    assert_eq!(found, [(Signal::Traces, Some(404)), (Signal::Logs, Some(200))]);
    let received = collector.received();
    assert!(received.requests.iter().any(to("/", None)), "without a path it is the root");
    assert!(received.requests.iter().all(|request| to("/", None)(request) || to("/custom/", Some(query))(request)));

    until(&root, |status| matches!(status.state, ExportState::Failing { .. })).await;
    for path in [OVERVIEW, CARDS, CARD] {
        let page = root.get(path).await.text();
        assert!(!page.contains("canary-7f3a"), "{path}: {page}");
    }
    assert!(root.get(CARD).await.text().contains("127.0.0.1 has nothing at the endpoint of the traces (404)."));
    assert!(!format!("{report:?}").contains("canary-7f3a"), "{report:?}");
}
