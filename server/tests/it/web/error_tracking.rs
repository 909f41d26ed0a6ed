//! What a page carries for error tracking: nothing without a browser DSN, and with one its configuration, the script, and a
//! policy that lets the page connect to that origin and to no other.

use reqwest::StatusCode;
use server::values::Role;

use super::assets::site;
use super::{Answer, PASSWORD, TestConsole};

const SCRIPT: &str = "/pkg/error-tracking.0123456789ab.js";

/// Saved as the operator saves it.
async fn track(console: &TestConsole, dsn: &str, generation: u64) {
    if generation == 0 {
        console.user("root@example.com", true).await;
    }
    let root = console.browser().signed_in("root@example.com", PASSWORD).await;
    let generation = generation.to_string();
    let fields = [("form[dsn_browser]", dsn), ("form[environment]", "staging"), ("form[generation]", generation.as_str())];
    let saved = root.call("/api/integrations/save-tracking", &fields).await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.text());
}

/// Policy and page with the nonce, which is another one each time, replaced.
fn without_nonce(answer: &Answer) -> (String, String) {
    let policy = answer.header("content-security-policy");
    let nonce = policy.split("'nonce-").nth(1).and_then(|rest| rest.split('\'').next()).unwrap();
    (policy.replace(nonce, "NONCE"), answer.text().replace(nonce, "NONCE"))
}

fn connect_src(policy: &str) -> &str {
    policy.split("; ").find(|directive| directive.starts_with("connect-src")).unwrap()
}

#[tokio::test]
async fn a_page_carries_it_from_the_next_load_on_and_no_longer() {
    let site = site();
    let console = TestConsole::start_with(None, Some(site.path())).await;
    let acme = console.workspace("acme").await;
    console.member(&acme, "viewer@acme.test", Role::Viewer).await;
    let browser = console.browser().signed_in("viewer@acme.test", PASSWORD).await;
    let before = without_nonce(&browser.get("/w/acme/routes").await);
    assert_eq!(
        before.0,
        "default-src 'none'; script-src 'self' 'nonce-NONCE' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; \
         connect-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    );
    assert!(!before.1.contains("error-tracking"), "{}", before.1);

    track(&console, "https://public@errors.example:8443/sentry/7", 0).await;
    let (policy, html) = without_nonce(&browser.get("/w/acme/routes").await);
    assert_eq!(connect_src(&policy), "connect-src 'self' https://errors.example:8443");
    assert_eq!(policy.replace(" https://errors.example:8443", ""), before.0, "nothing else changed");
    let config = html.split_once("<script id=\"error-tracking\" type=\"application/json\" nonce=\"NONCE\">").unwrap().1;
    let config: serde_json::Value = serde_json::from_str(config.split_once("</script>").unwrap().0).unwrap();
    assert_eq!(config["dsn"], "https://public@errors.example:8443/sentry/7");
    assert_eq!(config["environment"], "staging");
    assert!(config["release"].as_str().is_some_and(|release| !release.is_empty()), "{config}");
    assert_eq!(config.as_object().unwrap().len(), 3, "{config}");
    let script = html.split("<script").find(|part| part.contains(SCRIPT)).unwrap();
    assert!(script.contains("nonce=\"NONCE\"") && script.contains("defer"), "{script}");
    assert!(html.find(SCRIPT).unwrap() < html.find("= init(").unwrap(), "it listens before the app starts");

    track(&console, "", 1).await;
    assert_eq!(without_nonce(&browser.get("/w/acme/routes").await).0, before.0);
    assert!(!without_nonce(&browser.get("/w/acme/routes").await).1.contains("error-tracking"));
}

#[tokio::test]
async fn pages_outside_carry_it_and_name_nobody() {
    let site = site();
    let console = TestConsole::start_with(None, Some(site.path())).await;
    let user = console.user("ana@example.com", true).await;
    track(&console, "http://public@[::1]:9000/7", 0).await;
    for path in ["/sign-in", "/setup?token=planted"] {
        let (policy, html) = without_nonce(&console.browser().get(path).await);
        assert_eq!(connect_src(&policy), "connect-src 'self' http://[::1]:9000", "{path}");
        assert!(html.contains(SCRIPT), "{path}");
        assert!(!html.contains("data-user") && !html.contains(&user.id.to_string()), "{path}");
    }
    let signed_in = console.browser().signed_in("ana@example.com", PASSWORD).await;
    let page = signed_in.get("/").await.text();
    assert!(page.contains(&format!("data-user=\"{}\"", user.id)), "whose page it is");
    // Not a page: no policy that lets anything out.
    let answer = console.browser().get("/healthz").await;
    assert!(!answer.header("content-security-policy").contains("[::1]"));
}

#[tokio::test]
async fn every_page_can_say_that_it_broke() {
    let site = site();
    let console = TestConsole::start_with(None, Some(site.path())).await;
    for path in ["/sign-in", "/setup?token=x"] {
        let html = console.browser().get(path).await.text();
        assert!(html.contains("/pkg/failure.0123456789ab.js"), "{path}");
        let view = html.split_once("<div id=\"failure\" hidden").unwrap_or_else(|| panic!("{path}: {html}")).1;
        for words in ["This page stopped working", "Error ID", "Reload page"] {
            assert!(view.contains(words), "{path}: {words}");
        }
    }
}
