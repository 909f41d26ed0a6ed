//! Answers of the four APIs, whole and in pieces, honest and not.

use proptest::prelude::*;

use super::*;

fn read_in(content_type: &str, text: &[u8], size: usize) -> Found {
    let mut reader = Reader::of(content_type).unwrap();
    text.chunks(size).for_each(|piece| reader.feed(piece));
    reader.end()
}

/// In pieces of any size it says the same.
fn read(content_type: &str, text: &str) -> Found {
    let whole = read_in(content_type, text.as_bytes(), usize::MAX);
    for size in 1..40 {
        assert_eq!(read_in(content_type, text.as_bytes(), size), whole, "in pieces of {size}");
    }
    whole
}

fn json(text: &str) -> Found {
    read("application/json; charset=utf-8", text)
}

fn stream(text: &str) -> Found {
    let found = read("text/event-stream", text);
    assert_eq!(read("text/event-stream;charset=utf-8", &text.replace('\n', "\r\n")), found, "with CRLF");
    found
}

/// Model, id, reasons, input and output.
type Facts<'a> = (Option<&'a str>, Option<&'a str>, Vec<&'a str>, Option<u64>, Option<u64>);

fn facts(found: &Found) -> Facts<'_> {
    (found.model.as_deref(), found.id.as_deref(), found.reasons.iter().map(String::as_str).collect(), found.input(), found.output)
}

#[test]
fn openai_chat() {
    let found = json(
        r#"{"id":"chatcmpl-1","object":"chat.completion","model":"gpt-4o-2024-08-06","choices":[{"index":0,"message":{"role":"assistant",
        "content":"{\"usage\":{\"prompt_tokens\":99}}"},"finish_reason":"stop"},{"finish_reason":"length"}],
        "usage":{"prompt_tokens":9,"completion_tokens":12,"total_tokens":21,"prompt_tokens_details":{"cached_tokens":4,"input_tokens":7}}}"#,
    );
    assert_eq!(facts(&found), (Some("gpt-4o-2024-08-06"), Some("chatcmpl-1"), vec!["stop", "length"], Some(9), Some(12)));
    assert_eq!((found.tokens(), found.error), (21, None));
}

#[test]
fn openai_chat_stream() {
    let text = r#"data: {"id":"","model":"","choices":[]}

data: {"id":"chatcmpl-2","model":"gpt-4o","choices":[{"delta":{"content":"data: {\n\n"},"finish_reason":null}],"usage":null}

data: {"id":"chatcmpl-2","model":"gpt-4o","choices":[{"delta":{},"finish_reason":"stop"}],"usage":null}

data: {"id":"chatcmpl-2","model":"gpt-4o","choices":[],"usage":{"prompt_tokens":5,"completion_tokens":7}}

data: [DONE]

"#;
    assert_eq!(facts(&stream(text)), (Some("gpt-4o"), Some("chatcmpl-2"), vec!["stop"], Some(5), Some(7)));
    let without = text.replace(r#""usage":{"prompt_tokens":5,"completion_tokens":7}"#, r#""usage":null"#);
    assert_eq!(facts(&stream(&without)), (Some("gpt-4o"), Some("chatcmpl-2"), vec!["stop"], None, None), "no number is invented");
}

#[test]
fn openai_responses() {
    let body = r#"{"id":"resp_1","object":"response","status":"completed","error":null,"incomplete_details":null,"model":"gpt-4o",
        "output":[{"type":"message","status":"completed","content":[{"type":"output_text","text":"x"}]}],
        "usage":{"input_tokens":36,"input_tokens_details":{"cached_tokens":0},"output_tokens":87,"total_tokens":123}}"#;
    assert_eq!(facts(&json(body)), (Some("gpt-4o"), Some("resp_1"), vec!["completed"], Some(36), Some(87)));
    let one_line = body.replace('\n', "");
    let begun = one_line.replace("completed", "in_progress").replace(r#""input_tokens":36"#, r#""input_tokens":null"#);
    let text = format!(
        "event: response.created\ndata: {{\"type\":\"response.created\",\"response\":{}}}\n\nevent: response.output_text.delta\n\
         data: {{\"type\":\"response.output_text.delta\",\"delta\":\"stop_reason\"}}\n\nevent: response.completed\n\
         data: {{\"type\":\"response.completed\",\"response\":{one_line}}}\n\n",
        begun.replace("87", "null")
    );
    assert_eq!(facts(&stream(&text)), (Some("gpt-4o"), Some("resp_1"), vec!["completed"], Some(36), Some(87)));
    let incomplete = body
        .replacen("completed", "incomplete", 1)
        .replace("\"incomplete_details\":null", "\"incomplete_details\":{\"reason\":\"max_output_tokens\"}");
    assert_eq!(json(&incomplete).reasons, ["max_output_tokens"]);
    let failed = r#"{"id":"resp_2","status":"failed","error":{"code":"server_error","message":"canary"}}"#;
    assert_eq!((json(failed).error, json(failed).reasons.len()), (Some("server_error"), 0));
    assert_eq!(json(r#"{"id":"resp_2","status":"failed"}"#).error, Some("provider_error"));
}

#[test]
fn embeddings() {
    let found = json(
        r#"{"object":"list","data":[{"object":"embedding","embedding":[0.1,-2e-3],"index":0}],"model":"text-embedding-3-small",
        "usage":{"prompt_tokens":8,"total_tokens":8}}"#,
    );
    assert_eq!(facts(&found), (Some("text-embedding-3-small"), None, vec![], Some(8), None));
}

#[test]
fn anthropic_messages() {
    let found = json(
        r#"{"id":"msg_1","type":"message","role":"assistant","model":"claude-sonnet-4-5","content":[{"type":"text","text":"x"}],
        "stop_reason":"end_turn","stop_sequence":null,
        "usage":{"input_tokens":10,"cache_creation_input_tokens":3,"cache_read_input_tokens":200,"output_tokens":25}}"#,
    );
    assert_eq!(facts(&found), (Some("claude-sonnet-4-5"), Some("msg_1"), vec!["end_turn"], Some(213), Some(25)));
    let text = r#"event: message_start
data: {"type":"message_start","message":{"id":"msg_2","type":"message","model":"claude-sonnet-4-5","content":[],"stop_reason":null,"usage":{"input_tokens":25,"output_tokens":1}}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"{\"usage\":{\"output_tokens\":9999}}"}}

: ping
event: message_delta
data: {"type":"message_delta",
data: "delta":{"stop_reason":"max_tokens","stop_sequence":null},
data: "usage":{"output_tokens":15}}

event: message_stop
data: {"type":"message_stop"}

"#;
    assert_eq!(facts(&stream(text)), (Some("claude-sonnet-4-5"), Some("msg_2"), vec!["max_tokens"], Some(25), Some(15)));
    let cut = text.split("event: message_delta").next().unwrap();
    assert_eq!(facts(&stream(cut)), (Some("claude-sonnet-4-5"), Some("msg_2"), vec![], Some(25), Some(1)), "as much as was reported");
}

#[test]
fn errors_by_name_and_nothing_of_their_text() {
    for (text, kind) in [
        (r#"{"error":{"message":"canary","type":"invalid_request_error","code":null}}"#, "invalid_request_error"),
        (r#"{"error":{"message":"canary","type":"canary prompt","code":"canary"}}"#, "provider_error"),
        (r#"{"type":"error","error":{"type":"overloaded_error","message":"canary"}}"#, "overloaded_error"),
        (r#"{"error":"canary"}"#, "provider_error"),
        (r#"{"type":"error","code":"canary","message":"canary"}"#, "provider_error"),
    ] {
        for found in [json(text), stream(&format!("data: {text}\n\n"))] {
            assert_eq!(found.error, Some(kind), "{text}");
            assert!(!format!("{found:?}").contains("canary"));
        }
    }
    assert_eq!(json(r#"{"error":null,"type":"message"}"#).error, None);
}

#[test]
fn what_looks_like_prose_is_no_name() {
    let text = format!(
        r#"{{"id":"canary of a prompt","model":"{}","choices":[{{"finish_reason":"canary reason"}},{{"finish_reason":"canary\n"}}]}}"#,
        "canary".repeat(30)
    );
    let found = json(&text);
    assert!(!format!("{found:?}").contains("canary"), "{found:?}");
    let many = format!("{{\"choices\":[{}]}}", vec![r#"{"finish_reason":"stop"}"#; 1_000].join(","));
    assert_eq!(json(&many).reasons.len(), MAX_REASONS);
    let wrong = r#"{"model":7,"usage":{"prompt_tokens":-1,"completion_tokens":"12","input_tokens":1.5}}"#;
    assert_eq!(facts(&json(wrong)), (None, None, vec![], None, None));
}

#[test]
fn only_answers_that_can_tell() {
    for other in ["audio/mpeg", "", "text/plain", "text/event-streams", "application/x-ndjson"] {
        assert!(Reader::of(other).is_none(), "{other}");
    }
    assert!(Reader::of("Application/problem+json").is_some_and(|reader| !reader.is_stream()));
    assert!(Reader::of("TEXT/EVENT-STREAM; charset=utf-8").is_some_and(|reader| reader.is_stream()));
}

proptest! {
    #[test]
    fn any_stream_is_read_the_same_in_pieces(bytes in prop::collection::vec(any::<u8>(), 0..300), size in 1_usize..9) {
        let text = [b"data: {\"usage\":{\"input_tokens\":1,\"x\":\"".as_slice(), &bytes].concat();
        let whole = read_in("text/event-stream", &text, usize::MAX);
        prop_assert_eq!(read_in("text/event-stream", &text, size), whole);
    }
}
