//! What happens besides requests, through the real gateway, webhooks and console, as a collector decodes it: AI calls that fail,
//! attempts to deliver a webhook, security events.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::Method;
use opentelemetry_proto::tonic::trace::v1::Span;
use serde_json::json;
use server::bus::Bus;
use server::event::{Event, Security, SecurityKind};
use server::live::Agent;
use server::telemetry::{OutboundTransport, Telemetry};
use server::values::{EgressRule, Provider as Api, Role};
use tokio::sync::watch;

use super::kinds::{kind, log_text, span_text, steady};
use super::{Rig, exports, operator, quick};
use crate::gateway::{Rig as Gateway, TENANT, Table, agent, client};
use crate::support::collector::{Collector, Received, attributes};
use crate::support::network::outbound;
use crate::support::provider::Provider;
use crate::support::receiver::{Answer, Receiver};
use crate::support::upstream::{Upstream, until};
use crate::web::{PASSWORD, TestConsole};
use crate::webhooks::{Rig as Webhooks, form, quick as quick_retries};

/// Telemetry of a bus that is somebody else's. It lasts as long as what is returned.
fn exporting(bus: &Bus, collector: &Collector) -> (Telemetry, watch::Sender<Arc<server::live::Exports>>) {
    let exports = watch::Sender::new(Arc::new(exports([operator(collector)])));
    let transport = Arc::new(OutboundTransport::new(outbound()));
    (Telemetry::start(exports.subscribe(), bus, transport, quick()), exports)
}

/// The request with this path, and what lies below its span, in the order in which it began.
fn with_calls(received: &Received, path: &str) -> String {
    let mut spans = received.spans();
    spans.sort_by_key(|item| item.record.start_time_unix_nano);
    let named = |span: &Span| attributes(&span.attributes).get("url.path") == Some(&format!("{path:?}"));
    let request = spans.iter().find(|item| named(&item.record)).unwrap_or_else(|| panic!("no span of {path}")).record.clone();
    let mut text = kind(received, path);
    for item in spans.iter().filter(|item| item.record.parent_span_id == request.span_id) {
        let span = &item.record;
        assert_eq!(span.trace_id, request.trace_id);
        assert!(span.end_time_unix_nano >= span.start_time_unix_nano);
        text.push_str(&format!("below it: {}", span_text(span)));
        for log in received.logs().iter().filter(|log| log.record.span_id == span.span_id) {
            text.push_str(&log_text(&log.record));
        }
    }
    steady(&text)
}

#[tokio::test(flavor = "multi_thread")]
async fn ai_calls_that_fail_at_their_provider() {
    let (collector, provider) = (Collector::start().await, Provider::start().await);
    let rig = Rig::start(exports([operator(&collector)]), quick());
    provider.release();
    let cases = [("refused", "status 429", false), ("broken", "status 500", false), ("cut", "cut", true), ("failing", "fail", true)];
    let base = format!("{}/v1", provider.url());
    let agents = cases.map(|(slug, ..)| Arc::new(agent(slug, Api::OpenAi, &base)));
    let gateway = Gateway::on(&rig.bus, &Table { agents: agents.into(), ..Table::to(&provider.url()) }, outbound()).await;
    for (slug, script, stream) in cases {
        let body =
            json!({"model": "gpt-4o", "max_tokens": 9, "stream": stream, "messages": [{"role": "user", "content": "canary-prompt"}]});
        let request = client().post(gateway.url(&format!("/v1/ai/{slug}/chat/completions"))).header("x-knoxcall-key", "tk_good");
        let response = request.header("x-script", script).header("user-agent", "tester/1").json(&body).send().await.unwrap();
        // One of them breaks off in its body.
        let _ = response.bytes().await;
    }
    let all = 2 * cases.len();
    let received = collector.wait_for(|received| received.spans().len() == all && received.logs().len() == cases.len()).await;
    for (slug, ..) in cases {
        insta::assert_snapshot!(format!("ai_{slug}"), with_calls(&received, &format!("/v1/ai/{slug}/chat/completions")));
    }
    assert!(received.requests.iter().all(|request| !String::from_utf8_lossy(&request.body).contains("canary")));
}

/// Where no call is told of, and where one is refused that the provider has begun to read.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_provider_takes_for_its_parent_is_exported() {
    let (collector, provider) = (Collector::start().await, Provider::start().await);
    let rig = Rig::start(exports([operator(&collector)]), quick());
    let strict = Agent { models: vec!["gpt-4o".into()], ..agent("strict", Api::OpenAi, &format!("{}/v1", provider.url())) };
    let table = Table { agents: vec![Arc::new(strict)], ..Table::to(&provider.url()) };
    let gateway = Gateway::on(&rig.bus, &table, outbound()).await;
    let models = client().get(gateway.url("/v1/ai/strict/models")).header("x-knoxcall-key", "tk_good");
    assert_eq!(models.send().await.unwrap().status(), 200);
    let body = format!(r#"{{"messages":["{}"],"model":"gpt-4"}}"#, "x".repeat(3 * 1024 * 1024));
    let refused = client().post(gateway.url("/v1/ai/strict/chat/completions")).header("x-knoxcall-key", "tk_good");
    assert_eq!(refused.header("content-type", "application/json").body(body).send().await.unwrap().status(), 403);
    until("the provider saw both", || provider.got().len() == 2).await;
    // Its refusal in the middle of the call is a security event, which has a span of its own.
    let received = collector.wait_for(|received| received.spans().len() == 4).await;
    let spans = received.spans();
    let expected = [("GET ai/strict", 2, None), ("chat gpt-4", 3, Some("\"model_not_allowed\""))];
    for (got, (name, kind, error)) in provider.got().iter().zip(expected) {
        let parent = got.headers["traceparent"].to_str().unwrap().split('-').nth(2).unwrap();
        let found = spans.iter().find(|item| hex::encode(&item.record.span_id) == parent);
        let span = &found.unwrap_or_else(|| panic!("{name} is not exported")).record;
        assert_eq!((span.name.as_str(), span.kind), (name, kind));
        assert_eq!(attributes(&span.attributes).get("error.type").map(String::as_str), error);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_to_deliver_and_its_retry() {
    let (collector, receiver, upstream) = (Collector::start().await, Receiver::start().await, Upstream::start().await);
    let rig = Webhooks::start(quick_retries()).await;
    let _exporting = exporting(&rig.bus, &collector);
    let acme = rig.workspace_as(TENANT, "acme").await;
    let admin = rig.services("admin@acme.test", Some((&acme, Role::Admin))).await.webhooks;
    admin.create_webhook("acme", form(&receiver, "/hook", &["request.client_error"])).await.unwrap();
    receiver.script("/hook", [Answer::Status(503)]);
    let gateway = Gateway::on(&rig.bus, &Table::to(&upstream.url()), outbound()).await;
    let request = gateway.request(&client(), Method::GET, "/told").header("x-script", "status 404").header("user-agent", "tester/1");
    assert_eq!(request.send().await.unwrap().status(), 404);
    let received = collector.wait_for(|received| received.spans().len() == 3 && received.logs().len() == 3).await;
    insta::assert_snapshot!("webhook_attempts", with_calls(&received, "/told"));
}

/// The span of a security event, once it is there, and its request's with it.
async fn security(collector: &Collector, name: &str) -> String {
    let name = format!("security {name}");
    let received = collector.wait_for(|received| {
        let spans = received.spans();
        let is_request = |id: &[u8]| spans.iter().any(|item| item.record.span_id == id && item.record.kind == 2);
        spans.iter().any(|item| item.record.name == name && is_request(&item.record.parent_span_id))
    });
    let spans = received.await.spans();
    let found: Vec<_> = spans.iter().filter(|item| item.record.name == name).collect();
    assert_eq!(found.len(), 1, "{name}");
    let span = &found[0].record;
    assert!(span.end_time_unix_nano >= span.start_time_unix_nano);
    steady(&span_text(span))
}

#[tokio::test(flavor = "multi_thread")]
async fn security_events_of_the_gateway() {
    let collector = Collector::start().await;
    let rig = Rig::start(exports([operator(&collector)]), quick());
    let gateway = Gateway::on(&rig.bus, &Table::to("http://169.254.169.254"), outbound()).await;
    for key in ["tk_unknown", "tk_narrow", "tk_good"] {
        let request = client().get(gateway.url("/")).header("x-knoxcall-key", key).header("x-knoxcall-route", "billing");
        request.send().await.unwrap();
    }
    for name in ["api_key.rejected", "authz.denied", "egress.blocked"] {
        insta::assert_snapshot!(format!("security_{name}"), security(&collector, name).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn security_events_of_the_console() {
    let collector = Collector::start().await;
    let console = TestConsole::start().await;
    let _exporting = exporting(&console.bus, &collector);
    console.user("root@example.com", true).await;
    let acme = console.workspace("acme").await;
    console.browser().call("/api/account/sign-in", &[("email", "root@example.com"), ("password", "a wrong password")]).await;
    let root = console.browser().signed_in("root@example.com", PASSWORD).await;
    root.send(Method::POST, "/api/account/sign-out", &[("origin", "https://evil.example")], Some(String::new())).await;
    let hook = [
        ("workspace", "acme"),
        ("form[name]", "hook"),
        ("form[url]", "http://127.0.0.1:1/hook"),
        ("form[event_types][0]", "request.error"),
    ];
    root.call("/api/webhooks/create", &hook).await;
    let id = console.store.webhooks().of_workspace(acme.id).unwrap()[0].id.to_string();
    root.call("/api/webhooks/rotate-secret", &[("workspace", "acme"), ("id", &id)]).await;
    for name in ["auth.login_failed", "csrf.rejected", "webhook.secret_rotated"] {
        insta::assert_snapshot!(format!("security_{name}"), security(&collector, name).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_before_signing_in_again_is_a_security_event() {
    let collector = Collector::start().await;
    let console = TestConsole::start().await;
    let _exporting = exporting(&console.bus, &collector);
    console.user("root@example.com", true).await;
    let (browser, guess) = (console.browser(), [("email", "root@example.com"), ("password", "a wrong password")]);
    let mut guesses = 0;
    while browser.call("/api/account/sign-in", &guess).await.status != 429 {
        guesses += 1;
        assert!(guesses < 20, "guessing is not slowed down");
    }
    insta::assert_snapshot!("security_auth.login_locked", security(&collector, "auth.login_locked").await);
}

/// Alerts are written against these.
#[tokio::test(flavor = "multi_thread")]
async fn every_security_event_keeps_its_name_and_severity() {
    let collector = Collector::start().await;
    let rig = Rig::start(exports([operator(&collector)]), quick());
    let all = [
        (SecurityKind::LoginFailed, "auth.login_failed", "low"),
        (SecurityKind::LoginLocked, "auth.login_locked", "high"),
        (SecurityKind::ApiKeyRejected, "api_key.rejected", "low"),
        (SecurityKind::AuthzDenied, "authz.denied", "medium"),
        (SecurityKind::EgressBlocked { rule: EgressRule::CloudMetadata }, "egress.blocked", "high"),
        (SecurityKind::EgressBlocked { rule: EgressRule::Private }, "egress.blocked", "medium"),
        (SecurityKind::CsrfRejected, "csrf.rejected", "medium"),
        (SecurityKind::WebhookSecretRotated, "webhook.secret_rotated", "low"),
        (SecurityKind::SettingsDecryptFailed, "settings.decrypt_failed", "high"),
    ];
    for (kind, ..) in all {
        let security = Security { at: SystemTime::now(), kind, tenant: None, client_address: None, trace: None, count: 1 };
        rig.bus.emit(None, || Event::Security(security));
    }
    let received = collector.wait_for(|received| received.spans().len() == all.len()).await;
    let text = |name: &str, event: &str, severity: &str| format!("{name}: {event} is {severity}");
    let mut told: Vec<String> = Vec::new();
    for item in received.spans() {
        let attributes = attributes(&item.record.attributes);
        told.push(text(&item.record.name, &attributes["knoxcall.security.event"], &attributes["knoxcall.security.severity"]));
    }
    let mut expected: Vec<String> =
        all.iter().map(|(_, name, severity)| text(&format!("security {name}"), &format!("{name:?}"), &format!("{severity:?}"))).collect();
    told.sort();
    expected.sort();
    assert_eq!(told, expected);
}

/// The machine's clock was set back an hour during a request: its record still ends after it began, by as long as it took.
#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_set_back_makes_nothing_end_before_it_began() {
    let collector = Collector::start().await;
    let rig = Rig::start(exports([operator(&collector)]), quick());
    let ahead = SystemTime::now() + Duration::from_secs(3600);
    let request = server::event::Request { started: ahead, ..super::request(super::tenant_id(1)) };
    let (ai, webhook) = (super::ai(&request), super::webhook(&request));
    let duration = |nanos: u64| Duration::from_nanos(nanos);
    let expected = [request.duration, ai.duration, webhook.duration];
    rig.emit(request);
    rig.bus.emit(Some(ai.tenant), || Event::Ai(ai));
    rig.bus.emit(Some(webhook.tenant), || Event::Webhook(webhook));
    let received = collector.wait_for(|received| received.spans().len() == 3 && received.logs().len() == 2).await;
    let mut lasted: Vec<_> = received
        .spans()
        .iter()
        .map(|item| duration(item.record.end_time_unix_nano.checked_sub(item.record.start_time_unix_nano).expect("it ends after it began")))
        .collect();
    lasted.sort();
    let mut expected = expected.to_vec();
    expected.sort();
    assert_eq!(lasted, expected);
    let began = ahead.duration_since(std::time::UNIX_EPOCH).unwrap();
    assert!(received.logs().iter().all(|item| duration(item.record.time_unix_nano) > began), "a record is of the end");
}
