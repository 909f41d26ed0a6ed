//! Endpoints as they are set: secrets, generations, rotation, deletion, the bootstrap file, and records that can't be read.

use app::contract::{ApiError, Field, Rule, WebhookForm, WebhookState};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use server::event::{Event, SecurityKind};
use server::settings::Settings;
use server::store::{Changes, Webhook};
use server::values::Role;
use sha2::Sha256;

use super::rig::{Rig, form, quick};
use crate::support::receiver::{Answer, Got, Receiver};
use crate::support::upstream::until;

fn mac(key: &[u8], text: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(text);
    mac.finalize().into_bytes().to_vec()
}

/// The signature of Standard Webhooks with this secret, computed from what was received.
fn standard(got: &Got, secret: &str) -> String {
    let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    let signed = [got.header("webhook-id").as_bytes(), b".", got.header("webhook-timestamp").as_bytes(), b".", &got.body].concat();
    format!("v1,{}", STANDARD.encode(mac(&key, &signed)))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotated_secret_signs_besides_the_one_before() {
    let (rig, receiver) = (Rig::start(quick()).await, Receiver::start().await);
    let acme = rig.workspace("acme").await;
    let admin = rig.services("admin@acme.test", Some((&acme, Role::Admin))).await.webhooks;
    let id = admin.create_webhook("acme", form(&receiver, "/hook", &["request.completed"])).await.unwrap();
    let old = admin.take_secret("acme", id).await.unwrap().unwrap().secret;
    admin.rotate_secret("acme", id).await.unwrap();
    let new = admin.take_secret("acme", id).await.unwrap().unwrap().secret;
    assert_ne!(old, new);
    assert!(admin.webhook("acme", id).await.unwrap().overlap_until.is_some());
    rig.ended(&acme, 200);
    let got = receiver.wait("/hook", 1).await.remove(0);
    assert_eq!(got.header("webhook-signature"), format!("{} {}", standard(&got, &new), standard(&got, &old)));
    assert_eq!(got.header("x-webhook-signature"), format!("sha256={}", hex::encode(mac(new.as_bytes(), &got.body))));
    let rotated = |event: &Event| matches!(event, Event::Security(security) if security.kind == SecurityKind::WebhookSecretRotated);
    assert_eq!(rig.told.all().iter().filter(|event| rotated(event)).count(), 1);

    // When the day is over the old one is worth nothing.
    let mut record = rig.store.webhooks().get(acme.id, id).unwrap().unwrap();
    record.previous.as_mut().unwrap().until = 0;
    rig.store.commit(Changes::new().put(&record)).await.unwrap();
    let view = admin.webhook("acme", id).await.unwrap();
    assert_eq!(view.overlap_until, None);
    let unchanged = WebhookForm { generation: view.generation, ..form(&receiver, "/hook", &["request.completed"]) };
    admin.save_webhook("acme", id, unchanged).await.unwrap();
    rig.ended(&acme, 200);
    let got = receiver.wait("/hook", 2).await.remove(1);
    assert_eq!(got.header("webhook-signature"), standard(&got, &new));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_authentication_nothing_is_signed() {
    let (rig, receiver) = (Rig::start(quick()).await, Receiver::start().await);
    let acme = rig.workspace("acme").await;
    let admin = rig.services("admin@acme.test", Some((&acme, Role::Admin))).await.webhooks;
    let bare = WebhookForm { auth: "none".to_owned(), ..form(&receiver, "/bare", &["request.completed"]) };
    admin.create_webhook("acme", bare).await.unwrap();
    let basic = WebhookForm {
        auth: "basic".to_owned(),
        auth_user: "ana".to_owned(),
        auth_secret: "pass wörd".to_owned(),
        ..form(&receiver, "/basic", &["request.completed"])
    };
    admin.create_webhook("acme", basic).await.unwrap();
    let header = WebhookForm {
        auth: "header".to_owned(),
        auth_header: "X-Api-Key".to_owned(),
        auth_secret: "k".to_owned(),
        ..form(&receiver, "/header", &["request.completed"])
    };
    admin.create_webhook("acme", header).await.unwrap();
    rig.ended(&acme, 200);
    let bare = receiver.wait("/bare", 1).await.remove(0);
    assert!(["webhook-signature", "x-webhook-signature", "authorization"].iter().all(|name| !bare.headers.contains_key(*name)));
    let basic = receiver.wait("/basic", 1).await.remove(0);
    assert_eq!(basic.header("authorization"), format!("Basic {}", STANDARD.encode("ana:pass wörd")));
    assert!(basic.headers.contains_key("webhook-signature"));
    assert_eq!(receiver.wait("/header", 1).await[0].header("x-api-key"), "k");
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_stay_where_they_were_saved_for_and_forms_do_not_overwrite_each_other() {
    let (rig, receiver) = (Rig::start(quick()).await, Receiver::start().await);
    let acme = rig.workspace("acme").await;
    let admin = rig.services("admin@acme.test", Some((&acme, Role::Admin))).await.webhooks;
    let wanted = WebhookForm {
        auth: "bearer".to_owned(),
        auth_secret: "canary-token".to_owned(),
        headers: "x-key=canary-header".to_owned(),
        ..form(&receiver, "/hook", &["request.completed"])
    };
    let id = admin.create_webhook("acme", wanted).await.unwrap();
    let view = admin.webhook("acme", id).await.unwrap();
    assert!(view.auth_secret.set && view.headers.names == ["x-key"] && !format!("{view:?}").contains("canary"));
    let kept = |generation| WebhookForm { auth: "bearer".to_owned(), generation, ..form(&receiver, "/other", &["request.completed"]) };
    admin.save_webhook("acme", id, kept(1)).await.unwrap();
    assert_eq!(admin.save_webhook("acme", id, kept(1)).await, Err(ApiError::Stale));
    rig.ended(&acme, 200);
    let got = receiver.wait("/other", 1).await.remove(0);
    assert_eq!((got.header("authorization"), got.header("x-key")), ("Bearer canary-token", "canary-header"), "blank keeps both");

    let elsewhere = Receiver::start().await;
    let moved = WebhookForm { url: elsewhere.url("/hook"), clear_headers: Some("on".to_owned()), ..kept(2) };
    let refused = |field, rule| Err(ApiError::Invalid { field, rule });
    assert_eq!(admin.save_webhook("acme", id, moved).await, refused(Field::AuthSecret, Rule::CredentialMoved));
    let moved = WebhookForm { url: elsewhere.url("/hook"), auth_secret: "new".to_owned(), ..kept(2) };
    assert_eq!(admin.save_webhook("acme", id, moved).await, refused(Field::ExtraHeaders, Rule::OriginChanged));
    let otherwise = WebhookForm { auth: "basic".to_owned(), auth_user: "ana".to_owned(), ..kept(2) };
    assert_eq!(admin.save_webhook("acme", id, otherwise).await, refused(Field::AuthSecret, Rule::CredentialMoved));
    for (form, field, rule) in [
        (WebhookForm { event_types: Vec::new(), ..kept(2) }, Field::EventTypes, Rule::Required),
        (WebhookForm { event_types: vec!["webhook.test".to_owned()], ..kept(2) }, Field::EventTypes, Rule::Unknown),
        (WebhookForm { url: "http://user:pass@127.0.0.1/".to_owned(), ..kept(2) }, Field::WebhookUrl, Rule::UrlCredentials),
        (WebhookForm { method: "GET".to_owned(), ..kept(2) }, Field::DeliveryMethod, Rule::Unknown),
        (WebhookForm { retries: "11".to_owned(), ..kept(2) }, Field::Retries, Rule::NumberRange { min: 0, max: 10 }),
        (WebhookForm { headers: "webhook-id=x".to_owned(), ..kept(2) }, Field::ExtraHeaders, Rule::HeaderReserved { position: 1 }),
        (WebhookForm { routes: vec!["nowhere".to_owned()], ..kept(2) }, Field::WebhookRoutes, Rule::Unknown),
    ] {
        assert_eq!(admin.save_webhook("acme", id, form).await, refused(field, rule));
    }
    let bytes = serde_json::to_string(&rig.store.webhooks().get(acme.id, id).unwrap().unwrap()).unwrap();
    assert!(!bytes.contains("canary"), "sealed at rest: {bytes}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_goes_with_everything_that_was_its_own() {
    let (rig, receiver) = (Rig::start(quick()).await, Receiver::start().await);
    let acme = rig.workspace("acme").await;
    let operator = rig.services("op@example.test", None).await;
    receiver.script("/hook", [Answer::Stall]);
    let id = operator.webhooks.create_webhook("acme", form(&receiver, "/hook", &["request.completed"])).await.unwrap();
    rig.ended(&acme, 200);
    receiver.wait("/hook", 1).await;
    let wrong = operator.webhooks.delete_webhook("acme", id, "other").await;
    assert_eq!(wrong, Err(ApiError::Invalid { field: Field::Confirmation, rule: Rule::ConfirmationMismatch }));
    operator.webhooks.delete_webhook("acme", id, "hook").await.unwrap();
    assert_eq!(operator.webhooks.webhook("acme", id).await, Err(ApiError::NotFound));
    receiver.release();
    until("the attempt that was under way has been told of", || !rig.told.attempts().is_empty()).await;
    until("nothing waits", || rig.webhooks.waiting(id) == 0).await;
    assert!(rig.store.webhooks().deliveries(acme.id, id).unwrap().is_empty(), "an attempt that was under way brings nothing back");

    let id = operator.webhooks.create_webhook("acme", form(&receiver, "/second", &["request.completed"])).await.unwrap();
    rig.ended(&acme, 200);
    receiver.wait("/second", 1).await;
    until("it has ended", || rig.webhooks.waiting(id) == 0).await;
    operator.directory.delete_workspace("acme", "acme").await.unwrap();
    assert!(rig.store.webhooks().deliveries(acme.id, id).unwrap().is_empty());
    assert!(rig.store.webhooks().all().unwrap().is_empty() && rig.store.webhooks().all_health().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_whose_secret_does_not_open_is_broken_and_told_of_nothing() {
    let (rig, receiver) = (Rig::start(quick()).await, Receiver::start().await);
    let acme = rig.workspace("acme").await;
    let operator = rig.services("op@example.test", None).await;
    let one = operator.webhooks.create_webhook("acme", form(&receiver, "/one", &["request.completed"])).await.unwrap();
    let two = operator.webhooks.create_webhook("acme", form(&receiver, "/two", &["request.completed"])).await.unwrap();
    let get = |id| rig.store.webhooks().get(acme.id, id).unwrap().unwrap();
    // A ciphertext that was moved from one endpoint to the other.
    let moved = Webhook { signing: get(two).signing, ..get(one) };
    rig.store.commit(Changes::new().put(&moved)).await.unwrap();
    operator.webhooks.enable_webhook("acme", two, true).await.unwrap();
    assert_eq!(operator.webhooks.webhook("acme", one).await.unwrap().state, WebhookState::Broken);
    assert!(operator.webhooks.webhook("acme", one).await.unwrap().signing_secret.unreadable);
    let problems: Vec<String> = Settings::problems(&rig.settings).iter().map(ToString::to_string).collect();
    assert!(problems.iter().any(|problem| problem.contains("webhook one")), "{problems:?}");
    rig.ended(&acme, 200);
    receiver.wait("/two", 1).await;
    assert!(receiver.got("/one").is_empty());

    operator.webhooks.rotate_secret("acme", one).await.unwrap();
    assert_eq!(operator.webhooks.webhook("acme", one).await.unwrap().state, WebhookState::Active);
    rig.ended(&acme, 200);
    receiver.wait("/one", 1).await;
}
