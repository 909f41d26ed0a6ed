//! What entries say: who, where, which fields, and no secret.

use super::*;
use crate::audit::{Action, Actor, Change, Entry, Filter, Log, Verdict};
use crate::settings::{EnvironmentChange, Error, Exhausted, LogReader, RouteChange};
use crate::values::{Field, Slug};

impl House {
    /// Oldest first.
    fn told(&self, log: Log) -> Vec<Entry> {
        let mut found = self.settings.store().audit().page(log, &Filter::default(), None, 1000).unwrap().entries;
        found.reverse();
        found.into_iter().map(|written| written.entry).collect()
    }

    fn last(&self, log: Log) -> Entry {
        self.told(log).pop().unwrap()
    }
}

fn shown(changes: &[Change]) -> Vec<String> {
    let one = |change: &Change| match &change.values {
        Some(values) => format!("{}: {} > {}", change.field, values.before, values.after),
        None => format!("{} changed", change.field),
    };
    changes.iter().map(one).collect()
}

#[tokio::test]
async fn an_environments_entry_says_what_differs() {
    let house = house();
    let settings = &house.settings;
    let acme = house.workspace("acme").await.id;
    let log = Log::Workspace(acme);
    let route = settings.create_route(&admin(acme), "billing", "Billing", "http://up/v1").await.unwrap();
    let made = house.last(log);
    assert_eq!((made.action, made.resource.handle.as_str(), made.resource.id), (Action::RouteCreated, "billing", Some(route.id)));
    assert!(shown(&made.changes).contains(&"Target base URL:  > production: http://up/v1".to_owned()), "{:?}", made.changes);

    let staging = EnvironmentChange {
        name: "staging".to_owned(),
        target_base_url: "http://up/v2".to_owned(),
        inject_headers: "authorization=Bearer canary".to_owned(),
        default: true,
        ..EnvironmentChange::default()
    };
    settings.save_environment(&admin(acme), "billing", &staging).await.unwrap();
    let made = house.last(log);
    assert_eq!((made.action, made.resource.handle.as_str()), (Action::EnvironmentCreated, "billing/staging"));
    assert_eq!(
        shown(&made.changes),
        [
            "Name:  > staging",
            "Enabled:  > on",
            "Target base URL:  > http://up/v2",
            "Default environment: production > staging",
            "Injected headers changed"
        ]
    );
    // Only the default moves back.
    let production = EnvironmentChange {
        original_name: "production".to_owned(),
        name: "production".to_owned(),
        target_base_url: "http://up/v1".to_owned(),
        default: true,
        ..EnvironmentChange::default()
    };
    settings.save_environment(&admin(acme), "billing", &production).await.unwrap();
    let moved = house.last(log);
    assert_eq!((moved.action, moved.resource.handle.as_str()), (Action::EnvironmentChanged, "billing/production"));
    assert_eq!(shown(&moved.changes), ["Default environment: staging > production"]);
    settings.enable_environment(&admin(acme), "billing", "staging", false).await.unwrap();
    assert_eq!(shown(&house.last(log).changes), ["Enabled: on > off"]);
    settings.delete_environment(&admin(acme), "billing", "staging").await.unwrap();
    let gone = house.last(log);
    assert_eq!(gone.action, Action::EnvironmentDeleted);
    assert!(shown(&gone.changes).contains(&"Injected headers changed".to_owned()));
}

#[tokio::test]
async fn a_save_that_changes_nothing_or_is_refused_leaves_nothing() {
    let house = house();
    let settings = &house.settings;
    let acme = house.workspace("acme").await.id;
    let log = Log::Workspace(acme);
    settings.create_route(&admin(acme), "billing", "Billing", "http://up").await.unwrap();
    let key = settings.create_key(&admin(acme), "ci", "billing").await.unwrap();
    let before = house.told(log).len();
    let same = RouteChange {
        name: "Billing".to_owned(),
        methods: String::new(),
        connect_timeout_ms: 5_000,
        response_timeout_ms: 60_000,
        body_limit_bytes: 100 * 1024 * 1024,
        rate_limit_per_s: 0,
    };
    settings.update_route(&admin(acme), "billing", &same).await.unwrap();
    settings.update_key(&admin(acme), key.id, "ci", "billing").await.unwrap();
    settings.enable_key(&admin(acme), key.id, true).await.unwrap();
    settings.rename_workspace(&admin(acme), "acme").await.unwrap();
    let taken = settings.create_route(&admin(acme), "billing", "Again", "http://up").await.unwrap_err();
    assert_eq!(taken, Error::Taken(Field::Slug));
    assert_eq!(settings.save_export(&own(acme), &form("http://up", "", 7)).await.unwrap_err(), Error::Stale);
    assert_eq!(house.told(log).len(), before);
    settings.update_key(&admin(acme), key.id, "build", "").await.unwrap();
    assert_eq!(shown(&house.last(log).changes), ["Name: ci > build", "Routes: billing > all"]);
}

#[tokio::test]
async fn an_export_says_its_fields_and_of_headers_only_that_they_changed() {
    let house = house();
    let settings = &house.settings;
    let acme = house.workspace("acme").await.id;
    let log = Log::Workspace(acme);
    settings.save_export(&own(acme), &form("http://one", "authorization=Bearer canary", 0)).await.unwrap();
    let saved = house.last(log);
    assert_eq!(saved.action, Action::ExportSaved);
    assert_eq!(shown(&saved.changes), ["OTLP HTTP endpoint:  > http://one", "Auth headers changed"]);
    let cleared = ExportChange { clear_headers: true, ..form("http://one", "", 1) };
    settings.save_export(&own(acme), &cleared).await.unwrap();
    assert_eq!(shown(&house.last(log).changes), ["Auth headers changed"]);

    let failing = Exhausted { workspace: Some(acme), generation: 2, failing_since: 0, attempts: 20 };
    assert!(settings.pause_exhausted(failing).await.unwrap());
    let paused = house.last(log);
    assert_eq!((paused.action, &paused.actor), (Action::ExportPaused, &Actor::System));
    assert_eq!(shown(&paused.changes), ["Paused: off > on"]);
    assert!(house.told(Log::Global).iter().all(|entry| entry.action == Action::WorkspaceCreated), "the other log is not touched");
}

#[tokio::test]
async fn the_bootstrap_file_is_its_own_actor_and_leaves_nothing_the_second_time() {
    let house = house();
    let file = crate::config::bootstrap::Bootstrap::parse(
        "[operator]\nemail = \"a@example.com\"\npassword = \"canary password\"\n[[workspace]]\nslug = \"acme\"\n",
        &|_| None,
    )
    .unwrap();
    for _ in 0..2 {
        house.settings.apply_bootstrap(&Operator::at_startup(), &file, &super::bootstrap::Reversing).await.unwrap();
    }
    let told = house.told(Log::Global);
    let actions: Vec<_> = told.iter().map(|entry| (entry.action, entry.actor.clone(), entry.address)).collect();
    assert_eq!(actions, [(Action::AccountCreated, Actor::Bootstrap, None), (Action::WorkspaceCreated, Actor::Bootstrap, None)]);
    assert_eq!(shown(&told[0].changes), ["Operator:  > on", "Enabled:  > on", "Password changed"]);
}

#[tokio::test]
async fn another_signing_secret_in_the_bootstrap_file_is_told_as_a_rotation() {
    let house = house();
    let apply = async |url: &str, secret: &str| {
        let webhook = format!("name = 'w'\nurl = '{url}'\nevent_types = ['audit.event']\nsecret = '{secret}'");
        let text = format!("[[workspace]]\nslug = 'acme'\n[[workspace.webhook]]\n{webhook}");
        let file = crate::config::bootstrap::Bootstrap::parse(&text, &|_| None).unwrap();
        house.settings.apply_bootstrap(&Operator::at_startup(), &file, &super::bootstrap::Reversing).await.unwrap();
    };
    let (one, other) = ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_AbKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    apply("http://127.0.0.1:9100/hook", one).await;
    let acme = house.settings.store().workspaces().by_slug(&Slug::parse("acme").unwrap()).unwrap().unwrap().id;
    let told = || {
        let told = house.told(Log::Workspace(acme));
        assert!(told.iter().all(|entry| entry.actor == Actor::Bootstrap && entry.resource.handle == "w"), "{told:?}");
        told.iter().skip(1).map(|entry| (entry.action, shown(&entry.changes).join(", "))).collect::<Vec<_>>()
    };
    apply("http://127.0.0.1:9100/hook", other).await;
    apply("http://127.0.0.1:9100/hook", other).await;
    let rotated = (Action::WebhookSecretRotated, "Signing secret changed".to_owned());
    assert_eq!(told(), std::slice::from_ref(&rotated));
    apply("http://127.0.0.1:9200/hook", one).await;
    let moved = "Receiver: http://127.0.0.1:9100 > http://127.0.0.1:9200, URL changed".to_owned();
    assert_eq!(told(), [rotated.clone(), rotated, (Action::WebhookChanged, moved)]);
}

#[tokio::test]
async fn a_log_is_verified_once_at_a_time() {
    let house = house();
    let acme = house.workspace("acme").await.id;
    let reader = LogReader::Workspace(member(acme));
    let under_way = house.settings.verifying().begin(Log::Workspace(acme)).unwrap();
    assert_eq!(house.settings.verify_audit(&reader).await, Err(Error::Verifying));
    assert!(house.settings.verify_audit(&LogReader::Operator(operator())).await.is_ok(), "another log");
    drop(under_way);
    for _ in 0..2 {
        assert!(house.settings.verify_audit(&reader).await.is_ok());
    }
}

#[tokio::test]
async fn old_entries_leave_and_an_entry_tells_of_it() {
    let house = house();
    let (acme, blue) = (house.workspace("acme").await.id, house.workspace("blue").await.id);
    let log = Log::Workspace(acme);
    for name in ["a", "b", "c"] {
        house.settings.create_key(&admin(acme), name, "").await.unwrap();
    }
    let verdict = async || house.settings.verify_audit(&LogReader::Workspace(member(acme))).await.unwrap();
    let whole = verdict().await;
    assert_eq!(house.settings.trim_audit(0).await, Ok(0), "nothing is that old");
    assert_eq!((house.told(log).len(), verdict().await), (3, whole));

    // Two workspaces made, in the Global log; and the three keys.
    let later = crate::store::now() + 1_000;
    assert_eq!(house.settings.trim_audit(later).await, Ok(5));
    let [told] = &house.told(log)[..] else { panic!("one entry") };
    assert_eq!((told.sequence, told.action, &told.actor), (4, Action::AuditTrimmed, &Actor::System));
    assert_eq!(told.resource.handle, "entries 1 to 3");
    assert!(matches!(verdict().await, Verdict::Intact { entries: 1, removed: 3, .. }));
    assert!(house.told(Log::Workspace(blue)).is_empty(), "where nothing was, nothing is told");
    assert_eq!(house.settings.trim_audit(later).await, Ok(0), "what tells of it does not make more of it");

    house.settings.create_key(&admin(acme), "d", "").await.unwrap();
    assert!(matches!(verdict().await, Verdict::Intact { entries: 2, removed: 3, .. }));
    let house = house.reopened([1; 32]);
    assert_eq!(house.settings.trim_audit(crate::store::now() + 1_000).await, Ok(2));
    assert_eq!(house.last(log).resource.handle, "entries 4 to 5");
    let found = house.settings.verify_audit(&LogReader::Workspace(member(acme))).await.unwrap();
    assert!(matches!(found, Verdict::Intact { entries: 1, removed: 5, .. }), "{found:?}");
}
