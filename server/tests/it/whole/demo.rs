//! What `--demo` starts with.

use std::time::Duration;

use tempfile::tempdir;

use super::life::sign_in;
use super::{Process, Setup};

/// Nobody has sent anything yet, and there is something to look at.
#[tokio::test(flavor = "multi_thread")]
async fn a_demo_has_requests_calls_and_deliveries_to_look_at() {
    let folder = tempdir().unwrap();
    let demo = Process::start(&folder.path().join("data"), &Setup { flags: &["--demo"], guarded: true, ..Setup::default() });
    let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
    let printed = |name: &str| demo.output().lines().find_map(|line| Some(line.trim().strip_prefix(name)?.trim().to_owned()));
    let (email, password) = loop {
        if let (Some(email), Some(password)) = (printed("Email "), printed("Password ")) {
            break (email, password);
        }
        assert!(tokio::time::Instant::now() < deadline, "{}", demo.output());
        tokio::task::yield_now().await;
    };
    let client = sign_in(&demo, &email, &password).await;
    // Four requests and two AI calls, each told of once.
    let all = "6 of 6 deliveries of the last day arrived";
    loop {
        let page = client.get(format!("{}/w/demo", demo.console)).send().await.unwrap().text().await.unwrap();
        if page.contains(all) {
            assert!(page.contains("1 webhook.") && page.contains("1 AI agent"), "{page}");
            break;
        }
        assert!(tokio::time::Instant::now() < deadline, "{page}");
    }
    let agent = client.get(format!("{}/w/demo/agents/assistant", demo.console)).send().await.unwrap().text().await.unwrap();
    assert!(agent.contains("demo-model") && !agent.contains("your-model"), "{agent}");
    let logs = client.get(format!("{}/w/demo/logs", demo.console)).send().await.unwrap().text().await.unwrap();
    assert!(logs.contains("/orders/42") && logs.contains("503"), "{logs}");
    demo.signal("TERM");
    let (status, output) = demo.ended();
    assert!(status.success(), "{output}");
}
