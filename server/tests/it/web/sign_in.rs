//! Signing in and out, wrong passwords, and slowing down whoever guesses.

use std::time::Duration;

use app::contract::ApiError;
use reqwest::{Method, StatusCode};
use server::audit::{Action, Filter, Log};
use server::event::SecurityKind;
use server::store::{Changes, Member, User};
use server::values::Role;

use super::browser::form;
use super::{PASSWORD, TestConsole};

#[tokio::test]
async fn somebody_signs_in_and_out() {
    let console = TestConsole::start().await;
    console.user("ana@example.com", true).await;
    let browser = console.browser();
    assert_eq!(browser.viewer().await, None);
    let browser = browser.signed_in("Ana@Example.com", PASSWORD).await;
    assert_eq!(browser.viewer().await.as_deref(), Some("ana@example.com"));
    assert_eq!(console.browser().viewer().await, None, "another browser is somebody else");

    let answer = browser.call("/api/probe/sign_out", &[]).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(browser.viewer().await, None);
    assert!(console.store.sessions().all().unwrap().is_empty(), "nothing of the session is left");
}

#[tokio::test]
async fn of_how_many_workspaces_somebody_is_a_member_costs_no_more_writes() {
    let console = TestConsole::start().await;
    let user = console.user("ana@example.com", false).await;
    let mut logs = vec![Log::Global];
    for n in 0..30 {
        let workspace = console.workspace(&format!("w{n}")).await;
        let member = Member { workspace: workspace.id, user: user.id, role: Role::Viewer, added_at: 0, disabled: false };
        console.store.commit(Changes::new().put(&member)).await.unwrap();
        logs.push(Log::Workspace(workspace.id));
    }
    let before = console.flushed();
    let browser = console.browser().signed_in("ana@example.com", PASSWORD).await;
    assert_eq!(console.flushed() - before, 2, "what the logs are told, and the session");
    let before = console.flushed();
    assert_eq!(browser.call("/api/probe/sign_out", &[]).await.status, StatusCode::OK);
    assert_eq!(console.flushed() - before, 2);
    for log in logs {
        let told = console.store.audit().page(log, &Filter::default(), None, 9).unwrap().entries;
        assert_eq!(told.iter().map(|told| told.entry.action).collect::<Vec<_>>(), [Action::AuthSignedOut, Action::AuthSignedIn]);
    }
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_account_look_alike() {
    let console = TestConsole::start().await;
    console.user("ana@example.com", true).await;
    let browser = console.browser();
    let wrong = browser.call("/api/probe/sign_in", &[("email", "ana@example.com"), ("password", "wrong")]).await;
    let unknown = browser.call("/api/probe/sign_in", &[("email", "nobody@example.com"), ("password", "wrong")]).await;
    let no_address = browser.call("/api/probe/sign_in", &[("email", "no address"), ("password", "wrong")]).await;
    for answer in [&wrong, &unknown, &no_address] {
        assert_eq!((answer.status, answer.error()), (StatusCode::UNAUTHORIZED, ApiError::SignInFailed));
        assert!(answer.cookies().is_empty());
    }
    assert_eq!(console.events.security(), [SecurityKind::LoginFailed; 3]);
}

#[tokio::test]
async fn a_disabled_account_is_out_at_once_and_stays_out() {
    let console = TestConsole::start().await;
    let user = console.user("ana@example.com", true).await;
    let browser = console.browser().signed_in("ana@example.com", PASSWORD).await;
    console.store.commit(Changes::new().put(&User { disabled: true, ..user })).await.unwrap();
    assert_eq!(browser.viewer().await, None);
    let again = browser.call("/api/probe/sign_in", &[("email", "ana@example.com"), ("password", PASSWORD)]).await;
    assert_eq!(again.error(), ApiError::SignInFailed);
}

#[tokio::test]
async fn a_new_password_ends_every_other_session() {
    let console = TestConsole::start().await;
    console.user("ana@example.com", true).await;
    let here = console.browser().signed_in("ana@example.com", PASSWORD).await;
    let there = console.browser().signed_in("ana@example.com", PASSWORD).await;
    let wrong = here.call("/api/probe/change_password", &[("current", "nope"), ("new", "another good password")]).await;
    assert_eq!(wrong.error(), ApiError::SignInFailed);
    let short = here.call("/api/probe/change_password", &[("current", PASSWORD), ("new", "short")]).await;
    assert_eq!(short.status, StatusCode::UNPROCESSABLE_ENTITY);
    let done = here.call("/api/probe/change_password", &[("current", PASSWORD), ("new", "another good password")]).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text());
    assert_eq!(here.viewer().await.as_deref(), Some("ana@example.com"));
    assert_eq!(there.viewer().await, None);
    console.browser().signed_in("ana@example.com", "another good password").await;
}

#[tokio::test]
async fn guessing_is_slowed_down_and_reported_once() {
    let console = TestConsole::start().await;
    console.user("ana@example.com", true).await;
    let browser = console.browser();
    let guess = [("email", "ana@example.com"), ("password", "wrong")];
    let mut refused = None;
    for _ in 0..8 {
        let answer = browser.call("/api/probe/sign_in", &guess).await;
        if answer.status == StatusCode::TOO_MANY_REQUESTS {
            refused = Some(answer);
        }
    }
    let refused = refused.expect("eight wrong guesses go through");
    assert!(matches!(refused.error(), ApiError::Throttled { retry_after_s: 1.. }));
    assert!(refused.header("retry-after").parse::<u32>().unwrap() >= 1);
    let right = browser.call("/api/probe/sign_in", &[("email", "ana@example.com"), ("password", PASSWORD)]).await;
    assert_eq!(right.status, StatusCode::TOO_MANY_REQUESTS, "the right password does not jump the wait");
    let locked = console.events.security().into_iter().filter(|kind| *kind == SecurityKind::LoginLocked).count();
    assert!((1..=2).contains(&locked), "{locked} reports");

    console.clock.advance(Duration::from_secs(60 * 60));
    browser.signed_in("ana@example.com", PASSWORD).await;
}

/// Signs in as Ana with what a proxy would add; whatever stands before the last address is the client's own word.
async fn sign_in_from(console: &TestConsole, address: &str, password: &str) -> StatusCode {
    let forwarded = format!("{}, {address}", std::net::Ipv4Addr::from(uuid::Uuid::new_v4().as_fields().0));
    let headers = [("sec-fetch-site", "same-origin"), ("accept", "application/json"), ("x-forwarded-for", forwarded.as_str())];
    let body = form(&[("email", "ana@example.com"), ("password", password)]);
    console.browser().send(Method::POST, "/api/probe/sign_in", &headers, Some(body)).await.status
}

#[tokio::test]
async fn whom_a_trusted_proxy_names_is_slowed_down_and_nobody_else_behind_it() {
    for (proxies, elsewhere, address) in
        [("127.0.0.0/8", StatusCode::OK, "203.0.113.9"), ("192.0.2.0/24", StatusCode::TOO_MANY_REQUESTS, "127.0.0.1")]
    {
        let console = TestConsole::start_behind(proxies).await;
        console.user("ana@example.com", true).await;
        for _ in 0..8 {
            sign_in_from(&console, "198.51.100.7", "wrong").await;
        }
        assert_eq!(sign_in_from(&console, "198.51.100.7", PASSWORD).await, StatusCode::TOO_MANY_REQUESTS, "{proxies}");
        assert_eq!(sign_in_from(&console, "203.0.113.9", PASSWORD).await, elsewhere, "{proxies}");
        console.clock.advance(Duration::from_secs(60 * 60));
        assert_eq!(sign_in_from(&console, "203.0.113.9", PASSWORD).await, StatusCode::OK, "{proxies}");
        let told = console.store.audit().page(Log::Global, &Filter::default(), None, 1).unwrap().entries;
        assert_eq!((told[0].entry.action, told[0].entry.address), (Action::AuthSignedIn, Some(address.parse().unwrap())), "{proxies}");
    }
}

#[tokio::test]
async fn a_form_without_javascript_is_sent_back_to_its_page() {
    let console = TestConsole::start().await;
    let answer = console.browser().submit("/sign-in", "/api/probe/sign_in", &[("email", "a@b"), ("password", "x")]).await;
    assert_eq!(answer.status, StatusCode::FOUND);
    // A probe is no form of the console's: nothing of it is kept, and the address says nothing.
    assert_eq!(answer.header("location"), "/sign-in");
}
