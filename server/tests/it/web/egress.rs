//! Targets and endpoints that no connection could be made to, as the forms of the console refuse them.

use app::contract::values::EgressRule;
use app::contract::{ApiError, Field, Rule};
use reqwest::StatusCode;
use server::values::Role;

use super::{PASSWORD, TestConsole};

#[tokio::test]
async fn nobody_saves_them_and_the_answer_says_what_to_do() {
    let console = TestConsole::start().await;
    let acme = console.workspace("acme").await;
    console.user("root@example.com", true).await;
    console.member(&acme, "admin@acme.test", Role::Admin).await;
    for who in ["root@example.com", "admin@acme.test"] {
        let browser = console.browser().signed_in(who, PASSWORD).await;
        let workspace = ("workspace", "acme");
        let create = [workspace, ("name", "Inside"), ("slug", "inside"), ("target_base_url", "http://192.168.1.1/admin")];
        let route = browser.call("/api/routes/create", &create).await;
        let rule = Rule::EgressBlocked { rule: EgressRule::Private };
        assert_eq!(
            (route.status, route.error()),
            (StatusCode::UNPROCESSABLE_ENTITY, ApiError::Invalid { field: Field::TargetBaseUrl, rule })
        );
        assert!(route.error().to_string().contains("--allow-egress"), "{}", route.error());

        let save = [workspace, ("form[endpoint]", "http://[fd00:ec2::254]"), ("form[generation]", "0")];
        let export = browser.call("/api/integrations/save-export", &save).await;
        let rule = Rule::EgressBlocked { rule: EgressRule::CloudMetadata };
        assert_eq!(export.error(), ApiError::Invalid { field: Field::Endpoint, rule });
    }
    assert!(console.store.routes().all().unwrap().is_empty() && console.store.exports().all().unwrap().is_empty());
}
