//! The Logs page: a workspace's requests from the first look on, what is told of them, and nobody else's.

use std::time::Duration;

use app::contract::{ApiError, StatusClass, TrafficPage, TrafficRow};
use reqwest::{Client, Method, StatusCode};
use server::event::{Event, Failure, Request};
use server::store::{Changes, Workspace};
use server::values::{DisplayName, Role, Slug};

use super::console::ask;
use super::{Browser, PASSWORD, TestConsole};
use crate::gateway::{self, TENANT, Table, client};
use crate::support::network::outbound;
use crate::support::upstream::{Upstream, until};
use crate::webhooks::request;

const W: (&str, &str) = ("workspace", "acme");

/// The workspace of the gateway's rig, with a viewer; and another one's admin.
async fn with_two_workspaces() -> (TestConsole, Browser, Browser, Workspace) {
    let console = TestConsole::start().await;
    let acme = Workspace {
        id: TENANT,
        slug: Slug::parse("acme").unwrap(),
        name: DisplayName::parse("Acme").unwrap(),
        enabled: true,
        created_at: 0,
    };
    console.store.commit(Changes::new().put(&acme)).await.unwrap();
    let globex = console.workspace("globex").await;
    console.member(&acme, "viewer@acme.test", Role::Viewer).await;
    console.member(&globex, "admin@globex.test", Role::Admin).await;
    let viewer = console.browser().signed_in("viewer@acme.test", PASSWORD).await;
    let stranger = console.browser().signed_in("admin@globex.test", PASSWORD).await;
    (console, viewer, stranger, globex)
}

async fn listed(browser: &Browser, fields: &[(&str, &str)]) -> TrafficPage {
    ask(browser, "/api/traffic/list", fields).await
}

fn end(console: &TestConsole, request: Request) {
    console.bus.emit(request.tenant, || Event::Request(request));
}

/// Sends a request and waits until its event is there; whoever listened before the rig has it by then.
async fn send(rig: &gateway::Rig, client: &Client, path: &str, script: &str) -> (String, String) {
    let sent = rig
        .request(client, Method::POST, path)
        .header("x-script", script)
        .header("authorization", "Bearer canary-credential")
        .header("user-agent", "canary-agent/1")
        .header("traceparent", format!("00-{}-{}-01", "ab".repeat(16), "cd".repeat(8)))
        .body("canary-body");
    let answer = sent.send().await.unwrap();
    let id = answer.headers()["x-request-id"].to_str().unwrap().to_owned();
    let body = answer.text().await.unwrap();
    until("its event", || rig.recorder.requests().iter().any(|request| request.request_id.to_string() == id)).await;
    (id, body)
}

#[tokio::test]
async fn a_request_is_listed_once_somebody_has_looked_and_with_nothing_secret() {
    let (console, viewer, ..) = with_two_workspaces().await;
    let upstream = Upstream::start().await;
    let rig = gateway::Rig::on(&console.bus, &Table::to(&upstream.url()), outbound()).await;
    let client = client();
    send(&rig, &client, "/before", "status 200").await;
    assert_eq!(listed(&viewer, &[W]).await, TrafficPage::default(), "nobody had looked");

    let (id, _) = send(&rig, &client, "/orders/7?token=canary-query", "status 201").await;
    let answer = viewer.call("/api/traffic/list", &[W]).await;
    let page: TrafficPage = serde_json::from_slice(&answer.body).unwrap();
    let [row] = &page.rows[..] else { panic!("{page:?}") };
    let expected = TrafficRow {
        request_id: id.parse().unwrap(),
        at: row.at,
        method: "POST".to_owned(),
        path: "/orders/7".to_owned(),
        status: Some(201),
        class: Some(StatusClass::Success),
        cancelled: false,
        latency_us: row.latency_us,
        route: "billing".to_owned(),
        environment: "production".to_owned(),
        upstream: Some("127.0.0.1".to_owned()),
        error_type: None,
        error_id: None,
        trace_id: "ab".repeat(16),
    };
    assert_eq!(*row, expected);
    assert!(row.latency_us > 0 && row.at > 0, "{row:?}");

    let dead = gateway::Rig::on(&console.bus, &Table::to("http://127.0.0.1:1"), outbound()).await;
    let (_, refusal) = send(&dead, &client, "/dead", "").await;
    let refusal: serde_json::Value = serde_json::from_str(&refusal).unwrap();
    let newest = listed(&viewer, &[W]).await.rows.remove(0);
    assert_eq!((newest.status, newest.class, newest.path.as_str()), (Some(502), Some(StatusClass::Failed), "/dead"));
    assert_eq!(newest.error_id.unwrap().to_string(), refusal["errorId"].as_str().unwrap());
    assert!(newest.error_type.is_some());

    let html = viewer.get("/w/acme/logs").await;
    assert_eq!(html.status, StatusCode::OK);
    for (what, text) in [("answer", answer.text()), ("page", html.text())] {
        assert!(text.contains("/orders/7") && text.contains(&id), "{what}: {text}");
        assert!(!text.contains("canary") && !text.contains("/before"), "{what}: {text}");
    }
}

#[tokio::test]
async fn another_workspaces_requests_are_not_there() {
    let (console, viewer, stranger, globex) = with_two_workspaces().await;
    let theirs = [("workspace", "globex")];
    assert!(listed(&viewer, &[W]).await.rows.is_empty() && listed(&stranger, &theirs).await.rows.is_empty());
    end(&console, Request { path: "/of-globex".to_owned(), ..request(&globex) });
    end(&console, Request { path: "/of-acme".to_owned(), tenant: Some(TENANT), ..request(&globex) });
    end(&console, Request { path: "/without-a-key".to_owned(), tenant: Some(TENANT), proxied: None, ..request(&globex) });
    for (browser, fields, own, others) in [(&viewer, [W], "/of-acme", "globex"), (&stranger, theirs, "/of-globex", "acme")] {
        let answer = browser.call("/api/traffic/list", &fields).await;
        let page: TrafficPage = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(page.rows.iter().map(|row| row.path.as_str()).collect::<Vec<_>>(), [own]);
        assert!(!answer.text().contains(others), "{}", answer.text());
        let html = browser.get(&format!("/w/{}/logs", fields[0].1)).await.text();
        assert!(html.contains(own) && !html.contains(&format!("/of-{others}")), "{html}");
    }
    for path in ["/api/traffic/list", "/api/traffic/page"] {
        for (browser, fields) in [(&viewer, theirs), (&stranger, [W]), (&stranger, [("workspace", "nowhere")])] {
            let refused = browser.call(path, &fields).await;
            assert_eq!((refused.status, refused.error()), (StatusCode::NOT_FOUND, ApiError::NotFound), "{path}");
        }
    }
    assert_eq!(stranger.get("/w/acme/logs").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn requests_are_filtered_and_paged_by_the_address() {
    let (console, viewer, _, globex) = with_two_workspaces().await;
    let ended = |number: usize, status: u16| Request {
        path: format!("/number-{number}-"),
        tenant: Some(TENANT),
        request_id: uuid::Uuid::now_v7(),
        duration: Duration::from_millis(1),
        status: Some(status),
        ..request(&globex)
    };
    listed(&viewer, &[W]).await;
    for number in 1..=52_usize {
        end(&console, ended(number, if number.is_multiple_of(10) { 404 } else { 200 }));
    }
    let failure = Some(Failure::new("timeout", "canary".to_owned()));
    end(&console, Request { status: None, failure, ..ended(53, 0) });
    end(&console, Request { status: None, cancelled: true, ..ended(54, 0) });

    let first = listed(&viewer, &[W]).await;
    assert_eq!((first.rows.len(), first.rows[0].path.as_str(), first.rows[0].cancelled), (50, "/number-54-", true));
    let next = first.next.expect("there are more").to_string();
    let second = listed(&viewer, &[W, ("before", &next)]).await;
    let older: Vec<&str> = second.rows.iter().map(|row| row.path.as_str()).collect();
    assert_eq!((older, second.next), (vec!["/number-4-", "/number-3-", "/number-2-", "/number-1-"], None));
    for (name, value, found) in [
        ("filter[class]", "2xx", 47),
        ("filter[class]", "3xx", 0),
        ("filter[class]", "4xx", 5),
        ("filter[class]", "failed", 1),
        ("filter[class]", "", 50),
        ("filter[route]", "billing", 50),
        ("filter[route]", "other", 0),
    ] {
        assert_eq!(listed(&viewer, &[W, (name, value)]).await.rows.len(), found, "{name}={value}");
    }
    let refused = viewer.call("/api/traffic/list", &[W, ("filter[class]", "what")]).await;
    assert_eq!((refused.status, refused.error()), (StatusCode::BAD_REQUEST, ApiError::Malformed));
    let html = viewer.get("/w/acme/logs?status=what").await.text();
    let all = ["/number-53-", "/number-50-", "/number-49-"].iter().all(|path| html.contains(path));
    assert!(all, "anyone can write an address: {html}");
    let html = viewer.get("/w/acme/logs?status=4xx&route=billing").await.text();
    assert!(html.contains("/number-50-") && html.contains("/number-10-") && !html.contains("/number-51-"), "{html}");
    let html = viewer.get("/w/acme/logs?status=failed").await.text();
    assert!(html.contains("/number-53-") && html.contains("No answer") && html.contains("timeout"), "{html}");
    assert!(!html.contains("canary"), "{html}");
    let html = viewer.get(&format!("/w/acme/logs?before={next}")).await.text();
    assert!(html.contains("/number-1-") && !html.contains("/number-54-"), "{html}");
    let html = viewer.get("/w/acme/logs?route=gone").await.text();
    assert!(html.contains("Nothing found") && html.contains("gone"), "{html}");
}

#[tokio::test]
async fn a_request_to_try_is_told_of_only_while_there_is_none() {
    let (console, _, stranger, globex) = with_two_workspaces().await;
    let theirs = ("workspace", "globex");
    let logs = async || ask::<serde_json::Value>(&stranger, "/api/traffic/page", &[theirs]).await;
    assert!(logs().await["curl"].is_null(), "there is no route");
    let route = [theirs, ("name", "Billing"), ("slug", "billing"), ("target_base_url", "http://127.0.0.1:9000/v1/")];
    let () = ask(&stranger, "/api/routes/create", &route).await;
    assert!(logs().await["curl"].is_null(), "there is no key");
    let made = stranger.call("/api/keys/create", &[theirs, ("name", "default"), ("routes[0]", "billing")]).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.text());

    let empty = logs().await;
    assert!(empty["curl"].as_str().is_some_and(|curl| curl.contains("x-knoxcall-route: billing")), "{empty}");
    let overview: serde_json::Value = ask(&stranger, "/api/overview/workspace", &[theirs]).await;
    assert_eq!(overview["curl"], empty["curl"]);
    end(&console, request(&globex));
    let listed = logs().await;
    assert_eq!((listed["page"]["rows"].as_array().map(Vec::len), &listed["curl"]), (Some(1), &serde_json::Value::Null));
}
