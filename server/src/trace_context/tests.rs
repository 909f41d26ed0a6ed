use super::*;

const TRACE: &str = "12345678901234567890123456789012";
const SPAN: &str = "1234567890123456";

fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in pairs {
        map.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_str(value).unwrap());
    }
    map
}

fn good() -> String {
    format!("00-{TRACE}-{SPAN}-01")
}

#[test]
fn continues_what_the_recommendation_calls_valid() {
    for (given, sampled) in [
        (good(), true),
        (format!("00-{TRACE}-{SPAN}-00"), false),
        // Undefined flags are ignored, not refused.
        (format!("00-{TRACE}-{SPAN}-ff"), true),
        (format!("00-{TRACE}-{SPAN}-02"), false),
        (format!("  {}\t ", good()), true),
        (format!("cc-{TRACE}-{SPAN}-01"), true),
        (format!("cc-{TRACE}-{SPAN}-01-what-the-future-will-be-like"), true),
    ] {
        let inbound = read(&headers(&[("traceparent", &given)])).unwrap_or_else(|| panic!("{given}"));
        assert_eq!(inbound.flags == 1, sampled, "{given}");
        let context = begin(&headers(&[("traceparent", &given)]), true);
        assert_eq!(hex::encode(context.trace_id), TRACE);
        assert_eq!(context.parent_span_id.map(hex::encode).as_deref(), Some(SPAN));
        assert_ne!(hex::encode(context.span_id), SPAN);
        assert_eq!(context.sampled(), sampled, "{given}");
    }
}

/// The refusals of the W3C test suite (w3c/trace-context, test/test.py).
#[test]
fn restarts_on_what_it_calls_invalid() {
    let zero32 = "0".repeat(32);
    let zero16 = "0".repeat(16);
    for given in [
        String::new(),
        format!("ff-{TRACE}-{SPAN}-01"),
        format!(".0-{TRACE}-{SPAN}-01"),
        format!("0.-{TRACE}-{SPAN}-01"),
        format!("000-{TRACE}-{SPAN}-01"),
        format!("0000-{TRACE}-{SPAN}-01"),
        format!("0-{TRACE}-{SPAN}-01"),
        format!("00-{TRACE}-{SPAN}-01."),
        format!("00-{TRACE}-{SPAN}-01-what-the-future-will-be-like"),
        format!("cc-{TRACE}-{SPAN}-01.what-the-future-will-be-like"),
        format!("00-{zero32}-{SPAN}-01"),
        format!("00-.2345678901234567890123456789012-{SPAN}-01"),
        format!("00-1234567890123456789012345678901.-{SPAN}-01"),
        format!("00-{TRACE}3-{SPAN}-01"),
        format!("00-1234567890123456789012345678901-{SPAN}-01"),
        format!("00-1234567890123456789012345678901A-{SPAN}-01"),
        format!("00-{TRACE}-{zero16}-01"),
        format!("00-{TRACE}-.234567890123456-01"),
        format!("00-{TRACE}-123456789012345.-01"),
        format!("00-{TRACE}-{SPAN}7-01"),
        format!("00-{TRACE}-123456789012345-01"),
        format!("00-{TRACE}-{SPAN}-.0"),
        format!("00-{TRACE}-{SPAN}-0."),
        format!("00-{TRACE}-{SPAN}-001"),
        format!("00-{TRACE}-{SPAN}-1"),
        format!("00-{TRACE}-{SPAN}-0A"),
    ] {
        let map = headers(&[("traceparent", &given), ("tracestate", "foo=1")]);
        assert_eq!(read(&map), None, "{given}");
        let context = begin(&map, true);
        assert!(hex::encode(context.trace_id) != TRACE && context.sampled(), "{given}");
        assert_eq!((context.parent_span_id, context.state), (None, None), "{given}");
    }
    assert_eq!(read(&headers(&[("traceparent", &good()), ("traceparent", &good())])), None, "two of them");
    assert_eq!(read(&headers(&[("tracestate", "foo=1")])), None, "none");
}

#[test]
fn tracestate_is_kept_or_dropped_as_the_recommendation_says() {
    let member = |n: usize| (0..n).map(|i| format!("bar{i:02}=1")).collect::<Vec<_>>().join(",");
    let (z256, z257) = ("z".repeat(256), "z".repeat(257));
    let (t241, t242, v14, v15) = ("t".repeat(241), "t".repeat(242), "v".repeat(14), "v".repeat(15));
    let kept: Vec<(Vec<String>, String)> = vec![
        (vec!["foo=1,bar=2".into()], "foo=1,bar=2".into()),
        (vec!["foo=1,bar=2".into(), "rojo=1,congo=2".into(), "baz=3".into()], "foo=1,bar=2,rojo=1,congo=2,baz=3".into()),
        (vec!["foo=1".into(), String::new()], "foo=1".into()),
        (vec![String::new(), "foo=1".into()], "foo=1".into()),
        (vec!["foo=1 \t , \t bar=2, \t baz=3".into()], "foo=1 \t , \t bar=2, \t baz=3".into()),
        (vec!["foo=1,".into()], "foo=1,".into()),
        (vec![member(32)], member(32)),
        (vec![format!("{z256}=1")], format!("{z256}=1")),
        (vec![format!("{t241}@{v14}=1")], format!("{t241}@{v14}=1")),
        (vec!["0t@sys=1".into()], "0t@sys=1".into()),
        (vec!["a-_*/0=!\"#$%&'()*+-./:;<>?@[\\]^_`{|}~ x".into()], "a-_*/0=!\"#$%&'()*+-./:;<>?@[\\]^_`{|}~ x".into()),
    ];
    let parent = good();
    let read_all = |states: &[String]| {
        let mut pairs = vec![("traceparent", parent.as_str())];
        pairs.extend(states.iter().map(|state| ("tracestate", state.as_str())));
        read(&headers(&pairs)).expect("a broken tracestate leaves traceparent alone").state
    };
    for (given, expected) in kept {
        assert_eq!(read_all(&given), Some(expected));
    }
    for dropped in [
        String::new(),
        ",".into(),
        "foo".into(),
        "foo =1".into(),
        "FOO=1".into(),
        "foo.bar=1".into(),
        "foo@=1,bar=2".into(),
        "@foo=1,bar=2".into(),
        "foo@@bar=1,bar=2".into(),
        "foo@bar@baz=1,bar=2".into(),
        "foo=bar=baz".into(),
        "foo=,bar=3".into(),
        "foo=1,foo=2".into(),
        member(33),
        format!("{z257}=1"),
        format!("{t242}@v=1"),
        format!("t@{v15}=1"),
        format!("foo={}", "x".repeat(257)),
        format!("a={0},b={0},c={0}", "x".repeat(200)),
    ] {
        assert_eq!(read_all(std::slice::from_ref(&dropped)), None, "{dropped}");
    }
}

#[test]
fn writes_our_span_as_the_parent_and_keeps_the_state() {
    let mut map = headers(&[("traceparent", &format!("cc-{TRACE}-{SPAN}-01-x")), ("tracestate", "foo=1"), ("tracestate", "bar=2")]);
    let context = begin(&map, true);
    write(&context, &mut map);
    let span = hex::encode(context.span_id);
    assert_eq!(map.get_all(TRACEPARENT).iter().collect::<Vec<_>>(), [&format!("00-{TRACE}-{span}-01")]);
    assert_eq!(map.get_all(TRACESTATE).iter().collect::<Vec<_>>(), ["foo=1,bar=2"]);

    let mut broken = headers(&[("traceparent", "nonsense"), ("tracestate", "foo=1")]);
    write(&begin(&broken, true), &mut broken);
    assert!(broken.get(TRACESTATE).is_none(), "a state without its trace says nothing");
    assert!(read(&broken).is_some());
}

#[test]
fn without_traces_the_callers_own_ids_are_named() {
    let context = begin(&headers(&[("traceparent", &good())]), false);
    assert_eq!((hex::encode(context.trace_id).as_str(), hex::encode(context.span_id).as_str()), (TRACE, SPAN));
    assert!(!context.invented);
    let context = begin(&HeaderMap::new(), false);
    assert!(context.trace_id != [0; 16] && context.span_id != [0; 8] && !context.sampled() && context.invented);
    assert!(!begin(&HeaderMap::new(), true).invented);
}
