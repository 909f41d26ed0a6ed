//! Webhooks through the console's functions: what a viewer is shown.

use app::contract::{WebhookLosses, WebhookRow, WebhookState, WorkspaceRef};
use server::values::Role;

use super::console::ask;
use super::{PASSWORD, TestConsole};

#[tokio::test]
async fn a_viewer_sees_where_a_webhook_leads_and_not_its_path() {
    let console = TestConsole::start().await;
    let acme = console.workspace("acme").await;
    console.member(&acme, "admin@acme.test", Role::Admin).await;
    console.member(&acme, "viewer@acme.test", Role::Viewer).await;
    let admin = console.browser().signed_in("admin@acme.test", PASSWORD).await;
    let url = "http://127.0.0.1:1/services/canary-path?key=canary-query";
    let fields = [("workspace", "acme"), ("form[name]", "hook"), ("form[url]", url), ("form[event_types][0]", "request.error")];
    let () = ask(&admin, "/api/webhooks/create", &fields).await;
    let viewer = console.browser().signed_in("viewer@acme.test", PASSWORD).await;
    for (browser, shown) in [(&admin, url), (&viewer, "http://127.0.0.1:1")] {
        let (_, rows, _): (WorkspaceRef, Vec<WebhookRow>, WebhookLosses) =
            ask(browser, "/api/webhooks/list", &[("workspace", "acme")]).await;
        assert_eq!((rows[0].url.as_str(), &rows[0].state), (shown, &WebhookState::Active));
        let page = browser.get(&format!("/w/acme/webhooks/{}", rows[0].id)).await.text();
        assert_eq!(page.contains("canary"), shown == url, "{page}");
        assert!(!browser.get("/w/acme/webhooks").await.text().contains("canary-query") || shown == url);
    }
}
