//! What the console tells the bus.

use std::sync::Arc;
use std::time::Duration;

use app::contract::ApiError;
use reqwest::{Method, StatusCode};
use serde::{Deserialize, Serialize};
use server::auth::BUMP_AFTER;
use server::event::{Component, Event, Request};
use server::store::{Changes, Record, Session, Workspace};
use server::values::Role;
use sha2::{Digest, Sha256};
use tower_sessions::session::Id;

use super::{Answer, Browser, PASSWORD, TestConsole};

/// The event of the request with this id, once it is there: it is emitted when the last byte has gone out.
async fn event_of(console: &TestConsole, id: &str) -> Request {
    for _ in 0..200 {
        for event in console.events.all() {
            if let Event::Request(request) = Arc::unwrap_or_clone(event)
                && request.request_id.to_string() == id
            {
                return request;
            }
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("no event of request {id}");
}

#[tokio::test]
async fn every_request_is_recorded_without_its_query() {
    let console = TestConsole::start().await;
    let headers = [("user-agent", "probe/1"), ("accept", "text/html")];
    let answer = console.browser().send(Method::GET, "/sign-in?next=%2Fsecret", &headers, None).await;
    let event = event_of(&console, answer.header("x-request-id")).await;
    assert_eq!(event.component, Component::Console);
    assert_eq!((event.method.as_str(), event.path.as_str(), event.status), ("GET", "/sign-in", Some(answer.status.as_u16())));
    assert_eq!((event.scheme, event.protocol_version), ("http", "1.1"));
    assert_eq!(event.server_address, "127.0.0.1");
    assert_eq!(event.server_port.map(|port| format!("http://127.0.0.1:{port}")).as_deref(), Some(console.base.as_str()));
    assert_eq!(event.client_address, Some("127.0.0.1".parse().unwrap()));
    assert_eq!(event.user_agent.as_deref(), Some("probe/1"));
    assert!(!event.cancelled && event.proxied.is_none() && event.failure.is_none());
    assert!(!format!("{event:?}").contains("secret"));
}

#[tokio::test]
async fn where_a_request_comes_from_is_what_a_trusted_proxy_says() {
    for (proxies, address, scheme) in [("127.0.0.1/32", "203.0.113.9", "https"), ("192.0.2.0/24", "127.0.0.1", "http")] {
        let console = TestConsole::start_behind(proxies).await;
        let headers = [("x-forwarded-for", "6.6.6.6, 203.0.113.9"), ("x-forwarded-proto", "https")];
        let answer = console.browser().send(Method::GET, "/healthz", &headers, None).await;
        let event = event_of(&console, answer.header("x-request-id")).await;
        assert_eq!((event.client_address, event.scheme), (Some(address.parse().unwrap()), scheme), "{proxies}");
    }
}

#[tokio::test]
async fn a_route_is_named_by_its_pattern_and_a_callers_trace_goes_on() {
    let console = TestConsole::start().await;
    let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let answer = console.browser().send(Method::GET, "/healthz", &[("traceparent", parent)], None).await;
    let event = event_of(&console, answer.header("x-request-id")).await;
    assert_eq!(event.http_route.as_deref(), Some("/healthz"));
    assert_eq!(hex::encode(event.trace.trace_id), "0af7651916cd43dd8448eb211c80319c");
    assert_eq!(event.trace.parent_span_id.map(hex::encode).as_deref(), Some("b7ad6b7169203331"));
}

#[tokio::test]
async fn a_panic_is_an_answer_with_an_id_and_a_recorded_failure() {
    let console = TestConsole::start().await;
    let answer = console.browser().call("/api/probe/panic", &[]).await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    let ApiError::Internal { error_id } = answer.error() else { panic!("{}", answer.text()) };
    let failure = event_of(&console, answer.header("x-request-id")).await.failure.expect("recorded");
    assert_eq!(failure.kind, "panic");
    assert!(failure.message.contains(&error_id.to_string()), "{}", failure.message);

    let page = console.browser().submit("/", "/api/probe/panic", &[]).await;
    assert_eq!(page.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(page.header("content-type").starts_with("text/html"));
    assert!(console.browser().get("/healthz").await.status.is_success(), "the console lives on");
}

/// What lies where a session or a workspace should, and can't be read as one.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Garbled<const SESSION: bool> {
    pub(super) key: Vec<u8>,
}

impl<const SESSION: bool> Record for Garbled<SESSION> {
    const TREE: &'static str = if SESSION { Session::TREE } else { Workspace::TREE };
    const VERSION: u16 = 1;

    fn key(&self) -> Vec<u8> {
        self.key.clone()
    }
}

/// Whoever makes the answer: a page that shows the error itself, and the middleware in front of all pages.
#[tokio::test]
async fn what_can_not_be_read_is_a_recorded_failure() {
    let console = TestConsole::start().await;
    let acme = console.workspace("acme").await;
    console.user("root@example.com", true).await;
    let browser = console.browser().signed_in("root@example.com", PASSWORD).await;
    let id = Id::default();
    let hash = hex::encode(Sha256::digest(id.to_string()));
    let workspace = Garbled::<false> { key: Workspace::key_of(acme.id) };
    let session = Garbled::<true> { key: Session::key_of(&hash) };
    console.store.commit(Changes::new().put(&workspace).put(&session)).await.unwrap();

    let page = browser.get("/w/acme/routes").await;
    let cookie = format!("knoxcall={id}");
    let refused = console.browser().send(Method::GET, "/sign-in", &[("cookie", cookie.as_str())], None).await;
    for answer in [&page, &refused] {
        assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR, "{}", answer.text());
        let failure = event_of(&console, answer.header("x-request-id")).await.failure.expect("recorded");
        assert_eq!(failure.kind, "internal", "the log line says more, and is what error tracking reports");
        assert!(failure.error_id.is_some(), "{failure:?}");
    }
    let ApiError::Internal { error_id } = refused.error() else { panic!("{}", refused.text()) };
    let failure = event_of(&console, refused.header("x-request-id")).await.failure.unwrap();
    assert_eq!(failure.error_id, Some(error_id));
    let fine = console.browser().get("/sign-in").await;
    assert!(event_of(&console, fine.header("x-request-id")).await.failure.is_none());
}

/// Signs in, and gives the time of the last use a reason to be written; with the hash of the session's id.
async fn about_to_be_written(console: &TestConsole) -> (Browser, String) {
    let browser = console.browser();
    let answer = browser.call("/api/probe/sign_in", &[("email", "ana@example.com"), ("password", PASSWORD)]).await;
    let id = answer.cookies()[0].split(['=', ';']).nth(1).unwrap().to_owned();
    console.clock.advance(BUMP_AFTER + Duration::from_secs(60));
    (browser, hex::encode(Sha256::digest(id)))
}

async fn recorded(console: &TestConsole, answer: &Answer) -> String {
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR, "{}", answer.text());
    let failure = event_of(console, answer.header("x-request-id")).await.failure.expect("recorded");
    assert_eq!(failure.kind, "internal", "the log line says more, and is what error tracking reports");
    failure.error_id.expect("an id").to_string()
}

/// The session is read as a request begins, and written when it has been done.
#[tokio::test]
async fn a_session_that_can_not_be_saved_is_a_recorded_failure() {
    let console = TestConsole::start().await;
    console.user("ana@example.com", true).await;
    let (browser, hash) = about_to_be_written(&console).await;
    let answer = browser.call("/api/probe/garble_session", &[("hash", &hash)]).await;
    let ApiError::SessionUnsaved { error_id } = answer.error() else { panic!("{}", answer.text()) };
    assert_eq!(recorded(&console, &answer).await, error_id.to_string());
    assert!(answer.cookies().is_empty(), "{:?}", answer.cookies());

    // For people a page: of a form, and of what is asked for with that session afterwards.
    let (browser, hash) = about_to_be_written(&console).await;
    let form = browser.submit("/", "/api/probe/garble_session", &[("hash", &hash)]).await;
    let page = browser.get("/account").await;
    for (answer, says) in [(&form, "Your session could not be saved."), (&page, "Something went wrong on the server")] {
        let id = recorded(&console, answer).await;
        assert!(answer.header("content-type").starts_with("text/html"), "{:?}", answer.headers);
        let text = answer.text();
        assert!(text.contains(says) && text.contains(&format!("Error {id} in the server's log says more.")), "{text}");
    }
}

#[tokio::test]
async fn a_page_of_a_workspace_names_it_to_who_may_see_it() {
    let console = TestConsole::start().await;
    let acme = console.workspace("acme").await;
    console.member(&acme, "ana@acme.test", Role::Viewer).await;
    console.user("eve@example.com", false).await;
    let ana = console.browser().signed_in("ana@acme.test", PASSWORD).await;
    let eve = console.browser().signed_in("eve@example.com", PASSWORD).await;
    let fields = [("workspace", "acme")];
    for (browser, expected) in [(&ana, Some(acme.id)), (&eve, None)] {
        let page = browser.get("/w/acme/routes").await;
        let call = browser.call("/api/directory/members", &fields).await;
        for answer in [page, call] {
            assert_eq!(event_of(&console, answer.header("x-request-id")).await.tenant, expected);
        }
    }
    let elsewhere = ana.get("/account").await;
    assert_eq!(event_of(&console, elsewhere.header("x-request-id")).await.http_route.as_deref(), Some("/account"));
}
