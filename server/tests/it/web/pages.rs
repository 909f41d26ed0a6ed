//! Pages: who may open them, and what is sent.

use reqwest::{Method, StatusCode};
use server::values::Role;

use super::{PASSWORD, TestConsole};

#[tokio::test]
async fn whoever_is_not_signed_in_is_sent_to_sign_in_and_told_the_way_back() {
    let console = TestConsole::start().await;
    let browser = console.browser();
    for (path, to) in [
        ("/", "/sign-in"),
        ("/w/acme/routes?page=2", "/sign-in?next=%2Fw%2Facme%2Froutes%3Fpage%3D2"),
        ("/settings/integrations", "/sign-in?next=%2Fsettings%2Fintegrations"),
        ("/no-such-page", "/sign-in?next=%2Fno%2Dsuch%2Dpage"),
        ("//evil.example/", "/sign-in"),
    ] {
        let answer = browser.get(path).await;
        assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, to), "{path}");
    }
    for open in ["/healthz", "/readyz"] {
        assert_eq!(browser.get(open).await.status, StatusCode::OK, "{open}");
    }
    for open in ["/sign-in", "/setup?token=x"] {
        assert_ne!(browser.get(open).await.status, StatusCode::SEE_OTHER, "{open}");
    }
}

#[tokio::test]
async fn pages_are_compressed_and_never_kept() {
    let console = TestConsole::start().await;
    console.user("ana@example.com", true).await;
    let browser = console.browser().signed_in("ana@example.com", PASSWORD).await;
    let page = browser.send(Method::GET, "/", &[("accept", "text/html"), ("accept-encoding", "br, gzip")], None).await;
    assert_eq!(page.status, StatusCode::OK);
    assert_eq!(page.header("content-encoding"), "br");
    assert_eq!(page.header("cache-control"), "no-store");
    let missing = browser.get("/no-such-page").await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
    assert!(missing.header("content-type").starts_with("text/html"));
}

#[tokio::test]
async fn a_page_of_a_workspace_one_may_not_see_is_as_one_that_is_not_there() {
    let console = TestConsole::start().await;
    let (acme, globex) = (console.workspace("acme").await, console.workspace("globex").await);
    console.member(&acme, "viewer@acme.test", Role::Viewer).await;
    let browser = console.browser().signed_in("viewer@acme.test", PASSWORD).await;
    for page in ["", "/routes", "/keys", "/webhooks", "/agents", "/members", "/settings/integrations", "/settings/integrations/telemetry"] {
        let own = browser.get(&format!("/w/acme{page}")).await;
        assert_eq!(own.status, StatusCode::OK, "/w/acme{page}");
        let hidden = browser.get(&format!("/w/globex{page}")).await;
        assert_eq!(hidden.status, StatusCode::NOT_FOUND, "/w/globex{page}");
        assert!(!hidden.text().contains(&globex.id.to_string()));
    }
    for page in ["/settings/integrations", "/settings/operators", "/settings/workspaces"] {
        assert_eq!(browser.get(page).await.status, StatusCode::NOT_FOUND, "{page}");
    }
}

/// The title is the one text of a page that the framework does not escape.
#[tokio::test]
async fn a_name_in_the_title_stays_text() {
    let console = TestConsole::start().await;
    let acme = console.workspace("acme").await;
    console.member(&acme, "admin@acme.test", Role::Admin).await;
    let browser = console.browser().signed_in("admin@acme.test", PASSWORD).await;
    let name = "</title><meta http-equiv=refresh content=0;//evil.example>";
    let renamed = browser.call("/api/directory/rename-workspace", &[("workspace", "acme"), ("name", name)]).await;
    assert_eq!(renamed.status, StatusCode::OK, "{}", renamed.text());
    let page = browser.get("/w/acme").await.text();
    assert!(page.contains("&lt;/title>&lt;meta") && !page.contains("<meta http-equiv"), "{page}");
}
