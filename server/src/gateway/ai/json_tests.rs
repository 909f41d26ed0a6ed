//! The scanner against serde_json, and against what is meant to confuse it.

use proptest::prelude::*;

use super::*;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Model,
    Count,
    Reason,
    Deep,
}

const INNER: &[Node<Field>] = &[Node::take("count", Field::Count), Node::object("in", &[Node::take("deep", Field::Deep)])];
const NODES: &[Node<Field>] =
    &[Node::take("model", Field::Model), Node::object("usage", INNER), Node::each("choices", &[Node::take("reason", Field::Reason)])];

fn scan_pieces(pieces: &[&[u8]], names: Names) -> (Vec<(Field, Value)>, State) {
    let mut scanner = Scanner::new(NODES, names);
    let mut seen = Vec::new();
    for piece in pieces {
        scanner.feed(piece, &mut |field, value| seen.push((field, value)));
    }
    (seen, scanner.state)
}

/// Split at every byte it says the same as whole.
fn scan(text: &[u8]) -> (Vec<(Field, Value)>, State) {
    let whole = scan_pieces(&[text], Names::Exact);
    let bytes: Vec<&[u8]> = text.chunks(1).collect();
    assert_eq!(scan_pieces(&bytes, Names::Exact), whole, "byte by byte: {}", String::from_utf8_lossy(text));
    for at in 0..text.len().min(400) {
        assert_eq!(scan_pieces(&[&text[..at], &text[at..]], Names::Exact), whole, "split at {at}");
    }
    whole
}

fn text(value: &str) -> Value {
    Value::Text(value.to_owned())
}

#[test]
fn finds_what_is_wanted_and_nothing_else() {
    let (seen, state) = scan(
        br#" { "other" : [1,{"model":"no","x":"]}\"{"}], "model":"gp\u0074-4o\n", "usage":{"x":{"count":9},"count":12,"in":{"deep":true}},
            "choices":[{"reason":null,"text":"model\":\"x"},7,[{"reason":"no"}],{"reason":"stop"}], "text":"\\", "e":-1.5e3 } "#,
    );
    assert_eq!(state, State::Done);
    let expected = [
        (Field::Model, text("gpt-4o\n")),
        (Field::Count, Value::Number(12.0)),
        (Field::Deep, Value::Bool(true)),
        (Field::Reason, Value::Null),
        (Field::Reason, text("stop")),
    ];
    assert_eq!(seen, expected);
}

#[test]
fn every_occurrence_is_told_of() {
    let (seen, _) = scan(br#"{"model":"a","model":{"x":1},"model":[],"m\u006fdel":1}"#);
    let values: Vec<_> = seen.into_iter().map(|(_, value)| value).collect();
    assert_eq!(values, [text("a"), Value::Other, Value::Other, Value::Number(1.0)]);
    let (seen, _) = scan_pieces(&["{\"Model\":1,\"MODEL\":2,\"mode\":3,\"mod\u{e9}l\":4}".as_bytes()], Names::AnyCase);
    assert_eq!(seen.len(), 2);
    let folded: &[Node<Field>] = const { &[Node::take("max_tokens", Field::Count)] };
    let mut scanner = Scanner::new(folded, Names::AnyCase);
    let mut count = 0;
    scanner.feed("{\"max_to\u{212a}en\u{17f}\":1,\"MAX_tokens\":2}".as_bytes(), &mut |_, _| count += 1);
    assert_eq!(count, 2);
}

#[test]
fn what_is_not_an_object_is_refused() {
    for broken in [
        &b"[]"[..],
        b"\"model\"",
        b"7 ",
        b"\xef\xbb\xbf{}",
        b"{\0\"\0m\0",
        b"\0{",
        b"{'model':1}",
        b"{model:1}",
        b"{,}",
        b"{\"a\":1,}",
        b"{\"a\" 1}",
        b"{\"a\":}",
        b"{\"a\":1]",
        b"{\"a\":1 /* x */}",
        b"{\"usage\":{\"count\":1]}",
        b"{\"choices\":[1}}",
        b"{} {",
        b"{}x",
        b"{\"a\":\x01}",
        b"{\"model\":!}",
    ] {
        assert_eq!(scan(broken).1, State::Broken, "{}", String::from_utf8_lossy(broken));
    }
    for unfinished in [&b""[..], b" ", b"{", b"{\"a", b"{\"a\":", b"{\"a\":1", b"{\"a\":[1"] {
        let state = scan(unfinished).1;
        assert!(!matches!(state, State::Broken | State::Done), "{}", String::from_utf8_lossy(unfinished));
    }
    assert_eq!(scan(b"{}").1, State::Done);
}

#[test]
fn depth_and_length_cost_nothing() {
    let mut deep = b"{\"x\":".to_vec();
    deep.extend(std::iter::repeat_n(b'[', 200_000));
    deep.extend(std::iter::repeat_n(b']', 200_000));
    deep.extend_from_slice(b",\"model\":\"m\"}");
    assert_eq!(scan_pieces(&[&deep], Names::Exact), (vec![(Field::Model, text("m"))], State::Done));
    let long = "\\\"".repeat(500_000);
    let whole = format!("{{\"{long}\":1,\"x\":\"{long}\",\"model\":\"{long}\",\"usage\":{{\"count\":{}}}}}", "9".repeat(5_000));
    let mut scanner = Scanner::new(NODES, Names::Exact);
    let mut seen = Vec::new();
    for piece in whole.as_bytes().chunks(4_096) {
        scanner.feed(piece, &mut |field, value| seen.push((field, value)));
        assert!(scanner.text.capacity() <= 2 * MAX_TEXT && scanner.levels.len() <= MAX_LEVELS);
    }
    assert_eq!((seen, scanner.state), (vec![(Field::Model, Value::Other), (Field::Count, Value::Other)], State::Done));
}

#[test]
fn bytes_that_are_no_text() {
    assert_eq!(scan(b"{\"model\":\"\xff\xfe\",\"\xff\":1}"), (vec![(Field::Model, Value::Other)], State::Done));
    assert_eq!(scan(b"{\"model\":\"\\ud800\"}").0, [(Field::Model, Value::Other)]);
    assert_eq!(scan(b"{\"model\":\"a\nb\"}").0, [(Field::Model, Value::Other)]);
    assert_eq!(scan(b"{\"model\":NaN,\"usage\":{\"count\":tru}}").0, [(Field::Model, Value::Other), (Field::Count, Value::Other)]);
}

#[test]
fn counts() {
    assert_eq!(Value::Number(12.0).count(), Some(12));
    for none in [Value::Number(-1.0), Value::Number(1.5), Value::Number(1e300), Value::Null, text("1")] {
        assert_eq!(none.count(), None);
    }
}

/// Values whose names collide with what is wanted, at any depth.
fn json() -> impl Strategy<Value = serde_json::Value> {
    let name = prop_oneof![Just("model".to_owned()), Just("usage".to_owned()), Just("count".to_owned()), Just("choices".to_owned()), ".*"];
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<u32>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        ".*".prop_map(Into::into),
        Just("{\"model\":\"\\".into()),
    ];
    let value = leaf.prop_recursive(5, 40, 6, move |inner| {
        let key = prop_oneof![Just("model".to_owned()), Just("reason".to_owned()), Just("in".to_owned()), Just("deep".to_owned()), ".*"];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
            prop::collection::hash_map(key, inner, 0..6).prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    });
    prop::collection::hash_map(name, value, 0..6).prop_map(|map| serde_json::Value::Object(map.into_iter().collect()))
}

fn as_value(value: &serde_json::Value) -> Value {
    match value {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(value) => Value::Bool(*value),
        serde_json::Value::Number(number) => number.as_f64().map_or(Value::Other, Value::Number),
        serde_json::Value::String(text) if serde_json::to_string(text).unwrap().len() <= MAX_TEXT + 2 => Value::Text(text.clone()),
        _ => Value::Other,
    }
}

proptest! {
    #[test]
    fn agrees_with_serde(value in json(), size in 1_usize..20, pretty: bool) {
        let written = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
        let pieces: Vec<&[u8]> = written.as_bytes().chunks(size).collect();
        let (seen, state) = scan_pieces(&pieces, Names::Exact);
        prop_assert_eq!(state, State::Done);
        let of = |field| seen.iter().filter(|(other, _)| *other == field).map(|(_, value)| value.clone()).collect::<Vec<_>>();
        prop_assert_eq!(of(Field::Model), value.get("model").map(as_value).into_iter().collect::<Vec<_>>());
        let count = value.pointer("/usage/count").filter(|_| value["usage"].is_object()).map(as_value);
        prop_assert_eq!(of(Field::Count), count.into_iter().collect::<Vec<_>>());
        let choices = value.get("choices").and_then(serde_json::Value::as_array).cloned().unwrap_or_default();
        let reasons: Vec<_> = choices.iter().filter_map(|choice| choice.as_object()?.get("reason")).map(as_value).collect();
        prop_assert_eq!(of(Field::Reason), reasons);
    }

    #[test]
    fn bytes_of_any_kind_do_no_harm(bytes in prop::collection::vec(prop_oneof![any::<u8>(), Just(b'"'), Just(b'{'), Just(b'}'), Just(b'\\'), Just(b':')], 0..200)) {
        let mut whole = b"{\"usage\":".to_vec();
        whole.extend(bytes);
        scan(&whole);
    }
}
