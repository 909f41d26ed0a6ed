//! Who may ask for what, and what people ask for: tests, the history, delivering again.

use app::contract::{ApiError, DeliveryState, WebhookForm, WebhookState, Webhooks};
use server::values::{EventType, Role};
use uuid::Uuid;

use super::rig::{Rig, form, quick};
use crate::support::receiver::{Answer, Receiver};
use crate::support::upstream::until;

/// Every function of the trait, each by its name and with what it answered.
async fn everything(
    webhooks: &dyn Webhooks,
    workspace: &str,
    id: Uuid,
    delivery: Uuid,
    form: &WebhookForm,
) -> Vec<(&'static str, Option<ApiError>)> {
    vec![
        ("webhooks", webhooks.webhooks(workspace).await.err()),
        ("webhook", webhooks.webhook(workspace, id).await.err()),
        ("take_secret", webhooks.take_secret(workspace, id).await.err()),
        ("deliveries", webhooks.deliveries(workspace, id, None, false).await.err()),
        ("create_webhook", webhooks.create_webhook(workspace, form.clone()).await.err()),
        ("save_webhook", webhooks.save_webhook(workspace, id, form.clone()).await.err()),
        ("enable_webhook", webhooks.enable_webhook(workspace, id, false).await.err()),
        ("rotate_secret", webhooks.rotate_secret(workspace, id).await.err()),
        ("test_webhook", webhooks.test_webhook(workspace, id).await.err()),
        ("redeliver", webhooks.redeliver(workspace, id, delivery).await.err()),
        ("redeliver_failed", webhooks.redeliver_failed(workspace, id, 0).await.err()),
        ("delete_webhook", webhooks.delete_webhook(workspace, id, "hook").await.err()),
    ]
}

const READS: [&str; 4] = ["webhooks", "webhook", "take_secret", "deliveries"];

#[tokio::test(flavor = "multi_thread")]
async fn nobody_asks_for_what_is_not_theirs() {
    let (rig, receiver) = (Rig::start(quick()).await, Receiver::start().await);
    let (acme, globex) = (rig.workspace("acme").await, rig.workspace("globex").await);
    let operator = rig.services("op@example.test", None).await.webhooks;
    let wanted = form(&receiver, "/hook", &["request.completed"]);
    let id = operator.create_webhook("acme", wanted.clone()).await.unwrap();
    rig.ended(&acme, 200);
    receiver.wait("/hook", 1).await;
    until("it has ended", || rig.webhooks.waiting(id) == 0).await;
    let delivery = operator.deliveries("acme", id, None, false).await.unwrap().rows[0].id;

    for (name, error) in everything(&*rig.nobody().await.webhooks, "acme", id, delivery, &wanted).await {
        assert_eq!(error, Some(ApiError::SignedOut), "nobody: {name}");
    }
    let stranger = rig.services("admin@globex.test", Some((&globex, Role::Admin))).await.webhooks;
    for (name, error) in everything(&*stranger, "acme", id, delivery, &wanted).await {
        assert_eq!(error, Some(ApiError::NotFound), "stranger: {name}");
    }
    let viewer = rig.services("viewer@acme.test", Some((&acme, Role::Viewer))).await.webhooks;
    for (name, error) in everything(&*viewer, "acme", id, delivery, &wanted).await {
        assert_eq!(error, (!READS.contains(&name)).then_some(ApiError::Forbidden), "viewer: {name}");
    }
    assert_eq!(viewer.take_secret("acme", id).await, Ok(None));
    // An admin's own workspace does not open another's endpoint.
    for (name, error) in everything(&*stranger, "globex", id, delivery, &wanted).await {
        match name {
            "webhooks" | "create_webhook" => assert_eq!(error, None, "{name}"),
            // It looks among the deliveries of its own workspace, where there are none.
            "redeliver_failed" => assert_eq!(error, None, "{name}"),
            _ => assert_eq!(error, Some(ApiError::NotFound), "{name}"),
        }
    }
    assert_eq!(receiver.all().len(), 1, "nothing was sent for any of them");
    assert_eq!(operator.webhook("acme", id).await.unwrap().state, WebhookState::Active);
    assert_eq!(stranger.webhooks("globex").await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_says_at_once_what_came_of_it() {
    let (rig, receiver) = (Rig::start(quick()).await, Receiver::start().await);
    let acme = rig.workspace("acme").await;
    let admin = rig.services("admin@acme.test", Some((&acme, Role::Admin))).await.webhooks;
    let id = admin.create_webhook("acme", form(&receiver, "/hook", &["request.error"])).await.unwrap();
    admin.enable_webhook("acme", id, false).await.unwrap();
    let first = admin.test_webhook("acme", id).await.unwrap();
    assert_eq!((first.status, first.failure, first.number), (Some(204), None, 1));
    assert_eq!(receiver.got("/hook")[0].json()["event"], "webhook.test");
    receiver.script("/hook", [Answer::Status(500)]);
    assert!(admin.test_webhook("acme", id).await.unwrap().failure.is_some());
    let rows = admin.deliveries("acme", id, None, false).await.unwrap().rows;
    assert_eq!(rows.iter().map(|row| row.event).collect::<Vec<_>>(), [EventType::WebhookTest; 2]);
    assert_eq!((&rows[0].state, &rows[1].state), (&DeliveryState::Failed, &DeliveryState::Delivered), "the newest first, no retry");
    let row = &admin.webhooks("acme").await.unwrap()[0];
    assert_eq!((row.delivered, row.failed, &row.state), (0, 0, &WebhookState::Disabled), "tests count for nothing");
    for _ in 0..4 {
        admin.test_webhook("acme", id).await.unwrap();
    }
    assert!(matches!(admin.test_webhook("acme", id).await, Err(ApiError::Throttled { retry_after_s: 1..=60 })));
    assert_eq!(receiver.all().len(), 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_failed_is_delivered_again_under_its_own_id() {
    let (rig, receiver) = (Rig::start(quick()).await, Receiver::start().await);
    let acme = rig.workspace("acme").await;
    let admin = rig.services("admin@acme.test", Some((&acme, Role::Admin))).await.webhooks;
    let wanted = WebhookForm { retries: "0".to_owned(), ..form(&receiver, "/hook", &["request.completed"]) };
    let id = admin.create_webhook("acme", wanted).await.unwrap();
    receiver.script("/hook", vec![Answer::Status(500); 60]);
    for _ in 0..60 {
        rig.ended(&acme, 200);
    }
    receiver.wait("/hook", 60).await;
    until("all have failed", || rig.webhooks.waiting(id) == 0).await;
    let first = admin.deliveries("acme", id, None, true).await.unwrap();
    let second = admin.deliveries("acme", id, first.next, true).await.unwrap();
    assert_eq!((first.rows.len(), second.rows.len(), second.next), (50, 10, None));
    assert!(first.rows.iter().chain(&second.rows).is_sorted_by(|a, b| a.id > b.id));

    let one = second.rows[9].id;
    admin.redeliver("acme", id, one).await.unwrap();
    let got = receiver.wait("/hook", 61).await;
    assert_eq!(got[60].header("webhook-id"), one.to_string());
    until("it is delivered", || rig.webhooks.waiting(id) == 0).await;
    let row = admin.deliveries("acme", id, first.next, false).await.unwrap().rows.remove(9);
    assert_eq!((row.id, row.state, row.attempts.len(), row.attempts[0].number), (one, DeliveryState::Delivered, 2, 2));

    assert_eq!(admin.redeliver_failed("acme", id, i64::MAX).await, Ok(0));
    assert_eq!(admin.redeliver_failed("acme", id, 0).await, Ok(59));
    receiver.wait("/hook", 120).await;
    until("all are delivered", || rig.webhooks.waiting(id) == 0).await;
    assert!(admin.deliveries("acme", id, None, true).await.unwrap().rows.is_empty());
    assert_eq!(admin.redeliver("acme", id, Uuid::now_v7()).await, Err(ApiError::NotFound));
}
