//! The console's own errors, and the card: set live by an operator, tested, and shown.

use app::contract::{ApiError, Field, Rule, TrackingState, TrackingTest, TrackingView};
use reqwest::StatusCode;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use uuid::Uuid;

use crate::support::sentry::FakeSentry;
use crate::support::upstream::until;
use crate::web::console::ask;
use crate::web::{Browser, PASSWORD, TestConsole};

const ROOT: &str = "root@example.com";

async fn signed_in(console: &TestConsole) -> (Browser, Uuid) {
    let user = console.user(ROOT, true).await.id;
    (console.browser().signed_in(ROOT, PASSWORD).await, user)
}

async fn save(browser: &Browser, dsn: &str, generation: &str) {
    let fields = [("form[dsn_server]", dsn), ("form[environment]", "test"), ("form[generation]", generation)];
    let () = ask(browser, "/api/integrations/save-tracking", &fields).await;
}

fn error_id(error: &ApiError) -> Uuid {
    match error {
        ApiError::Internal { error_id } => *error_id,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_panic_and_a_failure_are_reported_with_the_id_that_the_client_got() {
    let sentry = FakeSentry::start().await;
    let console = TestConsole::start().await;
    let log = tracing_subscriber::registry().with(console.errors.layer().with_filter(LevelFilter::ERROR));
    let _log = tracing::subscriber::set_default(log);
    let (browser, user) = signed_in(&console).await;
    save(&browser, &sentry.dsn, "0").await;
    until("the client is bound", || console.errors.status().is_some()).await;

    let answer = browser.call("/api/probe/panic?secret=canaryquery", &[]).await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    let posted = sentry.wait_for(|posted| posted.len() == 1).await.remove(0);
    assert_eq!(posted.tag("errorId"), error_id(&answer.error()).to_string());
    assert_eq!((posted.tag("component").as_str(), posted.exception().0.as_str()), ("console", "panic"));
    assert!(posted.exception().1.contains("panics on purpose"));
    assert_eq!(posted.event()["user"]["id"], user.to_string());
    assert_eq!(posted.event()["request"]["url"], "http://console/api/probe/panic");
    assert_eq!(posted.event()["exception"]["values"][0]["mechanism"]["handled"], false);

    // The process goes on.
    let answer = browser.call("/api/probe/internal", &[]).await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    let posted = sentry.wait_for(|posted| posted.len() == 2).await.remove(1);
    assert_eq!(posted.tag("errorId"), error_id(&answer.error()).to_string());
    assert!(posted.exception().1.contains("the disk is full"), "{:?}", posted.exception());
    assert_eq!(
        (posted.event()["request"]["method"].as_str(), posted.event()["user"]["id"].as_str()),
        (Some("POST"), Some(&*user.to_string()))
    );

    // Outside a request.
    tokio::spawn(async { tracing::error!(target: "server::telemetry::pipeline", error = "canary@example.com is full", "records dropped") })
        .await
        .unwrap();
    let posted = sentry.wait_for(|posted| posted.len() == 3).await.remove(2);
    assert_eq!(posted.tag("component"), "telemetry");
    assert!(Uuid::try_parse(&posted.tag("errorId")).is_ok());
    for posted in sentry.posted() {
        for canary in ["canary", ROOT, "127.0.0.1", "cookie", "user-agent"] {
            assert!(!posted.raw.to_lowercase().contains(canary), "{canary} in {}", posted.raw);
        }
    }

    // Cleared, nothing is reported any more, from the next error on.
    save(&browser, "", "1").await;
    until("the client is gone", || console.errors.status().is_none()).await;
    browser.call("/api/probe/panic", &[]).await;
    assert_eq!(sentry.posted().len(), 3);
    let view: TrackingView = ask(&browser, "/api/integrations/tracking", &[]).await;
    assert_eq!((view.server.state, view.dsn_server.value.as_str()), (TrackingState::Off, ""));
}

/// All of them are logged at one place, and ten of a kind go out in a minute.
#[tokio::test]
async fn a_failure_that_comes_over_and_over_holds_back_none_of_another_cause() {
    let sentry = FakeSentry::start().await;
    let console = TestConsole::start().await;
    let log = tracing_subscriber::registry().with(console.errors.layer().with_filter(LevelFilter::ERROR));
    let _log = tracing::subscriber::set_default(log);
    let (browser, _) = signed_in(&console).await;
    save(&browser, &sentry.dsn, "0").await;
    until("the client is bound", || console.errors.status().is_some()).await;
    for _ in 0..12 {
        browser.call("/api/probe/internal", &[]).await;
    }
    let other = error_id(&browser.call("/api/probe/internal", &[("reading", "true")]).await.error()).to_string();
    let posted = sentry.wait_for(|posted| posted.iter().any(|one| one.tag("errorId") == other)).await;
    let of = |kind: &str| {
        let told = posted.iter().filter(|one| one.exception().0 == kind);
        told.map(|one| one.event()["fingerprint"].clone()).collect::<Vec<_>>()
    };
    let (write, read) = (of("store_write"), of("store_read"));
    assert_eq!((write.len(), read.len()), (10, 1));
    assert!(write.iter().all(|one| *one == write[0]) && write[0] != read[0], "{write:?} {read:?}");
}

#[tokio::test]
async fn the_card_shows_tests_and_refuses() {
    let sentry = FakeSentry::start().await;
    let console = TestConsole::start().await;
    let (browser, _) = signed_in(&console).await;
    let dsn = ("form[dsn_server]", sentry.dsn.as_str());
    let secret = [("form[dsn_server]", "https://k:s@host/1")];
    let refused = browser.call("/api/integrations/save-tracking", &secret).await.error();
    assert_eq!(refused, ApiError::Invalid { field: Field::SentryDsnServer, rule: Rule::DsnSecret });

    // Before it is saved.
    sentry.script([(403, &[("x-sentry-error", "bad sentry DSN public key")][..])]);
    let test: TrackingTest = ask(&browser, "/api/integrations/test-tracking", &[dsn]).await;
    assert_eq!((test.status, test.detail.as_deref()), (Some(403), Some("bad sentry DSN public key")));
    assert!(test.failure.is_some());
    let test: TrackingTest = ask(&browser, "/api/integrations/test-tracking", &[dsn]).await;
    assert_eq!((test.status, test.failure), (Some(200), None));
    assert_eq!(sentry.posted()[1].tag("errorId"), test.error_id.to_string());
    for _ in 0..4 {
        let _: TrackingTest = ask(&browser, "/api/integrations/test-tracking", &[dsn]).await;
    }
    let throttled = browser.call("/api/integrations/test-tracking", &[dsn]).await;
    assert_eq!(throttled.status, StatusCode::TOO_MANY_REQUESTS);

    // Without JavaScript: the form comes back with what was typed, and the result is on the page.
    let fields = [dsn, ("form[environment]", "qa"), ("form[generation]", "0")];
    let answer = browser.submit("/settings/integrations/sentry", "/api/integrations/save-tracking", &fields).await;
    assert_eq!((answer.status, answer.header("location")), (StatusCode::FOUND, "/settings/integrations/sentry?saved=tracking"));
    let page = browser.get("/settings/integrations/sentry?saved=tracking").await.text();
    for words in
        [sentry.dsn.as_str(), "Sentry DSN — browser (admin UI errors)", "Saved. Errors are reported", "Send test error", "Accepted by"]
    {
        assert!(page.contains(words), "{words} in {page}");
    }
    let grid = browser.get("/settings/integrations").await.text();
    assert!(grid.contains("Error tracking (Sentry)") && grid.contains("Server errors"), "{grid}");
    let wrong = [("form[dsn_server]", "https://nokey.example/1"), ("form[generation]", "1")];
    let answer = browser.submit("/settings/integrations/sentry", "/api/integrations/save-tracking", &wrong).await;
    let page = browser.get(answer.header("location")).await.text();
    assert!(page.contains("https://nokey.example/1") && page.contains("lacks its public key"), "{page}");
}
