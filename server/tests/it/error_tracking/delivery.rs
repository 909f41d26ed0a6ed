//! What is sent, what is not, and what is counted.

use server::error_tracking::Dropped;
use server::event::{Failure, Request};
use server::values::FailureKind;
use uuid::Uuid;

use super::{Rig, failed, failed_apart, tenant};
use crate::support::network::Closed;
use crate::support::sentry::FakeSentry;

#[tokio::test]
async fn an_event_says_what_failed_and_nothing_of_whom() {
    let sentry = FakeSentry::start().await;
    let rig = Rig::start(Some(&sentry.dsn));
    let mut request =
        failed(1, "10.1.2.3:9000: Connection refused for ana@example.com with Bearer tk_canary0123456789 at /x?q=canaryquery");
    request.path = "/v1/orders/tk_canary0123456789/ana@example.com".to_owned();
    request.user = Some(Uuid::from_u128(0xabc));
    rig.emit(request);
    let posted = sentry.wait_for(|posted| posted.len() == 1).await.remove(0);

    assert_eq!(posted.path, "/api/7/envelope/");
    assert_eq!(posted.headers["content-type"], "application/x-sentry-envelope");
    assert!(posted.headers["x-sentry-auth"].contains("sentry_key=publickey"), "{:?}", posted.headers);
    let event = posted.event();
    assert_eq!(posted.tag("errorId"), Uuid::from_u128(0xe001).to_string());
    assert_eq!(posted.tag("tenant_id"), tenant().0.to_string());
    assert_eq!((posted.tag("component").as_str(), posted.tag("release").as_str()), ("gateway", "knoxcall@9.9"));
    assert_eq!((event["release"].as_str(), event["environment"].as_str()), (Some("knoxcall@9.9"), Some("staging")));
    assert_eq!(event["user"], serde_json::json!({ "id": Uuid::from_u128(0xabc).to_string() }));
    assert_eq!((event["request"]["method"].as_str(), event["transaction"].as_str()), (Some("POST"), Some("POST route-1")));
    assert!(event["request"]["url"].as_str().unwrap().starts_with("http://gateway/v1/orders/"));
    assert_eq!(event["level"], serde_json::Value::Null, "error is the default");
    let (kind, words) = posted.exception();
    assert_eq!(kind, "connection_refused");
    assert!(words.contains("Connection refused"), "{words}");
    for canary in ["canary", "ana@", "10.1.2.3", "203.0.113.9", "gateway.internal", "up.internal"] {
        assert!(!posted.raw.contains(canary), "{canary} in {}", posted.raw);
    }
    let names: Vec<&String> = event.as_object().unwrap().keys().collect();
    for never in ["server_name", "contexts", "breadcrumbs", "modules", "debug_meta"] {
        assert!(!names.iter().any(|name| *name == never), "{never} in {names:?}");
    }
    let status = rig.status(|status| status.sent == 1).await;
    assert_eq!((status.accepted, status.dropped.len(), status.queued, status.failing_since), (1, 0, 0, None));
}

#[tokio::test]
async fn an_upstreams_own_failure_is_not_ours() {
    let sentry = FakeSentry::start().await;
    let rig = Rig::start(Some(&sentry.dsn));
    let mut theirs = failed(1, "");
    theirs.failure = None;
    rig.emit(theirs.clone());
    // It broke off in the middle of the body: the status had gone out.
    theirs.failure = Some(Failure::new("connection_closed", "canary".to_owned()));
    rig.emit(theirs);
    rig.emit(failed(2, "ours"));
    let posted = sentry.wait_for(|posted| !posted.is_empty()).await;
    assert_eq!(posted.iter().map(|posted| posted.exception().1).collect::<Vec<_>>(), ["ours"]);
    assert_eq!(rig.status(|status| status.sent == 1).await.accepted, 1);
}

#[tokio::test]
async fn what_sentry_asks_for_is_kept() {
    let sentry = FakeSentry::start().await;
    sentry.script([
        (200, &[("x-sentry-rate-limits", "60:transaction:key")][..]),
        (429, &[("x-sentry-rate-limits", "60:error:organization")]),
    ]);
    let rig = Rig::start(Some(&sentry.dsn));
    rig.emit(failed(1, "taken"));
    rig.status(|status| status.sent == 1).await;
    rig.emit(failed(2, "refused"));
    let limited = |n| move |dropped: &(Dropped, u64)| *dropped == (Dropped::RateLimited, n);
    rig.status(|status| status.dropped.iter().any(limited(1))).await;
    for n in 3..8 {
        rig.emit(failed(n, "not even tried"));
    }
    let status = rig.status(|status| status.dropped.iter().any(limited(6))).await;
    assert_eq!((status.accepted, status.sent, status.queued), (7, 1, 0));
    assert_eq!(status.last_failure.unwrap().kind, FailureKind::Status { status: 429 });
    assert!(status.failing_since.is_some());
    assert_eq!(sentry.posted().len(), 2);
}

#[tokio::test]
async fn a_sentry_that_hangs_holds_nobody_up_and_what_does_not_fit_is_counted() {
    let sentry = FakeSentry::start().await;
    sentry.hang(true);
    let rig = Rig::start(Some(&sentry.dsn));
    rig.emit(failed(0, "first"));
    sentry.wait_for(|posted| posted.len() == 1).await;
    // One is under way, a hundred wait.
    for n in 1..=120 {
        rig.emit(failed_apart(n, "more"));
    }
    let status = rig.errors.status().unwrap();
    assert_eq!((status.accepted, status.queued, status.dropped.as_slice()), (121, 101, &[(Dropped::QueueFull, 20)][..]));
    // What no workspace brought about finds room, and goes first.
    rig.emit(panicked(200));
    rig.emit(Request { tenant: None, proxied: None, ..failed(201, "nobody's") });
    sentry.hang(false);
    let status = rig.status(|status| status.queued == 0).await;
    assert_eq!((status.sent, status.accepted), (103, 123));
    let next: Vec<String> = sentry.posted()[1..4].iter().map(|posted| posted.exception().1).collect();
    assert_eq!(next, ["a panic", "nobody's", "more"]);
}

/// Of the workspace of [`failed`].
fn panicked(n: u128) -> Request {
    let failure = Failure {
        error_id: Some(Uuid::from_u128(0xe000 + n)),
        location: Some("server/src/ids.rs:7".to_owned()),
        ..Failure::new("panic", "a panic".to_owned())
    };
    Request { failure: Some(failure), ..failed(n, "") }
}

#[tokio::test]
async fn a_workspace_that_fails_everywhere_hides_nothing_else() {
    let sentry = FakeSentry::start().await;
    let rig = Rig::start(Some(&sentry.dsn));
    for n in 0..2_000 {
        rig.emit(failed(n, "everywhere"));
    }
    rig.emit(panicked(2_000));
    rig.emit(failed_apart(2_001, "another one's"));
    rig.emit(Request { tenant: None, proxied: None, ..failed(2_002, "nobody's") });
    let status = rig.status(|status| status.queued == 0).await;
    assert_eq!((status.accepted, status.sent, status.dropped), (2_003, 53, vec![(Dropped::Repeated, 1_950)]));
    let posted = sentry.posted();
    for words in ["a panic", "another one's", "nobody's"] {
        assert!(posted.iter().any(|posted| posted.exception().1 == words), "{words}");
    }
}

#[tokio::test]
async fn the_same_error_over_and_over_is_sent_a_few_times() {
    let sentry = FakeSentry::start().await;
    let rig = Rig::start(Some(&sentry.dsn));
    for _ in 0..30 {
        rig.emit(failed(1, "again"));
    }
    rig.emit(failed(2, "another"));
    let status = rig.status(|status| status.sent == 11).await;
    assert_eq!((status.accepted, status.dropped), (31, vec![(Dropped::Repeated, 20)]));
}

#[tokio::test]
async fn what_can_not_be_reached_and_what_redirects_says_so() {
    let sentry = FakeSentry::start().await;
    sentry.script([(307, &[("location", "http://169.254.169.254/")][..]), (500, &[])]);
    let rig = Rig::start(Some(&sentry.dsn));
    rig.emit(failed(1, "one"));
    let status = rig.status(|status| status.last_failure.is_some()).await;
    assert_eq!(status.last_failure.unwrap().kind, FailureKind::Redirect { status: 307 });
    rig.emit(failed(2, "two"));
    rig.status(|status| status.dropped == [(Dropped::Rejected, 2)]).await;
    let closed = Closed::port();
    let rig = Rig::start(Some(&format!("http://k@{closed}/1")));
    rig.emit(failed(1, "one"));
    let status = rig.status(|status| status.last_failure.is_some()).await;
    assert_eq!((status.last_failure.unwrap().kind, status.dropped), (FailureKind::Refused, vec![(Dropped::Unreachable, 1)]));
    let rig = Rig::start(Some("http://k@169.254.169.254/1"));
    rig.emit(failed(1, "one"));
    let status = rig.status(|status| status.last_failure.is_some()).await;
    assert!(matches!(status.last_failure.unwrap().kind, FailureKind::Blocked { .. }));
}

#[tokio::test]
async fn a_shutdown_sends_what_waits_or_counts_it() {
    let sentry = FakeSentry::start().await;
    let rig = Rig::start(Some(&sentry.dsn));
    for n in 0..20 {
        rig.emit(failed(n, "before the end"));
    }
    rig.errors.shutdown(std::time::Duration::from_secs(10)).await;
    assert_eq!(sentry.posted().len(), 20);
    rig.emit(failed(99, "after it"));
    assert!(rig.errors.status().is_none());

    let sentry = FakeSentry::start().await;
    sentry.hang(true);
    let rig = Rig::start(Some(&sentry.dsn));
    rig.emit(failed(1, "hangs"));
    sentry.wait_for(|posted| posted.len() == 1).await;
    let begun = std::time::Instant::now();
    rig.errors.shutdown(std::time::Duration::from_millis(100)).await;
    assert!(begun.elapsed() < std::time::Duration::from_secs(5));
}
