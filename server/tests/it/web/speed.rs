//! How long the server works on a page. Left out of test runs: what else a machine does would decide it.

use std::time::{Duration, Instant};

use reqwest::StatusCode;
use server::store::{Changes, Workspace};
use server::values::{DisplayName, Slug, TenantId};
use uuid::Uuid;

use super::{PASSWORD, TestConsole};

const WORKSPACES: u128 = 1_000;
const REQUESTS: usize = 200;
/// From the request's first byte to the answer's last, both on this machine.
const LIMIT: Duration = Duration::from_millis(10);

#[tokio::test]
#[ignore = "measures; run with: cargo test --release -p server --test it -- --ignored --nocapture speed"]
async fn pages_of_a_gateway_with_many_workspaces() {
    let console = TestConsole::start().await;
    console.user("ana@example.com", true).await;
    let workspaces = (0..WORKSPACES).map(|number| Workspace {
        id: TenantId(Uuid::from_u128(number)),
        slug: Slug::parse(&format!("workspace-{number}")).unwrap(),
        name: DisplayName::parse(&format!("Workspace {number}")).unwrap(),
        enabled: true,
        created_at: 0,
    });
    let changes = workspaces.fold(Changes::new(), |changes, workspace| changes.put(&workspace));
    console.store.commit(changes).await.unwrap();
    let browser = console.browser().signed_in("ana@example.com", PASSWORD).await;

    for page in ["/settings/integrations", "/settings/workspaces"] {
        let mut took = Vec::with_capacity(REQUESTS);
        for _ in 0..REQUESTS {
            let started = Instant::now();
            let answer = browser.get(page).await;
            took.push(started.elapsed());
            assert_eq!(answer.status, StatusCode::OK);
        }
        took.sort();
        let (half, most) = (took[REQUESTS / 2], took[REQUESTS * 99 / 100]);
        println!("{page}: {WORKSPACES} workspaces, {REQUESTS} requests: p50 {half:?}, p99 {most:?}");
        assert!(cfg!(debug_assertions) || half < LIMIT, "{page}: p50 {half:?}");
    }
}
