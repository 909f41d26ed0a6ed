//! Receivers that are slow, gone, elsewhere, or not to be reached.

use std::time::Duration;

use app::contract::{ApiError, DeliveryState, FailureKind, Field, Rule, WebhookForm, WebhookState};
use serde_json::{Value, json};
use server::audit::{Filter, Log, Verdict};
use server::event::{Event, SecurityKind};
use server::store::StopReason;
use server::values::{EgressRule, Role, TenantId};
use server::webhooks::{Limits, Options};
use uuid::Uuid;

use super::rig::{Rig, form, quick, until_no_room, until_state, until_told};
use crate::support::network::FakeNetwork;
use crate::support::receiver::{Answer, Receiver};
use crate::support::upstream::until;

/// One entry, by KnoxCall itself, and with its reason.
fn stopped_is_in_the_log(rig: &Rig, workspace: TenantId, webhook: Uuid, reason: &str) {
    let wanted = Filter { action: "webhook.stopped".to_owned(), ..Filter::default() };
    let log = Log::Workspace(workspace);
    let entries = rig.store.audit().page(log, &wanted, None, 10).unwrap().entries;
    let [written] = &entries[..] else { panic!("{entries:?}") };
    let entry: Value = serde_json::from_str(&written.text).unwrap();
    assert_eq!((&entry["actor"]["kind"], &entry["resource"]["handle"]), (&json!("system"), &json!("hook")));
    assert_eq!(entry["resource"]["id"], json!(webhook));
    let changes = json!([{"field": "Enabled", "before": "on", "after": "off"}, {"field": "Reason", "before": "", "after": reason}]);
    assert_eq!(entry["changes"], changes);
    assert!(matches!(rig.store.audit().verify(log).unwrap(), Verdict::Intact { .. }));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_410_ends_it_for_the_endpoint() {
    let (rig, receiver) = (Rig::start(quick()).await, Receiver::start().await);
    let acme = rig.workspace("acme").await;
    let services = rig.services("admin@acme.test", Some((&acme, Role::Admin))).await;
    let id = services.webhooks.create_webhook("acme", form(&receiver, "/hook", &["request.completed"])).await.unwrap();
    receiver.script("/hook", [Answer::Status(410)]);
    rig.ended(&acme, 200);
    until_state(&services, id, "it is gone", |state| matches!(state, WebhookState::Gone { .. })).await;
    assert!(!services.webhooks.webhook("acme", id).await.unwrap().enabled);
    until("it was told", || !rig.stopped.lock().unwrap().is_empty()).await;
    assert_eq!(rig.stopped.lock().unwrap()[0].why, StopReason::Gone);
    stopped_is_in_the_log(&rig, acme.id, id, "the receiver answered 410 Gone");
    rig.ended(&acme, 200);
    let rows = services.webhooks.deliveries("acme", id, None, true).await.unwrap().rows;
    assert_eq!((rows.len(), rows[0].attempts.len()), (1, 1), "no retry, and nothing more is told");

    services.webhooks.enable_webhook("acme", id, true).await.unwrap();
    rig.ended(&acme, 200);
    receiver.wait("/hook", 2).await;
    until_state(&services, id, "it is active", |state| *state == WebhookState::Active).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_is_a_failure_and_is_not_followed() {
    let (rig, receiver) = (Rig::start(quick()).await, Receiver::start().await);
    let acme = rig.workspace("acme").await;
    let admin = rig.services("admin@acme.test", Some((&acme, Role::Admin))).await.webhooks;
    let wanted = WebhookForm { retries: "1".to_owned(), ..form(&receiver, "/hook", &["request.completed"]) };
    let id = admin.create_webhook("acme", wanted).await.unwrap();
    receiver.script("/hook", [307, 302].map(|status| Answer::With(status, "location", receiver.url("/elsewhere"))));
    rig.ended(&acme, 200);
    until_told(&rig.told, 2).await;
    until("it has ended", || rig.webhooks.waiting(id) == 0).await;
    let row = admin.deliveries("acme", id, None, true).await.unwrap().rows.remove(0);
    assert_eq!(row.state, DeliveryState::Failed);
    assert_eq!(row.attempts[0].failure, Some(FailureKind::Redirect { status: 302 }));
    assert!(receiver.got("/elsewhere").is_empty());
    assert_eq!(admin.webhooks("acme").await.unwrap()[0].failed, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_hangs_delays_nobody_else() {
    let (rig, receiver) = (Rig::start(quick()).await, Receiver::start().await);
    let (acme, globex) = (rig.workspace("acme").await, rig.workspace("globex").await);
    let operator = rig.services("op@example.test", None).await.webhooks;
    receiver.script("/dead", vec![Answer::Stall; 100]);
    let dead = WebhookForm { timeout_s: "60".to_owned(), ..form(&receiver, "/dead", &["request.completed"]) };
    let dead = operator.create_webhook("acme", dead).await.unwrap();
    operator.create_webhook("acme", form(&receiver, "/alive", &["request.completed"])).await.unwrap();
    operator.create_webhook("globex", form(&receiver, "/globex", &["request.completed"])).await.unwrap();
    for _ in 0..40 {
        rig.ended(&acme, 200);
        rig.ended(&globex, 200);
    }
    assert_eq!(receiver.wait("/alive", 40).await.len(), 40);
    assert_eq!(receiver.wait("/globex", 40).await.len(), 40);
    assert_eq!(rig.webhooks.waiting(dead), 40);
    assert!(receiver.got("/dead").len() <= Limits::default().per_endpoint, "only so many at once");
    receiver.release();
    receiver.wait("/dead", 40).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_only_fails_is_given_up_and_gets_its_time_anew() {
    let options = Options { give_up_after: Duration::from_millis(400), ..quick() };
    let (rig, receiver) = (Rig::start(options).await, Receiver::start().await);
    let acme = rig.workspace("acme").await;
    let services = rig.services("admin@acme.test", Some((&acme, Role::Admin))).await;
    let wanted = WebhookForm { retries: "0".to_owned(), ..form(&receiver, "/hook", &["request.completed"]) };
    let id = services.webhooks.create_webhook("acme", wanted).await.unwrap();
    receiver.script("/hook", vec![Answer::Status(500); 1000]);
    rig.ended(&acme, 200);
    until_state(&services, id, "it fails", |state| matches!(state, WebhookState::Failing { .. })).await;
    until("it is given up", || {
        rig.ended(&acme, 200);
        rig.stopped.lock().unwrap().iter().any(|stop| stop.why == StopReason::GaveUp)
    })
    .await;
    assert!(matches!(services.webhooks.webhook("acme", id).await.unwrap().state, WebhookState::GaveUp { .. }));
    assert!(rig.settings.webhooks_in_force().now.load().tenants.is_empty(), "it is told of nothing any more");
    stopped_is_in_the_log(&rig, acme.id, id, "it had only failed for too long");

    services.webhooks.enable_webhook("acme", id, true).await.unwrap();
    let before = rig.told.attempts().len();
    rig.ended(&acme, 200);
    until_told(&rig.told, before + 1).await;
    until_state(&services, id, "it has time again", |state| matches!(state, WebhookState::Failing { .. })).await;
    assert_eq!(rig.stopped.lock().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_leaves_for_where_a_workspace_may_not_go() {
    let network = FakeNetwork::new();
    network.name("inside.example", &[&["10.0.0.7"]]);
    let rig = Rig::start_over(quick(), network.outbound(""), "").await;
    let acme = rig.workspace("acme").await;
    let admin = rig.services("admin@acme.test", Some((&acme, Role::Admin))).await.webhooks;
    let at = |url: &str| WebhookForm {
        name: "hook".to_owned(),
        url: url.to_owned(),
        event_types: vec!["request.completed".to_owned()],
        ..WebhookForm::default()
    };
    let refused = admin.create_webhook("acme", at("http://127.0.0.1:9/hook")).await.unwrap_err();
    let rule = Rule::EgressBlocked { rule: EgressRule::Loopback };
    assert_eq!(refused, ApiError::Invalid { field: Field::WebhookUrl, rule });

    let id = admin.create_webhook("acme", at("http://inside.example/hook")).await.unwrap();
    rig.ended(&acme, 200);
    until_told(&rig.told, 1).await;
    until("it has ended", || rig.webhooks.waiting(id) == 0).await;
    let row = admin.deliveries("acme", id, None, true).await.unwrap().rows.remove(0);
    assert_eq!((row.state, row.attempts.len()), (DeliveryState::Failed, 1), "no retry");
    assert_eq!(row.attempts[0].failure, Some(FailureKind::Blocked { rule: EgressRule::Private }));
    assert_eq!(network.connected(), []);
    let security = rig.told.all().into_iter().any(|event| {
        matches!(&*event, Event::Security(security) if security.kind == SecurityKind::EgressBlocked { rule: EgressRule::Private }
            && security.tenant == Some(acme.id))
    });
    assert!(security);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_and_what_has_ended_is_bounded() {
    let limits = Limits { waiting: 5, ended: 3, ..Limits::default() };
    let (rig, receiver) = (Rig::start(Options { limits, ..quick() }).await, Receiver::start().await);
    let acme = rig.workspace("acme").await;
    let admin = rig.services("admin@acme.test", Some((&acme, Role::Admin))).await.webhooks;
    let id = admin.create_webhook("acme", form(&receiver, "/hook", &["request.completed"])).await.unwrap();
    receiver.script("/hook", vec![Answer::Stall; 10]);
    for _ in 0..9 {
        rig.ended(&acme, 200);
    }
    until("the rest is counted", || rig.store.webhooks().health(acme.id, id).unwrap().dropped == 4).await;
    assert_eq!(rig.webhooks.waiting(id), 5);
    receiver.release();
    until("all have ended", || rig.webhooks.waiting(id) == 0).await;
    assert_eq!(rig.store.webhooks().deliveries(acme.id, id).unwrap().len(), 3, "the oldest went first");
    assert_eq!(admin.webhooks("acme").await.unwrap()[0].delivered, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_ended_of_a_workspace_is_bounded_however_many_endpoints_it_has() {
    const ROOM: usize = 4 * 1024;
    let limits = Limits { workspace_ended_bytes: ROOM, ..Limits::default() };
    let (rig, receiver) = (Rig::start(Options { limits, ..quick() }).await, Receiver::start().await);
    let acme = rig.workspace("acme").await;
    let admin = rig.services("admin@acme.test", Some((&acme, Role::Admin))).await.webhooks;
    let mut endpoints = Vec::new();
    for path in ["/a", "/b", "/c"] {
        endpoints.push(admin.create_webhook("acme", form(&receiver, path, &["request.completed"])).await.unwrap());
    }
    let kept = |id| rig.store.webhooks().deliveries(acme.id, id).unwrap();
    for round in 1..=10 {
        rig.ended(&acme, 200);
        until_told(&rig.told, 3 * round).await;
        until("all have ended", || endpoints.iter().all(|id| rig.webhooks.waiting(*id) == 0)).await;
    }
    let bytes: usize = endpoints.iter().flat_map(|id| kept(*id)).map(|delivery| delivery.body.len()).sum();
    assert!((ROOM / 2..=ROOM).contains(&bytes), "{bytes} bytes are kept");
    assert!(endpoints.iter().all(|id| !kept(*id).is_empty()), "each gives when it has most");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_of_all_workspaces_is_bounded_over_a_restart() {
    const ROOM: usize = 8 * 1024;
    let options = || Options { limits: Limits { all_waiting_bytes: ROOM, ..Limits::default() }, ..quick() };
    let (rig, receiver) = (Rig::start(options()).await, Receiver::start().await);
    let (acme, globex) = (rig.workspace("acme").await, rig.workspace("globex").await);
    let operator = rig.services("op@example.test", None).await;
    let id = operator.webhooks.create_webhook("acme", form(&receiver, "/acme", &["request.completed"])).await.unwrap();
    operator.webhooks.create_webhook("globex", form(&receiver, "/globex", &["request.completed"])).await.unwrap();
    receiver.script("/acme", vec![Answer::Stall; 100]);
    for _ in 0..40 {
        rig.ended(&acme, 200);
    }
    let dropped = until_no_room(&operator, "acme", |no_room| no_room > 0 && no_room + rig.webhooks.waiting(id) as u64 == 40).await;
    let waiting = 40 - usize::try_from(dropped).unwrap();
    until("they are on disk", || rig.store.webhooks().deliveries(acme.id, id).unwrap().len() == waiting).await;
    let bytes: usize = rig.store.webhooks().deliveries(acme.id, id).unwrap().iter().map(|delivery| delivery.body.len()).sum();
    assert!((ROOM / 2..ROOM / 2 + 1024).contains(&bytes), "{waiting} that wait come to {bytes} bytes");
    rig.ended(&globex, 200);
    receiver.wait("/globex", 1).await;
    drop(operator);

    let rig = rig.restarted(options()).await;
    let operator = rig.services("second@example.test", None).await;
    assert_eq!(rig.webhooks.waiting(id), waiting);
    rig.ended(&acme, 200);
    until_no_room(&operator, "acme", |no_room| no_room == 1).await;
    assert_eq!(rig.webhooks.waiting(id), waiting);
    receiver.release();
    until("all have ended", || rig.webhooks.waiting(id) == 0).await;
    rig.ended(&acme, 200);
    until("there is room again", || rig.store.webhooks().deliveries(acme.id, id).unwrap().len() == waiting + 1).await;
}
