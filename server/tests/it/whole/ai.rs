//! AI calls through the binary: their telemetry arrives, and no prompt, completion or credential is in any byte that leaves
//! for a collector or for Sentry, nor in the log, nor on disk.

use serde_json::{Value, json};
use tempfile::tempdir;

use super::{KEY, Process, Setup, everything_in};
use crate::support::collector::{Collector, attributes};
use crate::support::provider::{COMPLETION, Provider};
use crate::support::sentry::FakeSentry;

const PROMPT: &str = "canary-prompt";
const CREDENTIAL: &str = "sk-canary-credential";

fn bootstrap(provider: &Provider, collector: &Collector, own: &Collector) -> String {
    let (collector, own, provider) = (collector.endpoint(), own.endpoint(), provider.url());
    format!(
        r#"
[otlp]
endpoint = "{collector}"
[[workspace]]
slug = "acme"
[workspace.telemetry]
endpoint = "{own}"
[[workspace.api_key]]
name = "default"
key = "{KEY}"
[[workspace.ai_agent]]
slug = "bot"
provider = "openai"
base_url = "{provider}/v1"
credential = "{CREDENTIAL}"
[[workspace.ai_agent]]
slug = "claude"
provider = "anthropic"
base_url = "{provider}"
credential = "{CREDENTIAL}"
[[workspace.ai_agent]]
slug = "gone"
provider = "openai_compatible"
base_url = "http://127.0.0.1:1/v1"
credential = "{CREDENTIAL}"
"#
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn no_prompt_completion_or_credential_leaves_in_telemetry() {
    let (provider, sentry) = (Provider::start().await, FakeSentry::start().await);
    let (collector, own) = (Collector::start().await, Collector::start().await);
    provider.release();
    let folder = tempdir().unwrap();
    let data = folder.path().join("data");
    let file = bootstrap(&provider, &collector, &own);
    let env = [("SENTRY_DSN_BACKEND", sentry.dsn.as_str()), ("OTEL_BSP_SCHEDULE_DELAY", "20"), ("RUST_LOG", "debug")];
    let process = Process::start(&data, &Setup { bootstrap: Some(&file), env: &env, ..Setup::default() });
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let message = json!([{ "role": "user", "content": PROMPT }]);
    let chat = json!({ "model": "gpt-4o", "messages": message, "max_tokens": 9 });
    let streamed = json!({ "model": "gpt-4o", "messages": message, "stream": true, "stream_options": { "include_usage": true } });
    let calls: [(&str, &Value, &str, u16); 7] = [
        ("/bot/chat/completions", &chat, "", 200),
        ("/bot/chat/completions", &streamed, "", 200),
        ("/claude/v1/messages", &chat, "", 200),
        ("/claude/v1/messages", &streamed, "", 200),
        ("/bot/chat/completions", &chat, "status 429", 429),
        ("/bot/chat/completions", &streamed, "fail", 200),
        ("/gone/chat/completions", &chat, "", 502),
    ];
    let mut answered = String::new();
    for (path, body, script, status) in calls {
        let mut request = client.post(format!("{}/v1/ai{path}", process.gateway)).header("x-knoxcall-key", KEY);
        if !script.is_empty() {
            request = request.header("x-script", script);
        }
        let answer = request.header("content-type", "application/json").body(body.to_string()).send().await.unwrap();
        assert_eq!(answer.status(), status, "{path} {script}");
        answered.push_str(&answer.text().await.unwrap());
    }
    assert!(answered.contains(COMPLETION), "the callers got what they asked for");

    let is_call = |name: &str| name.starts_with("chat ");
    // The request ends after its call, and may come in a later payload.
    let received = collector.wait_for(|all| {
        let spans = all.spans();
        let mut of_calls = spans.iter().filter(|span| is_call(&span.record.name));
        let there = |id: &[u8]| spans.iter().any(|other| other.record.span_id == id);
        of_calls.clone().count() == calls.len() && of_calls.all(|span| there(&span.record.parent_span_id))
    });
    let received = received.await;
    let spans = received.spans();
    for span in spans.iter().filter(|span| is_call(&span.record.name)) {
        let request = spans.iter().find(|other| other.record.span_id == span.record.parent_span_id);
        assert!(request.is_some_and(|request| request.record.trace_id == span.record.trace_id), "within its request's trace");
    }
    let tokens = spans.iter().filter(|span| attributes(&span.record.attributes).contains_key("gen_ai.usage.output_tokens")).count();
    assert!(tokens >= 4, "usage of JSON and streams of both APIs: {tokens}");
    sentry.wait_for(|posted| !posted.is_empty()).await;
    process.signal("TERM");
    let (status, output) = process.ended();
    assert!(status.success(), "{output}");

    let mut bytes = vec![("the log", output), ("the data folder", everything_in(&data))];
    for (whose, collector) in [("the operator's collector", &collector), ("the workspace's collector", &own)] {
        let requests = collector.received().requests;
        assert!(!requests.is_empty(), "{whose} got something");
        bytes.extend(requests.iter().map(|request| (whose, String::from_utf8_lossy(&request.body).into_owned())));
    }
    bytes.extend(sentry.posted().into_iter().map(|posted| ("Sentry", posted.raw)));
    for (what, text) in bytes {
        for canary in [PROMPT, COMPLETION, CREDENTIAL, "canary"] {
            assert!(!text.contains(canary), "{canary} is in {what}");
        }
    }
}
