//! Every server function there is, called by those who may not.
//!
//! A function that is registered and has no row here fails the test: whoever adds one says who may call it.

use std::collections::BTreeSet;

use app::contract::ApiError;
use leptos::server_fn;
use reqwest::{Method, StatusCode};
use server::event::SecurityKind;
use server::values::Role;

use super::browser::form;
use super::{Answer, Browser, PASSWORD, TestConsole};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Needs {
    /// Whoever comes: what it answers depends on what is sent along.
    Nothing,
    SignIn,
    Operator,
    /// A member of the workspace in the field `workspace`.
    Member,
    /// An admin of it.
    Admin,
}
use Needs::{Admin, Member, Nothing, Operator, SignIn};

/// Path, who may call it, and fields that decode (the workspace is added).
type Rule = (&'static str, Needs, &'static [(&'static str, &'static str)]);

const RULES: &[Rule] = &[
    ("/api/account/sign-in", Nothing, &[("email", "nobody@example.com"), ("password", "x")]),
    ("/api/account/setup-link", Nothing, &[("token", "x")]),
    ("/api/account/complete-setup", Nothing, &[("token", "x"), ("password", "a long enough password")]),
    ("/api/account/sign-out", Nothing, &[]),
    ("/api/account/viewer", SignIn, &[]),
    ("/api/account/change-password", SignIn, &[("current", "x"), ("new", "a long enough password")]),
    ("/api/overview/gateway", Operator, &[]),
    ("/api/integrations/tracking", Operator, &[]),
    ("/api/integrations/save-tracking", Operator, &[("form[environment]", "prod")]),
    ("/api/integrations/test-tracking", Operator, &[("form[environment]", "prod")]),
    ("/api/overview/workspace", Member, &[]),
    ("/api/directory/workspaces", Operator, &[("page", "0")]),
    ("/api/directory/create-workspace", Operator, &[("slug", "initech"), ("name", "Initech")]),
    ("/api/directory/rename-workspace", Admin, &[("name", "Mine")]),
    ("/api/directory/enable-workspace", Operator, &[("workspace", "acme"), ("enabled", "false")]),
    ("/api/directory/delete-workspace", Operator, &[("workspace", "acme"), ("confirmation", "acme")]),
    ("/api/directory/members", Member, &[]),
    ("/api/directory/add-member", Admin, &[("email", "new@example.com"), ("role", "admin")]),
    ("/api/directory/take-invitation", Member, &[("user_id", SOME_ID)]),
    ("/api/directory/set-member-role", Admin, &[("user_id", SOME_ID), ("role", "admin")]),
    ("/api/directory/remove-member", Admin, &[("user_id", SOME_ID)]),
    ("/api/directory/renew-invitation", Admin, &[("user_id", SOME_ID)]),
    ("/api/directory/enable-member", Admin, &[("user_id", SOME_ID), ("enabled", "true")]),
    ("/api/operators/list", Operator, &[]),
    ("/api/operators/add", Operator, &[("email", "new@example.com")]),
    ("/api/operators/take-invitation", Operator, &[("user_id", SOME_ID)]),
    ("/api/operators/renew-invitation", Operator, &[("user_id", SOME_ID)]),
    ("/api/operators/enable", Operator, &[("user_id", SOME_ID), ("enabled", "false")]),
    ("/api/operators/remove", Operator, &[("user_id", SOME_ID)]),
    ("/api/routes/list", Member, &[]),
    ("/api/routes/detail", Member, &[("route", "billing")]),
    ("/api/routes/workspace", Member, &[]),
    ("/api/routes/create", Admin, &[("name", "Billing"), ("slug", "billing"), ("target_base_url", "http://127.0.0.1:1")]),
    ("/api/routes/update", Admin, &[("route", "billing"), ("form[name]", "Billing")]),
    ("/api/routes/enable", Admin, &[("route", "billing"), ("enabled", "false")]),
    ("/api/routes/delete", Admin, &[("route", "billing"), ("confirmation", "billing")]),
    (
        "/api/routes/save-environment",
        Admin,
        &[("route", "billing"), ("form[name]", "staging"), ("form[target_base_url]", "http://127.0.0.1:1")],
    ),
    ("/api/routes/enable-environment", Admin, &[("route", "billing"), ("name", "production"), ("enabled", "false")]),
    ("/api/routes/delete-environment", Admin, &[("route", "billing"), ("name", "production")]),
    ("/api/keys/list", Member, &[]),
    ("/api/keys/take", Member, &[("id", SOME_ID)]),
    ("/api/keys/create", Admin, &[("name", "default")]),
    ("/api/keys/update", Admin, &[("id", SOME_ID), ("name", "other")]),
    ("/api/keys/enable", Admin, &[("id", SOME_ID), ("enabled", "false")]),
    ("/api/keys/delete", Admin, &[("id", SOME_ID)]),
    ("/api/webhooks/list", Member, &[]),
    ("/api/webhooks/detail", Member, &[("id", SOME_ID)]),
    ("/api/webhooks/health", Member, &[("id", SOME_ID)]),
    ("/api/webhooks/deliveries", Member, &[("id", SOME_ID), ("failed", "false")]),
    ("/api/webhooks/take-secret", Member, &[("id", SOME_ID)]),
    (
        "/api/webhooks/create",
        Admin,
        &[("form[name]", "Bot"), ("form[url]", "http://127.0.0.1:1"), ("form[event_types][]", "request.completed")],
    ),
    (
        "/api/webhooks/save",
        Admin,
        &[("id", SOME_ID), ("form[name]", "Bot"), ("form[url]", "http://127.0.0.1:1"), ("form[event_types][]", "request.completed")],
    ),
    ("/api/webhooks/enable", Admin, &[("id", SOME_ID), ("enabled", "false")]),
    ("/api/webhooks/delete", Admin, &[("id", SOME_ID), ("confirmation", "Bot")]),
    ("/api/webhooks/rotate-secret", Admin, &[("id", SOME_ID)]),
    ("/api/webhooks/test", Admin, &[("id", SOME_ID)]),
    ("/api/webhooks/redeliver", Admin, &[("id", SOME_ID), ("delivery", SOME_ID)]),
    ("/api/webhooks/redeliver-failed", Admin, &[("id", SOME_ID), ("since", "2026-11-22T14:30")]),
    ("/api/agents/list", Member, &[]),
    ("/api/agents/detail", Member, &[("agent", "support")]),
    ("/api/agents/create", Admin, &[("form[slug]", "support"), ("form[provider]", "openai"), ("form[credential]", "sk-x")]),
    ("/api/agents/save", Admin, &[("agent", "support"), ("form[provider]", "openai")]),
    ("/api/agents/enable", Admin, &[("agent", "support"), ("enabled", "false")]),
    ("/api/agents/delete", Admin, &[("agent", "support"), ("confirmation", "support")]),
    ("/api/traffic/page", Member, &[]),
    ("/api/traffic/list", Member, &[]),
    // Without a workspace they mean the Global scope.
    ("/api/audit/list", Operator, &[]),
    ("/api/audit/list", Member, &[]),
    ("/api/audit/verify", Operator, &[]),
    ("/api/audit/verify", Member, &[]),
    ("/api/integrations/export", Operator, &[]),
    ("/api/integrations/export", Member, &[]),
    ("/api/integrations/cards", Operator, &[]),
    ("/api/integrations/cards", Member, &[]),
    ("/api/integrations/glances", Operator, &[]),
    ("/api/integrations/glances", Member, &[]),
    ("/api/integrations/export-health", Operator, &[]),
    ("/api/integrations/export-health", Member, &[]),
    ("/api/integrations/save-export", Operator, &[(ENDPOINT, "http://127.0.0.1:4318")]),
    ("/api/integrations/save-export", Admin, &[(ENDPOINT, "http://127.0.0.1:4318")]),
    ("/api/integrations/test-export", Operator, &[(ENDPOINT, "http://127.0.0.1:4318")]),
    ("/api/integrations/test-export", Admin, &[(ENDPOINT, "http://127.0.0.1:4318")]),
    ("/api/integrations/pause-export", Operator, &[("generation", "0")]),
    ("/api/integrations/pause-export", Admin, &[("generation", "0")]),
    ("/api/integrations/resume-export", Operator, &[("generation", "0")]),
    ("/api/integrations/resume-export", Admin, &[("generation", "0")]),
    ("/api/integrations/revert-export", Operator, &[("to", "1"), ("generation", "0")]),
    ("/api/integrations/revert-export", Admin, &[("to", "1"), ("generation", "0")]),
];
const ENDPOINT: &str = "form[endpoint]";
const SOME_ID: &str = "0190a1b2-0000-7000-8000-000000000001";

async fn call(browser: &Browser, path: &str, method: &Method, fields: &[(&str, &str)]) -> Answer {
    let headers = [("sec-fetch-site", "same-origin"), ("accept", "application/json")];
    match *method {
        Method::GET => browser.send(Method::GET, &format!("{path}?{}", form(fields)), &headers, None).await,
        _ => browser.send(method.clone(), path, &headers, Some(form(fields))).await,
    }
}

fn refused(status: StatusCode) -> bool {
    matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND)
}

#[tokio::test]
async fn nobody_calls_what_they_may_not() {
    let console = TestConsole::start().await;
    let acme = console.workspace("acme").await;
    let globex = console.workspace("globex").await;
    console.member(&acme, "viewer@acme.test", Role::Viewer).await;
    console.member(&globex, "admin@globex.test", Role::Admin).await;
    let suspended = console.member(&acme, "suspended@acme.test", Role::Admin).await;
    console.disable(&acme, &suspended).await;
    let nobody = console.browser();
    let viewer = console.browser().signed_in("viewer@acme.test", PASSWORD).await;
    let stranger = console.browser().signed_in("admin@globex.test", PASSWORD).await;
    let suspended = console.browser().signed_in("suspended@acme.test", PASSWORD).await;
    let people = console.store.users().all().unwrap().len();

    let mut walked = BTreeSet::new();
    let ruled = server_fn::axum::server_fn_paths().filter(|(path, _)| !path.starts_with("/api/probe/")).flat_map(|(path, method)| {
        let rules: Vec<&Rule> = RULES.iter().filter(|(ruled, ..)| *ruled == path).collect();
        assert!(!rules.is_empty(), "{method} {path} has no rule here: who may call it?");
        rules.into_iter().map(move |rule| (method.clone(), rule))
    });
    for (method, &(path, ref needs, own)) in ruled {
        walked.insert(path);
        let mut fields = own.to_vec();
        let mut elsewhere = own.to_vec();
        if matches!(needs, Member | Admin) {
            fields.push(("workspace", "acme"));
            elsewhere.push(("workspace", "no-such-workspace"));
        }
        if *needs != Nothing {
            let answer = call(&nobody, path, &method, &fields).await;
            assert_eq!((answer.status, answer.error()), (StatusCode::UNAUTHORIZED, ApiError::SignedOut), "nobody: {path}");
        }
        if matches!(needs, Nothing | SignIn) {
            let answer = call(&console.browser(), path, &method, &fields).await;
            assert!(answer.status.is_success() || answer.status.is_client_error(), "{path}: {}", answer.text());
            continue;
        }
        let as_stranger = call(&stranger, path, &method, &fields).await;
        let as_viewer = call(&viewer, path, &method, &fields).await;
        match needs {
            Nothing | SignIn => unreachable!(),
            Operator => {
                assert_eq!(as_stranger.error(), ApiError::NotFound, "another workspace's admin: {path}");
                assert_eq!(as_viewer.error(), ApiError::NotFound, "viewer: {path}");
                assert_eq!(call(&suspended, path, &method, &fields).await.error(), ApiError::NotFound, "disabled admin: {path}");
            }
            Member | Admin => {
                assert_eq!((as_stranger.status, as_stranger.error()), (StatusCode::NOT_FOUND, ApiError::NotFound), "stranger: {path}");
                let nowhere = call(&stranger, path, &method, &elsewhere).await;
                assert_eq!((nowhere.status, &nowhere.body), (as_stranger.status, &as_stranger.body), "{path} tells what is there");
                let as_suspended = call(&suspended, path, &method, &fields).await;
                let seen = (as_suspended.status, &as_suspended.body);
                assert_eq!(seen, (as_stranger.status, &as_stranger.body), "disabled admin: {path}");
                if *needs == Admin {
                    assert_eq!((as_viewer.status, as_viewer.error()), (StatusCode::FORBIDDEN, ApiError::Forbidden), "viewer: {path}");
                } else {
                    assert!(as_viewer.status == StatusCode::NOT_FOUND || !refused(as_viewer.status), "viewer: {path} {}", as_viewer.text());
                }
            }
        }
    }
    let changed = [
        console.store.api_keys().all().unwrap().len(),
        console.store.routes().all().unwrap().len(),
        console.store.exports().all().unwrap().len(),
        console.store.webhooks().all().unwrap().len(),
        console.store.agents().all().unwrap().len(),
    ];
    assert_eq!(changed, [0; 5], "none of them changed anything");
    assert_eq!(console.store.users().all().unwrap().len(), people);
    assert_eq!(console.store.workspaces().all().unwrap().len(), 2);
    assert!(console.store.workspaces().all().unwrap().iter().all(|workspace| workspace.enabled));
    let stale: Vec<_> = RULES.iter().map(|(path, ..)| *path).filter(|path| !walked.contains(path)).collect();
    assert!(stale.is_empty(), "no such functions (renamed, or dropped by the linker?): {stale:?}");
}

#[tokio::test]
async fn a_workspace_one_may_not_see_is_not_there_and_the_attempt_is_reported() {
    let console = TestConsole::start().await;
    let (acme, globex) = (console.workspace("acme").await, console.workspace("globex").await);
    console.member(&acme, "viewer@acme.test", Role::Viewer).await;
    let viewer = console.browser().signed_in("viewer@acme.test", PASSWORD).await;
    assert_eq!(viewer.call("/api/probe/workspace", &[("workspace", "acme")]).await.status, StatusCode::OK);
    let hidden = viewer.call("/api/probe/workspace", &[("workspace", globex.slug.as_str())]).await;
    let missing = viewer.call("/api/probe/workspace", &[("workspace", "no-such-workspace")]).await;
    assert_eq!(hidden.status, StatusCode::NOT_FOUND);
    assert_eq!((hidden.status, hidden.body), (missing.status, missing.body));
    assert_eq!(console.events.security(), [SecurityKind::AuthzDenied]);

    console.user("root@example.com", true).await;
    let operator = console.browser().signed_in("root@example.com", PASSWORD).await;
    assert_eq!(operator.call("/api/probe/workspace", &[("workspace", "globex")]).await.status, StatusCode::OK);
    let odd = operator.call("/api/probe/workspace", &[("workspace", " globex\r\n")]).await;
    assert_eq!(odd.status, StatusCode::NOT_FOUND, "a slug is taken as it stands");
}
