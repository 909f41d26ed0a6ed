//! An AI provider that speaks OpenAI's chat API and knows one sentence. It counts words and calls them tokens.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use hyper::{Response, StatusCode};
use serde_json::{Value, json};

use super::upstream::{Answer, json as answer_json};

const SENTENCE: &str = "This answer was scripted: the demo has no model, but the call went the whole way.";
pub(super) const MODEL: &str = "demo-model";
/// Between two pieces of a streamed answer, so that the streaming can be seen.
const PACE: Duration = Duration::from_millis(80);

pub(super) fn answer(path: &str, body: &[u8]) -> Answer {
    if path == "/models" {
        return answer_json(StatusCode::OK, &json!({ "object": "list", "data": [{ "id": MODEL, "object": "model" }] }));
    }
    let asked: Value = match serde_json::from_slice(body) {
        Ok(asked) if path == "/chat/completions" => asked,
        Ok(_) => return error(StatusCode::NOT_FOUND, "the demo's provider knows /chat/completions and /models"),
        Err(_) => return error(StatusCode::BAD_REQUEST, "the body is not JSON"),
    };
    let usage = usage(&asked);
    if asked["stream"] == true {
        let with_usage = asked["stream_options"]["include_usage"] == true;
        return streamed(with_usage.then_some(usage));
    }
    let choice = json!({ "index": 0, "message": { "role": "assistant", "content": SENTENCE }, "finish_reason": "stop" });
    answer_json(
        StatusCode::OK,
        &json!({ "id": "chatcmpl-demo", "object": "chat.completion", "created": 0, "model": MODEL, "choices": [choice], "usage": usage }),
    )
}

fn usage(asked: &Value) -> Value {
    let texts = asked["messages"].as_array().into_iter().flatten().filter_map(|message| message["content"].as_str());
    let prompt = texts.map(|text| text.split_whitespace().count()).sum::<usize>();
    let completion = SENTENCE.split_whitespace().count();
    json!({ "prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion })
}

/// A streamed answer, event by event.
fn events(usage: Option<Value>) -> Vec<String> {
    let chunk = |delta: Value, finish: Option<&str>| {
        let choice = json!({ "index": 0, "delta": delta, "finish_reason": finish });
        json!({ "id": "chatcmpl-demo", "object": "chat.completion.chunk", "created": 0, "model": MODEL, "choices": [choice] })
    };
    let words = SENTENCE.split_inclusive(' ').map(|word| chunk(json!({ "content": word }), None));
    let last = usage.map(|usage| {
        json!({ "id": "chatcmpl-demo", "object": "chat.completion.chunk", "created": 0, "model": MODEL, "choices": [], "usage": usage })
    });
    [chunk(json!({ "role": "assistant" }), None)]
        .into_iter()
        .chain(words)
        .chain([chunk(json!({}), Some("stop"))])
        .chain(last)
        .map(|event| format!("data: {event}\n\n"))
        .chain(["data: [DONE]\n\n".to_owned()])
        .collect()
}

fn streamed(usage: Option<Value>) -> Answer {
    let pieces = futures::stream::iter(events(usage)).then(|event| async move {
        tokio::time::sleep(PACE).await;
        Ok::<_, Infallible>(Frame::data(Bytes::from(event)))
    });
    let mut response = Response::new(StreamBody::new(pieces).boxed_unsync());
    response.headers_mut().insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("text/event-stream"));
    response
}

fn error(status: StatusCode, message: &str) -> Answer {
    answer_json(status, &json!({ "error": { "message": message, "type": "invalid_request_error" } }))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn text(answer: Answer) -> (StatusCode, String) {
        let status = answer.status();
        (status, String::from_utf8(answer.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap())
    }

    #[tokio::test]
    async fn speaks_as_openai_does() {
        let asked = json!({ "model": MODEL, "messages": [{ "role": "user", "content": "one two three" }] });
        let (status, body) = text(answer("/chat/completions", asked.to_string().as_bytes())).await;
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(
            (status, &body["choices"][0]["message"]["content"], &body["usage"]["prompt_tokens"]),
            (StatusCode::OK, &json!(SENTENCE), &json!(3))
        );

        let counted = events(Some(usage(&asked))).concat();
        assert!(counted.ends_with("data: [DONE]\n\n") && counted.contains("\"prompt_tokens\":3"), "{counted}");
        assert!(!events(None).concat().contains("prompt_tokens"), "not asked for");
        let pieces = counted.lines().filter_map(|line| serde_json::from_str::<Value>(line.strip_prefix("data: ")?).ok());
        let said: String = pieces.filter_map(|piece| piece["choices"][0]["delta"]["content"].as_str().map(str::to_owned)).collect();
        assert_eq!(said, SENTENCE);
        assert_eq!(text(answer("/chat/completions", b"{")).await.0, StatusCode::BAD_REQUEST);
        assert_eq!(text(answer("/images", b"{}")).await.0, StatusCode::NOT_FOUND);
    }
}
