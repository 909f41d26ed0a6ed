//! Headers and bodies that go along, from the gateway to a receiver.

use std::collections::HashMap;
use std::sync::Arc;

use app::contract::{WebhookForm, WebhookLosses};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderValue, Method};
use serde_json::{Value, json};
use server::store::{Changes, Delivery, DeliveryBody, DeliveryState, Workspace};
use server::values::{DisplayName, Provider as Api, Role, Slug};
use server::webhooks::{Limits, Options};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use uuid::Uuid;

use super::rig::{Rig, form, quick, request};
use crate::gateway::{self, TENANT, Table, WHO, agent, client};
use crate::support::network::outbound;
use crate::support::receiver::{Answer, Got, Receiver};
use crate::support::upstream::{Upstream, until};

/// Webhooks with a real gateway before them, for the gateway's workspace.
struct House {
    rig: Rig,
    receiver: Receiver,
    upstream: Upstream,
    gateway: gateway::Rig,
    acme: Workspace,
    admin: app::Services,
}

impl House {
    async fn start() -> Self {
        let (rig, receiver, upstream) = (Rig::start(quick()).await, Receiver::start().await, Upstream::start().await);
        let acme = Workspace {
            id: TENANT,
            slug: Slug::parse("acme").unwrap(),
            name: DisplayName::parse("acme").unwrap(),
            enabled: true,
            created_at: 0,
        };
        rig.store.commit(Changes::new().put(&acme)).await.unwrap();
        let admin = rig.services("admin@acme.test", Some((&acme, Role::Admin))).await;
        let mut table = Table::to(&upstream.url());
        table.agents = vec![Arc::new(agent("bot", Api::OpenAi, &upstream.url()))];
        table.inject = HeaderMap::from_iter([(http::header::AUTHORIZATION, HeaderValue::from_static("Custom canary-injected"))]);
        let gateway = gateway::Rig::on(&rig.bus, &table, outbound()).await;
        Self { rig, receiver, upstream, gateway, acme, admin }
    }

    /// An endpoint at this path; `included`: headers, bodies.
    async fn endpoint(&self, path: &str, events: &[&str], included: (bool, bool)) -> Uuid {
        let on = |on: bool| on.then(|| "on".to_owned());
        let form = WebhookForm { include_headers: on(included.0), include_bodies: on(included.1), ..form(&self.receiver, path, events) };
        self.admin.webhooks.create_webhook("acme", form).await.unwrap()
    }

    async fn mirror(&self, content_type: &str, encoding: Option<&str>, body: impl Into<reqwest::Body>) -> bytes::Bytes {
        let mut request = self.gateway.request(&client(), Method::POST, "/orders?q=1").header("x-script", "mirror");
        if let Some(encoding) = encoding {
            request = request.header("content-encoding", encoding);
        }
        let answer = request.header("content-type", content_type).header("cookie", "session=canary").body(body).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        answer.bytes().await.unwrap()
    }

    /// What the nth delivery to this path says of the request and of its answer.
    async fn told(&self, path: &str, count: usize) -> (Value, Value, Got) {
        let got = self.receiver.wait(path, count).await.remove(count - 1);
        let data = got.json()["data"].clone();
        (data["request"].clone(), data["response"].clone(), got)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_goes_along_unless_somebody_switches_it_on() {
    let house = House::start().await;
    house.endpoint("/plain", &["request.completed"], (false, false)).await;
    house.endpoint("/headers", &["request.completed"], (true, false)).await;
    house.endpoint("/both", &["request.completed", "request.received"], (true, true)).await;
    house.endpoint("/errors", &["request.error"], (true, true)).await;
    let sent = r#"{"order":7,"note":"gr\u00fcn","password":"canary","nested":{"apiKey":"canary"}}"#;
    assert_eq!(house.mirror("application/json", None, sent).await, sent, "the caller gets what the upstream sent");
    let clean = r#"{"order":7,"note":"gr\u00fcn","password":"[redacted]","nested":{"apiKey":"[redacted]"}}"#;

    let (asked, answered, _) = house.told("/plain", 1).await;
    assert_eq!(asked.as_object().unwrap().len() + answered.as_object().unwrap().len(), 5, "{asked} {answered}");
    let (asked, answered, _) = house.told("/headers", 1).await;
    assert_eq!((asked.get("body"), answered.get("body")), (None, None));
    assert_eq!((&asked["headers"]["cookie"], &asked["headers"]["x-knoxcall-key"]), (&json!("[redacted]"), &json!("[redacted]")));
    assert_eq!((&asked["headers"]["content-type"], &asked["headers"]["x-script"]), (&json!("application/json"), &json!("mirror")));
    assert_eq!((&answered["headers"]["set-cookie"], &answered["headers"]["x-seen"]), (&json!("[redacted]"), &json!("[redacted]")));
    assert!(answered["headers"]["x-request-id"].is_string(), "as the client gets them: {answered}");

    let told = house.receiver.wait("/both", 2).await;
    let of = |event: &str| told.iter().find(|got| got.json()["event"] == event).unwrap().json()["data"].clone();
    let came = of("request.received");
    assert_eq!((&came["response"], &came["request"]["body"]), (&Value::Null, &Value::Null));
    assert_eq!(came["request"]["headers"]["x-script"], "mirror");
    let ended = of("request.completed");
    for half in ["request", "response"] {
        assert_eq!((&ended[half]["body"], &ended[half]["body_bytes"]), (&json!(clean), &json!(sent.len())), "{half}");
    }
    assert!(house.receiver.got("/errors").is_empty());
    for got in house.receiver.all() {
        assert!(!String::from_utf8_lossy(&got.body).contains("canary"), "{}", String::from_utf8_lossy(&got.body));
    }
    // The listener that keeps every event has seen nothing of it.
    assert!(!house.gateway.recorder.everything().contains("order\\\":7"), "an event holds no body");
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_of_every_kind_and_size() {
    let house = House::start().await;
    house.endpoint("/hook", &["request.completed"], (false, true)).await;
    let zipped = [31_u8, 139, 8, 0, 1, 2, 3];
    assert_eq!(house.mirror("application/json", Some("gzip"), zipped.to_vec()).await, zipped[..]);
    let (asked, answered, _) = house.told("/hook", 1).await;
    for half in [&asked, &answered] {
        let expected = (json!(STANDARD.encode(zipped)), json!("base64"), json!(7));
        assert_eq!((half["body"].clone(), half["body_encoding"].clone(), half["body_bytes"].clone()), expected);
    }
    let bytes: Vec<u8> = (0..=255).collect();
    house.mirror("image/png", None, bytes.clone()).await;
    let (asked, ..) = house.told("/hook", 2).await;
    assert_eq!((&asked["body"], &asked["body_encoding"]), (&json!(STANDARD.encode(&bytes)), &json!("base64")));

    let pieces = (0..100).map(|n| Ok::<_, std::io::Error>(format!("line {n:05} ").repeat(100)));
    let length = "line 00000 ".len() * 100 * 100;
    let answer = house.mirror("text/plain", None, reqwest::Body::wrap_stream(futures::stream::iter(pieces))).await;
    assert_eq!(answer.len(), length, "nothing of what passes is lost");
    let (asked, answered, got) = house.told("/hook", 3).await;
    for half in [&asked, &answered] {
        let text = half["body"].as_str().unwrap();
        assert!(text.starts_with("line 00000 line") && text.len() <= 16 * 1024 && text.len() > 16 * 1024 - 16, "{}", text.len());
        assert_eq!((&half["body_truncated"], &half["body_bytes"]), (&json!(true), &json!(length)));
    }
    assert!(got.body.len() < 128 * 1024);

    house.gateway.request(&client(), Method::GET, "/").header("x-script", "status 204").send().await.unwrap();
    let (asked, answered, _) = house.told("/hook", 4).await;
    assert_eq!((&asked["body"], &answered["body"], &answered["body_bytes"]), (&json!(""), &json!(""), &json!(0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_is_told_as_far_as_it_came_and_a_refusal_without_an_answer() {
    let house = House::start().await;
    house.endpoint("/hook", &["request.completed"], (true, true)).await;
    let mut stream = house.gateway.connect().await;
    stream.write_all(format!("GET /s HTTP/1.1\r\n{WHO}x-script: drip\r\n\r\n").as_bytes()).await.unwrap();
    let (mut seen, mut piece) = (Vec::new(), [0; 4096]);
    while !seen.windows(5).any(|window| window == b"first") {
        let read = stream.read(&mut piece).await.unwrap();
        assert!(read > 0, "the first chunk passes at once");
        seen.extend_from_slice(&piece[..read]);
    }
    drop(stream);
    let (_, answered, _) = house.told("/hook", 1).await;
    assert_eq!((&answered["status"], &answered["body_bytes"]), (&json!(200), &json!(5)));
    assert_eq!((&answered["body_incomplete"], &answered["body"]), (&json!(true), &json!("")), "the word may go on");

    let unknown = house.gateway.request(&client(), Method::POST, "/x").header("x-knoxcall-environment", "none").body("canary");
    assert_eq!(unknown.send().await.unwrap().status(), 404);
    let (asked, answered, _) = house.told("/hook", 2).await;
    assert_eq!((&asked["headers"]["x-knoxcall-environment"], &asked["body"]), (&json!("none"), &Value::Null), "nobody read it");
    assert_eq!((&answered["headers"], &answered["body"]), (&Value::Null, &Value::Null), "the gateway's own words");
    assert_eq!(house.upstream.abandoned(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_of_ai_agents_are_never_copied() {
    let house = House::start().await;
    house.endpoint("/hook", &["request.completed"], (true, true)).await;
    let call = client().post(house.gateway.url("/v1/ai/nobody/chat/completions")).header("x-knoxcall-key", "tk_good");
    assert_eq!(call.body("canary prompt").send().await.unwrap().status(), 404);
    let (asked, _, got) = house.told("/hook", 1).await;
    assert_eq!((&asked["path"], &asked["headers"], &asked["body"]), (&json!("/v1/ai/nobody/chat/completions"), &Value::Null, &Value::Null));
    assert!(!String::from_utf8_lossy(&got.body).contains("canary"));
    assert_eq!(got.json()["data"]["route_name"], "", "there is no such agent");

    let call = client().post(house.gateway.url("/v1/ai/bot/chat/completions")).header("x-knoxcall-key", "tk_good");
    assert_eq!(call.body("canary prompt").send().await.unwrap().status(), 200);
    let (asked, _, got) = house.told("/hook", 2).await;
    assert_eq!((&asked["headers"], &asked["body"]), (&Value::Null, &Value::Null));
    let data = got.json()["data"].clone();
    assert_eq!((&data["route_id"], &data["route_name"]), (&Value::Null, &json!("ai/bot")), "as it is called in telemetry");
    assert!(!data.to_string().contains("canary"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_lies_sealed_and_a_backlog_gets_no_more_bodies() {
    let house = House::start().await;
    let id = house.endpoint("/hook", &["request.completed"], (true, true)).await;
    house.receiver.script("/hook", [Answer::Status(503)]);
    house.mirror("text/plain", None, "confidential words").await;
    house.receiver.wait("/hook", 2).await;
    until("it has ended", || house.rig.webhooks.waiting(id) == 0).await;
    let stored = house.rig.store.webhooks().deliveries(house.acme.id, id).unwrap().remove(0);
    assert!(matches!(stored.body, DeliveryBody::Sealed(_)) && !serde_json::to_string(&stored).unwrap().contains("confidential"));
    house.admin.webhooks.redeliver("acme", id, stored.id).await.unwrap();
    let got = house.receiver.wait("/hook", 3).await;
    assert!(got[0].body == got[1].body && got[1].body == got[2].body, "the same bytes each time");
    assert_eq!(house.admin.webhooks.losses("acme").await.unwrap(), WebhookLosses::default());

    // One that an earlier version left, in plain text.
    let old = Delivery {
        id: Uuid::now_v7(),
        body: DeliveryBody::Plain(r#"{"event":"request.completed"}"#.to_owned()),
        state: DeliveryState::Waiting { next_at: 0 },
        attempts: Vec::new(),
        ..stored
    };
    house.rig.store.commit(Changes::new().put(&old)).await.unwrap();
    let House { rig, receiver, gateway, admin, .. } = house;
    drop((gateway, admin));
    let limits = Limits { waiting_bytes: 1, ..Limits::default() };
    let rig = rig.restarted(Options { limits, ..quick() }).await;
    assert_eq!(receiver.wait("/hook", 4).await[3].body, r#"{"event":"request.completed"}"#);

    until("it has ended", || rig.webhooks.waiting(id) == 0).await;
    receiver.script("/hook", [Answer::Stall]);
    rig.ended(&house.acme, 200);
    receiver.wait("/hook", 5).await;
    rig.bus.hand_over_copied(&std::sync::Arc::new(server::event::Event::Request(request(&house.acme))), copies());
    let told: HashMap<String, Value> =
        serde_json::from_value(receiver.wait("/hook", 6).await[5].json()["data"]["request"].clone()).unwrap();
    assert_eq!((&told["body"], &told["body_omitted"]), (&Value::Null, &json!("backlog")), "{told:?}");
}

/// A request with a body, as the gateway copies it.
fn copies() -> server::capture::Exchange {
    use server::capture::{Recorder, Wanted};
    let wanted = Wanted { headers: true, bodies: true };
    let mut recorder = Recorder::new(wanted, TENANT, &std::sync::Arc::default(), None, &HeaderMap::new());
    recorder.upload(&HeaderMap::new(), false).unwrap().data(b"some words");
    recorder.finish(true)
}
