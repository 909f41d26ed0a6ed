//! The AI gateway, as its callers and providers see it.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::StreamExt;
use http::{HeaderMap, HeaderValue, Method};
use serde_json::{Value, json};
use server::event::{Ai, SecurityKind};
use server::live::{Agent, Upstream};
use server::values::{Endpoint, Provider as Api};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use uuid::Uuid;

use super::rig::{KEY, NARROW_KEY, Rig, TENANT, Table, client};
use crate::support::network::Closed;
use crate::support::provider::{COMPLETION, Provider};
use crate::support::upstream::until;

const CREDENTIAL: &str = "sk-canary-credential";
const PROMPT: &str = "canary-prompt";

pub fn agent(slug: &str, api: Api, base_url: &str) -> Agent {
    let (name, text) = match api {
        Api::Anthropic => ("x-api-key", CREDENTIAL.to_owned()),
        _ => ("authorization", format!("Bearer {CREDENTIAL}")),
    };
    let mut value = HeaderValue::try_from(text).unwrap();
    value.set_sensitive(true);
    let mut inject = HeaderMap::new();
    inject.insert(name, value);
    Agent {
        id: Uuid::now_v7(),
        slug: slug.into(),
        handle: format!("ai/{slug}").into(),
        provider: api,
        upstream: Upstream::new(&Endpoint::parse_exact(base_url).unwrap()).unwrap(),
        inject,
        models: Vec::new(),
        max_output_tokens: None,
        tokens_per_minute: None,
    }
}

/// `bot` speaks OpenAI's API, `claude` Anthropic's; `strict` allows one model and 100 tokens, `counted` 20 tokens a minute.
struct House {
    provider: Provider,
    rig: Rig,
    client: reqwest::Client,
}

impl House {
    async fn start() -> Self {
        let provider = Provider::start().await;
        let base = format!("{}/v1", provider.url());
        let strict = Agent {
            models: vec!["gpt-4o".into()],
            max_output_tokens: NonZeroU32::new(100),
            ..agent("strict", Api::OpenAiCompatible, &base)
        };
        let counted = Agent { tokens_per_minute: NonZeroU32::new(20), ..agent("counted", Api::OpenAi, &base) };
        let agents = [agent("bot", Api::OpenAi, &base), agent("claude", Api::Anthropic, &provider.url()), strict, counted];
        let table = Table { agents: agents.into_iter().map(Arc::new).collect(), ..Table::to(&provider.url()) };
        Self { rig: Rig::start(&table).await, provider, client: client() }
    }

    fn post(&self, path: &str, body: &Value) -> reqwest::RequestBuilder {
        let request = self.client.post(self.rig.url(&format!("/v1/ai{path}"))).header("x-knoxcall-key", KEY);
        request.header("content-type", "application/json").body(body.to_string())
    }

    /// Waits for as many calls, and returns the last.
    async fn call(&self, count: usize) -> Ai {
        until("AI events", || self.rig.recorder.calls().len() >= count).await;
        assert_eq!(self.rig.recorder.calls().len(), count);
        self.rig.recorder.calls().pop().unwrap()
    }

    fn no_canary(&self) {
        let everything = self.rig.recorder.everything();
        assert!(!everything.contains("canary") && !everything.contains(KEY), "{everything}");
    }
}

fn chat(extra: &Value) -> Value {
    let mut body = json!({"messages": [{"role": "user", "content": PROMPT}], "model": "gpt-4o"});
    body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    body
}

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

fn usage(call: &Ai) -> (Option<u64>, Option<u64>, Vec<&str>) {
    (call.input_tokens, call.output_tokens, call.finish_reasons.iter().map(String::as_str).collect())
}

#[tokio::test]
async fn whole_answers_of_each_api_are_passed_on_and_told_of() {
    let house = House::start().await;
    let parameters = json!({"temperature": 0.5, "top_p": 0.9, "max_completion_tokens": 64});
    for (number, (path, body, operation, provider, id, expected)) in [
        ("/bot/chat/completions", chat(&parameters), "chat", "openai", Some("chatcmpl-1"), (Some(9), Some(12), vec!["stop"])),
        (
            "/bot/responses",
            json!({"model": "gpt-4o", "input": PROMPT}),
            "chat",
            "openai",
            Some("resp_1"),
            (Some(36), Some(87), vec!["completed"]),
        ),
        ("/bot/embeddings", json!({"model": "gpt-4o", "input": PROMPT}), "embeddings", "openai", None, (Some(8), None, vec![])),
        (
            "/claude/v1/messages",
            chat(&json!({"max_tokens": 32})),
            "chat",
            "anthropic",
            Some("msg_1"),
            (Some(15), Some(25), vec!["end_turn"]),
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let response = house.post(path, &body).send().await.unwrap();
        assert_eq!(
            (response.status().as_u16(), &response.headers()["x-knox-upstream-status"]),
            (200, &HeaderValue::from_static("200")),
            "{path}"
        );
        let request_id = response.headers()["x-request-id"].to_str().unwrap().to_owned();
        let text = response.text().await.unwrap();
        assert!(path.contains("embeddings") || text.contains(COMPLETION), "{text}");
        let call = house.call(number + 1).await;
        assert_eq!((call.operation, call.provider, call.tenant, call.status), (operation, provider, TENANT, Some(200)));
        assert_eq!((call.request_model.as_deref(), call.response_model.as_deref()), (Some("gpt-4o"), Some("gpt-4o")));
        assert_eq!((call.response_id.as_deref(), usage(&call)), (id, expected), "{path}");
        assert_eq!((&*call.server_address, call.server_port), ("127.0.0.1", house.provider.address.port()));
        assert!(!call.cancelled && call.failure.is_none() && !call.stream && call.time_to_first_chunk.is_none());
        assert_eq!(call.request_id.to_string(), request_id);

        let request = house.rig.recorder.wait(number + 1).await.pop().unwrap();
        let proxied = request.proxied.as_ref().unwrap();
        let slug = path.split('/').nth(1).unwrap();
        assert_eq!((&*proxied.route, &*proxied.environment, &*call.agent), (format!("ai/{slug}").as_str(), "", slug));
        assert_eq!(proxied.upstream_address.as_deref(), Some(house.provider.address.to_string().as_str()));
        assert_eq!((call.trace.trace_id, call.trace.parent_span_id), (request.trace.trace_id, Some(request.trace.span_id)));
        let got = house.provider.got().pop().unwrap();
        assert_eq!(
            got.path,
            format!("/v1{}", path.rsplit_once("/v1").map_or_else(|| path.strip_prefix("/bot").unwrap(), |(_, rest)| rest))
        );
        assert_eq!(serde_json::from_slice::<Value>(&got.body.unwrap()).unwrap(), body);
        let parent = hex::encode(call.trace.span_id);
        assert!(got.headers["traceparent"].to_str().unwrap().contains(&parent), "the call's own span");
    }
    let first = &house.rig.recorder.calls()[0];
    assert_eq!((first.temperature, first.top_p, first.max_tokens), (Some(0.5), Some(0.9), Some(64)));
    house.no_canary();
}

#[tokio::test]
async fn streams_pass_at_once_and_their_usage_is_read_at_the_end() {
    let house = House::start().await;
    let streamed = json!({"stream": true, "stream_options": {"include_usage": true}, "max_tokens": 9});
    let cases = [
        ("/bot/chat/completions", chat(&streamed), "chatcmpl-2", (Some(5), Some(7), vec!["stop"])),
        ("/bot/chat/completions", chat(&json!({"stream": true})), "chatcmpl-2", (None, None, vec!["stop"])),
        ("/bot/responses", json!({"model": "gpt-4o", "input": PROMPT, "stream": true}), "resp_1", (Some(36), Some(87), vec!["completed"])),
        ("/claude/v1/messages", chat(&streamed), "msg_2", (Some(25), Some(15), vec!["end_turn"])),
    ];
    let mut waiting = Vec::new();
    for (path, body, ..) in &cases {
        let response = house.post(path, body).send().await.unwrap();
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        let mut pieces = response.bytes_stream();
        // The provider sends nothing more until it is told to.
        let first = pieces.next().await.unwrap().unwrap();
        assert!(first.starts_with(b"data: ") || first.starts_with(b"event: "), "{first:?}");
        waiting.push((first.to_vec(), pieces));
    }
    assert!(house.rig.recorder.calls().is_empty(), "none has ended");
    assert_eq!(house.provider.open(), cases.len());
    house.provider.release();
    for (mut whole, mut pieces) in waiting {
        while let Some(piece) = pieces.next().await {
            whole.extend_from_slice(&piece.unwrap());
        }
        assert!(String::from_utf8(whole).unwrap().contains(COMPLETION));
    }
    house.call(cases.len()).await;
    let mut calls = house.rig.recorder.calls();
    for (path, body, id, expected) in cases {
        let at = calls.iter().position(|call| (call.response_id.as_deref(), usage(call)) == (Some(id), expected.clone()));
        let call = calls.remove(at.unwrap_or_else(|| panic!("{path} {body}: {calls:#?}")));
        assert!(call.stream && !call.cancelled && call.failure.is_none(), "{call:?}");
        assert!(call.time_to_first_chunk.unwrap() <= call.duration);
    }
    house.no_canary();
}

#[tokio::test]
async fn callers_keys_stay_here_and_the_credential_goes_there() {
    let house = House::start().await;
    let ask = |path: &str| house.client.post(house.rig.url(&format!("/v1/ai{path}"))).json(&chat(&json!({"max_tokens": 1})));
    let bearer = format!("Bearer {KEY}");
    let calls = [
        ask("/bot/chat/completions").header("authorization", &bearer),
        ask("/bot/chat/completions").header("x-knoxcall-key", KEY).header("authorization", "Bearer sk-caller").header("api-key", "own"),
        ask("/claude/v1/messages").header("x-api-key", KEY).header("anthropic-version", "2024-10-22"),
        ask("/claude/v1/messages").header("x-knoxcall-key", KEY).header("cookie", "a=caller"),
    ];
    for request in calls {
        let request = request.header("accept-encoding", "gzip").header("openai-organization", "org-caller").header("anthropic-beta", "b1");
        assert_eq!(request.send().await.unwrap().status(), 200);
    }
    let got = house.provider.got();
    for one in &got {
        let all = format!("{:?}", one.headers);
        assert!(!all.contains(KEY) && !all.contains("caller"), "{all}");
        for name in ["x-knoxcall-key", "cookie", "accept-encoding", "openai-organization", "api-key", "x-forwarded-for", "x-forwarded-host"]
        {
            assert!(!one.headers.contains_key(name), "{name}");
        }
        assert_eq!(one.headers["anthropic-beta"], "b1");
    }
    for one in &got[..2] {
        assert_eq!(
            (&one.headers["authorization"], one.headers.contains_key("x-api-key")),
            (&format!("Bearer {CREDENTIAL}").parse().unwrap(), false)
        );
    }
    for (one, version) in got[2..].iter().zip(["2024-10-22", "2023-06-01"]) {
        assert_eq!((&one.headers["x-api-key"], one.headers.contains_key("authorization")), (&CREDENTIAL.parse().unwrap(), false));
        assert_eq!(one.headers["anthropic-version"], version);
    }
    house.call(4).await;
    house.no_canary();
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
    assert_eq!(house.rig.recorder.security().iter().filter(|event| event.kind == SecurityKind::ApiKeyRejected).count(), 3);
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

#[tokio::test]
async fn a_limit_holds_in_a_body_of_any_length() {
    let house = House::start().await;
    let long = "x".repeat(3 * 1024 * 1024);
    for (end, status, code) in [
        (r#""model":"gpt-4o","max_tokens":7}"#, 200, Value::Null),
        (r#""model":"gpt-4","max_tokens":7}"#, 403, json!("model_not_allowed")),
        (r#""max_tokens":7}"#, 400, json!("model_required")),
    ] {
        let body = format!(r#"{{"messages":["{long}"],{end}"#);
        let length = body.len();
        let before = house.provider.got().len();
        let request = house.client.post(house.rig.url("/v1/ai/strict/chat/completions")).header("x-knoxcall-key", KEY);
        let response = request.header("content-type", "application/json").body(body).send().await.unwrap();
        assert_eq!(response.status(), status, "{end}");
        assert_eq!(response.json::<Value>().await.unwrap()["code"], code);
        if status == 200 {
            assert_eq!(house.provider.got().pop().unwrap().body.unwrap().len(), length);
        } else {
            until("the provider saw it break off", || house.provider.got().len() > before).await;
            assert!(house.provider.got().pop().unwrap().body.is_none(), "never whole");
        }
    }
    let call = house.call(1).await;
    assert_eq!((call.request_model.as_deref(), call.max_tokens), (Some("gpt-4o"), Some(7)));
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

#[tokio::test]
async fn failures_of_providers_are_told_by_name() {
    let house = House::start().await;
    let cases = [
        ("/bot/chat/completions", "status 401", 401, "401"),
        ("/bot/chat/completions", "status 429", 429, "invalid_request_error"),
        ("/claude/v1/messages", "status 429", 429, "rate_limit_error"),
        ("/bot/chat/completions", "status 500", 500, "500"),
        ("/bot/chat/completions", "status 599", 599, "_OTHER"),
    ];
    for (number, (path, script, status, kind)) in cases.into_iter().enumerate() {
        let response = house.post(path, &chat(&json!({}))).header("x-script", script).send().await.unwrap();
        assert_eq!((response.status().as_u16(), response.headers().contains_key("x-knox-upstream-status")), (status, true));
        assert!(response.text().await.unwrap().contains("canary-error"), "the provider's own words");
        let call = house.call(number + 1).await;
        assert_eq!((call.status, call.failure.as_ref().map(|failure| failure.kind), call.cancelled), (Some(status), Some(kind), false));
        assert_eq!(usage(&call), (None, None, vec![]));
    }
    house.provider.release();
    let response = house.post("/claude/v1/messages", &chat(&json!({"stream": true}))).header("x-script", "fail").send().await.unwrap();
    response.bytes().await.unwrap();
    let call = house.call(cases.len() + 1).await;
    assert_eq!((call.status, call.failure.unwrap().kind, call.input_tokens), (Some(200), "overloaded_error", Some(25)));
    let response = house.post("/bot/chat/completions", &chat(&json!({"stream": true}))).header("x-script", "cut").send().await.unwrap();
    assert!(response.bytes().await.is_err(), "the caller sees the cut");
    let call = house.call(cases.len() + 2).await;
    assert_eq!((call.status, call.failure.unwrap().kind, call.cancelled), (Some(200), "connection_closed", false));
    let request = house.rig.recorder.wait(cases.len() + 2).await.pop().unwrap();
    assert_eq!(request.failure.unwrap().kind, "connection_closed");
    let silent = house.post("/bot/chat/completions", &chat(&json!({}))).header("x-script", "silent").send().await.unwrap();
    assert_eq!(silent.status(), 200);
    silent.bytes().await.unwrap();
    assert_eq!(usage(&house.call(cases.len() + 3).await), (None, None, vec!["stop"]), "no number is invented");
    house.no_canary();
}

#[tokio::test]
async fn a_provider_that_is_not_there() {
    let closed = Closed::port();
    let url = format!("http://{closed}");
    let agents = vec![
        Arc::new(agent("bot", Api::OpenAi, &url)),
        Arc::new(Agent { models: vec!["gpt-4o".into()], ..agent("listed", Api::OpenAi, &url) }),
        Arc::new(agent("cloud", Api::OpenAi, "http://169.254.169.254")),
    ];
    let rig = Rig::start(&Table { agents, ..Table::to("http://127.0.0.1:1") }).await;
    let cases = [
        ("bot", "provider_unreachable", "connection_refused"),
        ("listed", "provider_unreachable", "connection_refused"),
        ("cloud", "target_not_allowed", "egress_blocked"),
    ];
    for (number, (slug, code, kind)) in cases.into_iter().enumerate() {
        let request = client().post(rig.url(&format!("/v1/ai/{slug}/chat/completions"))).header("x-knoxcall-key", KEY);
        let response = request.json(&chat(&json!({}))).send().await.unwrap();
        assert_eq!(response.status(), 502);
        let body: Value = response.json().await.unwrap();
        assert_eq!((&body["code"], body["errorId"].is_string()), (&json!(code), true));
        until("the call", || rig.recorder.calls().len() > number).await;
        let call = rig.recorder.calls().pop().unwrap();
        assert_eq!((call.status, call.failure.unwrap().kind, call.cancelled), (None, kind, false));
        assert_eq!((call.request_model.as_deref(), call.model_listed), (Some("gpt-4o"), slug == "listed"));
    }
    let security = rig.recorder.security();
    assert!(matches!(security[..], [server::event::Security { kind: SecurityKind::EgressBlocked { .. }, .. }]), "{security:?}");
}

#[tokio::test]
async fn callers_that_go_away_are_no_failures() {
    let house = House::start().await;
    let mut pieces = house.post("/claude/v1/messages", &chat(&json!({"stream": true}))).send().await.unwrap().bytes_stream();
    pieces.next().await.unwrap().unwrap();
    drop(pieces);
    let call = house.call(1).await;
    assert_eq!((call.cancelled, call.failure.is_none(), call.status), (true, true, Some(200)));
    assert_eq!((call.input_tokens, call.output_tokens), (Some(25), Some(1)), "as much as was reported");
    let request = house.rig.recorder.wait(1).await.pop().unwrap();
    assert!(request.cancelled && request.failure.is_none());
    until("the provider is let go", || house.provider.open() == 0).await;
    // And one that goes away while what it sends is held back.
    let mut stream = house.rig.connect().await;
    let head =
        format!("POST /v1/ai/strict/chat/completions HTTP/1.1\r\nHost: gw\r\nx-knoxcall-key: {KEY}\r\ncontent-type: application/json\r\n");
    stream.write_all(format!("{head}Content-Length: 100\r\n\r\n{{\"messages\"").as_bytes()).await.unwrap();
    stream.flush().await.unwrap();
    drop(stream);
    let request = house.rig.recorder.wait(2).await.pop().unwrap();
    assert!(request.cancelled && request.failure.is_none(), "{request:?}");
    assert_eq!((house.rig.recorder.calls().len(), house.provider.got().len()), (1, 1), "no call was made");
}

#[tokio::test]
async fn a_request_that_names_a_route_is_for_that_route() {
    let house = House::start().await;
    let request = house.post("/bot/chat/completions", &chat(&json!({}))).header("x-knoxcall-route", "billing");
    assert_eq!(request.send().await.unwrap().status(), 200);
    let got = house.provider.got().pop().unwrap();
    assert_eq!((got.path.as_str(), got.headers.contains_key("authorization")), ("/v1/ai/bot/chat/completions", false));
    assert_eq!(&*house.rig.recorder.wait(1).await[0].proxied.as_ref().unwrap().route, "billing");
    // And what does not begin so is no agent's.
    let other = house.client.post(house.rig.url("/v1/ai")).header("x-knoxcall-key", KEY).send().await.unwrap();
    assert_eq!(other.json::<Value>().await.unwrap()["error"], "Missing x-knoxcall-route header");
    assert!(house.rig.recorder.calls().is_empty());
}

#[tokio::test]
async fn with_traces_off_the_callers_context_passes_and_with_all_off_nothing_is_told() {
    let house = House::start().await;
    house.rig.recorder.traces.store(false, Ordering::SeqCst);
    let parent = format!("00-{}-{}-01", "ab".repeat(16), "cd".repeat(8));
    let ask = || house.post("/bot/chat/completions", &chat(&json!({}))).header("traceparent", &parent).header("tracestate", "a=b").send();
    assert_eq!(ask().await.unwrap().status(), 200);
    let call = house.call(1).await;
    assert_eq!((hex::encode(call.trace.trace_id), hex::encode(call.trace.span_id)), ("ab".repeat(16), "cd".repeat(8)));
    house.rig.recorder.events.store(false, Ordering::SeqCst);
    assert_eq!(ask().await.unwrap().status(), 200);
    for got in house.provider.got() {
        assert_eq!((&got.headers["traceparent"], &got.headers["tracestate"]), (&parent.parse().unwrap(), &HeaderValue::from_static("a=b")));
    }
    assert_eq!(house.rig.recorder.calls().len(), 1);
}

#[tokio::test]
async fn the_list_of_models_can_be_had() {
    let house = House::start().await;
    for path in ["/bot/models", "/claude/v1/models/gpt-4o"] {
        let response = house.client.get(house.rig.url(&format!("/v1/ai{path}"))).header("x-knoxcall-key", KEY).send().await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
    }
    assert_eq!(house.provider.got().iter().map(|got| got.path.as_str()).collect::<Vec<_>>(), ["/v1/models", "/v1/models/gpt-4o"]);
    assert_eq!((house.rig.recorder.wait(2).await.len(), house.rig.recorder.calls().len()), (2, 0), "which is no inference");
}

/// The first byte of a stream is not held until there is more.
#[tokio::test]
async fn the_first_chunk_is_there_while_the_second_was_never_sent() {
    let house = House::start().await;
    let mut stream = house.rig.connect().await;
    let body = chat(&json!({"stream": true})).to_string();
    let head = format!(
        "POST /v1/ai/bot/chat/completions HTTP/1.1\r\nHost: gw\r\nAuthorization: Bearer {KEY}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all((head + &body).as_bytes()).await.unwrap();
    let (mut text, mut piece) = (String::new(), [0; 4096]);
    let reading = async {
        while !text.contains(COMPLETION) {
            let read = stream.read(&mut piece).await.unwrap();
            text.push_str(std::str::from_utf8(&piece[..read]).unwrap());
        }
    };
    tokio::time::timeout(Duration::from_secs(10), reading).await.expect("the first chunk comes");
    assert!(!text.contains("[DONE]") && house.provider.open() == 1);
}

/// The official packages, unchanged, streaming and not. `cargo xtask test` installs them and names their interpreter.
#[tokio::test]
async fn the_official_clients_work_unchanged() {
    let python = std::env::var("KNOXCALL_AI_CLIENTS").expect(
        "KNOXCALL_AI_CLIENTS does not name a Python with the packages openai and anthropic: run `cargo xtask test`, which installs them",
    );
    let house = House::start().await;
    house.provider.release();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/gateway/official_clients.py");
    let running =
        tokio::process::Command::new(python).args(["-I", script, &house.rig.url(""), KEY]).env_clear().kill_on_drop(true).output();
    let output = tokio::time::timeout(Duration::from_secs(120), running).await.expect("the clients end in time").unwrap();
    let (told, failed) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{told}\n{failed}");
    let told: Vec<Value> = told.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let expected = [
        json!({"call": "chat", "text": COMPLETION, "output": 12}),
        json!({"call": "chat stream", "text": COMPLETION, "output": 7}),
        json!({"call": "responses", "text": COMPLETION, "output": 87}),
        json!({"call": "responses stream", "text": COMPLETION, "output": 87}),
        json!({"call": "embeddings", "vector": [0.25, -0.5], "input": 8}),
        json!({"call": "models", "ids": ["gpt-4o"]}),
        json!({"call": "messages", "text": COMPLETION, "output": 25}),
        json!({"call": "messages stream", "text": COMPLETION, "output": 15}),
        json!({"call": "openai refused", "status": 403, "code": "model_not_allowed"}),
        json!({"call": "openai wrong key", "status": 401, "code": "invalid_api_key"}),
        json!({"call": "anthropic refused", "status": 404, "code": "agent_not_found"}),
    ];
    assert_eq!(told, expected);
    house.call(7).await;
    let calls = house.rig.recorder.calls();
    let seen: Vec<_> = calls.iter().map(|call| (call.operation, call.stream, call.input_tokens, call.output_tokens)).collect();
    let expected = [
        ("chat", false, Some(9), Some(12)),
        ("chat", true, Some(5), Some(7)),
        ("chat", false, Some(36), Some(87)),
        ("chat", true, Some(36), Some(87)),
        ("embeddings", false, Some(8), None),
        ("chat", false, Some(15), Some(25)),
        ("chat", true, Some(25), Some(15)),
    ];
    assert_eq!(seen, expected);
    assert!(calls.iter().all(|call| call.failure.is_none() && !call.cancelled && call.request_model.is_some()));
    assert!(house.provider.got().iter().all(|got| !format!("{:?}", got.headers).contains(KEY)));
    house.no_canary();
}
