//! What requests ask for, and how they try to get around limits.

use std::num::NonZeroU32;

use http::{HeaderMap, Method};
use proptest::prelude::*;

use super::*;
use crate::live::Upstream;
use crate::values::{Endpoint, Provider};

fn agent(models: &[&str], max_output_tokens: u32, tokens_per_minute: u32) -> Arc<Agent> {
    Arc::new(Agent {
        id: uuid::Uuid::nil(),
        slug: "a".into(),
        handle: "ai/a".into(),
        provider: Provider::OpenAi,
        upstream: Upstream::new(&Endpoint::parse_exact("http://up").unwrap()).unwrap(),
        inject: HeaderMap::new(),
        models: models.iter().map(|model| (*model).into()).collect(),
        max_output_tokens: NonZeroU32::new(max_output_tokens),
        tokens_per_minute: NonZeroU32::new(tokens_per_minute),
    })
}

fn limits(agent: &Arc<Agent>, path: &str) -> Result<Option<Limits>, Denied> {
    Limits::of(agent, Operation::of(&Method::POST, path).unwrap().unwrap())
}

/// What becomes of a body, in pieces.
fn judge(limits: &Option<Limits>, body: &[u8], size: usize) -> (Result<(), Denied>, Asked) {
    let mut reading = Reading::new(limits.clone());
    let judged = body.chunks(size).try_for_each(|piece| reading.feed(piece)).and_then(|()| reading.end());
    let asked = reading.shared().lock().clone();
    (judged, asked)
}

fn verdict(limits: &Option<Limits>, body: &str) -> Result<(), Denied> {
    let whole = judge(limits, body.as_bytes(), usize::MAX).0;
    for size in 1..9 {
        assert_eq!(judge(limits, body.as_bytes(), size).0, whole, "in pieces of {size}: {body}");
    }
    whole
}

#[test]
fn parameters_are_read_and_nothing_is_refused_without_limits() {
    let none = limits(&agent(&[], 0, 0), "/chat/completions").unwrap();
    assert!(none.is_none());
    let (judged, asked) = judge(
        &none,
        br#"{"messages":[{"role":"user","content":"model"}],"model":"gpt-4o","temperature":0.7,"top_p":1,"max_tokens":10,"max_completion_tokens":20,"stream":true}"#,
        7,
    );
    assert_eq!(judged, Ok(()));
    assert_eq!((asked.model.as_deref(), asked.max_tokens, asked.stream), (Some("gpt-4o"), Some(20), true));
    assert_eq!((asked.temperature, asked.top_p), (Some(0.7), Some(1.0)));
    assert_eq!(verdict(&none, "not JSON"), Ok(()));
    assert_eq!(verdict(&none, r#"{"model":"a","model":"b"}"#), Ok(()));
    assert_eq!(limits(&agent(&[], 0, 0), "/files").map(|limits| limits.is_none()), Ok(true));
}

#[test]
fn the_allow_list_holds_whatever_the_body_looks_like() {
    let allowed = limits(&agent(&["gpt-4o", "b"], 0, 0), "/chat/completions").unwrap();
    for body in [
        r#"{"model":"gpt-4o"}"#,
        r#"{"messages":[{"model":"x"}],"mod\u0065l":"gpt\u002d4o"}"#,
        r#" {"model" : "b" } "#,
        r#"{"model":"gpt-4o","tools":[{"model":"b"},{"model":"gpt-4o"},{"parameters":{"model":"x"}},[{"model":"x"}],1]}"#,
        r#"{"model":"gpt-4o","tools":null}"#,
    ] {
        assert_eq!(verdict(&allowed, body), Ok(()), "{body}");
    }
    for (body, denied) in [
        (r#"{"model":"gpt-4"}"#, Denied::Model),
        (r#"{"model":"GPT-4o"}"#, Denied::Model),
        (r#"{"messages":[]}"#, Denied::ModelMissing),
        (r#"{"model":["gpt-4o"]}"#, Denied::ModelMissing),
        (r#"{"model":null}"#, Denied::ModelMissing),
        (r#"{"model":"gpt-4o","x":1,"model":"b"}"#, Denied::Repeated),
        (r#"{"model":"gpt-4o","Model":"gpt-4"}"#, Denied::Spelling),
        (r#"{"MODEL":"gpt-4o"}"#, Denied::Spelling),
        (r#"{"model":"gpt-4o","fallbacks":["gpt-4"]}"#, Denied::Model),
        (r#"{"model":"gpt-4o","models":["gpt-4"]}"#, Denied::Model),
        (r#"{"model":"gpt-4o","tools":[{"type":"function"},{"type":"image_generation","model":"gpt-image-1"}]}"#, Denied::Model),
        (r#"{"model":"gpt-4o","tools":[{"model":"b","model":"gpt-4"}]}"#, Denied::Model),
        (r#"{"tools":[{"Model":"b"}],"model":"gpt-4o"}"#, Denied::Spelling),
        (r#"{"Tools":[],"model":"gpt-4o"}"#, Denied::Spelling),
        (r#"{"tools":[],"tools":[{"model":"gpt-4"}],"model":"gpt-4o"}"#, Denied::Repeated),
        (r#"{"tools":[{"model":["gpt-4"]}],"model":"gpt-4o"}"#, Denied::ModelMissing),
        (r#"{"model":"gpt-4o"} {"model":"gpt-4"}"#, Denied::InvalidJson),
        (r#"[{"model":"gpt-4o"}]"#, Denied::InvalidJson),
        (r#"{"model":"gpt-4o""#, Denied::InvalidJson),
        ("", Denied::InvalidJson),
        ("model=gpt-4o", Denied::InvalidJson),
    ] {
        assert_eq!(verdict(&allowed, body), Err(denied), "{body}");
    }
    assert_eq!(limits(&agent(&["m"], 0, 0), "/files").unwrap_err(), Denied::Path);
    assert_eq!(limits(&agent(&[], 5, 0), "/deployments/m/chat/completions").unwrap_err(), Denied::Path);
}

#[test]
fn output_is_limited_under_each_of_its_names() {
    let hundred = limits(&agent(&[], 100, 0), "/v1/messages").unwrap();
    for body in [
        r#"{"max_tokens":100}"#,
        r#"{"max_completion_tokens":1e2}"#,
        r#"{"max_output_tokens":1,"max_tokens":2}"#,
        r#"{"max_tokens":50,"n":2}"#,
        r#"{"max_tokens":50,"n":null}"#,
        r#"{"max_tokens":100,"prompt":"one"}"#,
        r#"{"max_tokens":100,"prompt":[1,2,3]}"#,
        r#"{"max_tokens":100,"prompt":[]}"#,
        r#"{"max_tokens":50,"prompt":["a","b"]}"#,
        r#"{"prompt":[[1,2],[3,4]],"max_tokens":25,"n":1,"best_of":2}"#,
    ] {
        assert_eq!(verdict(&hundred, body), Ok(()), "{body}");
    }
    for (body, denied) in [
        (r#"{"max_tokens":101}"#, Denied::Tokens),
        (r#"{"max_tokens":0}"#, Denied::TokensMissing),
        (r#"{"max_output_tokens":1}"#, Denied::TokensMissing),
        (r#"{"MAX_TOKENS":1,"max_tokens":1}"#, Denied::Spelling),
        (r#"{"max_tokens":1,"max_completion_tokens":101}"#, Denied::Tokens),
        (r#"{"n":2,"max_tokens":51}"#, Denied::Tokens),
        (r#"{"max_tokens":51,"best_of":2}"#, Denied::Tokens),
        (r#"{"max_tokens":51,"prompt":["a","b"]}"#, Denied::Tokens),
        (r#"{"prompt":["a","b","c"],"max_tokens":34}"#, Denied::Tokens),
        (r#"{"prompt":[[1,2],[3,4]],"max_tokens":26,"n":2}"#, Denied::Tokens),
        (r#"{"prompt":["[\"",{"a":["b"]}],"best_of":3,"max_tokens":17}"#, Denied::Tokens),
        (r#"{"prompt":"a","prompt":["a","b"],"max_tokens":1}"#, Denied::Repeated),
        (r#"{"Prompt":["a","b"],"max_tokens":1}"#, Denied::Spelling),
        (r#"{"max_tokens":50,"n":"9"}"#, Denied::Tokens),
        (r#"{"max_tokens":"101"}"#, Denied::TokensMissing),
        (r#"{"max_tokens":-1}"#, Denied::TokensMissing),
        (r#"{"max_tokens":1.5}"#, Denied::TokensMissing),
        (r#"{"max_tokens":null}"#, Denied::TokensMissing),
        (r#"{"model":"m"}"#, Denied::TokensMissing),
    ] {
        assert_eq!(verdict(&hundred, body), Err(denied), "{body}");
    }
    assert!(limits(&agent(&[], 100, 0), "/embeddings").unwrap().is_none(), "nothing is generated there");
    let responses = limits(&agent(&[], 100, 0), "/responses").unwrap();
    assert_eq!(verdict(&responses, r#"{"max_output_tokens":100}"#), Ok(()));
    assert_eq!(verdict(&responses, r#"{"max_tokens":1}"#), Err(Denied::TokensMissing), "a name that is not this API's says nothing");
    assert_eq!(verdict(&responses, r#"{"max_output_tokens":101,"max_tokens":1}"#), Err(Denied::Tokens));
}

#[test]
fn a_counted_stream_has_to_tell_its_usage() {
    let counted = limits(&agent(&[], 0, 100), "/chat/completions").unwrap();
    assert_eq!(verdict(&counted, r#"{"model":"m"}"#), Ok(()));
    assert_eq!(verdict(&counted, r#"{"stream":false}"#), Ok(()));
    assert_eq!(verdict(&counted, r#"{"stream":true,"stream_options":{"include_usage":true}}"#), Ok(()));
    for body in [r#"{"stream":true}"#, r#"{"stream":1}"#, r#"{"stream":true,"stream_options":{"include_usage":false}}"#] {
        assert_eq!(verdict(&counted, body), Err(Denied::UsageMissing), "{body}");
    }
    let twice = r#"{"stream":true,"stream_options":{"include_usage":true},"stream_options":{}}"#;
    assert_eq!(verdict(&counted, twice), Err(Denied::Repeated));
    assert!(limits(&agent(&[], 0, 100), "/messages").unwrap().is_none(), "it always does there");
}

#[test]
fn a_body_is_held_back_until_everything_was_named() {
    let limits = limits(&agent(&["m"], 100, 0), "/chat/completions").unwrap();
    let mut reading = Reading::new(limits);
    for (piece, decided) in [(r#"{"messages":["long"],"#, false), (r#""model":"m","#, false), (r#""max_tokens":7,"#, true)] {
        reading.feed(piece.as_bytes()).unwrap();
        assert_eq!(reading.decided(), decided, "{piece}");
    }
    assert_eq!(reading.feed(br#""model":"other"}"#), Err(Denied::Repeated), "and what follows is read on");
    let mut unlimited = Reading::new(None);
    assert!(!unlimited.decided());
    unlimited.feed(br#"{"model":"m","#).unwrap();
    assert!(unlimited.decided(), "the name is all there is to know");
    let mut other = Reading::new(None);
    other.feed(b"--boundary").unwrap();
    assert!(other.decided(), "nothing will be known");
}

proptest! {
    /// A body that passes names an allowed model once, as any JSON parser sees it.
    #[test]
    fn what_passes_is_allowed(body in prop_oneof![
        r#"\{("model"|"Model"|"x"|"models"):("m"|"other"|1|null|\{"model":"m"\})(,("model"|"y"|"mode\\u006c"):("m"|"other"|\["model"\])){0,2}\}"#,
        ".{0,40}",
    ]) {
        let limits = limits(&agent(&["m"], 0, 0), "/chat/completions").unwrap();
        if judge(&limits, body.as_bytes(), 3).0.is_ok() {
            let value: serde_json::Value = serde_json::from_str(&body).unwrap();
            let named: Vec<_> = value.as_object().unwrap().iter().filter(|(key, _)| key.eq_ignore_ascii_case("model")).collect();
            prop_assert_eq!(named.len(), 1);
            prop_assert_eq!(named[0].1, "m");
        }
    }
}
