//! Operators add, disable and remove each other, and nobody locks everybody out.

use app::contract::{ApiError, Field, OperatorRow, Rule, ShownOnce, Viewer};
use reqwest::StatusCode;
use server::values::Role;

use super::console::ask;
use super::{Browser, PASSWORD, TestConsole};

/// The link that waits after a redirect to it.
async fn link(browser: &Browser, location: &str) -> Option<ShownOnce> {
    let id = location.split_once("&added=").unwrap().1.split('&').next().unwrap();
    ask(browser, "/api/operators/take-invitation", &[("user_id", id)]).await
}

async fn take_up(browser: &Browser, link: &str) -> StatusCode {
    let token = link.strip_prefix("http://127.0.0.1:3000/setup?token=").expect("a whole link");
    browser.call("/api/account/complete-setup", &[("token", token), ("password", "yet another password")]).await.status
}

async fn rows(browser: &Browser) -> Vec<(String, bool, bool, bool)> {
    let rows: Vec<OperatorRow> = ask(browser, "/api/operators/list", &[]).await;
    rows.into_iter().map(|row| (row.email, row.active, row.enabled, row.is_self)).collect()
}

#[tokio::test]
async fn an_operator_is_invited_works_is_disabled_and_is_no_operator_any_more() {
    let console = TestConsole::start().await;
    let root_user = console.user("root@example.com", true).await;
    console.workspace("acme").await;
    let root = console.browser().signed_in("root@example.com", PASSWORD).await;
    let added = root.call("/api/operators/add", &[("email", "Ana@Example.com")]).await;
    assert_eq!(added.status, StatusCode::OK, "{}", added.text());
    let taken = root.call("/api/operators/add", &[("email", "ana@example.com")]).await;
    assert_eq!(taken.error(), ApiError::Invalid { field: Field::Email, rule: Rule::Taken });
    let first = link(&root, added.header("location")).await.expect("the first time");
    assert_eq!(first.label, "ana@example.com");
    assert!(link(&root, added.header("location")).await.is_none(), "shown once");

    let id = console.store.users().all().unwrap().into_iter().find(|user| user.email.as_str() == "ana@example.com").unwrap().id.to_string();
    let renewed = root.call("/api/operators/renew-invitation", &[("user_id", &id)]).await;
    let second = link(&root, renewed.header("location")).await.expect("a new one");
    let ana = console.browser();
    assert_eq!(take_up(&ana, &first.secret).await, StatusCode::GONE, "the earlier one is void");
    assert_eq!(take_up(&ana, &second.secret).await, StatusCode::OK);
    let viewer: Viewer = ask(&ana, "/api/account/viewer", &[]).await;
    assert!(viewer.operator && viewer.workspaces.len() == 1);
    assert_eq!(root.call("/api/operators/renew-invitation", &[("user_id", &id)]).await.error(), ApiError::Stale);
    let seen = [("ana@example.com".to_owned(), true, true, true), ("root@example.com".to_owned(), true, true, false)];
    assert_eq!(rows(&ana).await, seen);

    for path in ["/api/operators/enable", "/api/operators/remove"] {
        let own = ana.call(path, &[("user_id", &id), ("enabled", "false")]).await;
        assert_eq!((own.status, own.error()), (StatusCode::CONFLICT, ApiError::LastAdmin), "{path}");
    }
    let () = ask(&root, "/api/operators/enable", &[("user_id", &id), ("enabled", "false")]).await;
    assert_eq!(ana.call("/api/account/viewer", &[]).await.error(), ApiError::SignedOut, "at once");
    assert_eq!(
        ana.call("/api/probe/sign_in", &[("email", "ana@example.com"), ("password", "yet another password")]).await.error(),
        ApiError::SignInFailed
    );
    let () = ask(&root, "/api/operators/enable", &[("user_id", &id), ("enabled", "true")]).await;
    assert_eq!(ana.call("/api/account/viewer", &[]).await.error(), ApiError::SignedOut, "what ended stays ended");
    let ana = console.browser().signed_in("ana@example.com", "yet another password").await;
    assert_eq!(ana.get("/settings/operators").await.status, StatusCode::OK);

    let () = ask(&root, "/api/operators/remove", &[("user_id", &id)]).await;
    let ana = console.browser().signed_in("ana@example.com", "yet another password").await;
    assert_eq!(ana.get("/settings/operators").await.status, StatusCode::NOT_FOUND);
    assert_eq!(ana.get("/w/acme").await.status, StatusCode::NOT_FOUND);
    let last = ana.call("/api/operators/enable", &[("user_id", &root_user.id.to_string()), ("enabled", "false")]).await;
    assert_eq!(last.error(), ApiError::NotFound);
    assert_eq!(rows(&root).await, [("root@example.com".to_owned(), true, true, true)]);
}

/// An admin makes an account for an address, sets its password, and waits until somebody makes it an operator.
#[tokio::test]
async fn an_account_that_a_workspace_made_is_reset_before_it_is_an_operators() {
    let console = TestConsole::start().await;
    let acme = console.workspace("acme").await;
    console.member(&acme, "mallory@acme.test", Role::Admin).await;
    console.user("root@example.com", true).await;
    let mallory = console.browser().signed_in("mallory@acme.test", PASSWORD).await;
    let root = console.browser().signed_in("root@example.com", PASSWORD).await;
    let workspace = ("workspace", "acme");
    let added = mallory.call("/api/directory/add-member", &[workspace, ("email", "boss@example.com"), ("role", "viewer")]).await;
    let id = added.header("location").split_once("&added=").unwrap().1.to_owned();
    let take = [workspace, ("user_id", id.as_str())];
    let shown = ask::<Option<ShownOnce>>(&mallory, "/api/directory/take-invitation", &take).await.unwrap();
    let false_boss = console.browser();
    assert_eq!(take_up(&false_boss, &shown.secret).await, StatusCode::OK);

    let made = root.call("/api/operators/add", &[("email", "boss@example.com")]).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.text());
    assert_eq!(false_boss.call("/api/operators/list", &[]).await.error(), ApiError::SignedOut);
    let again = false_boss.call("/api/probe/sign_in", &[("email", "boss@example.com"), ("password", "yet another password")]).await;
    assert_eq!(again.error(), ApiError::SignInFailed);
    let renewed = mallory.call("/api/directory/renew-invitation", &take).await;
    assert_eq!(renewed.error(), ApiError::Stale);
    assert!(ask::<Option<ShownOnce>>(&mallory, "/api/directory/take-invitation", &take).await.is_none());

    let link = link(&root, made.header("location")).await.expect("a link for whoever the operator means");
    let boss = console.browser();
    assert_eq!(take_up(&boss, &link.secret).await, StatusCode::OK);
    assert_eq!(rows(&boss).await.len(), 2);
}
