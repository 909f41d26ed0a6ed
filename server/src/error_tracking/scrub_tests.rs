//! What must not leave, in every disguise that was thought of, and what must stay readable.

use proptest::prelude::*;
use sentry::protocol::{Breadcrumb, Exception, Frame, LogEntry, Request, Stacktrace, User};
use serde_json::json;

use super::*;

fn scrubber() -> Scrubber {
    Scrubber::new().unwrap()
}

#[test]
fn what_must_not_leave() {
    let scrubber = scrubber();
    for (given, expected) in [
        ("Bearer abc.DEF-123", "Bearer [redacted]"),
        ("bearer abcdefgh", "bearer [redacted]"),
        ("Authorization: Basic dXNlcjpwYXNz", "Authorization: [redacted]"),
        ("basic dXNlcjpwYXNz refused", "basic [redacted] refused"),
        ("Cookie: a=b; session=xyz\nnext", "Cookie: [redacted]\nnext"),
        ("set-cookie: __Host-id=abc; Secure", "set-cookie: [redacted]"),
        ("key tk_9f8e7d6c5b4a unknown", "key [token] unknown"),
        ("tk_aaaaaa tk_bbbbbb", "[token] [token]"),
        ("sk-proj-abc_DEF-123456", "[token]"),
        ("(whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD)", "([token])"),
        ("ghp_0123456789abcdefghij", "[token]"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl", "[jwt]"),
        ("x=eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.", "x=[jwt]"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\nabc\n-----END RSA PRIVATE KEY-----\nrest", "[pem]\nrest"),
        ("-----BEGIN PRIVATE KEY-----\nMIIE cut off", "[pem]"),
        ("https://public:secret@o1.ingest.sentry.io/42", "https://[redacted]@o1.ingest.sentry.io/42"),
        ("postgres://app:p@ss@db.internal:5432/x", "postgres://[redacted]@db.internal:5432/x"),
        ("AKIAIOSFODNN7EXAMPLE used", "[token] used"),
        ("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "[redacted]"),
        ("AIzaSyD-9tSrke72PouQMnMX-a7eZSW0jkFMBWY", "[redacted]"),
        ("card 4111 1111 1111 1111 declined", "card [card] declined"),
        ("4111-1111-1111-1111", "[card]"),
        ("pan=5500005555555559.", "pan=[card]."),
        ("2026 4111 1111 1111 1111", "[card]"),
        ("from ana.lopez+x@mail.example.com now", "from [email] now"),
        ("<josé@exámple.com>", "<josé@exámple.com>"),
        ("josé@example.com", "[email]"),
        ("connect 10.1.2.3:443 refused", "connect [ip]:443 refused"),
        ("[2001:db8::1]:443 refused", "[[ip]]:443 refused"),
        ("::ffff:10.0.0.1", "[ip]"),
        ("fe80::1%eth0", "[ip]%eth0"),
        ("GET /a/b?token=xyz&c=d HTTP/1.1", "GET /a/b?[query] HTTP/1.1"),
        ("https://h.example/p#frag=1", "https://h.example/p?[query]"),
        ("password=hunter2 user=ana", "password=[redacted] user=ana"),
        ("api_key: 'a b c', x", "api_key: [redacted], x"),
        (r#"{"clientSecret":"s3","n":1}"#, r#"{"clientSecret":[redacted],"n":1}"#),
        ("MYSQL_PWD=abc", "MYSQL_PWD=[redacted]"),
        ("secret => 12", "secret => [redacted]"),
        ("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", "[redacted]"),
    ] {
        assert_eq!(scrubber.text(given), expected, "{given}");
    }
}

#[test]
fn what_stays_readable() {
    let scrubber = scrubber();
    for text in [
        "connection refused: upstream.example.com:443",
        "server::faults panicked at server/src/faults.rs:12",
        "called `Option::unwrap()` on a `None` value",
        "attempt to add with overflow",
        "basic information is missing",
        "at 12:34:56 on 2026-11-22T12:34:56.123456789Z",
        "019a1b2c-4111-7111-8111-111111111111",
        "error 019a1b2c-4111-7111-8111-111111111111 of trace 4bf92f3577b34da6a3ce929d0e0e4736",
        "knoxcall@0.1.0",
        "/build/tokio-1.52.0/src/runtime/task/harness.rs",
        "version 1.2.3 of 4",
        "what? no.",
        "a :: b",
    ] {
        assert_eq!(scrubber.text(text), text);
    }
}

#[test]
fn a_long_text_is_cut_where_no_secret_is_halved() {
    let scrubber = scrubber();
    let long = format!("{} tk_9f8e7d6c5b4a3f2e1d0c", "word ".repeat(LONGEST_IN / 5 - 2));
    let out = scrubber.text(&long);
    assert!(out.chars().count() <= LONGEST_OUT + 1 && !out.contains("tk_"), "{}", out.len());
    assert_eq!(scrubber.text(&"x".repeat(LONGEST_IN + 1)), "");
}

/// An event with the text in every field that takes one.
fn everywhere(secret: &str) -> Event<'static> {
    let text = || Some(secret.to_owned());
    let map = || Map::from([("note".to_owned(), json!({ "list": [secret], secret: 1 }))]);
    let frame = Frame {
        function: text(),
        filename: text(),
        abs_path: text(),
        context_line: text(),
        pre_context: vec![secret.to_owned()],
        vars: map(),
        ..Frame::default()
    };
    let stacktrace = || Some(Stacktrace { frames: vec![frame.clone()], ..Stacktrace::default() });
    Event {
        message: text(),
        culprit: text(),
        transaction: text(),
        logger: text(),
        logentry: Some(LogEntry { message: secret.to_owned(), params: vec![json!(secret)] }),
        server_name: Some(secret.to_owned().into()),
        fingerprint: vec![secret.to_owned().into()].into(),
        modules: Map::from([(secret.to_owned(), secret.to_owned())]),
        user: Some(User { id: text(), email: text(), username: text(), other: map(), ..User::default() }),
        request: Some(Request {
            url: Url::parse("https://user:pass@10.0.0.9/orders?q=hunter2").ok().map(|mut url| {
                url.set_path(secret);
                url
            }),
            method: Some("GET".to_owned()),
            data: text(),
            query_string: text(),
            cookies: text(),
            headers: Map::from([("X-Thing".to_owned(), secret.to_owned())]),
            env: Map::from([("REMOTE_ADDR".to_owned(), secret.to_owned())]),
        }),
        breadcrumbs: vec![Breadcrumb { message: text(), category: text(), data: map(), ..Breadcrumb::default() }].into(),
        exception: vec![Exception {
            ty: secret.to_owned(),
            value: text(),
            module: text(),
            stacktrace: stacktrace(),
            raw_stacktrace: stacktrace(),
            ..Exception::default()
        }]
        .into(),
        stacktrace: stacktrace(),
        tags: Map::from([("a".to_owned(), secret.to_owned()), (secret.to_owned(), "b".to_owned())]),
        extra: Map::from([("api_key".to_owned(), json!("plainword")), ("more".to_owned(), json!([[secret]]))]),
        ..Event::default()
    }
}

#[test]
fn every_field_of_an_event_is_scrubbed() {
    let scrubber = scrubber();
    for secret in ["tk_9f8e7d6c5b4a", "ana@mail.example.com", "10.11.12.13", "Bearer hunter2hunter2", "2001:db8::77", "password=hunter2x"] {
        let before = everywhere(secret);
        assert!(serde_json::to_string(&before).unwrap().matches(secret).count() > 20);
        let after = scrubber.event(before).unwrap();
        let json = serde_json::to_string(&after).unwrap();
        for canary in [secret, "hunter2", "plainword", "10.0.0.9", "user:pass"] {
            assert!(!json.contains(canary), "{canary} in {json}");
        }
        assert_eq!(after.user, None);
        assert_eq!(serde_json::to_string(&scrubber.event(after.clone()).unwrap()).unwrap(), json, "twice is once");
    }
}

#[test]
fn what_names_the_error_stays() {
    let scrubber = scrubber();
    let id = "019a1b2c-4111-7111-8111-111111111111";
    let event = Event {
        user: Some(User { id: Some(id.to_owned()), ..User::default() }),
        tags: Map::from([("errorId".to_owned(), id.to_owned()), ("tenant_id".to_owned(), id.to_owned())]),
        release: Some("knoxcall@0.1.0".into()),
        environment: Some("production".into()),
        ..Event::default()
    };
    let after = scrubber.event(event.clone()).unwrap();
    assert_eq!((after.tags, after.user, after.release, after.event_id), (event.tags, event.user, event.release, event.event_id));
}

fn secret() -> impl Strategy<Value = String> {
    prop_oneof![
        "tk_[A-Za-z0-9]{16,40}",
        "sk-[A-Za-z0-9]{20,48}",
        "whsec_[A-Za-z0-9+/]{24,32}",
        "eyJ[A-Za-z0-9_-]{10,30}\\.eyJ[A-Za-z0-9_-]{10,30}\\.[A-Za-z0-9_-]{10,30}",
        "AKIA[A-Z0-9]{16}",
        "[a-z]{3,10}\\.[a-z]{3,10}@[a-z]{3,10}\\.(com|org|test)",
        "(10|172|192)\\.[1-9][0-9]?\\.[1-9][0-9]?\\.[1-9][0-9]?",
    ]
}

proptest! {
    #[test]
    fn planted_secrets_never_survive(secret in secret(), before in "[ -~]{0,40}", after in "[ -~]{0,40}", wide in "\\PC{0,20}") {
        let text = format!("{before} {secret} {after} {wide}");
        let out = scrubber().text(&text).into_owned();
        prop_assert!(!out.contains(&secret), "{out}");
    }

    #[test]
    fn named_secrets_never_survive(
        name in "(password|api_key|apiKey|client_secret|X-Auth-Token|access-key)",
        between in "( ?[=:] ?)",
        secret in "[A-Za-z0-9!$%*+,;./-]{8,40}",
    ) {
        let out = scrubber().text(&format!("x {name}{between}{secret} y")).into_owned();
        prop_assert!(!out.contains(&secret), "{out}");
    }

    #[test]
    fn twice_is_once(text in "([ -~]|[a-z0-9]{4}|://|@|\\?|tk_|: |\\.){0,60}") {
        let scrubber = scrubber();
        let once = scrubber.text(&text).into_owned();
        let twice = scrubber.text(&once).into_owned();
        prop_assert_eq!(once, twice);
    }
}
