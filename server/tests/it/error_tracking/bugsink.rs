//! Against a Sentry-compatible server that others wrote: what the binary and the console report arrives, with its tags.

use serde_json::Value;
use tempfile::tempdir;

use crate::support::bugsink::Bugsink;
use crate::support::network::Closed;
use crate::web::{PASSWORD, TestConsole};
use crate::whole::{Process, Setup};

const KEY: &str = "tk_canary0123456789abcdefghijklmn";

fn of<'a>(events: &'a [Value], kind: &str) -> &'a Value {
    let found = events.iter().find(|event| event["exception"]["values"][0]["type"] == kind);
    found.unwrap_or_else(|| panic!("no {kind} in {events:#?}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_arrives_with_its_tags_and_without_anybodys_secrets() {
    let bugsink = Bugsink::start().await;
    let closed = Closed::port();
    let folder = tempdir().unwrap();
    let bootstrap = format!(
        "[[workspace]]\nslug = \"acme\"\n[[workspace.api_key]]\nname = \"default\"\nkey = \"{KEY}\"\n[[workspace.route]]\nslug = \"billing\"\n\
         [[workspace.route.environment]]\nname = \"production\"\ndefault = true\ntarget_base_url = \"http://{closed}/base\"\n\
         [workspace.route.environment.inject_headers]\nAuthorization = \"Bearer canary-upstream\"\n"
    );
    let env = [("SENTRY_DSN_BACKEND", bugsink.dsn.as_str()), ("SENTRY_ENVIRONMENT", "staging"), ("SENTRY_RELEASE", "knoxcall@7.7")];
    let process = Process::start(&folder.path().join("data"), &Setup { bootstrap: Some(&bootstrap), env: &env, ..Setup::default() });
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let path = "/orders/ana@canary.example/10.9.8.7?token=canary-query";
    let request = client.post(format!("{}{path}", process.gateway)).header("x-knoxcall-key", KEY).header("x-knoxcall-route", "billing");
    let request = request.header("cookie", "session=canary-cookie").header("authorization", "Bearer canary-bearer").body("canary-body");
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 502);
    let answer: Value = answer.json().await.unwrap();

    let events = bugsink.until("the gateway's failure", |events| !events.is_empty()).await;
    let event = of(&events, "connection_refused");
    assert_eq!(event["tags"]["errorId"], answer["errorId"], "the caller's id finds the event");
    assert_eq!(event["tags"]["request_id"], answer["request_id"]);
    assert_eq!((event["release"].as_str(), event["environment"].as_str()), (Some("knoxcall@7.7"), Some("staging")));
    assert_eq!((event["tags"]["component"].as_str(), event["request"]["method"].as_str()), (Some("gateway"), Some("POST")));
    assert!(event["tags"]["tenant_id"].as_str().is_some_and(|id| uuid::Uuid::try_parse(id).is_ok()), "{event:#}");
    let text = event.to_string();
    for secret in ["canary", "10.9.8.7", "127.0.0.1", KEY] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    process.signal("TERM");
    assert!(process.ended().0.success());

    let console = TestConsole::start().await;
    let user = console.user("root@example.com", true).await;
    let browser = console.browser().signed_in("root@example.com", PASSWORD).await;
    let fields = [("form[dsn_server]", bugsink.dsn.as_str()), ("form[generation]", "0")];
    assert_eq!(browser.call("/api/integrations/save-tracking", &fields).await.status, 200);
    crate::support::upstream::until("the client is bound", || console.errors.status().is_some()).await;
    let answer = browser.call("/api/probe/panic", &[]).await;
    assert_eq!(answer.status, 500);
    let tested = browser.call("/api/integrations/test-tracking", &fields).await;
    let tested: app::contract::TrackingTest = serde_json::from_slice(&tested.body).unwrap();
    assert_eq!((tested.status, tested.failure), (Some(200), None), "{tested:?}");
    let events = bugsink.until("the console's panic and the test", |events| events.len() >= 3).await;
    let panic = of(&events, "panic");
    assert!(answer.text().contains(panic["tags"]["errorId"].as_str().unwrap()), "{panic:#}");
    assert_eq!(panic["user"]["id"], user.id.to_string());
    assert_eq!(of(&events, "test")["tags"]["errorId"], tested.error_id.to_string());
}
