//! The contract behind the pages: what an operator and an admin do, through the server functions that the forms call.

use app::contract::{
    Access, ApiError, ExportState, ExportView, Field, KeyRow, MemberRow, RouteDetail, RouteRow, Rule, ShownOnce, Viewer, WorkspaceRef,
};
use reqwest::StatusCode;
use serde::de::{DeserializeOwned, IgnoredAny};
use server::live::hash_key;
use server::values::Role;

use super::{Browser, PASSWORD, TestConsole};

pub async fn ask<T: DeserializeOwned>(browser: &Browser, path: &str, fields: &[(&str, &str)]) -> T {
    let answer = browser.call(path, fields).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text());
    serde_json::from_slice(&answer.body).unwrap_or_else(|error| panic!("{path}: {error}: {}", answer.text()))
}

#[tokio::test]
async fn an_operator_makes_a_workspace_with_a_route_and_a_key_that_is_shown_once() {
    let console = TestConsole::start().await;
    console.user("root@example.com", true).await;
    let browser = console.browser().signed_in("root@example.com", PASSWORD).await;
    let () = ask(&browser, "/api/directory/create-workspace", &[("slug", "acme"), ("name", "Acme")]).await;
    let viewer: Viewer = ask(&browser, "/api/account/viewer", &[]).await;
    assert!(viewer.operator && viewer.workspaces.len() == 1 && viewer.workspaces[0].access == Access::Operator);

    let taken = browser.call("/api/directory/create-workspace", &[("slug", "acme"), ("name", "Again")]).await;
    assert_eq!(taken.error(), ApiError::Invalid { field: Field::Slug, rule: Rule::Taken });
    assert_eq!(taken.status, StatusCode::UNPROCESSABLE_ENTITY);

    let acme = ("workspace", "acme");
    let route = [acme, ("name", "Billing"), ("slug", "billing"), ("target_base_url", "http://127.0.0.1:9000/v1/")];
    let () = ask(&browser, "/api/routes/create", &route).await;
    let environment = [
        acme,
        ("route", "billing"),
        ("form[original_name]", "production"),
        ("form[name]", "production"),
        ("form[target_base_url]", "http://127.0.0.1:9000/v1"),
        ("form[inject_headers]", "Authorization=Bearer hunter2hunter2"),
    ];
    let () = ask(&browser, "/api/routes/save-environment", &environment).await;
    let answer = browser.call("/api/routes/detail", &[acme, ("route", "billing")]).await;
    assert!(!answer.text().contains("hunter2"), "a secret never comes back");
    let (_, detail): (WorkspaceRef, RouteDetail) = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(detail.environments[0].inject_headers.names, ["Authorization"]);
    assert_eq!(detail.environments[0].inject_headers.set_by.as_deref(), Some("root@example.com"));
    assert_eq!(detail.gateway_url, "http://127.0.0.1:8080");
    let padded = browser.call("/api/routes/detail", &[acme, ("route", " billing")]).await;
    assert_eq!(padded.error(), ApiError::NotFound);

    let made = browser.call("/api/keys/create", &[acme, ("name", "default"), ("routes[0]", "billing")]).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.text());
    let id = made.header("location").split_once("created=").expect("the id of the key").1.to_owned();
    let take = [acme, ("id", id.as_str())];
    let shown: Option<ShownOnce> = ask(&browser, "/api/keys/take", &take).await;
    let shown = shown.expect("the first time");
    assert_eq!(shown.label, "default");
    assert!(console.settings.routing().load().keys.contains_key(&hash_key(&shown.secret)), "it opens the gateway at once");
    let again: Option<ShownOnce> = ask(&browser, "/api/keys/take", &take).await;
    assert!(again.is_none());
    let (_, keys, _): (WorkspaceRef, Vec<KeyRow>, Vec<RouteRow>) = ask(&browser, "/api/keys/list", &[acme]).await;
    assert_eq!((keys.len(), keys[0].routes.as_slice()), (1, ["billing".to_owned()].as_slice()));
    assert!(shown.secret.starts_with(&keys[0].prefix) && keys[0].prefix.len() < 12);
}

#[tokio::test]
async fn a_key_is_shown_to_nobody_but_its_maker() {
    let console = TestConsole::start().await;
    let acme = console.workspace("acme").await;
    console.member(&acme, "ana@acme.test", Role::Admin).await;
    console.member(&acme, "bob@acme.test", Role::Admin).await;
    let (ana, bob) =
        (console.browser().signed_in("ana@acme.test", PASSWORD).await, console.browser().signed_in("bob@acme.test", PASSWORD).await);
    let made = ana.call("/api/keys/create", &[("workspace", "acme"), ("name", "default")]).await;
    let id = made.header("location").split_once("created=").unwrap().1.to_owned();
    let take = [("workspace", "acme"), ("id", id.as_str())];
    assert!(ask::<Option<ShownOnce>>(&bob, "/api/keys/take", &take).await.is_none());
    assert!(ask::<Option<ShownOnce>>(&ana, "/api/keys/take", &take).await.is_some());
}

#[tokio::test]
async fn a_member_is_invited_by_a_link_and_gets_in() {
    let console = TestConsole::start().await;
    let acme = console.workspace("acme").await;
    console.member(&acme, "ana@acme.test", Role::Admin).await;
    let ana = console.browser().signed_in("ana@acme.test", PASSWORD).await;
    let added = ana.call("/api/directory/add-member", &[("workspace", "acme"), ("email", "New@acme.test"), ("role", "viewer")]).await;
    assert_eq!(added.status, StatusCode::OK, "{}", added.text());
    let id = added.header("location").split_once("&added=").unwrap().1.to_owned();
    let take = [("workspace", "acme"), ("user_id", id.as_str())];
    let shown = ask::<Option<ShownOnce>>(&ana, "/api/directory/take-invitation", &take).await.expect("the first time");
    assert_eq!(shown.label, "new@acme.test");
    assert!(ask::<Option<ShownOnce>>(&ana, "/api/directory/take-invitation", &take).await.is_none());
    let token = shown.secret.strip_prefix("http://127.0.0.1:3000/setup?token=").expect("a whole link");

    let guest = console.browser();
    let fields = [("token", token), ("password", "yet another password")];
    assert_eq!(guest.call("/api/account/complete-setup", &fields).await.status, StatusCode::OK);
    assert_eq!(guest.viewer().await.as_deref(), Some("new@acme.test"));
    let rows: Vec<MemberRow> = ask(&guest, "/api/directory/members", &[("workspace", "acme")]).await;
    assert_eq!(
        rows.iter().map(|row| (row.email.as_str(), row.active, row.is_self)).collect::<Vec<_>>(),
        [("ana@acme.test", true, false), ("new@acme.test", true, true)]
    );
    let own = ana.call("/api/directory/remove-member", &[("workspace", "acme"), ("user_id", &rows[0].user_id.to_string())]).await;
    assert_eq!((own.status, own.error()), (StatusCode::CONFLICT, ApiError::LastAdmin));
}

#[tokio::test]
async fn the_export_cards_show_what_is_saved_and_never_a_header() {
    let console = TestConsole::start().await;
    let acme = console.workspace("acme").await;
    console.user("root@example.com", true).await;
    console.member(&acme, "ana@acme.test", Role::Admin).await;
    let root = console.browser().signed_in("root@example.com", PASSWORD).await;
    let ana = console.browser().signed_in("ana@acme.test", PASSWORD).await;

    let (_, before): (IgnoredAny, ExportView) = ask(&root, "/api/integrations/export", &[]).await;
    assert_eq!((before.status.state, before.traces.value), (ExportState::Off, true));
    let save = [
        ("form[endpoint]", "http://127.0.0.1:4318/v1/traces"),
        ("form[headers]", "Authorization=Bearer hunter2hunter2"),
        ("form[logs]", "on"),
        ("form[generation]", "0"),
    ];
    let () = ask(&root, "/api/integrations/save-export", &save).await;
    let answer = root.call("/api/integrations/export", &[]).await;
    assert!(!answer.text().contains("hunter2"));
    let (_, after): (IgnoredAny, ExportView) = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(after.status.state, ExportState::Active);
    assert_eq!((after.traces.value, after.logs.value, after.metrics.value), (false, true, false));
    assert_eq!(after.endpoint.value, "http://127.0.0.1:4318");
    assert_eq!((after.headers.value.names, after.saved_by.as_deref()), (vec!["Authorization".to_owned()], Some("root@example.com")));
    let stale = root.call("/api/integrations/save-export", &save).await;
    assert_eq!((stale.status, stale.error()), (StatusCode::CONFLICT, ApiError::Stale));

    let own = [("workspace", "acme"), ("form[endpoint]", "http://collector.acme.test:4318"), ("form[logs]", "on")];
    let () = ask(&ana, "/api/integrations/save-export", &own).await;
    let (_, view): (IgnoredAny, ExportView) = ask(&ana, "/api/integrations/export", &[("workspace", "acme")]).await;
    assert_eq!((view.status.state, view.endpoint.value.as_str()), (ExportState::Active, "http://collector.acme.test:4318"));
    assert_eq!((view.logs.value, view.metrics.value), (true, false));
    let () = ask(&root, "/api/directory/enable-workspace", &[("workspace", "acme"), ("enabled", "false")]).await;
    let (_, view): (IgnoredAny, ExportView) = ask(&ana, "/api/integrations/export", &[("workspace", "acme")]).await;
    assert_eq!(view.status.state, ExportState::Off, "a disabled workspace exports nothing");
}
