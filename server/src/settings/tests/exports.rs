//! The export cards.

use super::*;
use crate::settings::Error;
use crate::values::{Field, Rule, Signal, Variable};

const ORIGIN_CHANGED: Error = Error::Invalid { field: Field::Headers, rule: Rule::OriginChanged };

#[tokio::test]
async fn a_save_is_in_force_at_once_and_after_a_restart() {
    let house = house();
    let mut exports = house.settings.exports();
    assert_eq!(*exports.borrow_and_update().as_ref(), Exports::default());
    house.settings.save_export(&global(), &form("http://c:4318/v1/logs", "authorization=hunter2", 0)).await.unwrap();
    assert!(exports.has_changed().unwrap());
    let check = |house: &House| {
        let target = house.exports().operator.clone().unwrap();
        let traces = target.signal(Signal::Traces).unwrap();
        assert_eq!(traces.url.as_str(), "http://c:4318/v1/traces");
        assert_eq!(traces.headers.to_text(), "authorization=hunter2");
        assert_eq!((target.generation, target.service_name.as_str()), (1, "knoxcall"));
        let view = house.settings.export(&ExportReader::Operator(operator())).unwrap();
        assert_eq!(
            (view.endpoint.value.as_str(), view.endpoint.by, view.standing.on, view.standing.broken),
            ("http://c:4318", None, true, false)
        );
        let headers = view.headers.value;
        assert_eq!((headers.set, headers.names, headers.unreadable), (true, vec!["authorization".to_owned()], false));
        assert_eq!(headers.set_by.unwrap().as_str(), "op@example.com");
    };
    check(&house);
    check(&house.reopened([1; 32]));
}

#[tokio::test]
async fn blank_headers_keep_and_the_clear_flag_removes() {
    let house = house();
    let save = |change: ExportChange| {
        let settings = house.settings.clone();
        async move { settings.save_export(&global(), &change).await }
    };
    let headers = || house.exports().operator.clone().unwrap().logs.clone().unwrap().headers.to_text();
    save(form("http://c:4318", "a=1", 0)).await.unwrap();
    save(ExportChange { service_name: "other".to_owned(), ..form("http://c:4318/base", "", 1) }).await.unwrap();
    assert_eq!(headers(), "a=1");
    save(form("http://c:4318", "b=2", 2)).await.unwrap();
    assert_eq!(headers(), "b=2");
    save(ExportChange { clear_headers: true, ..form("http://c:4318", "", 3) }).await.unwrap();
    assert_eq!(headers(), "");
    assert!(!house.settings.export(&ExportReader::Operator(operator())).unwrap().headers.value.set);
}

#[tokio::test]
async fn stored_headers_never_follow_to_another_origin() {
    let house = house();
    let acme = house.workspace("acme").await.id;
    let save = async |change: ExportChange| house.settings.save_export(&own(acme), &change).await;
    save(form("https://c.example/otlp", "a=1", 0)).await.unwrap();
    for elsewhere in ["http://c.example/otlp", "https://c.example:8443", "https://evil.example"] {
        assert_eq!(save(form(elsewhere, "", 1)).await, Err(ORIGIN_CHANGED), "{elsewhere}");
    }
    // Nor by way of switching off in between.
    save(form("", "", 1)).await.unwrap();
    assert_eq!(house.tenant_target(acme), None);
    assert_eq!(save(form("https://evil.example", "", 2)).await, Err(ORIGIN_CHANGED));
    save(form("https://c.example/other", "", 2)).await.unwrap();
    assert_eq!(house.tenant_target(acme).unwrap().logs.as_ref().unwrap().headers.to_text(), "a=1");
    save(form("https://new.example", "b=2", 3)).await.unwrap();
    save(ExportChange { clear_headers: true, ..form("https://third.example", "", 4) }).await.unwrap();
    assert_eq!(house.tenant_target(acme).unwrap().logs.as_ref().unwrap().headers.to_text(), "");
}

#[tokio::test]
async fn a_form_that_was_loaded_before_another_save_is_stale() {
    let house = house();
    let acme = house.workspace("acme").await.id;
    house.settings.save_export(&own(acme), &form("http://a", "", 0)).await.unwrap();
    assert_eq!(house.settings.save_export(&own(acme), &form("http://b", "", 0)).await, Err(Error::Stale));
    assert_eq!(house.tenant_generation(acme), 1);
    house.settings.save_export(&own(acme), &form("http://b", "", 1)).await.unwrap();
    let both = [form("http://c", "", 2), form("http://d", "", 2)];
    let writer = own(acme);
    let (one, other) = tokio::join!(house.settings.save_export(&writer, &both[0]), house.settings.save_export(&writer, &both[1]));
    assert_eq!([&one, &other].iter().filter(|result| result.is_ok()).count(), 1);
    assert_eq!(house.tenant_generation(acme), 3);
}

#[tokio::test]
async fn wrong_fields_are_named_and_nothing_is_saved() {
    let house = house();
    for (change, field) in [
        (form("ftp://x", "", 0), Field::Endpoint),
        (form("http://x", "no pair", 0), Field::Headers),
        (ExportChange { service_name: "a\nb".to_owned(), ..form("http://x", "", 0) }, Field::ServiceName),
        (ExportChange { compression: "zstd".to_owned(), ..form("http://x", "", 0) }, Field::Compression),
        (ExportChange { timeout_s: "0".to_owned(), ..form("http://x", "", 0) }, Field::Timeout),
        (ExportChange { temporality: "sum".to_owned(), ..form("http://x", "", 0) }, Field::Temporality),
        (ExportChange { preset: "jaeger".to_owned(), ..form("http://x", "", 0) }, Field::Preset),
    ] {
        let error = house.settings.save_export(&global(), &change).await.unwrap_err();
        assert!(matches!(error, Error::Invalid { field: found, .. } if found == field), "{error}");
    }
    assert_eq!(house.settings.export(&ExportReader::Operator(operator())).unwrap().generation, 0);
}

#[tokio::test]
async fn the_environment_locks_its_fields() {
    let house = house_with(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://env:4318"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "x-env=canary"),
        ("OTEL_TRACES_EXPORTER", "none"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "5000"),
    ]);
    let view = house.settings.export(&ExportReader::Operator(operator())).unwrap();
    assert_eq!((view.endpoint.value.as_str(), view.endpoint.by), ("http://env:4318", Some(Variable::OtlpEndpoint)));
    assert_eq!((view.headers.value.names.as_slice(), view.headers.by), (&["x-env".to_owned()][..], Some(Variable::OtlpHeaders)));
    assert_eq!((view.traces.value, view.traces.by), (false, Some(Variable::TracesExporter)));
    assert_eq!((view.timeout_s.value, view.timeout_s.by), (Some(5), Some(Variable::OtlpTimeout)));
    assert!(view.also_managed.is_empty());
    assert!(!format!("{view:?}").contains("canary"));
    let off = |change: ExportChange| ExportChange { traces: false, ..change };
    for (change, field, variable) in [
        (off(form("http://other", "", 0)), Field::Endpoint, Variable::OtlpEndpoint),
        (off(form("", "a=1", 0)), Field::Headers, Variable::OtlpHeaders),
        (off(ExportChange { clear_headers: true, ..form("", "", 0) }), Field::Headers, Variable::OtlpHeaders),
        (form("", "", 0), Field::Traces, Variable::TracesExporter),
        (off(ExportChange { timeout_s: "6".to_owned(), ..form("", "", 0) }), Field::Timeout, Variable::OtlpTimeout),
    ] {
        let error = house.settings.save_export(&global(), &change).await.unwrap_err();
        assert_eq!(error, Error::Managed { field, variable });
    }
    // What a form with locked fields sends: the value in force, or nothing.
    for (generation, endpoint) in [(0, "http://env:4318"), (1, "")] {
        let change = ExportChange { logs: generation == 1, ..off(form(endpoint, "", generation)) };
        house.settings.save_export(&global(), &change).await.unwrap();
        let target = house.exports().operator.clone().unwrap();
        assert_eq!((target.logs.is_some(), target.traces.is_some()), (generation == 1, false));
    }
    assert!(house.settings.store().exports().operator().unwrap().unwrap().endpoint.is_none(), "the stored endpoint is left alone");
}

/// The field is locked, so nobody could enter or clear them.
#[tokio::test]
async fn stored_headers_are_left_behind_when_the_environment_has_them_locked() {
    let House { dir, settings } = house();
    settings.save_export(&global(), &form("https://old.example", "x-stored=canary", 0)).await.unwrap();
    drop(settings);
    let vars = [("OTEL_EXPORTER_OTLP_HEADERS", "x-env=1")];
    let house = House { settings: open(dir.path(), [1; 32], &vars), dir };
    let stored = || house.settings.store().exports().operator().unwrap().unwrap().headers;
    house.settings.save_export(&global(), &form("https://old.example/base", "", 1)).await.unwrap();
    assert!(stored().is_some(), "the same origin");
    house.settings.save_export(&global(), &form("https://new.example", "", 2)).await.unwrap();
    assert!(stored().is_none());
    let history = house.settings.export(&ExportReader::Operator(operator())).unwrap().history;
    let changed: Vec<_> = history[0].changes.iter().map(|change| (change.field, change.values.is_some())).collect();
    assert_eq!(changed, [(Field::Endpoint, true), (Field::Headers, false)], "told of, without the value");
    // Without the variable nothing of them comes back.
    let House { dir, settings } = house;
    drop(settings);
    let house = House { settings: open(dir.path(), [1; 32], &[]), dir };
    let logs = house.exports().operator.clone().unwrap().logs.clone().unwrap();
    assert_eq!((logs.url.as_str(), logs.headers.is_empty()), ("https://new.example/v1/logs", true));
}

#[tokio::test]
async fn a_save_leaves_every_other_target_the_same() {
    let house = house();
    let (acme, blue) = (house.workspace("acme").await.id, house.workspace("blue").await.id);
    house.settings.save_export(&global(), &form("http://o", "", 0)).await.unwrap();
    house.settings.save_export(&own(acme), &form("http://a", "", 0)).await.unwrap();
    let before = house.exports();
    house.settings.save_export(&own(blue), &form("http://b", "", 0)).await.unwrap();
    let after = house.exports();
    assert!(Arc::ptr_eq(before.operator.as_ref().unwrap(), after.operator.as_ref().unwrap()));
    assert!(Arc::ptr_eq(&before.tenants[&acme], &after.tenants[&acme]));
    assert_eq!(after.tenants.len(), 2);

    let mut watch = house.settings.exports();
    watch.mark_unchanged();
    house.settings.create_route(&admin(acme), "r", "R", "http://up").await.unwrap();
    assert!(!watch.has_changed().unwrap(), "a route is nothing to the exports");
    house.settings.enable_workspace(&operator(), acme, false).await.unwrap();
    assert!(house.tenant_target(acme).is_none() && house.tenant_target(blue).is_some());
    house.settings.enable_workspace(&operator(), acme, true).await.unwrap();
    assert!(house.tenant_target(acme).is_some());
    house.settings.delete_workspace(&operator(), acme, "acme").await.unwrap();
    assert!(house.tenant_target(acme).is_none());
    let gone = house.settings.save_export(&own(acme), &form("http://a", "", 0)).await;
    assert_eq!(gone, Err(Error::NotFound));
}

#[tokio::test]
async fn a_workspace_is_not_touched_by_the_environment() {
    let house = house_with(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://env:4318"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "x-env=canary"),
        ("OTEL_RESOURCE_ATTRIBUTES", "team=canary"),
        ("OTEL_SERVICE_NAME", "canary"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "1"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "none"),
    ]);
    let acme = house.workspace("acme").await.id;
    assert_eq!(house.tenant_target(acme), None);
    house.settings.save_export(&own(acme), &form("http://a", "", 0)).await.unwrap();
    let with = house.tenant_target(acme).unwrap();
    let plain = super::house();
    let other = plain.workspace("acme").await.id;
    plain.settings.save_export(&own(other), &form("http://a", "", 0)).await.unwrap();
    let without = plain.tenant_target(other).unwrap();
    assert_eq!(ExportTarget { owner: without.owner, ..ExportTarget::clone(&with) }, *without);
}
