//! Forms without JavaScript: where they lead, and what comes back with an error. Nothing secret, nothing for anybody else,
//! and nothing that an address made up.

use reqwest::StatusCode;
use server::values::Role;

use super::{Answer, Browser, PASSWORD, TestConsole};

const NEW_ROUTE: &str = "/w/acme/routes/new";
const REFUSED: &[(&str, &str)] =
    &[("workspace", "acme"), ("name", "Orders & more"), ("slug", "Not A Slug"), ("target_base_url", "http://127.0.0.1:9/v1")];

async fn with_admin() -> (TestConsole, Browser) {
    let console = TestConsole::start().await;
    let acme = console.workspace("acme").await;
    console.member(&acme, "ana@acme.test", Role::Admin).await;
    console.member(&acme, "bob@acme.test", Role::Admin).await;
    let ana = console.browser().signed_in("ana@acme.test", PASSWORD).await;
    (console, ana)
}

#[track_caller]
fn draft(answer: &Answer, page: &str) -> String {
    assert_eq!(answer.status, StatusCode::FOUND);
    let location = answer.header("location");
    let (path, id) = location.split_once("draft=").unwrap_or_else(|| panic!("no draft in {location}"));
    assert_eq!(path.trim_end_matches(['?', '&']), page);
    assert!(id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit()), "{location}");
    assert!(answer.body.is_empty(), "{}", answer.text());
    location.to_owned()
}

#[tokio::test]
async fn what_was_typed_comes_back_once_with_the_error_at_its_field() {
    let (_console, ana) = with_admin().await;
    let location = draft(&ana.submit(NEW_ROUTE, "/api/routes/create", REFUSED).await, NEW_ROUTE);
    let page = ana.get(&location).await;
    assert_eq!(page.status, StatusCode::OK);
    let text = page.text();
    assert!(text.contains(r#"value="Orders &amp; more""#) && text.contains(r#"value="Not A Slug""#), "{text}");
    assert!(text.contains("aria-invalid=\"true\"") && text.contains("Use 1 to 63 of a-z"), "{text}");

    let again = ana.get(&location).await.text();
    assert!(!again.contains("Not A Slug") && !again.contains("aria-invalid=\"true\""), "a reload tells of nothing");
}

#[tokio::test]
async fn a_draft_is_for_whoever_sent_the_form() {
    let (console, ana) = with_admin().await;
    let bob = console.browser().signed_in("bob@acme.test", PASSWORD).await;
    let location = draft(&ana.submit(NEW_ROUTE, "/api/routes/create", REFUSED).await, NEW_ROUTE);
    assert!(!bob.get(&location).await.text().contains("Not A Slug"));
    assert_eq!(console.browser().get(&location).await.status, StatusCode::SEE_OTHER, "nobody is sent to sign in");
    assert!(ana.get(&location).await.text().contains("Not A Slug"), "and it still waits for its own page");
}

#[tokio::test]
async fn a_form_of_somebody_whose_session_is_over_plants_nothing() {
    let (console, ana) = with_admin().await;
    let answer = console.browser().submit(NEW_ROUTE, "/api/routes/create", REFUSED).await;
    assert_eq!((answer.status, answer.header("location")), (StatusCode::FOUND, NEW_ROUTE));
    assert!(!ana.get(NEW_ROUTE).await.text().contains("Not A Slug"));
}

#[tokio::test]
async fn secrets_do_not_come_back_and_are_in_no_address() {
    let (console, ana) = with_admin().await;
    let nobody = console.browser();
    let wrong = [("email", "ana@acme.test"), ("password", "hunter2hunter2"), ("next", "/account")];
    let location = draft(&nobody.submit("/sign-in?next=%2Faccount", "/api/account/sign-in", &wrong).await, "/sign-in?next=%2Faccount");
    let text = nobody.get(&location).await.text();
    assert!(text.contains(r#"value="ana@acme.test""#) && text.contains("Enter this again") && !text.contains("hunter2"), "{text}");

    let page = "/w/acme/settings/integrations/telemetry";
    let wrong = [
        ("workspace", "acme"),
        ("form[endpoint]", "collector"),
        ("form[headers]", "Authorization=Bearer hunter2"),
        ("form[generation]", "0"),
    ];
    let location = draft(&ana.submit(page, "/api/integrations/save-export", &wrong).await, page);
    let text = ana.get(&location).await.text();
    assert!(text.contains(r#"value="collector""#) && text.contains("Enter this again") && !text.contains("hunter2"), "{text}");

    let wrong = [("workspace", "acme"), ("form[endpoint]", "http://ana:hunter2@collector"), ("form[generation]", "0")];
    let location = draft(&ana.submit(page, "/api/integrations/save-export", &wrong).await, page);
    let text = ana.get(&location).await.text();
    assert!(text.contains("leave out the user name") && text.contains("Enter this again") && !text.contains("hunter2"), "{text}");

    let short = [("current", "hunter2hunter2"), ("new", "hunter2")];
    let location = draft(&ana.submit("/account", "/api/account/change-password", &short).await, "/account");
    let text = ana.get(&location).await.text();
    assert!(text.contains("Enter this again") && !text.contains("hunter2"), "{text}");
}

#[tokio::test]
async fn an_address_can_not_make_up_an_error_or_a_draft() {
    let (_console, ana) = with_admin().await;
    // {"Invalid":{"field":"Slug","rule":"Taken"}}
    let made_up = "__path=%2Fapi%2Froutes%2Fcreate&__err=eyJJbnZhbGlkIjp7ImZpZWxkIjoiU2x1ZyIsInJ1bGUiOiJUYWtlbiJ9fQ==";
    let answer = ana.get(&format!("{NEW_ROUTE}?{made_up}&x=1")).await;
    assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, "/w/acme/routes/new?x=1"));
    for id in ["", "x", "00000000000000000000000000000000"] {
        let page = ana.get(&format!("{NEW_ROUTE}?draft={id}")).await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(!page.text().contains("aria-invalid=\"true\"") && !page.text().contains("role=\"alert\""), "{id}");
    }
}

#[tokio::test]
async fn a_form_leads_back_only_to_a_page_of_ours() {
    let (console, ana) = with_admin().await;
    let host = console.base.strip_prefix("http://").unwrap().to_owned();
    for (referer, start) in [
        (format!("http://{host}{NEW_ROUTE}?saved=route"), "/w/acme/routes/new?draft="),
        (format!("http://{host}//evil.example/"), "/?draft="),
        ("http://evil.example/w/acme".to_owned(), "/?draft="),
        (format!("http://{host}@evil.example/"), "/?draft="),
        ("nonsense".to_owned(), "/?draft="),
    ] {
        let headers = [("sec-fetch-site", "same-origin"), ("accept", "text/html"), ("referer", referer.as_str())];
        let body = super::browser::form(REFUSED);
        let answer = ana.send(reqwest::Method::POST, "/api/routes/create", &headers, Some(body)).await;
        assert!(answer.header("location").starts_with(start), "{referer}: {}", answer.header("location"));
    }
    // A function that says nothing of where to go leads back to its page too, and nowhere else.
    let headers = [("sec-fetch-site", "same-origin"), ("accept", "text/html"), ("referer", "http://evil.example/")];
    let answer = ana.send(reqwest::Method::POST, "/api/probe/viewer", &headers, Some(String::new())).await;
    assert_eq!(answer.header("location"), "/");
}

#[tokio::test]
async fn a_draft_fills_only_the_form_that_it_came_from() {
    let console = TestConsole::start().await;
    console.workspace("acme").await;
    console.workspace("globex").await;
    console.user("root@example.com", true).await;
    let root = console.browser().signed_in("root@example.com", PASSWORD).await;
    let page = "/settings/workspaces?confirm=delete-acme";
    let wrong = [("workspace", "acme"), ("confirmation", "acne")];
    let location = draft(&root.submit(page, "/api/directory/delete-workspace", &wrong).await, page);
    let text = root.get(&location).await.text();
    assert_eq!(text.matches(r#"value="acne""#).count(), 1, "{text}");
}
