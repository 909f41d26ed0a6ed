//! What is refused, and how much an agent may use.

use std::sync::atomic::Ordering;

use futures::StreamExt;
use http::{HeaderValue, Method};
use serde_json::{Value, json};
use server::event::SecurityKind;

use super::{House, PROMPT, chat, traceparent};
use crate::gateway::rig::{KEY, NARROW_KEY, TENANT};
use crate::support::upstream::until;

/// A request of `/completions`.
fn prompts(prompt: &Value, extra: &Value) -> Value {
    let mut body = chat(extra);
    body["prompt"] = prompt.clone();
    body
}

/// A request of `/responses` with one tool.
fn tools(tool: &Value) -> Value {
    json!({"model": "gpt-4o", "input": PROMPT, "max_output_tokens": 100, "tools": [{"type": "function", "name": "f"}, tool]})
}

#[tokio::test]
async fn refusals_have_a_code_and_reach_no_provider() {
    let house = House::start().await;
    let strict = |extra: Value| house.post("/strict/chat/completions", &chat(&extra));
    let key = |request: reqwest::RequestBuilder, key: &str| {
        let mut request = request.build().unwrap();
        request.headers_mut().insert("x-knoxcall-key", HeaderValue::try_from(key).unwrap());
        reqwest::RequestBuilder::from_parts(house.client.clone(), request)
    };
    let bare =
        |method: Method, path: &str| house.client.request(method, house.rig.url(&format!("/v1/ai{path}"))).header("x-knoxcall-key", KEY);
    let plain =
        |text: &'static str, body: &'static str| bare(Method::POST, "/strict/chat/completions").header("content-type", text).body(body);
    let cases = [
        (house.client.post(house.rig.url("/v1/ai/bot/x")), 401, "missing_api_key"),
        (house.client.post(house.rig.url("/v1/ai/bot/x")).header("authorization", "Bearer sk-other"), 401, "missing_api_key"),
        (house.client.post(house.rig.url("/v1/ai/bot/x")).header("authorization", "Bearer tk_other"), 401, "invalid_api_key"),
        (key(bare(Method::POST, "/bot/chat/completions"), NARROW_KEY), 403, "key_not_allowed"),
        (bare(Method::POST, "/nobody/chat/completions"), 404, "agent_not_found"),
        (bare(Method::POST, "/"), 404, "agent_not_found"),
        (bare(Method::POST, "/bot"), 400, "invalid_path"),
        (bare(Method::POST, "/bot/..%2fadmin"), 400, "invalid_path"),
        (bare(Method::GET, "/bot/files"), 405, "method_not_allowed"),
        (bare(Method::DELETE, "/bot/models/m"), 405, "method_not_allowed"),
        (strict(json!({"max_tokens": 1, "model": "gpt-4"})), 403, "model_not_allowed"),
        (strict(json!({"max_tokens": 101})), 400, "max_tokens_exceeded"),
        (strict(json!({})), 400, "max_tokens_required"),
        (strict(json!({"max_tokens": 1, "Model": "gpt-4o"})), 400, "member_misspelled"),
        (house.post("/strict/chat/completions", &json!({"max_tokens": 1})), 400, "model_required"),
        (house.post("/strict/files", &chat(&json!({}))), 403, "path_not_allowed"),
        (house.post("/strict/completions", &prompts(&json!(["a", "b"]), &json!({"max_tokens": 51}))), 400, "max_tokens_exceeded"),
        (house.post("/strict/completions", &prompts(&json!([[1], [2]]), &json!({"max_tokens": 26, "n": 2}))), 400, "max_tokens_exceeded"),
        (house.post("/strict/completions", &prompts(&json!("a"), &json!({"max_tokens": 51, "best_of": 2}))), 400, "max_tokens_exceeded"),
        (house.post("/strict/responses", &tools(&json!({"type": "image_generation", "model": "gpt-image-1"}))), 403, "model_not_allowed"),
        (strict(json!({"max_tokens": 1, "tools": [{"type": "advisor", "model": "o9"}]})), 403, "model_not_allowed"),
        (plain("multipart/form-data; boundary=x", "{}"), 415, "unsupported_media_type"),
        (plain("application/json", "[]"), 400, "invalid_json"),
        (plain("application/json", ""), 400, "invalid_json"),
        (plain("application/json", "{\"model\":\"gpt-4o\",\"max_tokens\":1"), 400, "invalid_json"),
        (house.post("/counted/chat/completions", &chat(&json!({"stream": true}))), 400, "usage_required"),
    ];
    let count = cases.len();
    for (request, status, code) in cases {
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), status, "{code}");
        assert!(response.headers().contains_key("x-request-id") && !response.headers().contains_key("x-knox-upstream-status"));
        assert_eq!(response.headers().contains_key("allow"), status == 405);
        let body: Value = response.json().await.unwrap();
        assert_eq!((&body["error"], &body["code"]), (&json!(code), &json!(code)));
        assert!(body["error_description"].as_str().unwrap().len() > 10, "{body}");
    }
    let requests = house.rig.recorder.wait(count).await;
    assert!(house.provider.got().is_empty() && house.rig.recorder.calls().is_empty());
    assert_eq!(requests.iter().filter(|request| request.proxied.is_none()).count(), 3, "those without a valid key");
    let security = house.rig.recorder.security();
    let told = |kind: SecurityKind| security.iter().filter(|event| event.kind == kind).count();
    assert_eq!((told(SecurityKind::ApiKeyRejected), told(SecurityKind::AuthzDenied), security.len()), (3, 5, 8), "401 and 403 are told");
    let denied = requests.iter().filter(|request| request.status == Some(403)).map(|request| (Some(TENANT), request.trace.span_id));
    let events = security.iter().filter(|event| event.kind == SecurityKind::AuthzDenied);
    let events: Vec<_> = events.map(|event| (event.tenant, event.trace.as_ref().unwrap().span_id)).collect();
    assert_eq!(events, denied.collect::<Vec<_>>(), "each in its request");
    let routes: Vec<_> = requests.iter().filter_map(|request| request.proxied.as_ref()).map(|proxied| proxied.route.to_string()).collect();
    assert!(routes.contains(&"ai/strict".to_owned()) && routes.contains(&String::new()), "{routes:?}");
    house.no_canary();
    // What keeps the limits passes.
    for request in [
        strict(json!({"max_tokens": 100})),
        house.post("/strict/completions", &prompts(&json!(["a", "b"]), &json!({"max_tokens": 50}))),
        house.post("/strict/completions", &prompts(&json!([1, 2, 3]), &json!({"max_tokens": 100}))),
        house.post("/strict/responses", &tools(&json!({"type": "image_generation", "model": "gpt-4o"}))),
    ] {
        assert_eq!(request.send().await.unwrap().status(), 200);
    }
}

/// What the provider has begun to read is told of as a call: it knows that call's span as the parent of its own.
#[tokio::test]
async fn a_limit_holds_in_a_body_of_any_length() {
    let house = House::start().await;
    let long = "x".repeat(3 * 1024 * 1024);
    let cases = [
        (r#""model":"gpt-4o","max_tokens":7}"#, 200, Value::Null, Some("gpt-4o")),
        (r#""model":"gpt-4","max_tokens":7}"#, 403, json!("model_not_allowed"), Some("gpt-4")),
        (r#""max_tokens":7}"#, 400, json!("model_required"), None),
    ];
    for (number, (end, status, code, model)) in cases.into_iter().enumerate() {
        let body = format!(r#"{{"messages":["{long}"],{end}"#);
        let length = body.len();
        let before = house.provider.got().len();
        let request = house.client.post(house.rig.url("/v1/ai/strict/chat/completions")).header("x-knoxcall-key", KEY);
        let response = request.header("content-type", "application/json").body(body).send().await.unwrap();
        assert_eq!(response.status(), status, "{end}");
        assert_eq!(response.json::<Value>().await.unwrap()["code"], code);
        until("the provider saw its end", || house.provider.got().len() > before).await;
        let got = house.provider.got().pop().unwrap();
        assert_eq!(got.body.map(|body| body.len()), (status == 200).then_some(length), "whole, or never");

        let call = house.call(number + 1).await;
        assert_eq!(got.headers["traceparent"], traceparent(&call.trace));
        assert_eq!((call.status, call.cancelled), ((status == 200).then_some(status), false), "{end}");
        assert_eq!((call.failure.as_ref().map(|failure| failure.kind), call.request_model.as_deref()), (code.as_str(), model), "{end}");
        let request = house.rig.recorder.wait(number + 1).await.pop().unwrap();
        assert_eq!((call.trace.parent_span_id, request.status), (Some(request.trace.span_id), Some(status)));
        assert!(request.failure.is_none(), "{request:?}");
    }
    assert_eq!(house.rig.recorder.calls()[0].max_tokens, Some(7));
    let kinds: Vec<_> = house.rig.recorder.security().iter().map(|event| event.kind).collect();
    assert_eq!(kinds, [SecurityKind::AuthzDenied], "of the model, although the provider has begun to read");
}

#[tokio::test]
async fn tokens_of_a_minute_are_used_up() {
    let house = House::start().await;
    let ask = || house.post("/counted/chat/completions", &chat(&json!({}))).send();
    assert_eq!(ask().await.unwrap().bytes().await.unwrap().len(), ask_length(&house).await);
    house.call(2).await;
    let refused = ask().await.unwrap();
    assert_eq!(refused.status(), 429);
    let wait: u64 = refused.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    assert_eq!(refused.json::<Value>().await.unwrap()["code"], "token_rate_exceeded");
    assert_eq!(house.post("/bot/chat/completions", &chat(&json!({}))).send().await.unwrap().status(), 200, "agents do not share");
    let models = house.client.get(house.rig.url("/v1/ai/counted/models")).header("x-knoxcall-key", KEY).send().await.unwrap();
    assert_eq!(models.status(), 200, "which costs none");
    // Counted with nobody listening, too.
    house.rig.recorder.events.store(false, Ordering::SeqCst);
    house.rig.recorder.traces.store(false, Ordering::SeqCst);
    assert_eq!(ask().await.unwrap().status(), 429);
}

/// What a call that is under way may still use is not there for another one; what it did not use is, once it has ended.
#[tokio::test]
async fn tokens_are_taken_when_a_call_begins_and_settled_when_it_ends() {
    let house = House::start().await;
    let ask = |extra: Value| house.post("/counted/chat/completions", &chat(&extra)).send();
    let streamed = json!({"stream": true, "stream_options": {"include_usage": true}, "max_tokens": 10, "n": 2});
    let mut pieces = ask(streamed).await.unwrap().bytes_stream();
    pieces.next().await.unwrap().unwrap();
    let refused = ask(json!({"max_tokens": 1})).await.unwrap();
    assert_eq!(refused.status(), 429, "20 of 20 tokens are taken");
    assert_eq!(refused.json::<Value>().await.unwrap()["code"], "token_rate_exceeded");
    house.provider.release();
    while let Some(piece) = pieces.next().await {
        piece.unwrap();
    }
    house.call(1).await;
    // It used 12. One that never reaches its provider whole takes nothing in the end.
    assert_eq!(ask(json!({"stream": true, "max_tokens": 9})).await.unwrap().status(), 400);
    let again = ask(json!({"max_tokens": 1})).await.unwrap();
    assert_eq!(again.status(), 200);
    again.bytes().await.unwrap();
    house.call(2).await;
    assert_eq!(ask(json!({"max_tokens": 1})).await.unwrap().status(), 429, "12 and 21 of 20 are used");
}

/// How long an answer of the counted agent is; it costs 21 tokens of 20.
async fn ask_length(house: &House) -> usize {
    house.post("/bot/chat/completions", &chat(&json!({}))).send().await.unwrap().bytes().await.unwrap().len()
}
