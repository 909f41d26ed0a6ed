//! The cookie and the life of a session.

use std::time::Duration;

use reqwest::Method;
use server::audit::{Action, Actor, Filter, Log};
use server::auth::{ABSOLUTE, BUMP_AFTER, IDLE, MOST_SESSIONS};

use super::browser::form;
use super::{Answer, PASSWORD, TestConsole};

async fn sign_in(console: &TestConsole, cookie: Option<&str>) -> Answer {
    let mut headers = vec![("sec-fetch-site", "same-origin"), ("accept", "application/json")];
    headers.extend(cookie.map(|cookie| ("cookie", cookie)));
    let body = form(&[("email", "ana@example.com"), ("password", PASSWORD)]);
    console.browser().send(Method::POST, "/api/probe/sign_in", &headers, Some(body)).await
}

async fn viewer(console: &TestConsole, cookie: &str) -> Option<String> {
    let headers = [("sec-fetch-site", "same-origin"), ("cookie", cookie)];
    let answer = console.browser().send(Method::POST, "/api/probe/viewer", &headers, Some(String::new())).await;
    serde_json::from_slice(&answer.body).unwrap()
}

fn pair(answer: &Answer) -> String {
    answer.cookies()[0].split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn the_cookie_over_http() {
    let console = TestConsole::start().await;
    console.user("ana@example.com", true).await;
    let answer = sign_in(&console, None).await;
    let [cookie] = answer.cookies()[..] else { panic!("{:?}", answer.cookies()) };
    assert!(cookie.starts_with("knoxcall="), "{cookie}");
    for attribute in ["; HttpOnly", "; SameSite=Strict", "; Path=/"] {
        assert!(cookie.contains(attribute), "{cookie}");
    }
    assert!(!cookie.contains("Secure") && !cookie.contains("Domain"), "{cookie}");
}

#[tokio::test]
async fn the_cookie_over_https_is_bound_to_the_host_and_its_removal_too() {
    let console = TestConsole::start_with(Some("https://console.example.com"), None).await;
    console.user("ana@example.com", true).await;
    let answer = sign_in(&console, None).await;
    let [cookie] = answer.cookies()[..] else { panic!("{:?}", answer.cookies()) };
    assert!(cookie.starts_with("__Host-knoxcall="), "{cookie}");
    for attribute in ["; HttpOnly", "; SameSite=Strict", "; Path=/", "; Secure"] {
        assert!(cookie.contains(attribute), "{cookie}");
    }
    assert!(!cookie.contains("Domain"), "{cookie}");
    let cookie = pair(&answer);
    assert_eq!(viewer(&console, &cookie).await.as_deref(), Some("ana@example.com"));

    let headers = [("sec-fetch-site", "same-origin"), ("cookie", cookie.as_str())];
    let out = console.browser().send(Method::POST, "/api/probe/sign_out", &headers, Some(String::new())).await;
    let [removal] = out.cookies()[..] else { panic!("{:?}", out.cookies()) };
    assert!(removal.starts_with("__Host-knoxcall=;") && removal.contains("Max-Age=0"), "{removal}");
    assert!(removal.contains("; Secure") && removal.contains("Path=/"), "{removal}");
}

#[tokio::test]
async fn signing_in_gives_a_new_id_and_ends_the_old_one() {
    let console = TestConsole::start().await;
    console.user("ana@example.com", true).await;
    let first = pair(&sign_in(&console, None).await);
    let second = pair(&sign_in(&console, Some(&first)).await);
    assert_ne!(first, second);
    assert_eq!(viewer(&console, &first).await, None);
    assert_eq!(viewer(&console, &second).await.as_deref(), Some("ana@example.com"));
    // An id of somebody's choosing is not taken on.
    let planted = "knoxcall=AAAAAAAAAAAAAAAAAAAAAA";
    let third = pair(&sign_in(&console, Some(planted)).await);
    assert_ne!(third, planted);
    assert_eq!(viewer(&console, planted).await, None);
}

#[tokio::test]
async fn the_store_does_not_hold_what_the_cookie_says() {
    let console = TestConsole::start().await;
    console.user("ana@example.com", true).await;
    let cookie = pair(&sign_in(&console, None).await);
    let id = cookie.split_once('=').unwrap().1;
    let sessions = console.store.sessions().all().unwrap();
    assert_eq!(sessions.len(), 1);
    assert!(!format!("{:?}", sessions[0]).contains(id));
}

#[tokio::test]
async fn an_unused_session_ends_and_a_used_one_goes_on() {
    let console = TestConsole::start().await;
    console.user("ana@example.com", true).await;
    let unused = pair(&sign_in(&console, None).await);
    let used = pair(&sign_in(&console, None).await);
    console.clock.advance(IDLE - Duration::from_secs(60));
    assert!(viewer(&console, &used).await.is_some());
    console.clock.advance(Duration::from_secs(120));
    assert_eq!(viewer(&console, &unused).await, None);
    assert!(viewer(&console, &used).await.is_some());
}

#[tokio::test]
async fn even_a_used_session_ends_after_a_week() {
    let console = TestConsole::start().await;
    console.user("ana@example.com", true).await;
    let cookie = pair(&sign_in(&console, None).await);
    let step = IDLE / 2;
    let mut passed = Duration::ZERO;
    while passed + step < ABSOLUTE {
        console.clock.advance(step);
        passed += step;
        assert!(viewer(&console, &cookie).await.is_some(), "after {passed:?}");
    }
    console.clock.advance(step + Duration::from_secs(1));
    assert_eq!(viewer(&console, &cookie).await, None);
    console.auth.sweep().await.unwrap();
    assert!(console.store.sessions().all().unwrap().is_empty());
}

#[tokio::test]
async fn one_session_too_many_ends_the_one_that_was_used_longest_ago() {
    let console = TestConsole::start().await;
    console.user("ana@example.com", true).await;
    console.user("bob@example.com", true).await;
    let bob = console.browser().signed_in("bob@example.com", PASSWORD).await;
    let mut cookies = Vec::new();
    for _ in 0..MOST_SESSIONS {
        console.clock.advance(Duration::from_secs(1));
        cookies.push(pair(&sign_in(&console, None).await));
    }
    console.clock.advance(BUMP_AFTER + Duration::from_secs(60));
    assert!(viewer(&console, &cookies[0]).await.is_some(), "the first is used again");
    cookies.push(pair(&sign_in(&console, None).await));
    assert_eq!(console.store.sessions().all().unwrap().len(), MOST_SESSIONS + 1, "and that of another account");
    for (number, cookie) in cookies.iter().enumerate() {
        assert_eq!(viewer(&console, cookie).await.is_some(), number != 1, "session {number}");
    }
    assert_eq!(bob.viewer().await.as_deref(), Some("bob@example.com"));
    let told = console.store.audit().page(Log::Global, &Filter::default(), None, 2).unwrap().entries;
    let told: Vec<_> = told.iter().map(|told| (told.entry.action, told.entry.actor.clone(), told.entry.resource.handle.as_str())).collect();
    assert_eq!(told[0], (Action::AuthSignedOut, Actor::System, "ana@example.com"));
    assert_eq!((told[1].0, told[1].2), (Action::AuthSignedIn, "ana@example.com"));
}

#[tokio::test]
async fn the_store_is_not_written_on_every_request() {
    let console = TestConsole::start().await;
    console.user("ana@example.com", true).await;
    let cookie = pair(&sign_in(&console, None).await);
    let data = || console.store.sessions().all().unwrap()[0].data.clone();
    let at_first = data();
    console.clock.advance(BUMP_AFTER / 2);
    viewer(&console, &cookie).await;
    assert_eq!(data(), at_first);
    console.clock.advance(BUMP_AFTER);
    viewer(&console, &cookie).await;
    assert_ne!(data(), at_first);
}
