//! The audit logs as the console has them: each change leaves one entry and nothing else does, who may read which log, the
//! page, and the files.

use std::collections::BTreeSet;

use app::contract::{ApiError, AuditActor, AuditPage, AuditVerdict, Field, Rule};
use leptos::server_fn;
use reqwest::StatusCode;
use server::audit::{Actor, Filter, Log, Verdict, Written};
use server::values::{Email, Role, Slug};

use super::console::ask;
use super::{Browser, PASSWORD, TestConsole};

/// What a successful call leaves.
#[derive(Clone, Copy, Debug)]
enum Leaves {
    /// It only reads, or tries something out.
    Nothing,
    /// One entry of the Global log.
    Global(&'static str),
    /// One entry of the log of the workspace `acme`.
    Acme(&'static str),
}
use Leaves::{Acme, Global, Nothing};

/// Path, fields (`{…}` is looked up), and what the call leaves. In this order everything that changes something can.
type Step = (&'static str, &'static [(&'static str, &'static str)], Leaves);

const W: (&str, &str) = ("workspace", "acme");
const MEMBER: (&str, &str) = ("user_id", "{member@acme.test}");
const OPERATOR: (&str, &str) = ("user_id", "{op@example.com}");
const BILLING: (&str, &str) = ("route", "billing");
const KEY: (&str, &str) = ("id", "{key}");
const WEBHOOK: (&str, &str) = ("id", "{webhook}");
const HOOK_URL: (&str, &str) = ("form[url]", "http://127.0.0.1:1/canary-path");
const TOKEN: (&str, &str) = ("form[auth_secret]", "canary-token");
const AGENT: (&str, &str) = ("agent", "bot");
const ENDPOINT: (&str, &str) = ("form[endpoint]", "http://127.0.0.1:4318");
const HEADERS: (&str, &str) = ("form[headers]", "authorization=Bearer canary-headers");

const STEPS: &[Step] = &[
    ("/api/account/sign-in", &[("email", "root@example.com"), ("password", PASSWORD)], Global("auth.signed_in")),
    ("/api/account/viewer", &[], Nothing),
    ("/api/account/setup-link", &[("token", "x")], Nothing),
    ("/api/overview/gateway", &[], Nothing),
    ("/api/directory/workspaces", &[("page", "0")], Nothing),
    ("/api/directory/create-workspace", &[("slug", "acme"), ("name", "Acme")], Global("workspace.created")),
    ("/api/directory/rename-workspace", &[W, ("name", "Acme Corp")], Acme("workspace.changed")),
    ("/api/directory/enable-workspace", &[W, ("enabled", "false")], Acme("workspace.changed")),
    ("/api/directory/enable-workspace", &[W, ("enabled", "true")], Acme("workspace.changed")),
    ("/api/overview/workspace", &[W], Nothing),
    ("/api/directory/add-member", &[W, ("email", "member@acme.test"), ("role", "admin")], Acme("member.added")),
    ("/api/directory/members", &[W], Nothing),
    ("/api/directory/take-invitation", &[W, MEMBER], Nothing),
    ("/api/directory/renew-invitation", &[W, MEMBER], Acme("invitation.renewed")),
    ("/api/directory/set-member-role", &[W, MEMBER, ("role", "viewer")], Acme("member.changed")),
    ("/api/directory/set-member-role", &[W, MEMBER, ("role", "viewer")], Nothing),
    ("/api/directory/enable-member", &[W, MEMBER, ("enabled", "false")], Acme("member.changed")),
    ("/api/operators/add", &[("email", "op@example.com")], Global("operator.added")),
    ("/api/operators/list", &[], Nothing),
    ("/api/operators/take-invitation", &[OPERATOR], Nothing),
    ("/api/operators/renew-invitation", &[OPERATOR], Global("invitation.renewed")),
    ("/api/account/complete-setup", &[("token", "{token}"), ("password", "canary password")], Global("account.set_up")),
    ("/api/operators/enable", &[OPERATOR, ("enabled", "false")], Global("operator.changed")),
    ("/api/operators/remove", &[OPERATOR], Global("operator.removed")),
    (
        "/api/routes/create",
        &[W, ("name", "Billing"), ("slug", "billing"), ("target_base_url", "http://127.0.0.1:1/v1")],
        Acme("route.created"),
    ),
    ("/api/routes/list", &[W], Nothing),
    ("/api/routes/detail", &[W, BILLING], Nothing),
    ("/api/routes/workspace", &[W], Nothing),
    ("/api/routes/update", &[W, BILLING, ("form[name]", "Billing API"), ("form[methods]", "GET")], Acme("route.changed")),
    ("/api/routes/enable", &[W, BILLING, ("enabled", "false")], Acme("route.changed")),
    ("/api/routes/enable", &[W, BILLING, ("enabled", "false")], Nothing),
    (
        "/api/routes/save-environment",
        &[W, BILLING, ("form[name]", "staging"), ("form[target_base_url]", "http://127.0.0.1:2")],
        Acme("environment.created"),
    ),
    (
        "/api/routes/save-environment",
        &[
            W,
            BILLING,
            ("form[original_name]", "staging"),
            ("form[name]", "staging"),
            ("form[target_base_url]", "http://127.0.0.1:2"),
            ("form[inject_headers]", "authorization=Bearer canary-injected"),
        ],
        Acme("environment.changed"),
    ),
    ("/api/routes/enable-environment", &[W, BILLING, ("name", "staging"), ("enabled", "false")], Acme("environment.changed")),
    ("/api/routes/delete-environment", &[W, BILLING, ("name", "staging")], Acme("environment.deleted")),
    ("/api/keys/create", &[W, ("name", "ci"), ("routes[]", "billing")], Acme("api_key.created")),
    ("/api/keys/list", &[W], Nothing),
    ("/api/keys/take", &[W, KEY], Nothing),
    ("/api/keys/update", &[W, KEY, ("name", "build")], Acme("api_key.changed")),
    ("/api/keys/update", &[W, KEY, ("name", "build")], Nothing),
    ("/api/keys/enable", &[W, KEY, ("enabled", "false")], Acme("api_key.changed")),
    ("/api/keys/delete", &[W, KEY], Acme("api_key.deleted")),
    ("/api/routes/delete", &[W, BILLING, ("confirmation", "billing")], Acme("route.deleted")),
    ("/api/integrations/save-export", &[ENDPOINT, HEADERS, ("form[generation]", "0")], Global("export.saved")),
    ("/api/integrations/export", &[], Nothing),
    ("/api/integrations/cards", &[], Nothing),
    ("/api/integrations/glances", &[], Nothing),
    ("/api/integrations/export-health", &[], Nothing),
    ("/api/integrations/save-export", &[W, ENDPOINT, HEADERS, ("form[generation]", "0")], Acme("export.saved")),
    ("/api/integrations/test-export", &[W, ("form[generation]", "1")], Nothing),
    ("/api/integrations/pause-export", &[W, ("generation", "1")], Acme("export.paused")),
    ("/api/integrations/resume-export", &[W, ("generation", "2")], Acme("export.resumed")),
    ("/api/integrations/save-export", &[W, ("form[clear_headers]", "on"), ("form[generation]", "3")], Acme("export.saved")),
    ("/api/integrations/save-export", &[W, ENDPOINT, ("form[generation]", "4")], Acme("export.saved")),
    ("/api/integrations/revert-export", &[W, ("to", "4"), ("generation", "5")], Acme("export.reverted")),
    ("/api/integrations/save-tracking", &[("form[environment]", "prod"), ("form[generation]", "0")], Global("error_tracking.saved")),
    ("/api/integrations/tracking", &[], Nothing),
    ("/api/integrations/test-tracking", &[("form[generation]", "1")], Nothing),
    (
        "/api/webhooks/create",
        &[W, ("form[name]", "hook"), HOOK_URL, ("form[event_types][0]", "request.error"), ("form[auth]", "bearer"), TOKEN],
        Acme("webhook.created"),
    ),
    ("/api/webhooks/list", &[W], Nothing),
    ("/api/webhooks/detail", &[W, WEBHOOK], Nothing),
    ("/api/webhooks/health", &[W, WEBHOOK], Nothing),
    ("/api/webhooks/take-secret", &[W, WEBHOOK], Nothing),
    (
        "/api/webhooks/save",
        &[
            W,
            WEBHOOK,
            ("form[name]", "hook"),
            ("form[url]", "http://127.0.0.1:1/canary-path?key=canary-key"),
            ("form[event_types][0]", "request.error"),
            ("form[auth]", "bearer"),
            ("form[generation]", "1"),
        ],
        Acme("webhook.changed"),
    ),
    ("/api/webhooks/rotate-secret", &[W, WEBHOOK], Acme("webhook.secret_rotated")),
    ("/api/webhooks/test", &[W, WEBHOOK], Nothing),
    ("/api/webhooks/deliveries", &[W, WEBHOOK], Nothing),
    ("/api/webhooks/redeliver", &[W, WEBHOOK, ("delivery", "00000000-0000-0000-0000-000000000001")], Nothing),
    ("/api/webhooks/redeliver-failed", &[W, WEBHOOK, ("since", "2026-01-01T00:00")], Nothing),
    ("/api/webhooks/enable", &[W, WEBHOOK, ("enabled", "false")], Acme("webhook.changed")),
    ("/api/webhooks/delete", &[W, WEBHOOK, ("confirmation", "hook")], Acme("webhook.deleted")),
    (
        "/api/agents/create",
        &[W, ("form[slug]", "bot"), ("form[provider]", "openai"), ("form[credential]", "sk-canary")],
        Acme("agent.created"),
    ),
    ("/api/agents/list", &[W], Nothing),
    ("/api/agents/detail", &[W, AGENT], Nothing),
    (
        "/api/agents/save",
        &[W, AGENT, ("form[provider]", "openai"), ("form[models]", "gpt-4o"), ("form[generation]", "1")],
        Acme("agent.changed"),
    ),
    ("/api/agents/enable", &[W, AGENT, ("enabled", "false")], Acme("agent.changed")),
    ("/api/agents/delete", &[W, AGENT, ("confirmation", "bot")], Acme("agent.deleted")),
    ("/api/traffic/page", &[W], Nothing),
    ("/api/traffic/list", &[W], Nothing),
    ("/api/directory/remove-member", &[W, MEMBER], Acme("member.removed")),
    ("/api/audit/list", &[W], Nothing),
    ("/api/audit/verify", &[W], Nothing),
    ("/api/account/change-password", &[("current", PASSWORD), ("new", "canary password too")], Global("account.password_changed")),
    ("/api/directory/delete-workspace", &[W, ("confirmation", "acme")], Global("workspace.deleted")),
    ("/api/account/sign-out", &[], Global("auth.signed_out")),
];

fn entries(console: &TestConsole, log: Log) -> Vec<Written> {
    console.store.audit().page(log, &Filter::default(), None, 1000).unwrap().entries
}

fn count(console: &TestConsole) -> usize {
    let logs = console.store.audit().logs().unwrap();
    logs.into_iter().map(|id| entries(console, Log::of(id)).len()).sum()
}

/// Puts in what only turns up on the way.
async fn filled(console: &TestConsole, log: Option<Log>, value: &str) -> String {
    let Some(wanted) = value.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) else { return value.to_owned() };
    let user = |email: &str| console.store.users().by_email(&Email::parse(email).unwrap()).unwrap().unwrap();
    match (wanted, log) {
        ("key", Some(Log::Workspace(acme))) => console.store.api_keys().of_workspace(acme).unwrap()[0].id.to_string(),
        ("webhook", Some(Log::Workspace(acme))) => console.store.webhooks().of_workspace(acme).unwrap()[0].id.to_string(),
        ("token", _) => {
            let op = user("op@example.com");
            let link = console.auth.invite(op.id, op.session_epoch, None).await.unwrap().url("http://x");
            link.split_once("token=").unwrap().1.to_owned()
        }
        (email, _) => user(email).id.to_string(),
    }
}

/// A function that is registered and has no step here fails the test: whoever adds one says what it leaves in the log.
#[tokio::test]
async fn each_change_leaves_one_entry_and_nothing_else_does() {
    let console = TestConsole::start().await;
    console.user("root@example.com", true).await;
    let root = console.browser().signed_in("root@example.com", PASSWORD).await;
    let (mut walked, mut acme) = (BTreeSet::new(), None);
    for (path, fields, leaves) in STEPS {
        walked.insert(*path);
        let mut sent = Vec::new();
        for (name, value) in *fields {
            sent.push((*name, filled(&console, acme, value).await));
        }
        let sent: Vec<(&str, &str)> = sent.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let before = count(&console);
        // Whoever signs in or takes up a link is another browser.
        let other = console.browser();
        let own = !["/api/account/sign-in", "/api/account/complete-setup"].contains(path);
        let answer = (if own { &root } else { &other }).call(path, &sent).await;
        let made = count(&console) - before;
        let (log, action) = match leaves {
            Nothing => {
                assert_eq!(made, 0, "{path} left an entry");
                continue;
            }
            Global(action) => (Log::Global, *action),
            Acme(action) => (acme.unwrap(), *action),
        };
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text());
        assert_eq!(made, 1, "{path}: one entry");
        let entry = &entries(&console, log)[0].entry;
        assert_eq!(entry.action.name(), action, "{path}");
        let who = entry.actor.email().map(Email::as_str);
        let op = *path == "/api/account/complete-setup";
        assert_eq!(who, Some(if op { "op@example.com" } else { "root@example.com" }), "{path}");
        assert_eq!(entry.address.map(|address| address.to_string()).as_deref(), Some("127.0.0.1"), "{path}");
        assert_eq!(entry.request_id.map(|id| id.to_string()).as_deref(), Some(answer.header("x-request-id")), "{path}");
        assert!(entry.trace.is_some(), "{path}: somebody listens");
        if *path == "/api/directory/create-workspace" {
            let found = console.store.workspaces().by_slug(&Slug::parse("acme").unwrap()).unwrap().unwrap();
            acme = Some(Log::Workspace(found.id));
        }
    }
    let missing: Vec<&str> = server_fn::axum::server_fn_paths()
        .map(|(path, _)| path)
        .filter(|path| !path.starts_with("/api/probe/") && !walked.contains(path))
        .collect();
    assert!(missing.is_empty(), "what do these leave in the audit log? {missing:?}");
    for log in [Log::Global, acme.unwrap()] {
        assert!(matches!(console.store.audit().verify(log).unwrap(), Verdict::Intact { .. }));
        for written in entries(&console, log) {
            assert!(!written.text.contains("canary"), "{}", written.text);
            assert!(!written.text.contains("tk_"), "{}", written.text);
        }
    }
}

/// A console with a workspace of two members, a stranger, and some entries.
async fn with_entries(routes: usize) -> (TestConsole, Browser, Browser, Browser) {
    let console = TestConsole::start().await;
    console.user("root@example.com", true).await;
    let acme = console.workspace("acme").await;
    let globex = console.workspace("globex").await;
    console.member(&acme, "viewer@acme.test", Role::Viewer).await;
    console.member(&globex, "admin@globex.test", Role::Admin).await;
    let root = console.browser().signed_in("root@example.com", PASSWORD).await;
    let viewer = console.browser().signed_in("viewer@acme.test", PASSWORD).await;
    let stranger = console.browser().signed_in("admin@globex.test", PASSWORD).await;
    for n in 1..=routes {
        let (slug, name) = (format!("route-{n}"), format!("=canary {n}"));
        let fields = [W, ("name", &name), ("slug", &slug), ("target_base_url", "http://127.0.0.1:1")];
        let () = ask(&root, "/api/routes/create", &fields).await;
    }
    (console, root, viewer, stranger)
}

async fn listed(browser: &Browser, fields: &[(&str, &str)]) -> AuditPage {
    ask(browser, "/api/audit/list", fields).await
}

#[tokio::test]
async fn a_member_reads_filters_and_verifies_their_log_page_by_page() {
    let (console, root, viewer, _) = with_entries(52).await;
    let first = listed(&viewer, &[W]).await;
    // The viewer's signing in was the first.
    assert_eq!((first.rows.len(), first.rows[0].sequence, first.next), (50, 53, Some(4)));
    assert_eq!(first.actions, ["auth.signed_in", "route.created"]);
    let row = &first.rows[0];
    assert_eq!((&row.actor, row.resource.as_str()), (&AuditActor::User("root@example.com".to_owned()), "route-52"));
    assert!(row.changes.iter().any(|change| change.field == "Name" && change.values == Some((String::new(), "=canary 52".to_owned()))));
    let second = listed(&viewer, &[W, ("before", "4")]).await;
    assert_eq!(second.rows.iter().map(|row| row.sequence).collect::<Vec<_>>(), [3, 2, 1]);
    assert_eq!(second.next, None);

    let today = time::OffsetDateTime::now_utc().date().to_string();
    for (name, value, found) in [
        ("actor", "ROOT@", 50),
        ("actor", "viewer", 1),
        ("actor", "stranger", 0),
        ("action", "route", 50),
        ("action", "api_key", 0),
        ("resource", "route-51", 1),
        ("from", today.as_str(), 50),
        ("to", today.as_str(), 50),
        ("to", "2020-01-01", 0),
    ] {
        assert_eq!(listed(&viewer, &[W, (&format!("filter[{name}]"), value)]).await.rows.len(), found, "{name}={value}");
    }
    let wrong = viewer.call("/api/audit/list", &[W, ("filter[from]", "yesterday")]).await;
    assert_eq!(wrong.error(), ApiError::Invalid { field: Field::Date, rule: Rule::Date });

    let verdict: AuditVerdict = ask(&viewer, "/api/audit/verify", &[W]).await;
    assert_eq!(verdict, AuditVerdict::Intact { entries: 53, removed: 0, head: row.hash.clone() });
    // The Global log is another one, and the operator's.
    let signed_in: Vec<_> = listed(&root, &[]).await.rows.into_iter().map(|row| (row.action, row.resource)).collect();
    let by = |email: &str| ("auth.signed_in".to_owned(), email.to_owned());
    assert_eq!(signed_in, [by("admin@globex.test"), by("viewer@acme.test"), by("root@example.com")]);
    assert_eq!(viewer.call("/api/audit/list", &[]).await.error(), ApiError::NotFound);
    let page = viewer.get("/w/acme/audit?action=route&verify=1").await;
    assert_eq!(page.status, StatusCode::OK);
    for said in ["Audit log", "route-52", "=canary 52", &row.hash, "/w/acme/audit/export?action=route&amp;format=csv"] {
        assert!(page.text().contains(said), "{said}");
    }
    assert_eq!(console.store.audit().logs().unwrap().len(), 3, "acme's, the stranger's and the Global one");
}

#[tokio::test]
async fn the_log_is_a_file_for_whoever_may_see_its_page() {
    let (console, root, viewer, stranger) = with_entries(3).await;
    let csv = viewer.get("/w/acme/audit/export?format=csv").await;
    assert_eq!(csv.status, StatusCode::OK);
    assert_eq!(csv.header("content-disposition"), "attachment; filename=\"audit-acme.csv\"");
    assert_eq!(csv.header("cache-control"), "no-store");
    assert!(csv.header("content-type").starts_with("text/csv"));
    let text = csv.text();
    let lines: Vec<&str> = text.split_terminator("\r\n").collect();
    assert_eq!(lines.len(), 5, "{text}");
    assert!(lines[0].starts_with("sequence,time,actor,") && lines[1].starts_with("1,") && lines[4].starts_with("4,"), "{text}");
    assert!(lines[1].contains(",viewer@acme.test,auth.signed_in,account,viewer@acme.test,"), "{text}");
    assert!(lines[2].contains(",root@example.com,route.created,route,route-1,"), "{text}");

    let one = viewer.get("/w/acme/audit/export?format=jsonl&resource=route-2").await;
    let entry: serde_json::Value = serde_json::from_str(one.text().trim_end()).unwrap();
    assert_eq!((&entry["sequence"], &entry["resource"]["handle"]), (&serde_json::json!(3), &serde_json::json!("route-2")));
    assert_eq!(one.header("content-disposition"), "attachment; filename=\"audit-acme.jsonl\"");

    let global = root.get("/settings/audit/export?format=csv").await;
    assert_eq!((global.status, global.text().lines().count()), (StatusCode::OK, 4), "the names of the columns, and who signed in");
    for (browser, path) in [
        (&stranger, "/w/acme/audit/export?format=csv"),
        (&stranger, "/w/nowhere/audit/export?format=csv"),
        (&viewer, "/settings/audit/export?format=csv"),
    ] {
        let refused = browser.get(path).await;
        assert_eq!(refused.status, StatusCode::NOT_FOUND, "{path}");
        assert!(!refused.text().contains("route-1") && refused.header("content-disposition").is_empty(), "{path}");
    }
    let nobody = console.browser().get("/w/acme/audit/export?format=csv").await;
    assert_eq!(nobody.status, StatusCode::SEE_OTHER);
    assert!(nobody.header("location").starts_with("/sign-in?next="));
    assert_eq!(viewer.get("/w/acme/audit/export?format=pdf").await.status, StatusCode::BAD_REQUEST);
    assert_eq!(viewer.get("/w/acme/audit/export?format=csv&from=soon").await.status, StatusCode::UNPROCESSABLE_ENTITY);
}

/// A deleted workspace's log is not the next one's with its slug.
#[tokio::test]
async fn a_deleted_workspaces_log_stays_with_it() {
    let (console, root, ..) = with_entries(1).await;
    let old = console.store.workspaces().by_slug(&Slug::parse("acme").unwrap()).unwrap().unwrap().id;
    let () = ask(&root, "/api/directory/delete-workspace", &[W, ("confirmation", "acme")]).await;
    let () = ask(&root, "/api/directory/create-workspace", &[("slug", "acme"), ("name", "Acme")]).await;
    assert_eq!(listed(&root, &[W]).await.rows.len(), 0);
    assert_eq!(entries(&console, Log::Workspace(old)).len(), 2);
    let global: Vec<_> = listed(&root, &[]).await.rows.into_iter().map(|row| row.action).collect();
    assert_eq!(global[..2], ["workspace.created", "workspace.deleted"]);
}

/// Whoever guesses at an account leaves one entry a minute, by KnoxCall, in the logs of those whom it concerns.
#[tokio::test]
async fn a_lock_of_signing_in_is_in_the_log_of_an_account_that_is_there() {
    let console = TestConsole::start().await;
    let acme = console.workspace("acme").await;
    console.member(&acme, "viewer@acme.test", Role::Viewer).await;
    let log = Log::Workspace(acme.id);
    for email in ["viewer@acme.test", "nobody@acme.test"] {
        let browser = console.browser();
        for _ in 0..8 {
            browser.call("/api/account/sign-in", &[("email", email), ("password", "a wrong password")]).await;
        }
    }
    crate::support::upstream::until("the lock is told of", || entries(&console, log).len() == 1).await;
    for log in [log, Log::Global] {
        let [locked] = &entries(&console, log)[..] else { panic!("one entry in {log:?}") };
        let entry = &locked.entry;
        assert_eq!(
            (entry.action.name(), &entry.actor, entry.resource.handle.as_str()),
            ("auth.locked", &Actor::System, "viewer@acme.test")
        );
        assert_eq!(entry.address.map(|address| address.to_string()).as_deref(), Some("127.0.0.1"));
    }
}
