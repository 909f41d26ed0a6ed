use http::HeaderValue;

use super::*;

/// Stands in every secret below; nothing of it may come out.
const CANARY: &str = "cana";

fn redactor() -> Redactor {
    Redactor::new().unwrap()
}

fn other(text: &str, cut: bool) -> String {
    redactor().text(text, Form::Other, cut, &Hidden::default())
}

const NASTY: &[&str] = &[
    r#"{"password":"canary"}"#,
    r#"{"user":"ana","Password" : "canary , with } and \" and \\","n":1}"#,
    r#"{"pass\u0077ord":"canary"}"#,
    r#"{"\u0070\u0061\u0073\u0073word":"canary"}"#,
    r#"{"apiKey":["canary",{"a":"canary"}],"after":1}"#,
    r#"{"credentials":{"user":"canary","nested":{"x":["canary"]}},"after":1}"#,
    r#"{"client_secret":123456789,"x":"y","secret":canary}"#,
    r#"{"outer":"{\"token\":\"canary\"}"}"#,
    r#"{"outer":"{\"inner\":\"{\\\"token\\\":\\\"canary\\\"}\"}"}"#,
    r#"{"a":"{\"b\":\"{\\\"c\\\":\\\"{\\\\\\\"d\\\\\\\":\\\\\\\"{\\\\\\\\\\\\\\\"token\\\\\\\\\\\\\\\":\\\\\\\\\\\\\\\"canary\\\\\\\\\\\\\\\"}\\\\\\\"}\\\"}\"}"}"#,
    "{\"password\":\"first line\ncanary\"}",
    r#"{"log":"Authorization: Bearer canarycanary\nHost: x"}"#,
    r#"{"log":"curl -H 'Cookie: sid=canary; other=canary' https://example.test"}"#,
    "{'password': 'canary with spaces', x: 1}",
    "{password: 'canary', key: canary}",
    r#"{"url":"https://ana:canary@example.test/x?access_token=canary&page=2"}"#,
    r#"{"url":"/cb?state=1&client_secret=canary#x"}"#,
    r#"{"x":"sk-canarycanary1234","y":"tk_canary1234","z":"ghp_canary1234"}"#,
    r#"{"x":"\nsk-canarycanary1234"}"#,
    r#"["whsec_canarycanary", "AKIACANARY1234567890 "]"#,
    "eyJhbGciOiJIUzI1NiJ9.eyJjYW5hcnkiOiJjYW5hcnkifQ.canarycanary",
    r#"{"pem":"-----BEGIN PRIVATE KEY-----\ncanarycanary\n-----END PRIVATE KEY-----\n"}"#,
    "-----BEGIN RSA PRIVATE KEY-----\ncanary\ncanary",
    "data: {\"token\":\"canary\"}\n\ndata: {\"delta\":\"x\"}\n\n",
    "{\"a\":1}\n{\"secret\":\"canary\"}\n{\"b\":2}\n",
    "5\" pipe {\"password\":\"canary\"}",
    "password=canary&user=ana",
    "db.password = canary\nother: 1\napi-key: canary",
    "export API_TOKEN=\"canary canary\"",
    "author: token=canary",
    "<login><password>canary</password><Token type='x'>canary</Token></login>",
    "<soap:Key><![CDATA[canary <b>canary</b>]]></soap:Key>",
    "<user name=\"ana\" apiKey=\"canary\"/>",
    "--b\r\nContent-Disposition: form-data; name=\"password\"\r\n\r\ncanary\r\ncanary\r\n--b\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nfine\r\n--b--",
    "--b\r\nContent-Disposition: form-data; name=apiKey\r\nContent-Type: text/plain\r\n\r\ncanary",
    "Bearer canary, Basic Y2FuYXJ5OmNhbmFyeQ==",
    "user[password]=canary",
];

#[test]
fn no_secret_stays_whole_or_cut_anywhere() {
    let redactor = redactor();
    for text in NASTY {
        let out = redactor.text(text, Form::Other, false, &Hidden::default());
        assert!(!out.to_lowercase().contains(CANARY) && !out.contains("Y2Fu"), "{text}\n{out}");
        assert_eq!(redactor.text(&out, Form::Other, false, &Hidden::default()), out, "twice is once: {text}");
        for end in (0..text.len()).filter(|end| text.is_char_boundary(*end)) {
            let out = redactor.text(&text[..end], Form::Other, true, &Hidden::default());
            assert!(!out.to_lowercase().contains(CANARY), "{}\n{out}", &text[..end]);
        }
    }
}

#[test]
fn what_is_no_secret_stays_as_it_is() {
    for text in [
        "",
        r#"{"id":17,"name":"Ana","tags":["a","b"],"note":"said \"hi\"\n","price":1.10,"none":null}"#,
        r#"{"author":"Ana","keyboard":"de","passenger":{"name":"B"}}"#,
        r#"{"password":null,"secret":"","token":false}"#,
        "<order id=\"7\"><author>Ana</author></order>",
        "Grüße 🦀, a plain text: with colons = and signs",
        "a=1&b=%20x&c",
        "{\"unfinished\": \"te",
    ] {
        assert_eq!(other(text, false), text);
    }
    assert_eq!(other(r#"{"a":1,"password":"x","b":2}"#, false), r#"{"a":1,"password":"[redacted]","b":2}"#, "still JSON");
    assert_eq!(other(r#"{"a":1,"key":{"x":[1,"]"]},"b":2}"#, false), r#"{"a":1,"key":"[redacted]","b":2}"#);
}

#[test]
fn forms_are_read_pair_by_pair() {
    let form = |text: &str, cut| redactor().text(text, Form::Pairs, cut, &Hidden::default());
    for text in [
        "user=ana&password=canary",
        "p%61ssword=canary&x=1",
        "user%5Bpassword%5D=canary+canary",
        "data=%7B%22token%22%3A%22canary%22%7D",
        "note=Bearer+canarycanary",
        "next=https%3A%2F%2Fexample.test%2F%3Faccess_token%3Dcanary",
        "SESSION=canary",
    ] {
        for end in 0..text.len() {
            let out = form(&text[..end], true);
            assert!(!out.contains(CANARY), "{text} {out}");
        }
        let out = form(text, false);
        assert!(!out.contains(CANARY), "{text} {out}");
        assert_eq!(form(&out, false), out, "twice is once");
    }
    assert_eq!(form("user=ana&password=canary&page=2", false), "user=ana&password=[redacted]&page=2");
    assert_eq!(form("user=ana+b%20c&page=2&flag", false), "user=ana+b%20c&page=2&flag");
}

#[test]
fn headers_by_name_and_by_value() {
    let mut injected = HeaderMap::new();
    injected.insert("x-upstream", HeaderValue::from_static("canary-value-1"));
    injected.insert("x-credential-less", HeaderValue::from_static("Custom canary-value-2"));
    let (redactor, hidden) = (redactor(), Hidden::of(&injected));
    for (name, value) in [
        ("authorization", "canary"),
        ("proxy-authorization", "Basic canary"),
        ("cookie", "a=canary"),
        ("set-cookie", "a=canary; Path=/"),
        ("x-knoxcall-key", "tk_canary"),
        ("x-upstream", "canary"),
        ("x-csrf-token", "canary"),
        ("x-amz-signature", "canary"),
    ] {
        assert_eq!(redactor.header(name, value.as_bytes(), &hidden), REDACTED, "{name}");
    }
    for (name, value) in [
        ("referer", "https://example.test/?token=canary"),
        ("location", "https://ana:canary@example.test/"),
        ("x-echo", "got canary-value-1, thanks"),
        ("x-note", "Bearer canarycanary"),
        ("link", "<https://example.test/?sig=canary>; rel=next"),
    ] {
        let out = redactor.header(name, value.as_bytes(), &hidden);
        assert!(!out.contains(CANARY) && out.contains(REDACTED), "{name}: {out}");
    }
    assert_eq!(redactor.header("accept", b"text/html, */*;q=0.8", &hidden), "text/html, */*;q=0.8");
    assert_eq!(redactor.header("x-name", b"Gr\xfc\xdfe", &hidden), "Gr\u{fffd}\u{fffd}e");
    let echoed = r#"{"headers":{"X-Upstream":"canary","other":"canary-value-1"},"seen":"canary-value-2"}"#;
    let out = redactor.text(echoed, Form::Other, false, &hidden);
    assert!(!out.contains(CANARY), "what an upstream repeats of its credentials: {out}");
}

/// Whatever bytes come: it ends, and twice is once.
#[test]
fn nothing_breaks_it() {
    let redactor = redactor();
    let alphabet =
        ["\"", "\\", "{", "}", "[", "]", ":", "\\u0", "key", "pass", "word", "a", "ä", "\n", "'", "=", "&", "<", ">", "%2", " ", "🦀"];
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    for _ in 0..3_000 {
        let mut text = String::new();
        for _ in 0..24 {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            text.push_str(alphabet[usize::try_from(seed % alphabet.len() as u64).unwrap()]);
        }
        for form in [Form::Other, Form::Pairs] {
            let _ = redactor.text(&text, form, seed & 1 == 0, &Hidden::default());
        }
    }
    let large = "{\"a\":\"\\\"x\\\"\",".repeat(2_000);
    assert_eq!(redactor.text(&large, Form::Other, false, &Hidden::default()), large);
}

/// Names upon names: the depth of what is looked into is bounded, and so is the stack.
#[test]
fn a_chain_of_names_is_not_followed_for_ever() {
    let redactor = Redactor::new().unwrap();
    for link in ["apw=", "author:", "spin="] {
        let text = link.repeat(4096) + "canary-value";
        let hidden = Hidden::of(&HeaderMap::new());
        assert!(!redactor.text(&text, Form::Other, false, &hidden).contains("canary-value"), "{link}");
        assert!(!redactor.text(&text, Form::Pairs, false, &hidden).is_empty());
        assert!(!redactor.header("x-note", text.as_bytes(), &hidden).is_empty());
    }
    assert_eq!(redactor.text("apw=1", Form::Other, false, &Hidden::of(&HeaderMap::new())), "apw=1");
}
