//! What is disabled in the console is gone at once: environments and keys' routes at the gateway, members in the console.

use std::sync::Arc;
use std::time::Duration;

use app::contract::{ApiError, Field, KeyRow, MemberRow, RouteDetail, RouteRow, Rule, ShownOnce, Viewer, WorkspaceRef};
use reqwest::StatusCode;
use serde_json::Value;
use server::bus::Bus;
use server::gateway;
use server::values::Role;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::console::ask;
use super::{Browser, PASSWORD, TestConsole};
use crate::support::network::outbound;
use crate::support::upstream::Upstream;

/// A gateway over the console's own routing table, and a key for it.
struct Gateway {
    url: String,
    key: String,
    client: reqwest::Client,
    _stop: DropGuard,
}

impl Gateway {
    async fn start(console: &TestConsole, key: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/x", listener.local_addr().unwrap());
        let stop = CancellationToken::new();
        let (routing, outbound) = (console.settings.routing(), outbound());
        tokio::spawn(gateway::serve(listener, gateway::Config::default(), routing, Bus::default(), outbound, stop.clone()));
        let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(20)).build().unwrap();
        Self { url, key: key.to_owned(), client, _stop: stop.drop_guard() }
    }

    /// The status, and the body of a refusal.
    async fn send(&self, route: &str, environment: Option<&str>) -> (u16, Value) {
        let mut request = self.client.get(&self.url).header("x-knoxcall-key", &self.key).header("x-knoxcall-route", route);
        if let Some(environment) = environment {
            request = request.header("x-knoxcall-environment", environment);
        }
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap_or_default())
    }
}

const ACME: (&str, &str) = ("workspace", "acme");

async fn new_route(browser: &Browser, slug: &str, target: &str) {
    let fields = [ACME, ("name", slug), ("slug", slug), ("target_base_url", target)];
    let () = ask(browser, "/api/routes/create", &fields).await;
}

/// Makes a key and returns its id and secret.
async fn new_key(browser: &Browser) -> (String, String) {
    let made = browser.call("/api/keys/create", &[ACME, ("name", "default")]).await;
    let id = made.header("location").split_once("created=").unwrap().1.to_owned();
    let shown: Option<ShownOnce> = ask(browser, "/api/keys/take", &[ACME, ("id", &id)]).await;
    (id, shown.unwrap().secret)
}

#[tokio::test]
async fn a_disabled_environment_answers_404_over_the_wire_and_comes_back() {
    let upstream = Upstream::start().await;
    let console = TestConsole::start().await;
    let acme = console.workspace("acme").await;
    console.member(&acme, "ana@acme.test", Role::Admin).await;
    let ana = console.browser().signed_in("ana@acme.test", PASSWORD).await;
    new_route(&ana, "billing", &upstream.url()).await;
    let staging = [ACME, ("route", "billing"), ("form[name]", "staging"), ("form[target_base_url]", &upstream.url())];
    let () = ask(&ana, "/api/routes/save-environment", &staging).await;
    let (_, key) = new_key(&ana).await;
    let gateway = Gateway::start(&console, &key).await;
    for environment in [None, Some("production"), Some("staging")] {
        assert_eq!(gateway.send("billing", environment).await.0, 200, "{environment:?}");
    }

    let enable = async |name: &str, enabled: &str| {
        let fields = [ACME, ("route", "billing"), ("name", name), ("enabled", enabled)];
        let () = ask(&ana, "/api/routes/enable-environment", &fields).await;
    };
    enable("production", "false").await;
    let before = upstream.seen().len();
    for environment in [None, Some("production")] {
        let (status, body) = gateway.send("billing", environment).await;
        assert_eq!((status, &body["route"], &body["status"]), (404, &Value::from("billing"), &Value::from(404)), "{environment:?}");
        assert!(body["error"].is_string() && body["request_id"].is_string(), "{body}");
    }
    assert_eq!(gateway.send("billing", Some("staging")).await.0, 200, "the others go on");
    assert_eq!(upstream.seen().len(), before + 1, "and nothing else reached the upstream");
    let (_, detail): (WorkspaceRef, RouteDetail) = ask(&ana, "/api/routes/detail", &[ACME, ("route", "billing")]).await;
    let states: Vec<_> = detail.environments.iter().map(|row| (row.name.as_str(), row.default, row.enabled)).collect();
    assert_eq!(states, [("production", true, false), ("staging", false, true)]);
    let page = ana.get("/w/acme/routes/billing").await.text();
    assert!(page.contains("Requests that name no environment get a 404."), "said next to it");
    assert!(page.contains("The default environment is disabled"), "and beside the command to try");

    enable("production", "true").await;
    assert_eq!(gateway.send("billing", None).await.0, 200);
    assert!(!ana.get("/w/acme/routes/billing").await.text().contains("Requests that name no environment"));
    let missing = [ACME, ("route", "billing"), ("name", "nope"), ("enabled", "false")];
    assert_eq!(ana.call("/api/routes/enable-environment", &missing).await.error(), ApiError::NotFound);
}

#[tokio::test]
async fn a_keys_routes_can_be_changed_and_count_at_once() {
    let upstream = Upstream::start().await;
    let console = TestConsole::start().await;
    let acme = console.workspace("acme").await;
    console.member(&acme, "ana@acme.test", Role::Admin).await;
    let ana = console.browser().signed_in("ana@acme.test", PASSWORD).await;
    new_route(&ana, "one", &upstream.url()).await;
    new_route(&ana, "two", &upstream.url()).await;
    let (id, key) = new_key(&ana).await;
    let gateway = Gateway::start(&console, &key).await;
    assert_eq!((gateway.send("one", None).await.0, gateway.send("two", None).await.0), (200, 200));

    let () = ask(&ana, "/api/keys/update", &[ACME, ("id", &id), ("name", "Batch"), ("routes[0]", "two")]).await;
    assert_eq!((gateway.send("one", None).await.0, gateway.send("two", None).await.0), (403, 200));
    let (_, keys, _): (WorkspaceRef, Vec<KeyRow>, Vec<RouteRow>) = ask(&ana, "/api/keys/list", &[ACME]).await;
    assert_eq!((keys[0].name.as_str(), keys[0].routes.as_slice()), ("Batch", ["two".to_owned()].as_slice()));
    let unknown = ana.call("/api/keys/update", &[ACME, ("id", &id), ("name", "Batch"), ("routes[0]", "nope")]).await;
    assert_eq!(unknown.error(), ApiError::Invalid { field: Field::KeyRoutes, rule: Rule::Unknown });
    assert_eq!(gateway.send("one", None).await.0, 403);

    // The form without JavaScript: as it stands when its route is gone, with only the name typed anew.
    let () = ask(&ana, "/api/routes/delete", &[ACME, ("route", "two"), ("confirmation", "two")]).await;
    let page = ana.get(&format!("/w/acme/keys?edit={id}")).await.text();
    let (_, keys, _): (WorkspaceRef, Vec<KeyRow>, Vec<RouteRow>) = ask(&ana, "/api/keys/list", &[ACME]).await;
    let gone = keys[0].routes[0].clone();
    assert!(page.contains("Deleted route") && page.contains(&gone), "the form names what the key is limited to");
    let fields = [ACME, ("id", id.as_str()), ("name", "Renamed"), ("routes[]", gone.as_str())];
    let saved = ana.submit(&format!("/w/acme/keys?edit={id}"), "/api/keys/update", &fields).await;
    assert_eq!((saved.status, saved.header("location")), (StatusCode::FOUND, "/w/acme/keys?saved=key"), "{}", saved.text());
    assert_eq!(gateway.send("one", None).await.0, 403, "a new name opens no route");
    let () = ask(&ana, "/api/keys/update", &[ACME, ("id", &id), ("name", "Renamed")]).await;
    assert_eq!(gateway.send("one", None).await.0, 200, "none ticked means all");
}

#[tokio::test]
async fn a_disabled_member_is_out_with_the_next_request() {
    let console = TestConsole::start().await;
    let acme = console.workspace("acme").await;
    let globex = console.workspace("globex").await;
    let ana = console.member(&acme, "ana@acme.test", Role::Admin).await;
    let bob = console.member(&acme, "bob@acme.test", Role::Admin).await;
    let membership = server::store::Member { workspace: globex.id, user: bob.id, role: Role::Viewer, added_at: 0, disabled: false };
    console.store.commit(server::store::Changes::new().put(&membership)).await.unwrap();
    let as_ana = console.browser().signed_in("ana@acme.test", PASSWORD).await;
    let as_bob = console.browser().signed_in("bob@acme.test", PASSWORD).await;
    new_route(&as_bob, "billing", "http://127.0.0.1:9").await;
    assert_eq!(as_bob.get("/w/acme").await.status, StatusCode::OK);

    let (ana_id, bob_id) = (ana.id.to_string(), bob.id.to_string());
    let () = ask(&as_ana, "/api/directory/enable-member", &[ACME, ("user_id", &bob_id), ("enabled", "false")]).await;
    for page in ["", "/routes", "/routes/billing", "/keys", "/members", "/settings/integrations", "/settings/integrations/telemetry"] {
        let gone = as_bob.get(&format!("/w/acme{page}")).await;
        assert_eq!(gone.status, StatusCode::NOT_FOUND, "/w/acme{page}");
        assert!(!gone.text().contains(&acme.id.to_string()));
    }
    let write = as_bob.call("/api/routes/enable", &[ACME, ("route", "billing"), ("enabled", "false")]).await;
    let nowhere = as_bob.call("/api/routes/enable", &[("workspace", "nowhere"), ("route", "billing"), ("enabled", "false")]).await;
    assert_eq!((write.status, &write.body), (StatusCode::NOT_FOUND, &nowhere.body), "as a workspace that is not there");
    assert!(console.store.routes().all().unwrap()[0].enabled);
    let viewer: Viewer = ask(&as_bob, "/api/account/viewer", &[]).await;
    assert_eq!(viewer.workspaces.iter().map(|one| one.slug.as_str()).collect::<Vec<_>>(), ["globex"], "the account goes on elsewhere");
    assert_eq!(as_bob.get("/w/globex").await.status, StatusCode::OK);
    let rows: Vec<MemberRow> = ask(&as_ana, "/api/directory/members", &[ACME]).await;
    assert_eq!(rows.iter().map(|row| row.enabled).collect::<Vec<_>>(), [true, false]);

    // Neither oneself nor the last one, whoever asks.
    let own = as_ana.call("/api/directory/enable-member", &[ACME, ("user_id", &ana_id), ("enabled", "false")]).await;
    assert_eq!((own.status, own.error()), (StatusCode::CONFLICT, ApiError::LastAdmin));
    console.user("root@example.com", true).await;
    let root = console.browser().signed_in("root@example.com", PASSWORD).await;
    let last = root.call("/api/directory/enable-member", &[ACME, ("user_id", &ana_id), ("enabled", "false")]).await;
    assert_eq!(last.error(), ApiError::LastAdmin);

    let () = ask(&as_ana, "/api/directory/enable-member", &[ACME, ("user_id", &bob_id), ("enabled", "true")]).await;
    assert_eq!(as_bob.get("/w/acme").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_link_that_was_lost_is_made_again_and_the_old_one_is_void() {
    let console = Arc::new(TestConsole::start().await);
    let acme = console.workspace("acme").await;
    console.member(&acme, "ana@acme.test", Role::Admin).await;
    let ana = console.browser().signed_in("ana@acme.test", PASSWORD).await;
    let added = ana.call("/api/directory/add-member", &[ACME, ("email", "new@acme.test"), ("role", "viewer")]).await;
    let id = added.header("location").split_once("&added=").unwrap().1.to_owned();
    let take = [ACME, ("user_id", id.as_str())];
    let first = ask::<Option<ShownOnce>>(&ana, "/api/directory/take-invitation", &take).await.unwrap().secret;
    let renewed = ana.call("/api/directory/renew-invitation", &take).await;
    assert_eq!(renewed.status, StatusCode::OK, "{}", renewed.text());
    assert!(renewed.header("location").starts_with(&format!("/w/acme/members?saved=link-made&added={id}&at=")));
    let second = ask::<Option<ShownOnce>>(&ana, "/api/directory/take-invitation", &take).await.unwrap();
    assert_eq!(second.label, "new@acme.test");
    let token = |link: &str| link.split_once("token=").unwrap().1.to_owned();
    let guest = console.browser();
    let complete = async |link: &str| {
        guest.call("/api/account/complete-setup", &[("token", &token(link)), ("password", "yet another password")]).await
    };
    assert_eq!(complete(&first).await.error(), ApiError::LinkInvalid);
    assert_eq!(complete(&second.secret).await.status, StatusCode::OK);
    assert_eq!(guest.viewer().await.as_deref(), Some("new@acme.test"));
    let late = ana.call("/api/directory/renew-invitation", &take).await;
    assert_eq!((late.status, late.error()), (StatusCode::CONFLICT, ApiError::Stale), "there is a password now");
}
