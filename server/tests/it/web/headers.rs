//! Security headers on every kind of answer, and a nonce that fits the page.

use reqwest::Method;

use super::{Answer, PASSWORD, TestConsole};

fn check(what: &str, answer: &Answer, https: bool) {
    for (name, expected) in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
    ] {
        assert_eq!(answer.header(name), expected, "{what}: {name}");
    }
    assert!(answer.header("permissions-policy").contains("camera=()"), "{what}");
    assert!(answer.header("content-security-policy").starts_with("default-src 'none'"), "{what}");
    assert!(answer.header("content-security-policy").contains("frame-ancestors 'none'"), "{what}");
    assert!(!answer.header("content-security-policy").contains("unsafe-inline"), "{what}");
    assert!(!answer.header("cache-control").is_empty(), "{what}");
    assert!(uuid::Uuid::parse_str(answer.header("x-request-id")).is_ok(), "{what}");
    assert_eq!(answer.headers.contains_key("strict-transport-security"), https, "{what}");
}

#[tokio::test]
async fn every_kind_of_answer_has_them() {
    for public_url in [None, Some("https://console.example.com")] {
        let console = TestConsole::start_with(public_url, None).await;
        let https = public_url.is_some();
        let browser = console.browser();
        let own: &[(&str, &str)] = &[("sec-fetch-site", "same-origin")];
        let too_large = Some("x".repeat(1024 * 1024 + 1));
        for (what, method, path, headers, body, status) in [
            ("health", Method::GET, "/healthz", own, None, 200),
            ("readiness", Method::GET, "/readyz", own, None, 200),
            ("redirect", Method::GET, "/", own, None, 303),
            ("page", Method::GET, "/sign-in", own, None, 200),
            ("missing file", Method::GET, "/pkg/none.js", own, None, 404),
            ("server function", Method::POST, "/api/probe/viewer", own, Some(String::new()), 200),
            ("its error", Method::POST, "/api/probe/workspace", own, Some("workspace=x".to_owned()), 401),
            ("malformed", Method::POST, "/api/probe/workspace", own, Some("nothing".to_owned()), 400),
            ("panic", Method::POST, "/api/probe/panic", own, Some(String::new()), 500),
            ("foreign", Method::POST, "/api/probe/viewer", &[], Some(String::new()), 403),
            ("too large", Method::POST, "/api/probe/viewer", own, too_large.clone(), 413),
            ("no such function", Method::POST, "/api/none", own, Some(String::new()), 404),
            ("wrong method", Method::POST, "/healthz", own, Some(String::new()), 405),
        ] {
            let answer = browser.send(method, path, headers, body).await;
            assert_eq!(answer.status.as_u16(), status, "{what}: {}", answer.text());
            check(what, &answer, https);
            assert_eq!(answer.header("cache-control"), "no-store", "{what}");
        }
    }
}

#[tokio::test]
async fn the_pages_policy_carries_the_nonce_of_its_scripts() {
    let console = TestConsole::start().await;
    console.user("ana@example.com", true).await;
    let browser = console.browser().signed_in("ana@example.com", PASSWORD).await;
    let mut seen = Vec::new();
    for path in ["/", "/", "/no-such-page"] {
        let page = browser.get(path).await;
        let policy = page.header("content-security-policy");
        let nonce = policy.split("'nonce-").nth(1).and_then(|rest| rest.split('\'').next()).unwrap_or_else(|| panic!("{path}: {policy}"));
        assert!(nonce.len() >= 22, "{nonce}");
        assert_eq!(
            policy,
            format!(
                "default-src 'none'; script-src 'self' 'nonce-{nonce}' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; \
                 connect-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
            )
        );
        let html = page.text();
        let inline: Vec<&str> = html.split("<script").skip(1).map(|rest| rest.split('>').next().unwrap()).collect();
        assert!(!inline.is_empty(), "{path} has no script: {html}");
        for attributes in inline.iter().filter(|attributes| !attributes.contains("src=")) {
            assert!(attributes.contains(&format!("nonce=\"{nonce}\"")), "{path}: <script{attributes}>");
        }
        assert!(!seen.contains(&nonce.to_owned()), "a nonce is used once");
        seen.push(nonce.to_owned());
    }
}
