//! Starting, refusing to start, stopping, and being killed.

use std::path::Path;

use base64::Engine as _;
use reqwest::Client;
use tempfile::tempdir;

use super::{KEY, Process, Setup, reached};
use crate::support::collector::Collector;
use crate::support::network::Closed;

pub(super) const OPERATOR: &str = "[operator]\nemail = \"op@example.test\"\npassword = \"correct horse battery staple\"\n";

#[test]
fn a_first_start_prints_one_setup_link_and_a_start_with_an_operator_none() {
    let folder = tempdir().unwrap();
    let data = folder.path().join("data");
    let first = Process::start(&data, &Setup::default());
    first.signal("TERM");
    let (status, output) = first.ended();
    assert!(status.success());
    assert_eq!(output.matches("/setup?token=").count(), 1, "{output}");

    let second = Process::start(&data, &Setup { bootstrap: Some(OPERATOR), ..Setup::default() });
    second.signal("INT");
    let (status, output) = second.ended();
    assert!(status.success());
    assert!(!output.contains("/setup?token="), "{output}");
}

#[test]
fn a_second_process_on_the_same_folder_says_so_and_ends() {
    let folder = tempdir().unwrap();
    let data = folder.path().join("data");
    let first = Process::start(&data, &Setup::default());
    let Err((status, output)) = Process::try_start(&data, &Setup::default()) else { panic!("both run") };
    assert_eq!(status.code(), Some(1));
    assert!(output.contains("in use by another process"), "{output}");
    first.signal("TERM");
    assert!(first.ended().0.success());
}

#[test]
fn wrong_settings_are_named_with_their_rule() {
    let folder = tempdir().unwrap();
    let data = folder.path().join("data");
    for (setup, said) in [
        (Setup { flags: &["--allow-egress", "10.0.0.0/33"], ..Setup::default() }, "KNOXCALL_ALLOW_EGRESS"),
        (Setup { env: &[("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318")], ..Setup::default() }, "OTEL_EXPORTER_OTLP_ENDPOINT"),
        (Setup { env: &[("KNOXCALL_MASTER_KEY", "c2hvcnQ=")], ..Setup::default() }, "KNOXCALL_MASTER_KEY"),
        (Setup { bootstrap: Some("[otlp]\nendpoint = \"http://a\"\ntraecs = true\n"), ..Setup::default() }, "traecs"),
    ] {
        let Err((status, output)) = Process::try_start(&data, &setup) else { panic!("it started in spite of {said}") };
        assert!(!status.success());
        assert!(output.contains(said), "{output}");
        assert!(!output.contains("c2hvcnQ=") && !output.contains("panicked"), "{output}");
    }
}

#[test]
fn otel_variables_that_are_not_understood_are_warned_of() {
    let folder = tempdir().unwrap();
    let env = [
        ("OTEL_TRACES_EXPORTER", "console"),
        ("OTEL_LOGS_EXPORTER", "otlp,console"),
        ("OTEL_SDK_DISABLED", "1"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "canary"),
        ("OTEL_BSP_SCHEDULE_DELAY", "canary"),
    ];
    let process = Process::start(&folder.path().join("data"), &Setup { env: &env, ..Setup::default() });
    process.signal("TERM");
    let (status, output) = process.ended();
    assert!(status.success());
    for (name, _) in env {
        let line = output.lines().find(|line| line.contains(&format!("{name}: "))).unwrap_or_else(|| panic!("{name}: {output}"));
        assert!(line.contains("WARN"), "{line}");
    }
    assert!(!output.contains("canary"), "{output}");
}

/// What was confirmed is on disk, whatever happens to the process right after.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_saved_survives_a_kill() {
    let folder = tempdir().unwrap();
    let data = folder.path().join("data");
    let mut process = Process::start(&data, &Setup { bootstrap: Some(OPERATOR), ..Setup::default() });
    for round in 0..5 {
        let slug = format!("workspace-{round}");
        create_workspace(&process, &slug).await;
        process.signal("KILL");
        assert!(!process.ended().0.success());
        process = Process::start(&data, &Setup { bootstrap: Some(OPERATOR), ..Setup::default() });
        let page = signed_in(&process).await.get(format!("{}/w/{slug}", process.console)).send().await.unwrap();
        assert_eq!(page.status(), 200, "{slug} is gone after the kill");
    }
    assert_key_is_private(&data);
}

#[cfg(unix)]
fn assert_key_is_private(data: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(data.join("master.key")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

pub(super) async fn signed_in(process: &Process) -> Client {
    sign_in(process, "op@example.test", "correct horse battery staple").await
}

pub(super) async fn sign_in(process: &Process, email: &str, password: &str) -> Client {
    let client = Client::builder().cookie_store(true).redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let fields = [("email", email), ("password", password), ("next", "")];
    let request = client.post(format!("{}/api/account/sign-in", process.console)).header("origin", process.console.clone());
    assert!(request.header("accept", "application/json").form(&fields).send().await.unwrap().status().is_success());
    client
}

pub(super) async fn create_workspace(process: &Process, slug: &str) {
    let request = signed_in(process).await.post(format!("{}/api/directory/create-workspace", process.console));
    let fields = [("slug", slug), ("name", slug)];
    let answer = request.header("origin", process.console.clone()).header("accept", "application/json").form(&fields).send().await.unwrap();
    assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
}

/// A wrong master key is reported where an operator looks; it neither stops the start nor sends anything without its secret.
#[tokio::test(flavor = "multi_thread")]
async fn secrets_that_do_not_open_are_reported_and_survived() {
    let folder = tempdir().unwrap();
    let data = folder.path().join("data");
    let collector = Collector::start().await;
    let bootstrap = format!("{OPERATOR}[otlp]\nendpoint = \"{}\"\nheaders = \"authorization=Bearer planted\"\n", collector.endpoint());
    let [first_key, second_key] = [[1_u8; 32], [2; 32]].map(|key| base64::engine::general_purpose::STANDARD.encode(key));
    let first_env = [("KNOXCALL_MASTER_KEY", first_key.as_str())];
    let first = Process::start(&data, &Setup { bootstrap: Some(&bootstrap), env: &first_env, ..Setup::default() });
    signed_in(&first).await;
    first.signal("TERM");
    assert!(first.ended().0.success());
    let before = collector.received().requests.len();
    assert!(before > 0, "with the right key the console's requests are exported");

    let second_env = [("KNOXCALL_MASTER_KEY", second_key.as_str())];
    let second = Process::start(&data, &Setup { env: &second_env, ..Setup::default() });
    let client = signed_in(&second).await;
    let overview = client.get(&second.console).send().await.unwrap().text().await.unwrap();
    assert!(overview.contains("the master key does not match this data folder"), "{overview}");
    let card = client.get(format!("{}/settings/integrations/otlp", second.console)).send().await.unwrap().text().await.unwrap();
    assert!(card.contains("can&#39;t be read") || card.contains("can't be read"), "{card}");
    second.signal("TERM");
    let (status, output) = second.ended();
    assert!(status.success());
    // The end flushes whatever there is: the console's own requests would be there.
    assert_eq!(collector.received().requests.len(), before, "nothing leaves without its headers");
    assert!(output.contains("master key does not match") && !output.contains("planted"), "{output}");
}

/// Whoever asks why finds the line by what the caller was told.
#[tokio::test(flavor = "multi_thread")]
async fn a_failed_requests_error_id_is_a_field_of_its_log_line() {
    let folder = tempdir().unwrap();
    let closed = Closed::port();
    let bootstrap = format!("[[workspace]]\nslug = \"acme\"\n{}", reached(&format!("http://{closed}")));
    let setup = Setup { bootstrap: Some(&bootstrap), flags: &["--log-format", "json"], ..Setup::default() };
    let process = Process::start(&folder.path().join("data"), &setup);
    let request = Client::new().get(format!("{}/x", process.gateway)).header("x-knoxcall-key", KEY).header("x-knoxcall-route", "billing");
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 502);
    let answer: serde_json::Value = answer.json().await.unwrap();
    assert!(answer["errorId"].is_string(), "{answer}");
    process.signal("TERM");
    let (status, output) = process.ended();
    assert!(status.success(), "{output}");
    let lines = output.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let ids: Vec<_> = lines.filter(|line| line["level"] == "ERROR").map(|line| line["fields"]["errorId"].clone()).collect();
    assert_eq!(ids, [answer["errorId"].clone()], "{output}");
}
