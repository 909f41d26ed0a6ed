//! What is stored and can't be used.

use super::*;
use crate::live::Owner;
use crate::settings::{EnvironmentChange, Problem, SecretPlace};
use crate::store::Changes;
use crate::values::Signal;

async fn with_secrets() -> (House, TenantId, String) {
    let house = house();
    let acme = house.workspace("acme").await.id;
    house.settings.save_export(&global(), &form("http://o", "a=canary", 0)).await.unwrap();
    house.settings.save_export(&own(acme), &form("http://t", "a=canary", 0)).await.unwrap();
    house.settings.create_route(&admin(acme), "r", "R", "http://up").await.unwrap();
    let staging = EnvironmentChange {
        name: "staging".to_owned(),
        target_base_url: "http://staging".to_owned(),
        inject_headers: "authorization=canary".to_owned(),
        ..EnvironmentChange::default()
    };
    house.settings.save_environment(&admin(acme), "r", &staging).await.unwrap();
    let key = house.settings.create_key(&admin(acme), "k", "").await.unwrap();
    (house, acme, key.secret.to_string())
}

#[tokio::test]
async fn a_wrong_master_key_is_one_report_and_turns_off_what_it_can_not_read() {
    let (house, acme, key) = with_secrets().await;
    assert!(house.settings.problems().is_empty());
    let house = house.reopened([2; 32]);
    let problems = house.settings.problems();
    assert_eq!(problems[0], Problem::WrongKey { unreadable: 3 });
    assert!(problems[0].to_string().contains("the master key does not match this data folder; 3 secrets"));
    assert!(!format!("{problems:?}").contains("canary"));
    let exports = house.exports();
    assert!(exports.operator.is_none() && exports.tenants.is_empty());
    // What waits for them on disk is not theirs alone to lose: the right key may come back.
    assert_eq!(exports.suspended.iter().copied().collect::<Vec<_>>(), [Owner::Operator, Owner::Tenant(acme)]);
    let routing = house.settings.routing().load_full();
    let route = routing.keys[&crate::live::hash_key(&key)].workspace.routes["r"].clone();
    assert_eq!(
        route.environments.keys().map(|name| &**name).collect::<Vec<_>>(),
        ["production"],
        "staging is never called without its headers"
    );
    let view = house.settings.export(&ExportReader::Operator(operator())).unwrap();
    assert!(view.standing.broken && view.headers.value.unreadable && !view.standing.on);
    assert!(house.settings.export(&ExportReader::Workspace(member(acme))).unwrap().standing.broken);
    assert!(house.settings.route(&member(acme), "r").unwrap().inject_headers[1].unreadable);

    // Entered again one by one, the report goes.
    house.settings.save_export(&global(), &form("http://o", "a=new", 1)).await.unwrap();
    assert_eq!(house.settings.problems()[0], Problem::WrongKey { unreadable: 2 });
    assert!(house.exports().operator.is_some());
    house.settings.save_export(&own(acme), &form("http://t", "a=new", 1)).await.unwrap();
    house.settings.delete_environment(&admin(acme), "r", "staging").await.unwrap();
    assert!(house.settings.problems().is_empty());
    assert!(house.reopened([2; 32]).settings.problems().is_empty());
}

#[tokio::test]
async fn the_right_key_again_makes_everything_readable() {
    let (house, ..) = with_secrets().await;
    let house = house.reopened([2; 32]).reopened([1; 32]);
    assert!(house.settings.problems().is_empty());
    assert_eq!(house.exports().tenants.len(), 1);
}

#[tokio::test]
async fn a_ciphertext_that_was_moved_does_not_open() {
    let (house, acme, _) = with_secrets().await;
    let store = house.settings.store();
    let blue = house.workspace("blue").await.id;
    let stolen = store.exports().of(acme).unwrap().unwrap();
    store.commit(Changes::new().put(&crate::store::ExportSettings { workspace: Some(blue), ..stolen })).await.unwrap();
    let mut route = store.routes().of_workspace(acme).unwrap().remove(0);
    let secret = route.environments[1].inject_headers.clone();
    route.environments[0].inject_headers = secret;
    store.commit(Changes::new().put(&route)).await.unwrap();
    let house = house.reopened([1; 32]);
    let places: Vec<_> = house
        .settings
        .problems()
        .into_iter()
        .map(|problem| match problem {
            Problem::Secret { place } => place,
            other => panic!("{other}"),
        })
        .collect();
    assert_eq!(places.len(), 2);
    assert_eq!(places[0], SecretPlace::TenantHeaders(blue));
    assert!(matches!(&places[1], SecretPlace::InjectedHeaders { environment, .. } if environment.as_str() == "production"));
    assert!(house.tenant_target(blue).is_none() && house.tenant_target(acme).is_some());
}

#[tokio::test]
async fn nothing_secret_is_printed() {
    let (house, acme, key) = with_secrets().await;
    let settings = &house.settings;
    let store = settings.store();
    let mut printed = format!("{settings:?} {:?} {:?}", settings.routing().load(), house.exports());
    printed += &format!(
        "{:?} {:?}",
        settings.export(&ExportReader::Operator(operator())),
        settings.export(&ExportReader::Workspace(member(acme)))
    );
    printed += &format!("{:?} {:?}", settings.routes(&member(acme)), settings.keys(&member(acme)));
    printed += &format!("{:?} {:?} {:?}", store.exports().all(), store.routes().all(), store.api_keys().all());
    printed += &format!("{:?}", form("http://x", "a=canary", 0));
    let sealed = store.exports().operator().unwrap().unwrap().headers.unwrap().sealed.data;
    for secret in ["canary", key.as_str(), sealed.as_str()] {
        assert!(!printed.contains(secret), "{secret} is printed");
    }
    // Nor does it lie on disk.
    let db = std::fs::read(house.dir.path().join("db")).unwrap();
    assert!(!db.windows(6).any(|window| window == b"canary"));
    assert!(!db.windows(key.len()).any(|window| window == key.as_bytes()));
    assert!(db.windows(sealed.len()).any(|window| window == sealed.as_bytes()), "the search finds what is there");
}

/// What was changed while the process runs is found by the next save of that scope, and told once.
#[tokio::test]
async fn a_secret_that_stops_opening_is_told_of_once() {
    let (house, acme, _) = with_secrets().await;
    let mut told = house.settings.unreadable();
    let store = house.settings.store();
    let operators = store.exports().operator().unwrap().unwrap();
    let own_export = store.exports().of(acme).unwrap().unwrap();
    // A ciphertext of somebody else's, moved here.
    let moved = crate::store::ExportSettings { headers: operators.headers, ..own_export };
    store.commit(Changes::new().put(&moved)).await.unwrap();
    assert!(told.try_recv().is_err(), "nobody has read it yet");
    for name in ["k1", "k2"] {
        house.settings.create_key(&admin(acme), name, "").await.unwrap();
    }
    assert_eq!(told.try_recv(), Ok(SecretPlace::TenantHeaders(acme)));
    assert!(told.try_recv().is_err(), "once");
    assert_eq!(house.settings.problems(), [Problem::Secret { place: SecretPlace::TenantHeaders(acme) }]);
    // Entered again and broken again, it is told of again.
    house.settings.save_export(&own(acme), &form("http://t", "a=new", moved.generation)).await.unwrap();
    let whole = store.exports().of(acme).unwrap().unwrap();
    store.commit(Changes::new().put(&crate::store::ExportSettings { headers: moved.headers, ..whole })).await.unwrap();
    house.settings.create_key(&admin(acme), "k3", "").await.unwrap();
    assert_eq!(told.try_recv(), Ok(SecretPlace::TenantHeaders(acme)));
}

/// What the environment alone says goes on, and what waits for the rest is not taken for switched off.
#[tokio::test]
async fn an_export_that_can_not_be_read_suspends_what_the_environment_does_not_name() {
    let (House { dir, settings }, ..) = with_secrets().await;
    settings.store().damage::<crate::store::ExportSettings>(&crate::store::ExportSettings::key_of(None));
    drop(settings);
    let vars = [("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://t:9")];
    let house = House { settings: open(dir.path(), [1; 32], &vars), dir };
    let target = house.exports().operator.clone().unwrap();
    assert_eq!((target.traces.is_some(), &target.suspended), (true, &vec![Signal::Logs, Signal::Metrics]));
    let standing = house.settings.export(&ExportReader::Operator(operator())).unwrap().standing;
    assert_eq!((standing.broken, standing.going_on), (true, vec![Signal::Traces]));
    // Entered again.
    house.settings.save_export(&global(), &form("http://o", "a=new", 0)).await.unwrap();
    let target = house.exports().operator.clone().unwrap();
    assert_eq!((target.logs.is_some(), target.metrics.is_some(), target.suspended.len()), (true, true, 0));
}

/// Its export can't be in force without it, but what waits on disk for it is not to be lost with one unreadable record.
#[tokio::test]
async fn a_workspace_that_can_not_be_read_keeps_what_waits_for_it() {
    let (house, acme, _) = with_secrets().await;
    house.settings.store().damage::<Workspace>(acme.0.as_bytes());
    let house = house.reopened([1; 32]);
    let exports = house.exports();
    assert!(exports.tenants.is_empty() && exports.operator.is_some());
    assert_eq!(exports.suspended.iter().copied().collect::<Vec<_>>(), [Owner::Tenant(acme)]);
}
