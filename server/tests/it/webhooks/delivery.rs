//! What is delivered, to whom, and how it is tried again.

use std::time::Duration;

use app::contract::{DeliveryState, FailureKind, WebhookForm, WebhookState};
use server::event::Event;
use server::values::{EventType, Role};
use uuid::Uuid;

use super::rig::{Rig, SPAN, TRACE, form, quick, request, until_state, until_told};
use crate::support::receiver::{Answer, Receiver};
use crate::support::upstream::until;

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_told_of_with_its_body_its_signatures_and_its_trace() {
    let (rig, receiver) = (Rig::start(quick()).await, Receiver::start().await);
    let acme = rig.workspace("acme").await;
    let admin = rig.services("admin@acme.test", Some((&acme, Role::Admin))).await.webhooks;
    let wanted = WebhookForm {
        auth: "bearer".to_owned(),
        auth_secret: "token".to_owned(),
        headers: "x-team=billing".to_owned(),
        method: "PUT".to_owned(),
        ..form(&receiver, "/hook?key=1", &["request.server_error"])
    };
    let id = admin.create_webhook("acme", wanted).await.unwrap();
    let shown = admin.take_secret("acme", id).await.unwrap().unwrap();
    assert!(shown.secret.starts_with("whsec_") && admin.take_secret("acme", id).await.unwrap().is_none(), "shown once");

    rig.ended(&acme, 200);
    rig.ended(&acme, 503);
    let got = receiver.wait("/hook?key=1", 1).await.remove(0);
    assert_eq!(got.method, "PUT");
    assert_eq!((got.header("authorization"), got.header("x-team")), ("Bearer token", "billing"));
    assert_eq!(got.header("content-type"), "application/json");
    let body = got.json();
    assert_eq!((&body["event"], &body["webhook_id"]), (&"request.server_error".into(), &id.to_string().into()));
    let data = &body["data"];
    assert_eq!((&data["route_name"], &data["environment"]), (&"Billing".into(), &"production".into()));
    assert_eq!(data["request"], serde_json::json!({"method": "GET", "path": "/v1/invoices", "ip": "192.0.2.7"}));
    assert_eq!(data["response"], serde_json::json!({"status": 503, "latency_ms": 12}));

    let attempts = until_told(&rig.told, 1).await;
    let attempt = &attempts[0];
    assert!(attempt.succeeded() && attempt.retry_count == 0 && attempt.event_type == EventType::RequestServerError);
    assert_eq!((attempt.trace.trace_id, attempt.trace.parent_span_id), (TRACE, Some(SPAN)), "in the request's trace, below its span");
    let parent = format!("00-{}-{}-01", hex::encode(TRACE), hex::encode(attempt.trace.span_id));
    assert_eq!((got.header("traceparent"), got.header("tracestate")), (&*parent, "vendor=x"));
    assert_eq!(got.header("webhook-id"), attempt.delivery.to_string());
    assert_eq!(attempt.delivery.get_version_num(), 7);
    assert!(got.header("webhook-signature").starts_with("v1,") && got.header("x-webhook-signature").starts_with("sha256="));
    until("the delivery has ended", || rig.webhooks.waiting(id) == 0).await;
    let rows = admin.deliveries("acme", id, None, false).await.unwrap().rows;
    assert_eq!((rows.len(), &rows[0].state, rows[0].attempts.len()), (1, &DeliveryState::Delivered, 1));
    let row = &admin.webhooks("acme").await.unwrap()[0];
    assert_eq!((row.delivered, row.failed, row.waiting, &row.state), (1, 0, 0, &WebhookState::Active));
    assert_eq!(receiver.all().len(), 1, "the 200 was not asked for");
}

#[tokio::test(flavor = "multi_thread")]
async fn retries_keep_the_id_and_say_which_they_are() {
    let (rig, receiver) = (Rig::start(quick()).await, Receiver::start().await);
    let acme = rig.workspace("acme").await;
    let admin = rig.services("admin@acme.test", Some((&acme, Role::Admin))).await.webhooks;
    let id = admin.create_webhook("acme", form(&receiver, "/hook", &["request.completed"])).await.unwrap();
    receiver.script("/hook", [Answer::Status(503), Answer::Status(404)]);
    rig.ended(&acme, 200);
    let got = receiver.wait("/hook", 3).await;
    assert!(got.windows(2).all(|two| two[0].header("webhook-id") == two[1].header("webhook-id") && two[0].body == two[1].body));
    let attempts = until_told(&rig.told, 3).await;
    assert_eq!(
        attempts.iter().map(|attempt| (attempt.retry_count, attempt.status)).collect::<Vec<_>>(),
        [(0, Some(503)), (1, Some(404)), (2, Some(204))]
    );
    assert_ne!(attempts[0].trace.span_id, attempts[1].trace.span_id, "a span of its own for each");
    until("the delivery has ended", || rig.webhooks.waiting(id) == 0).await;
    let row = admin.deliveries("acme", id, None, false).await.unwrap().rows.remove(0);
    assert_eq!(row.state, DeliveryState::Delivered);
    let failures: Vec<_> = row.attempts.iter().map(|attempt| (attempt.number, attempt.failure)).collect();
    assert_eq!(failures, [(3, None), (2, Some(FailureKind::Status { status: 404 })), (1, Some(FailureKind::Status { status: 503 }))]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_asks_for_patience_gets_it() {
    let (rig, receiver) = (Rig::start(quick()).await, Receiver::start().await);
    let acme = rig.workspace("acme").await;
    let admin = rig.services("admin@acme.test", Some((&acme, Role::Admin))).await.webhooks;
    admin.create_webhook("acme", form(&receiver, "/hook", &["request.completed"])).await.unwrap();
    receiver.script("/hook", [Answer::With(429, "retry-after", "1".to_owned())]);
    rig.ended(&acme, 200);
    let got = receiver.wait("/hook", 2).await;
    assert!(got[1].at - got[0].at >= Duration::from_millis(900), "{:?}", got[1].at - got[0].at);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_endpoint_hears_what_it_asked_for_of_its_own_workspace() {
    let (rig, receiver) = (Rig::start(quick()).await, Receiver::start().await);
    let (acme, globex) = (rig.workspace("acme").await, rig.workspace("globex").await);
    let operator = rig.services("op@example.test", None).await.webhooks;
    for (path, events) in [
        ("/errors", &["request.error"][..]),
        ("/timeouts", &["request.timeout"]),
        ("/all", &["request.completed", "request.success"]),
        ("/incoming", &["request.received"]),
        ("/audit", &["audit.event"]),
    ] {
        operator.create_webhook("acme", form(&receiver, path, events)).await.unwrap();
    }
    operator.create_webhook("globex", form(&receiver, "/globex", &["request.completed"])).await.unwrap();
    assert!(rig.bus.wants_received(acme.id) && !rig.bus.wants_received(globex.id));

    rig.ended(&acme, 201);
    rig.failed(&acme, 504, "timeout");
    let received = request(&acme);
    rig.bus.emit(Some(acme.id), || Event::Received(received));
    rig.bus.emit(Some(acme.id), || {
        Event::Audit(server::event::Audit {
            at: std::time::SystemTime::now(),
            tenant: Some(acme.id),
            entry: r#"{"action":"route.created"}"#.into(),
            request_id: None,
            trace: None,
        })
    });
    rig.emit(server::event::Request { proxied: None, ..request(&acme) });
    rig.ended(&globex, 200);
    for (path, events) in [
        ("/errors", &["request.error"][..]),
        ("/timeouts", &["request.timeout"]),
        ("/all", &["request.success", "request.completed", "request.completed"]),
        ("/incoming", &["request.received"]),
        ("/audit", &["audit.event"]),
        ("/globex", &["request.completed"]),
    ] {
        let got = receiver.wait(path, events.len()).await;
        let mut told: Vec<String> = got.iter().map(|got| got.json()["event"].as_str().unwrap().to_owned()).collect();
        let mut expected = events.to_vec();
        told.sort();
        expected.sort_unstable();
        assert_eq!(told, expected, "{path}");
    }
    assert_eq!(receiver.got("/audit")[0].json()["data"]["action"], "route.created");
    assert!(receiver.got("/incoming")[0].json()["data"]["response"].is_null());
    assert_eq!(receiver.all().len(), 8, "and nothing else");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_by_route_holds_when_the_route_is_gone() {
    let (rig, receiver) = (Rig::start(quick()).await, Receiver::start().await);
    let acme = rig.workspace("acme").await;
    let operator = rig.services("op@example.test", None).await;
    operator.routing.create_route("acme", "billing", "Billing", &receiver.url("/up")).await.unwrap();
    let wanted = WebhookForm { routes: vec!["billing".to_owned()], ..form(&receiver, "/hook", &["request.completed"]) };
    let id = operator.webhooks.create_webhook("acme", wanted).await.unwrap();
    let route = operator.routing.route("acme", "billing").await.unwrap().id;
    let about = |route: Option<Uuid>| {
        let mut one = request(&acme);
        one.proxied = one.proxied.map(|proxied| server::event::Proxied { route_id: route, ..proxied });
        one
    };
    rig.emit(about(Some(Uuid::now_v7())));
    rig.emit(about(None));
    rig.emit(about(Some(route)));
    receiver.wait("/hook", 1).await;
    operator.routing.delete_route("acme", "billing", "billing").await.unwrap();
    assert_eq!(operator.webhooks.webhook("acme", id).await.unwrap().routes, [route.to_string()]);
    rig.emit(about(Some(Uuid::now_v7())));
    rig.emit(about(Some(route)));
    assert_eq!(receiver.wait("/hook", 2).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_is_delivered_after_a_restart_and_when_the_endpoint_is_on_again() {
    let (rig, receiver) = (Rig::start(quick()).await, Receiver::start().await);
    let acme = rig.workspace("acme").await;
    let admin = rig.services("admin@acme.test", Some((&acme, Role::Admin))).await;
    let id = admin.webhooks.create_webhook("acme", form(&receiver, "/hook", &["request.completed"])).await.unwrap();
    receiver.script("/hook", [Answer::Stall]);
    rig.ended(&acme, 200);
    let first = receiver.wait("/hook", 1).await.remove(0);
    admin.webhooks.enable_webhook("acme", id, false).await.unwrap();
    drop(admin);

    let rig = rig.restarted(quick()).await;
    let operator = rig.services("op@example.test", None).await;
    assert_eq!(operator.webhooks.webhooks("acme").await.unwrap()[0].waiting, 1);
    assert_eq!(operator.webhooks.webhook("acme", id).await.unwrap().state, WebhookState::Disabled);
    operator.webhooks.enable_webhook("acme", id, true).await.unwrap();
    let got = receiver.wait("/hook", 2).await;
    assert_eq!((got[1].header("webhook-id"), &got[1].body), (first.header("webhook-id"), &first.body));
    until_state(&operator, id, "it is active", |state| *state == WebhookState::Active).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_delivery_starts_a_trace_of_its_own() {
    let (rig, receiver) = (Rig::start(quick()).await, Receiver::start().await);
    rig.workspace("acme").await;
    let operator = rig.services("op@example.test", None).await.webhooks;
    let id = operator.create_webhook("acme", form(&receiver, "/hook", &["request.completed"])).await.unwrap();
    operator.test_webhook("acme", id).await.unwrap();
    let test = receiver.wait("/hook", 1).await.remove(0);
    let own = rig.told.attempts().remove(0).trace;
    assert_eq!(own.parent_span_id, None);
    assert_eq!(test.header("traceparent"), format!("00-{}-{}-01", hex::encode(own.trace_id), hex::encode(own.span_id)));
}
