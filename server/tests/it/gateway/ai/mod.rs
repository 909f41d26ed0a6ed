//! The AI gateway, as its callers and providers see it.

mod answers;
mod limits;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use http::{HeaderMap, HeaderValue};
use serde_json::{Value, json};
use server::event::{Ai, TraceContext};
use server::live::{Agent, Upstream};
use server::values::{Endpoint, Provider as Api};
use uuid::Uuid;

use super::rig::{KEY, Rig, Table, client};
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

/// As it is sent by whoever has this place in the trace.
fn traceparent(trace: &TraceContext) -> String {
    format!("00-{}-{}-01", hex::encode(trace.trace_id), hex::encode(trace.span_id))
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
    let cases = [("/bot/models", "/v1/models"), ("/claude/v1/models/gpt-4o", "/v1/models/gpt-4o")];
    for (number, (path, asked)) in cases.into_iter().enumerate() {
        let response = house.client.get(house.rig.url(&format!("/v1/ai{path}"))).header("x-knoxcall-key", KEY).send().await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        response.bytes().await.unwrap();
        let (request, got) = (house.rig.recorder.wait(number + 1).await.pop().unwrap(), house.provider.got().pop().unwrap());
        assert_eq!(got.path, asked);
        assert_eq!(got.headers["traceparent"], traceparent(&request.trace), "there is no other span that it could hang below");
    }
    assert_eq!((house.rig.recorder.requests().len(), house.rig.recorder.calls().len()), (2, 0), "which is no inference");
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
