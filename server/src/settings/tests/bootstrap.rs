//! Applying the bootstrap file.

use async_trait::async_trait;

use super::*;
use crate::config::bootstrap::Bootstrap;
use crate::live::hash_key;
use crate::settings::{Error, Passwords};
use crate::values::{Field, Password, Rule, Slug};

/// Not a hash at all, but enough to see what is asked of one.
pub(super) struct Reversing;

#[async_trait]
impl Passwords for Reversing {
    async fn hash(&self, password: &Password) -> Result<String, String> {
        Ok(password.expose().chars().rev().collect())
    }

    async fn verify(&self, password: &Password, stored: &str) -> Result<bool, String> {
        Ok(self.hash(password).await? == stored)
    }
}

const FILE: &str = r#"
[operator]
email = "admin@example.com"
password = "at least 12 characters"
[otlp]
endpoint = "http://127.0.0.1:4318"
headers = "authorization=Bearer t"
[[workspace]]
slug = "acme"
name = "Acme"
  [workspace.telemetry]
  endpoint = "http://127.0.0.1:5318"
  [[workspace.member]]
  email = "owner@acme.test"
  password = "another 12 characters"
  role = "admin"
  [[workspace.api_key]]
  name = "given"
  key = "tk_0123456789abcdef"
  [[workspace.api_key]]
  name = "made"
  [[workspace.route]]
  slug = "billing"
    [[workspace.route.environment]]
    name = "production"
    target_base_url = "http://127.0.0.1:9000/v1"
    [workspace.route.environment.inject_headers]
    Authorization = "Bearer upstream"
    [[workspace.route.environment]]
    name = "staging"
    default = true
    target_base_url = "http://127.0.0.1:9001"
  [[workspace.ai_agent]]
  slug = "support-bot"
  provider = "openai"
  credential = "sk-canary"
  models = ["gpt-4o"]
  [[workspace.webhook]]
  name = "given"
  url = "http://127.0.0.1:9100/hook?key=1"
  event_types = ["request.error", "request.received"]
  secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
  include_bodies = true
  [[workspace.webhook]]
  name = "made"
  url = "http://127.0.0.1:9100/made"
  event_types = ["audit.event"]
"#;

fn parse(text: &str) -> Bootstrap {
    Bootstrap::parse(text, &|_| None).unwrap()
}

async fn apply(house: &House, text: &str) -> crate::settings::BootstrapReport {
    house.settings.apply_bootstrap(&Operator::at_startup(), &parse(text), &Reversing).await.unwrap()
}

/// Everything stored, as JSON: two equal ones mean that nothing was written.
fn everything(house: &House) -> String {
    let store = house.settings.store();
    let all = (
        store.users().all().unwrap(),
        store.workspaces().all().unwrap(),
        store.routes().all().unwrap(),
        store.api_keys().all().unwrap(),
        store.exports().all().unwrap(),
        store.agents().all().unwrap(),
        store.webhooks().all().unwrap(),
    );
    let members: Vec<_> = all.1.iter().map(|workspace| store.members().of_workspace(workspace.id).unwrap()).collect();
    serde_json::to_string(&(all, members)).unwrap()
}

#[tokio::test]
async fn applied_twice_it_changes_nothing() {
    let house = house();
    let first = apply(&house, FILE).await;
    assert_eq!((first.keys.len(), first.signing_secrets.len()), (1, 1));
    let made = first.keys[0].1.secret.to_string();
    let routing = house.settings.routing();
    for key in ["tk_0123456789abcdef", &made] {
        let key = routing.load().keys[&hash_key(key)].clone();
        let route = &key.workspace.routes["billing"];
        assert_eq!(&*route.default_environment.as_ref().unwrap().name, "staging");
        assert_eq!(route.environments["production"].inject["authorization"], "Bearer upstream");
        let agent = &key.workspace.agents["support-bot"];
        assert_eq!(
            (&*agent.upstream.address, &agent.inject["authorization"]),
            ("api.openai.com:443", &http::HeaderValue::from_static("Bearer sk-canary"))
        );
    }
    assert_eq!(house.exports().operator.as_ref().unwrap().logs.as_ref().unwrap().headers.to_text(), "authorization=Bearer t");
    let acme = house.settings.store().workspaces().by_slug(&Slug::parse("acme").unwrap()).unwrap().unwrap().id;
    assert_eq!(house.tenant_target(acme).unwrap().generation, 1);
    let before = everything(&house);
    let second = apply(&house, FILE).await;
    assert_eq!((second.changed, second.keys.len(), second.signing_secrets.len()), (0, 0, 0));
    assert_eq!(everything(&house), before);
    let included = || {
        let webhooks = house.settings.store().webhooks().all().unwrap();
        webhooks.iter().map(|one| (one.include_headers, one.include_bodies)).collect::<Vec<_>>()
    };
    assert_eq!(included(), [(false, true), (false, false)]);
    apply(&house, &FILE.replace("include_bodies = true", "include_headers = true")).await;
    assert_eq!(included(), [(true, true), (false, false)], "what the file does not mention stays");
    // Nor after a restart.
    let before = everything(&house);
    let house = house.reopened([1; 32]);
    assert_eq!(apply(&house, FILE).await.changed, 0);
    assert_eq!(everything(&house), before);
}

#[tokio::test]
async fn webhooks_are_known_by_their_name() {
    let house = house();
    apply(&house, FILE).await;
    let acme = house.settings.store().workspaces().by_slug(&Slug::parse("acme").unwrap()).unwrap().unwrap().id;
    let given = || house.settings.webhooks_in_force().now.load().tenants[&acme].endpoints[0].clone();
    assert_eq!((given().url.as_str(), given().signing.len()), ("http://127.0.0.1:9100/hook?key=1", 1));
    assert_eq!(*given().signing[0].text, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");

    let changed = FILE.replace("9100/hook?key=1", "9100/other").replace("whsec_Mf", "whsec_Ab");
    let report = apply(&house, &changed).await;
    assert_eq!((report.changed, report.rotated), (1, vec![acme]));
    assert_eq!((given().url.as_str(), given().signing.len()), ("http://127.0.0.1:9100/other", 2), "the secret before signs too");
    let report = apply(&house, &changed).await;
    assert_eq!((report.changed, report.rotated), (0, vec![]));
    // What was set in the console, and the file does not mention, stays.
    let stored = house.settings.store().webhooks().get(acme, given().id).unwrap().unwrap();
    let change = crate::settings::WebhookChange {
        name: "given".to_owned(),
        url: stored.url.as_str().to_owned(),
        event_types: vec!["request.error".to_owned()],
        method: "PUT".to_owned(),
        routes: vec!["billing".to_owned()],
        timeout_s: "30".to_owned(),
        generation: stored.generation,
        ..crate::settings::WebhookChange::default()
    };
    house.settings.save_webhook(&admin(acme), given().id, &change).await.unwrap();
    let report = apply(&house, &changed).await;
    assert_eq!((report.changed, report.rotated), (1, vec![]), "the file's event types again");
    let stored = house.settings.store().webhooks().get(acme, given().id).unwrap().unwrap();
    assert_eq!((stored.event_types.len(), stored.method.name(), stored.routes.len(), stored.timeout_s), (2, "PUT", 1, Some(30)));
}

#[tokio::test]
async fn an_endpoint_may_ask_for_tests_alone() {
    let house = house();
    let text = "[[workspace]]\nslug = 'acme'\n[[workspace.webhook]]\nname = 'w'\n\
                url = 'http://127.0.0.1:9100'\nevent_types = ['webhook.test']";
    assert_eq!(apply(&house, text).await.changed, 2, "workspace and endpoint");
    let stored = house.settings.store().webhooks().all().unwrap().remove(0);
    assert!(stored.event_types.is_empty());
    assert!(house.settings.webhook_target(&admin(stored.workspace), stored.id).is_ok(), "a test can be sent");
    assert_eq!(apply(&house, text).await.changed, 0);
    assert_eq!(apply(&house, &text.replace("['webhook.test']", "['audit.event', 'webhook.test']")).await.changed, 1);
    assert_eq!(house.settings.store().webhooks().all().unwrap()[0].event_types.len(), 1);
}

#[tokio::test]
async fn a_changed_line_changes_its_record_alone() {
    let house = house();
    apply(&house, FILE).await;
    let changed = FILE.replace("Bearer t", "Bearer u").replace("\"Acme\"", "\"Acme Inc.\"").replace("at least", "not less than");
    assert_eq!(apply(&house, &changed).await.changed, 3);
    let exports = house.settings.store().exports().all().unwrap();
    let generations: Vec<_> = exports.iter().map(|export| (export.workspace.is_none(), export.generation)).collect();
    assert!(generations.contains(&(true, 2)) && generations.contains(&(false, 1)), "{generations:?}");
    let admin = house.settings.store().users().by_email(&Email::parse("admin@example.com").unwrap()).unwrap().unwrap();
    assert_eq!((admin.operator, admin.session_epoch), (true, 2), "a new password ends the sessions");
    // What the file does not mention stays.
    assert_eq!(apply(&house, "[otlp]\ntraces = true").await.changed, 0);
    assert!(house.exports().operator.is_some());
}

#[tokio::test]
async fn mistakes_name_their_place() {
    let house = house();
    apply(&house, FILE).await;
    let moved = parse("[otlp]\nendpoint = 'http://elsewhere'");
    let error = house.settings.apply_bootstrap(&Operator::at_startup(), &moved, &Reversing).await.unwrap_err();
    assert_eq!(error.error, Error::Invalid { field: Field::Headers, rule: Rule::OriginChanged });
    assert!(error.to_string().starts_with("bootstrap file, otlp: Auth headers: "), "{error}");
    let taken = parse("[[workspace]]\nslug = 'blue'\n[[workspace.api_key]]\nname = 'k'\nkey = 'tk_0123456789abcdef'");
    let error = house.settings.apply_bootstrap(&Operator::at_startup(), &taken, &Reversing).await.unwrap_err();
    assert_eq!((error.place.as_str(), error.error), ("workspace blue, API key k", Error::Taken(Field::KeyRoutes)));
}

#[tokio::test]
async fn the_environment_wins_over_the_file_without_complaint() {
    let house = house_with(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://env:4318")]);
    apply(&house, FILE).await;
    let target = house.exports().operator.clone().unwrap();
    let logs = target.logs.as_ref().unwrap();
    assert_eq!((logs.url.as_str(), logs.headers.is_empty()), ("http://env:4318/v1/logs", true));
    assert_eq!(apply(&house, FILE).await.changed, 0);
}

#[tokio::test]
async fn an_environment_is_disabled_by_the_file_and_left_alone_without_the_key() {
    let house = house();
    apply(&house, FILE).await;
    let routing = house.settings.routing();
    let names = || {
        let mut names: Vec<_> = routing.load().keys[&hash_key("tk_0123456789abcdef")].workspace.routes["billing"]
            .environments
            .keys()
            .map(ToString::to_string)
            .collect();
        names.sort();
        names
    };
    let off = FILE.replace("name = \"production\"", "name = \"production\"\n    enabled = false");
    assert_eq!((apply(&house, &off).await.changed, names()), (1, vec!["staging".to_owned()]));
    assert_eq!((apply(&house, &off).await.changed, apply(&house, FILE).await.changed, names().len()), (0, 0, 1));
    let on = off.replace("enabled = false", "enabled = true");
    assert_eq!((apply(&house, &on).await.changed, names().len()), (1, 2));
}

#[tokio::test]
async fn the_files_operator_is_never_somebody_a_workspace_vouches_for() {
    let house = house();
    let acme = house.workspace("acme").await.id;
    let own = WorkspaceMember::for_test(someone(), acme, Role::Admin).admin().unwrap();
    let made = house.settings.add_member(&own, "admin@example.com", "viewer").await.unwrap().user;
    let user = || house.settings.store().users().get(made).unwrap().unwrap();
    let known = crate::store::User { password_hash: Some("acme's admin knows it".to_owned()), ..user() };
    house.settings.store().commit(crate::store::Changes::new().put(&known)).await.unwrap();
    let without_password = "[operator]\nemail = 'admin@example.com'";
    assert_eq!(apply(&house, without_password).await.changed, 1);
    assert_eq!((user().operator, user().password_hash, user().vouched_by), (true, None, None));
    assert_eq!(apply(&house, without_password).await.changed, 0);
    assert_eq!(apply(&house, "[operator]\nemail = 'admin@example.com'\npassword = 'at least 12 characters'").await.changed, 1);
    assert!(user().password_hash.is_some());
}

#[tokio::test]
async fn a_disabled_member_stays_disabled() {
    let house = house();
    apply(&house, FILE).await;
    let acme = house.settings.store().workspaces().by_slug(&Slug::parse("acme").unwrap()).unwrap().unwrap().id;
    house.settings.add_member(&admin(acme), "other@acme.test", "admin").await.unwrap();
    let row = |email: &str| house.settings.members(&member(acme)).unwrap().into_iter().find(|row| row.email.as_str() == email).unwrap();
    house.settings.enable_member(&admin(acme), row("owner@acme.test").user, false).await.unwrap();
    assert_eq!(apply(&house, FILE).await.changed, 0);
    assert_eq!(apply(&house, &FILE.replace("role = \"admin\"", "role = \"viewer\"")).await.changed, 1);
    assert_eq!((row("owner@acme.test").enabled, row("owner@acme.test").role), (false, Role::Viewer));
}

#[tokio::test]
async fn the_files_member_is_never_somebody_another_workspace_answers_for() {
    let house = house();
    let acme = house.workspace("acme").await.id;
    let own = WorkspaceMember::for_test(someone(), acme, Role::Admin).admin().unwrap();
    let made = house.settings.add_member(&own, "ceo@corp.test", "viewer").await.unwrap().user;
    let user = || house.settings.store().users().get(made).unwrap().unwrap();
    let known = crate::store::User { password_hash: Some("acme's admin knows it".to_owned()), ..user() };
    house.settings.store().commit(crate::store::Changes::new().put(&known)).await.unwrap();
    let file = "[[workspace]]\nslug = 'globex'\n[[workspace.member]]\nemail = 'ceo@corp.test'\nrole = 'admin'";
    assert_eq!(apply(&house, file).await.changed, 3, "workspace, account, membership");
    assert_eq!((user().password_hash, user().vouched_by, user().session_epoch), (None, None, 1));
    assert_eq!(apply(&house, file).await.changed, 0);
}
