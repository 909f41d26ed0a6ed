//! One-time links: the first operator's, and invitations.

use std::time::Duration;

use app::contract::{ApiError, Field, Rule, SetupLink};
use reqwest::StatusCode;
use server::auth::{FIRST_OPERATOR_FOR, INVITATION_FOR};
use server::store::{Changes, User};

use super::{Browser, PASSWORD, TestConsole};

fn token(url: &str) -> &str {
    url.split_once("/setup?token=").unwrap().1
}

async fn link(browser: &Browser, token: &str) -> SetupLink {
    let answer = browser.call("/api/probe/setup_link", &[("token", token)]).await;
    serde_json::from_slice(&answer.body).unwrap()
}

#[tokio::test]
async fn the_first_link_makes_an_operator_once() {
    let console = TestConsole::start().await;
    let url = console.auth.setup_url("http://127.0.0.1:3000").await.unwrap().expect("no operator yet");
    assert!(url.starts_with("http://127.0.0.1:3000/setup?token="), "{url}");
    let token = token(&url);
    assert_eq!(token.len(), 43, "256 bits in base64url");
    let browser = console.browser();
    assert_eq!(link(&browser, token).await, SetupLink::FirstOperator);

    let short = [("token", token), ("email", "ana@example.com"), ("password", "short")];
    assert_eq!(browser.call("/api/probe/setup", &short).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(link(&browser, token).await, SetupLink::FirstOperator, "a refused form does not use the link up");

    let fields = [("token", token), ("email", "ana@example.com"), ("password", PASSWORD)];
    let done = browser.call("/api/probe/setup", &fields).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text());
    assert_eq!(browser.viewer().await.as_deref(), Some("ana@example.com"), "signed in at once");

    let other = console.browser();
    assert_eq!(link(&other, token).await, SetupLink::Invalid);
    let again = other.call("/api/probe/setup", &fields).await;
    assert_eq!((again.status, again.error()), (StatusCode::GONE, ApiError::LinkInvalid));
    assert_eq!(console.auth.setup_url("http://x").await.unwrap(), None, "there is an operator now");
}

/// As the bootstrap file makes it from `[operator]` with an address alone.
#[tokio::test]
async fn the_first_link_gives_an_operator_without_a_password_theirs() {
    let console = TestConsole::start().await;
    let made = User { password_hash: None, ..console.user("admin@example.com", true).await };
    console.store.commit(Changes::new().put(&made)).await.unwrap();
    console.user("bob@example.com", false).await;
    let url = console.auth.setup_url("http://x").await.unwrap().expect("nobody can sign in yet");
    let browser = console.browser();
    let fields = |email: &'static str| [("token", token(&url)), ("email", email), ("password", PASSWORD)];
    let taken = browser.call("/api/probe/setup", &fields("bob@example.com")).await;
    assert_eq!(taken.error(), ApiError::Invalid { field: Field::Email, rule: Rule::Taken }, "no operator, and with a password of its own");
    let done = browser.call("/api/probe/setup", &fields("admin@example.com")).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text());
    assert_eq!(browser.viewer().await.as_deref(), Some("admin@example.com"), "signed in at once");
    let after = console.store.users().get(made.id).unwrap().unwrap();
    assert!(after.operator && after.password_hash.is_some() && after.session_epoch > made.session_epoch);
    assert_eq!(console.store.users().all().unwrap().len(), 2, "the same account");
    assert_eq!(console.browser().call("/api/probe/setup", &fields("admin@example.com")).await.error(), ApiError::LinkInvalid);
}

#[tokio::test]
async fn many_at_once_make_one_operator() {
    let console = TestConsole::start().await;
    let url = console.auth.setup_url("http://x").await.unwrap().unwrap();
    let tries = (0..6).map(|n| {
        let (browser, email) = (console.browser(), format!("ana{n}@example.com"));
        let token = token(&url).to_owned();
        async move {
            let fields = [("token", token.as_str()), ("email", &email), ("password", PASSWORD)];
            browser.call("/api/probe/setup", &fields).await.status
        }
    });
    let statuses = futures::future::join_all(tries).await;
    assert_eq!(statuses.iter().filter(|status| **status == StatusCode::OK).count(), 1, "{statuses:?}");
    assert_eq!(console.store.users().all().unwrap().len(), 1);
}

#[tokio::test]
async fn a_link_expires_and_a_new_start_replaces_it() {
    let console = TestConsole::start().await;
    let first = console.auth.setup_url("http://x").await.unwrap().unwrap();
    let second = console.auth.setup_url("http://x").await.unwrap().unwrap();
    let browser = console.browser();
    assert_eq!(link(&browser, token(&first)).await, SetupLink::Invalid);
    assert_eq!(link(&browser, token(&second)).await, SetupLink::FirstOperator);
    console.clock.advance(FIRST_OPERATOR_FOR + Duration::from_secs(1));
    assert_eq!(link(&browser, token(&second)).await, SetupLink::Invalid);
    let stored = format!("{:?}", console.store.setup_tokens().all().unwrap());
    assert!(!stored.contains(token(&second)), "only the hash is kept");
}

#[tokio::test]
async fn an_invitation_sets_the_password_of_its_account() {
    let console = TestConsole::start().await;
    let bob = User { password_hash: None, ..console.user("bob@example.com", false).await };
    console.store.commit(Changes::new().put(&bob)).await.unwrap();
    let secret = console.auth.invite(bob.id, bob.session_epoch, None).await.unwrap();
    let url = secret.url("https://console.example.com");
    assert!(!format!("{secret:?}").contains(token(&url)));
    let browser = console.browser();
    assert_eq!(link(&browser, token(&url)).await, SetupLink::Invitation { email: "bob@example.com".to_owned() });
    let fields = [("token", token(&url)), ("email", "mallory@example.com"), ("password", PASSWORD)];
    assert_eq!(browser.call("/api/probe/setup", &fields).await.status, StatusCode::OK);
    assert_eq!(browser.viewer().await.as_deref(), Some("bob@example.com"), "the address in the form is of no account");
    assert_eq!(console.browser().call("/api/probe/setup", &fields).await.error(), ApiError::LinkInvalid);

    let void = console.auth.invite(bob.id, bob.session_epoch, None).await.unwrap().url("http://x");
    assert_eq!(link(&browser, token(&void)).await, SetupLink::Invalid, "allowed for the account as it was before");
    let late = console.auth.invite(bob.id, bob.session_epoch + 1, None).await.unwrap().url("http://x");
    assert_eq!(link(&browser, token(&late)).await, SetupLink::Invitation { email: "bob@example.com".to_owned() });
    console.clock.advance(INVITATION_FOR + Duration::from_secs(1));
    assert_eq!(link(&browser, token(&late)).await, SetupLink::Invalid);
}
