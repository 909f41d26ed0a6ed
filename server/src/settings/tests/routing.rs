//! Routes, environments, keys, and the table they make.

use std::time::Duration;

use super::*;
use crate::live::{self, hash_key};
use crate::settings::secret::{self, HeaderChange, Place};
use crate::settings::{EnvironmentChange, Error, RouteChange, WebhookChange};
use crate::store::{ApiKey, Changes, CommitError};
use crate::values::{Field, Rule};

fn environment(original: &str, name: &str, target: &str) -> EnvironmentChange {
    EnvironmentChange {
        original_name: original.to_owned(),
        name: name.to_owned(),
        target_base_url: target.to_owned(),
        ..EnvironmentChange::default()
    }
}

fn limits() -> RouteChange {
    RouteChange {
        name: "Billing".to_owned(),
        methods: String::new(),
        connect_timeout_ms: 5_000,
        response_timeout_ms: 60_000,
        body_limit_bytes: 1024,
        rate_limit_per_s: 0,
    }
}

impl House {
    fn lookup(&self, key: &str) -> Option<live::ApiKey> {
        self.settings.routing().load().keys.get(&hash_key(key)).cloned()
    }

    fn live_route(&self, key: &str, handle: &str) -> Option<Arc<live::Route>> {
        self.lookup(key)?.workspace.routes.get(handle).cloned()
    }
}

#[tokio::test]
async fn a_key_leads_to_its_workspaces_routes() {
    let house = house();
    let settings = &house.settings;
    let (acme, blue) = (house.workspace("acme").await.id, house.workspace("blue").await.id);
    let key = settings.create_key(&admin(acme), "default", "").await.unwrap();
    assert!(!format!("{key:?}").contains(key.secret.as_str()));
    let route = settings.create_route(&admin(acme), "billing", "Billing API", "http://up:9000/v1/").await.unwrap();
    settings.create_route(&admin(blue), "secret", "Secret", "http://blue").await.unwrap();

    for handle in ["billing", "Billing API", &route.id.to_string()] {
        let found = house.live_route(&key.secret, handle).unwrap();
        assert_eq!(found.id, route.id, "{handle}");
        let environment = found.default_environment.as_ref().unwrap();
        assert_eq!((&*environment.name, &*environment.upstream.base_path), ("production", "/v1"));
    }
    assert!(house.live_route(&key.secret, "secret").is_none());
    assert!(house.live_route(&key.secret, "billing api").is_none(), "case-sensitive");

    settings.enable_route(&admin(acme), "billing", false).await.unwrap();
    assert!(house.live_route(&key.secret, "billing").is_none());
    settings.enable_route(&admin(acme), "billing", true).await.unwrap();
    settings.enable_key(&admin(acme), key.id, false).await.unwrap();
    assert!(house.lookup(&key.secret).is_none());
    settings.enable_key(&admin(acme), key.id, true).await.unwrap();
    settings.enable_workspace(&operator(), acme, false).await.unwrap();
    assert!(house.lookup(&key.secret).is_none());
    settings.enable_workspace(&operator(), acme, true).await.unwrap();
    assert!(house.live_route(&key.secret, "billing").is_some());
    let house = house.reopened([1; 32]);
    assert!(house.live_route(&key.secret, "billing").is_some());
    house.settings.delete_key(&admin(acme), key.id).await.unwrap();
    assert!(house.lookup(&key.secret).is_none());
}

/// In numbers, as the README has them.
#[tokio::test]
async fn what_nobody_sets_is_in_force_as_published() {
    let house = house();
    let acme = house.workspace("acme").await.id;
    let key = house.settings.create_key(&admin(acme), "default", "").await.unwrap();
    house.settings.create_route(&admin(acme), "billing", "Billing", "http://up").await.unwrap();
    let limits = house.live_route(&key.secret, "billing").unwrap().limits;
    assert_eq!((limits.connect_timeout, limits.response_timeout), (Duration::from_secs(5), Duration::from_secs(60)));
    assert_eq!((limits.body_limit, limits.requests_per_second), (100 * 1024 * 1024, None));
    assert_eq!(limits, live::Limits::default(), "as of AI agents");

    let change = WebhookChange {
        name: "hook".to_owned(),
        url: "http://127.0.0.1:9100/hook".to_owned(),
        event_types: vec!["request.error".to_owned()],
        ..WebhookChange::default()
    };
    house.settings.create_webhook(&admin(acme), &change).await.unwrap();
    let endpoint = Arc::clone(&house.settings.webhooks_in_force().now.load().tenants[&acme].endpoints[0]);
    assert_eq!((endpoint.timeout, endpoint.retries), (Duration::from_secs(15), 3));
}

#[tokio::test]
async fn the_page_where_one_is_made_is_no_slug() {
    let house = house();
    let acme = house.workspace("acme").await.id;
    let taken = house.settings.create_route(&admin(acme), "new", "New", "http://up").await.unwrap_err();
    assert!(matches!(taken, Error::Taken(Field::Slug)), "{taken:?}");
}

#[tokio::test]
async fn slugs_win_over_ids_and_names() {
    let house = house();
    let acme = house.workspace("acme").await.id;
    let key = house.settings.create_key(&admin(acme), "k", "").await.unwrap();
    let first = house.settings.create_route(&admin(acme), "one", "two", "http://up").await.unwrap();
    let second = house.settings.create_route(&admin(acme), "two", &first.id.to_string(), "http://up").await.unwrap();
    assert_eq!(house.live_route(&key.secret, "two").unwrap().id, second.id);
    assert_eq!(house.live_route(&key.secret, &first.id.to_string()).unwrap().id, first.id);
    let third = house.settings.create_route(&admin(acme), "three", "Same", "http://up").await.unwrap();
    house.settings.create_route(&admin(acme), "four", "Same", "http://up").await.unwrap();
    assert_eq!(house.live_route(&key.secret, "Same").unwrap().id, third.id);
}

#[tokio::test]
async fn environments_and_their_injected_headers() {
    let house = house();
    let settings = &house.settings;
    let acme = house.workspace("acme").await.id;
    let key = settings.create_key(&admin(acme), "k", "").await.unwrap();
    settings.create_route(&admin(acme), "r", "R", "http://up").await.unwrap();
    let save = async |change: EnvironmentChange| settings.save_environment(&admin(acme), "r", &change).await;
    let with_headers = |headers: &str, change: EnvironmentChange| EnvironmentChange { inject_headers: headers.to_owned(), ..change };
    save(with_headers("authorization=Bearer hunter2", environment("", "staging", "http://staging"))).await.unwrap();
    let staging = || house.live_route(&key.secret, "r").unwrap().environments.get("staging").cloned();
    let inject = staging().unwrap().inject.clone();
    assert_eq!(inject["authorization"], "Bearer hunter2");
    assert!(inject["authorization"].is_sensitive());
    assert!(!format!("{:?}", staging().unwrap()).contains("hunter2"));
    let entry = settings.route(&member(acme), "r").unwrap();
    assert_eq!(entry.inject_headers[1].names, ["authorization"]);
    assert!(!format!("{entry:?}").contains("hunter2"));

    // Kept on a rename, not on a change of origin.
    save(environment("staging", "stage", "http://staging/v2")).await.unwrap();
    assert!(staging().is_none());
    let changed = save(environment("stage", "stage", "http://elsewhere")).await.unwrap_err();
    assert_eq!(changed, Error::Invalid { field: Field::InjectHeaders, rule: Rule::OriginChanged });
    save(EnvironmentChange { clear_headers: true, ..environment("stage", "staging", "http://elsewhere") }).await.unwrap();
    assert!(staging().unwrap().inject.is_empty());

    assert_eq!(save(environment("", "staging", "http://x")).await.unwrap_err(), Error::Taken(Field::Name));
    assert_eq!(save(environment("nope", "staging", "http://x")).await.unwrap_err(), Error::NotFound);
    let refused = settings.delete_environment(&admin(acme), "r", "production").await.unwrap_err();
    assert_eq!(refused, Error::Invalid { field: Field::Name, rule: Rule::DefaultEnvironment });
    save(EnvironmentChange { default: true, ..environment("staging", "staging", "http://elsewhere") }).await.unwrap();
    assert_eq!(&*house.live_route(&key.secret, "r").unwrap().default_environment.clone().unwrap().name, "staging");
    settings.delete_environment(&admin(acme), "r", "production").await.unwrap();
    assert_eq!(house.live_route(&key.secret, "r").unwrap().environments.len(), 1);
}

/// What was saved before such names were refused is neither sent nor shown.
#[tokio::test]
async fn trace_context_is_no_environments_to_set() {
    let house = house();
    let settings = &house.settings;
    let acme = house.workspace("acme").await.id;
    let key = settings.create_key(&admin(acme), "k", "").await.unwrap();
    settings.create_route(&admin(acme), "r", "R", "http://up").await.unwrap();
    for (headers, position) in [("traceparent=x", 1), ("a=1,TraceState=b=1", 2)] {
        let change = EnvironmentChange { inject_headers: headers.to_owned(), ..environment("", "staging", "http://staging") };
        let refused = settings.save_environment(&admin(acme), "r", &change).await.unwrap_err();
        assert_eq!(refused, Error::Invalid { field: Field::InjectHeaders, rule: Rule::HeaderReserved { position } });
    }

    let mut route = settings.store().routes().of_workspace(acme).unwrap().remove(0);
    let place = Place::environment(acme, route.id, route.environments[0].id);
    let target = route.environments[0].target_base_url.0.clone();
    let earlier =
        HeaderChange { text: "Traceparent=x,a=1,tracestate=b=1", clear: false, field: Field::InjectHeaders, endpoint: Some(&target) };
    route.environments[0].inject_headers = secret::change(settings.vault(), &place, None, &earlier, &someone()).unwrap();
    settings.store().commit(Changes::new().put(&route)).await.unwrap();
    let house = house.reopened([1; 32]);
    assert!(house.settings.problems().is_empty());
    let inject = || house.live_route(&key.secret, "r").unwrap().default_environment.clone().unwrap().inject.clone();
    let names = || inject().keys().map(ToString::to_string).collect::<Vec<_>>();
    let shown = || house.settings.route(&member(acme), "r").unwrap().inject_headers[0].names.clone();
    assert_eq!((names(), shown()), (vec!["a".to_owned()], vec!["a".to_owned()]));
    // A form that leaves them blank keeps the others.
    house.settings.save_environment(&admin(acme), "r", &environment("production", "production", "http://up/v2")).await.unwrap();
    assert_eq!((names(), shown()), (vec!["a".to_owned()], vec!["a".to_owned()]));
}

#[tokio::test]
async fn a_disabled_environment_is_not_published_and_no_other_stands_in_for_it() {
    let house = house();
    let settings = &house.settings;
    let acme = house.workspace("acme").await.id;
    let key = settings.create_key(&admin(acme), "k", "").await.unwrap();
    settings.create_route(&admin(acme), "r", "R", "http://up").await.unwrap();
    settings.save_environment(&admin(acme), "r", &environment("", "staging", "http://staging")).await.unwrap();
    let names = |house: &House| {
        let route = house.live_route(&key.secret, "r").unwrap();
        let mut names: Vec<_> = route.environments.keys().map(ToString::to_string).collect();
        names.sort();
        (names, route.default_environment.as_ref().map(|one| one.name.to_string()))
    };
    let both = || (vec!["production".to_owned(), "staging".to_owned()], Some("production".to_owned()));
    assert_eq!(names(&house), both());
    settings.enable_environment(&admin(acme), "r", "staging", false).await.unwrap();
    assert_eq!(names(&house), (vec!["production".to_owned()], Some("production".to_owned())));
    // A save of the form changes nothing about it.
    settings.save_environment(&admin(acme), "r", &environment("staging", "staging", "http://staging/v2")).await.unwrap();
    assert_eq!(names(&house).0, ["production"]);
    let entry = settings.route(&member(acme), "r").unwrap();
    assert_eq!(entry.route.environments.iter().map(|one| one.enabled).collect::<Vec<_>>(), [true, false]);

    settings.enable_environment(&admin(acme), "r", "production", false).await.unwrap();
    settings.enable_environment(&admin(acme), "r", "staging", true).await.unwrap();
    assert_eq!(names(&house), (vec!["staging".to_owned()], None), "the default one stays the default");
    let unknown = settings.enable_environment(&admin(acme), "r", "nope", false).await.unwrap_err();
    assert_eq!(unknown, Error::NotFound);
    let house = house.reopened([1; 32]);
    assert_eq!(names(&house), (vec!["staging".to_owned()], None));
    house.settings.enable_environment(&admin(acme), "r", "production", true).await.unwrap();
    assert_eq!(names(&house), both());
}

#[tokio::test]
async fn what_a_route_allows() {
    let house = house();
    let settings = &house.settings;
    let acme = house.workspace("acme").await.id;
    let key = settings.create_key(&admin(acme), "k", "").await.unwrap();
    settings.create_route(&admin(acme), "r", "R", "http://up").await.unwrap();
    let change = RouteChange { methods: "GET, POST,GET".to_owned(), rate_limit_per_s: 7, ..limits() };
    settings.update_route(&admin(acme), "r", &change).await.unwrap();
    let route = house.live_route(&key.secret, "r").unwrap();
    assert_eq!(route.methods, [http::Method::GET, http::Method::POST]);
    assert_eq!((route.limits.body_limit, route.limits.requests_per_second.unwrap().get()), (1024, 7));
    for (change, field) in [
        (RouteChange { methods: "get".to_owned(), ..limits() }, Field::Methods),
        (RouteChange { name: String::new(), ..limits() }, Field::Name),
        (RouteChange { connect_timeout_ms: 0, ..limits() }, Field::ConnectTimeout),
        (RouteChange { response_timeout_ms: 3_600_001, ..limits() }, Field::ResponseTimeout),
        (RouteChange { body_limit_bytes: u64::MAX, ..limits() }, Field::BodyLimit),
    ] {
        let error = settings.update_route(&admin(acme), "r", &change).await.unwrap_err();
        assert!(matches!(error, Error::Invalid { field: found, .. } if found == field), "{error}");
    }
    let taken = settings.create_route(&admin(acme), "r", "Other", "http://up").await.unwrap_err();
    assert_eq!(taken, Error::Taken(Field::Slug));
    assert_eq!(settings.route(&member(acme), "NOPE").unwrap_err(), Error::NotFound);
}

#[tokio::test]
async fn a_key_that_is_limited_stays_limited_when_its_route_goes() {
    let house = house();
    let settings = &house.settings;
    let acme = house.workspace("acme").await.id;
    let route = settings.create_route(&admin(acme), "r", "R", "http://up").await.unwrap();
    let unknown = settings.create_key(&admin(acme), "k", "r, nope").await.unwrap_err();
    assert_eq!(unknown, Error::Invalid { field: Field::KeyRoutes, rule: Rule::Unknown });
    let key = settings.create_key(&admin(acme), "k", "r").await.unwrap();
    let row = &settings.keys(&member(acme)).unwrap()[0];
    assert_eq!((row.routes.as_slice(), row.key.prefix.as_str()), (&["r".to_owned()][..], &key.secret[..8]));
    assert!(!format!("{row:?}").contains(key.secret.as_str()));
    settings.delete_route(&admin(acme), "r", "r").await.unwrap();
    assert_eq!(house.lookup(&key.secret).unwrap().routes, [route.id]);
    assert_eq!(settings.keys(&member(acme)).unwrap()[0].routes, [route.id.to_string()]);
}

#[tokio::test]
async fn the_routes_of_a_key_can_be_changed() {
    let house = house();
    let settings = &house.settings;
    let (acme, blue) = (house.workspace("acme").await.id, house.workspace("blue").await.id);
    let first = settings.create_route(&admin(acme), "one", "One", "http://up").await.unwrap().id;
    let second = settings.create_route(&admin(acme), "two", "Two", "http://up").await.unwrap().id;
    settings.create_route(&admin(blue), "secret", "Secret", "http://blue").await.unwrap();
    let key = settings.create_key(&admin(acme), "k", "").await.unwrap();
    let routes = || house.lookup(&key.secret).unwrap().routes;
    let update = async |name: &str, routes: &str| settings.update_key(&admin(acme), key.id, name, routes).await;

    update("Batch", "two, one,two").await.unwrap();
    assert_eq!(routes(), [second, first]);
    assert_eq!(settings.keys(&member(acme)).unwrap()[0].key.name.as_str(), "Batch");
    let unknown = Error::Invalid { field: Field::KeyRoutes, rule: Rule::Unknown };
    for wrong in ["one, nope", "secret", "NO SLUG", &Uuid::from_u128(7).to_string()] {
        assert_eq!(update("Other", wrong).await.unwrap_err(), unknown, "{wrong}");
    }
    assert!(matches!(update(" ", "one").await.unwrap_err(), Error::Invalid { field: Field::Name, .. }));
    assert_eq!((routes(), settings.keys(&member(acme)).unwrap()[0].key.name.as_str()), (vec![second, first], "Batch"), "nothing changed");
    let elsewhere = settings.update_key(&admin(blue), key.id, "k", "").await.unwrap_err();
    assert_eq!(elsewhere, Error::NotFound);

    // A route that is gone can be kept, and so keeps the key from every other one.
    update("Batch", "two").await.unwrap();
    settings.delete_route(&admin(acme), "two", "two").await.unwrap();
    update("Renamed", &second.to_string()).await.unwrap();
    assert_eq!(routes(), [second]);
    update("Renamed", "one").await.unwrap();
    assert_eq!(update("Renamed", &second.to_string()).await.unwrap_err(), unknown, "and not be taken back once it was let go");
    update("Renamed", "").await.unwrap();
    assert!(routes().is_empty());
}

/// Ten thousand workspaces, each with a route, a key and an export of its own.
#[tokio::test]
async fn many_workspaces_are_published_quickly() {
    let house = house();
    let mut changes = crate::store::Changes::new();
    let (template, route) = (house.workspace("template").await, {
        let template = house.settings.store().workspaces().all().unwrap()[0].id;
        house.settings.save_export(&own(template), &form("http://c", "", 0)).await.unwrap();
        house.settings.create_route(&admin(template), "r", "R", "http://up").await.unwrap()
    });
    let key = house.settings.create_key(&admin(template.id), "k", "").await.unwrap();
    let key_record = house.settings.store().api_keys().get(template.id, key.id).unwrap().unwrap();
    let export = house.settings.store().exports().of(template.id).unwrap().unwrap();
    for n in 0..10_000_u32 {
        let id = TenantId(Uuid::now_v7());
        let slug = crate::values::Slug::parse(&format!("w{n}")).unwrap();
        changes = changes.put(&crate::store::Workspace { id, slug, ..template.clone() });
        changes = changes.put(&crate::store::Route { id: Uuid::now_v7(), workspace: id, ..route.clone() });
        let hash = hex::encode(hash_key(&n.to_string()));
        changes = changes.put(&crate::store::ApiKey { id: Uuid::now_v7(), workspace: id, hash, ..key_record.clone() });
        changes = changes.put(&crate::store::ExportSettings { workspace: Some(id), ..export.clone() });
    }
    house.settings.store().commit(changes).await.unwrap();
    let begun = std::time::Instant::now();
    let house = house.reopened([1; 32]);
    let opened = begun.elapsed();
    assert_eq!((house.exports().tenants.len(), house.settings.routing().load().keys.len()), (10_001, 10_001));
    let begun = std::time::Instant::now();
    house.settings.save_export(&own(template.id), &form("http://d", "", 1)).await.unwrap();
    let saved = begun.elapsed();
    eprintln!("opened in {opened:?}, saved in {saved:?}");
    // Generous: an unoptimised build on a busy machine.
    assert!(opened.as_secs() < 20 && saved.as_secs() < 2, "opened in {opened:?}, saved in {saved:?}");
}

/// Whoever saved may be gone before the answer: what is stored is in force all the same.
#[tokio::test]
async fn a_save_that_nobody_waits_for_is_in_force() {
    let house = house();
    let settings = &house.settings;
    let acme = house.workspace("acme").await.id;
    let key = settings.create_key(&admin(acme), "default", "").await.unwrap();
    assert!(house.lookup(&key.secret).is_some());
    {
        let admin = admin(acme);
        let mut deleting = std::pin::pin!(settings.delete_key(&admin, key.id));
        assert!(futures::poll!(&mut deleting).is_pending(), "it is on its way to the disk");
    }
    let gone = async {
        while house.lookup(&key.secret).is_some() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), gone).await.expect("the key is deleted and does not work");
    settings.create_key(&admin(acme), "next", "").await.unwrap();
}

/// Nobody knows whether the disk has a change that it failed on; whoever reads sees it, and a key that looks deleted may not work.
#[tokio::test]
async fn what_can_be_read_is_in_force_after_an_error_of_the_disk() {
    let house = house();
    let settings = &house.settings;
    let acme = house.workspace("acme").await.id;
    let deleted = settings.create_key(&admin(acme), "deleted", "").await.unwrap();
    let kept = settings.create_key(&admin(acme), "kept", "").await.unwrap();
    // As where the disk fails behind what was written.
    settings.store().commit(Changes::new().delete::<ApiKey>(&ApiKey::key_of(acme, deleted.id))).await.unwrap();
    settings.store().refuse();
    assert!(house.lookup(&deleted.secret).is_some(), "nobody has put it in force");
    let failed = settings.update_key(&admin(acme), kept.id, "renamed", "").await;
    assert!(matches!(failed, Err(Error::Unsaved(CommitError::Io(_)))), "{failed:?}");
    assert!(house.lookup(&deleted.secret).is_none() && house.lookup(&kept.secret).is_some());
}
