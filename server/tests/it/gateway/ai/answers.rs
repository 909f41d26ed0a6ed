//! What comes of calls: answers whole and streamed, failures, and callers that go away.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use http::HeaderValue;
use serde_json::{Value, json};
use server::event::{Ai, SecurityKind};
use server::live::Agent;
use server::values::Provider as Api;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{House, PROMPT, agent, chat, traceparent};
use crate::gateway::rig::{KEY, Rig, TENANT, Table, client, read_to_end};
use crate::support::network::Closed;
use crate::support::provider::COMPLETION;
use crate::support::upstream::until;

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
        assert_eq!(got.headers["traceparent"], traceparent(&call.trace), "the call's own span");
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

/// The provider has begun to read it, and nobody went away.
#[tokio::test]
async fn a_body_that_can_not_be_passed_on_to_its_end_fails_its_call() {
    let house = House::start().await;
    let begun = r#"{"model":"gpt-4o","messages":[""#;
    let mut stream = house.rig.connect().await;
    let head = format!("POST /v1/ai/bot/chat/completions HTTP/1.1\r\nHost: gw\r\nx-knoxcall-key: {KEY}\r\nTransfer-Encoding: chunked\r\n");
    stream.write_all(format!("{head}Expect: 100-continue\r\n\r\n").as_bytes()).await.unwrap();
    let mut go_on = [0; 25];
    stream.read_exact(&mut go_on).await.unwrap();
    assert_eq!(go_on, *b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(format!("{:x}\r\n{begun}\r\nnonsense\r\n", begun.len()).as_bytes()).await.unwrap();
    let answer = read_to_end(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("\"code\":\"bad_request\""), "{answer}");

    let more = bytes::Bytes::from(vec![b'x'; 1024 * 1024]);
    let pieces = std::iter::once(bytes::Bytes::from(begun)).chain(std::iter::repeat_n(more, 101)).map(Ok::<_, std::io::Error>);
    let request = client().post(house.rig.url("/v1/ai/bot/chat/completions")).header("x-knoxcall-key", KEY);
    let response = request.body(reqwest::Body::wrap_stream(futures::stream::iter(pieces))).send().await.unwrap();
    assert_eq!(response.status(), 413);
    assert_eq!(response.json::<Value>().await.unwrap()["code"], "body_too_large");

    house.call(2).await;
    let calls = house.rig.recorder.calls();
    let told: Vec<_> = calls.iter().map(|call| (call.failure.as_ref().map(|failure| failure.kind), call.status, call.cancelled)).collect();
    assert_eq!(told, [(Some("bad_request"), None, false), (Some("body_too_large"), None, false)]);
    let requests = house.rig.recorder.wait(2).await;
    let told: Vec<_> = requests.iter().map(|request| (request.status, request.failure.is_some(), request.cancelled)).collect();
    assert_eq!(told, [(Some(400), false, false), (Some(413), false, false)], "no failures of the gateway");
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
