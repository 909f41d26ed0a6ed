//! Pausing, testing, and the generations of an export.

use super::*;
use crate::live::{Compression, Temporality};
use crate::settings::{Error, Exhausted, Export, Resume};
use crate::store::RevisionCause;
use crate::values::{Field, Preset, Rule, Signal, Variable};

fn view(house: &House, workspace: TenantId) -> Export {
    house.settings.export(&ExportReader::Workspace(member(workspace))).unwrap()
}

fn causes(export: &Export) -> Vec<RevisionCause> {
    export.history.iter().map(|revision| revision.cause.clone()).collect()
}

fn headers(house: &House, workspace: TenantId) -> String {
    house.tenant_target(workspace).unwrap().logs.as_ref().unwrap().headers.to_text()
}

#[tokio::test]
async fn further_settings_reach_the_target() {
    let house = house();
    let acme = house.workspace("acme").await.id;
    let change = ExportChange {
        compression: "none".to_owned(),
        timeout_s: "30".to_owned(),
        temporality: "delta".to_owned(),
        preset: "datadog".to_owned(),
        ..form("http://c", "", 0)
    };
    house.settings.save_export(&own(acme), &change).await.unwrap();
    let target = house.tenant_target(acme).unwrap();
    assert_eq!((target.compression, target.temporality), (Compression::None, Temporality::Delta));
    assert_eq!(target.logs.as_ref().unwrap().timeout.as_secs(), 30);
    assert_eq!(view(&house, acme).preset, Some(Preset::Datadog));
}

#[tokio::test]
async fn what_is_paused_has_no_target_until_it_is_resumed() {
    let house = house();
    let acme = house.workspace("acme").await.id;
    assert_eq!(house.settings.pause_export(&own(acme), 0).await, Err(Error::NotFound), "there is nothing to pause");
    house.settings.save_export(&own(acme), &form("http://c", "a=1", 0)).await.unwrap();
    assert_eq!(house.settings.pause_export(&own(acme), 0).await, Err(Error::Stale));
    house.settings.pause_export(&own(acme), 1).await.unwrap();
    assert_eq!(house.tenant_target(acme), None);
    let house = house.reopened([1; 32]);
    assert_eq!(house.tenant_target(acme), None, "a restart changes nothing about it");
    let standing = view(&house, acme).standing;
    assert_eq!(standing.paused.unwrap().by.unwrap().as_str(), "op@example.com");
    // Settings can be changed meanwhile; it stays paused.
    house.settings.save_export(&own(acme), &form("http://c/other", "", 2)).await.unwrap();
    assert_eq!(house.tenant_target(acme), None);
    assert_eq!(house.settings.export_to_test(&own(acme)).unwrap(), None, "whoever paused it may resume it");
    house.settings.resume_export(&own(acme), 3, Resume::AtOnce).await.unwrap();
    assert_eq!(headers(&house, acme), "a=1");
    assert_eq!(house.settings.resume_export(&own(acme), 4, Resume::AtOnce).await, Err(Error::NotFound));
    assert_eq!(causes(&view(&house, acme)), [RevisionCause::Resumed, RevisionCause::Saved, RevisionCause::Paused, RevisionCause::Saved]);
}

#[tokio::test]
async fn one_that_only_fails_is_paused_and_needs_a_test() {
    let house = house();
    let acme = house.workspace("acme").await.id;
    house.settings.save_export(&own(acme), &form("http://c", "a=1", 0)).await.unwrap();
    let exhausted = Exhausted { workspace: Some(acme), generation: 1, failing_since: 5, attempts: 20 };
    assert!(!house.settings.pause_exhausted(Exhausted { generation: 7, ..exhausted }).await.unwrap(), "newer settings have their own time");
    assert!(house.settings.pause_exhausted(exhausted).await.unwrap());
    assert_eq!(house.tenant_target(acme), None);
    assert!(!house.settings.pause_exhausted(exhausted).await.unwrap(), "once");
    let export = view(&house, acme);
    assert_eq!(export.history[0].cause, RevisionCause::PausedItself { failing_since: 5, attempts: 20 });
    assert_eq!(export.history[0].by, None);
    assert_eq!(house.settings.resume_export(&own(acme), 2, Resume::AtOnce).await, Err(Error::NotFound));
    let target = house.settings.export_to_test(&own(acme)).unwrap().unwrap();
    assert_eq!(target.logs.unwrap().headers.to_text(), "a=1");
    house.settings.resume_export(&own(acme), 2, Resume::Tested).await.unwrap();
    assert!(house.tenant_target(acme).is_some());
}

#[tokio::test]
async fn what_the_environment_runs_is_not_paused_or_reverted() {
    let house = house_with(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://env:4318")]);
    let managed = Err(Error::Managed { field: Field::Endpoint, variable: Variable::OtlpEndpoint });
    assert_eq!(house.settings.pause_export(&global(), 0).await, managed);
    assert_eq!(house.settings.revert_export(&global(), 1, 0).await, managed);
    let exhausted = Exhausted { workspace: None, generation: 0, failing_since: 5, attempts: 20 };
    assert!(!house.settings.pause_exhausted(exhausted).await.unwrap());
    assert!(house.exports().operator.is_some());
}

#[tokio::test]
async fn a_pause_stops_the_stored_endpoint_alone_and_says_what_goes_on() {
    let house = house_with(&[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://env:4318/v1/traces")]);
    let standing = || house.settings.export_standing(&ExportReader::Operator(operator())).unwrap();
    assert!(standing().on && standing().nothing_stored, "nothing is stored that could be paused");
    assert_eq!(house.settings.pause_export(&global(), 0).await, Err(Error::NotFound));
    house.settings.save_export(&global(), &form("http://stored", "", 0)).await.unwrap();
    let exported = || {
        let target = house.exports().operator.clone().unwrap();
        Signal::ALL.into_iter().filter(|signal| target.signal(*signal).is_some()).collect::<Vec<_>>()
    };
    assert_eq!((exported().len(), standing().from_environment, standing().nothing_stored), (3, false, false));
    let exhausted = Exhausted { workspace: None, generation: 3, failing_since: 5, attempts: 20 };
    for by_itself in [false, true] {
        if by_itself {
            assert!(house.settings.pause_exhausted(exhausted).await.unwrap());
        } else {
            house.settings.pause_export(&global(), 1).await.unwrap();
        }
        assert_eq!(exported(), [Signal::Traces]);
        let standing = standing();
        assert_eq!((standing.paused.unwrap().by.is_none(), standing.going_on), (by_itself, vec![Signal::Traces]));
        let (generation, how) = if by_itself { (4, Resume::Tested) } else { (2, Resume::AtOnce) };
        house.settings.resume_export(&global(), generation, how).await.unwrap();
        assert_eq!(exported().len(), 3);
    }
    assert!(standing().paused.is_none() && standing().going_on.is_empty());
}

#[tokio::test]
async fn a_pause_of_stored_settings_does_not_stop_the_environments() {
    let house = house();
    house.settings.save_export(&global(), &form("http://stored", "", 0)).await.unwrap();
    house.settings.pause_export(&global(), 1).await.unwrap();
    assert!(house.exports().operator.is_none());
    let House { dir, settings } = house;
    drop(settings);
    let settings = open(dir.path(), [1; 32], &[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://env:4318")]);
    let house = House { dir, settings };
    assert!(house.exports().operator.is_some());
    assert_eq!(house.settings.export(&ExportReader::Operator(operator())).unwrap().standing.paused, None);
}

#[tokio::test]
async fn a_revert_brings_everything_back_headers_too() {
    let house = house();
    let acme = house.workspace("acme").await.id;
    let save = async |change: ExportChange| house.settings.save_export(&own(acme), &change).await.unwrap();
    save(form("http://one", "token=good", 0)).await;
    save(ExportChange { logs: false, ..form("http://two", "token=wrong", 1) }).await;
    assert_eq!(house.settings.revert_export(&own(acme), 1, 1).await, Err(Error::Stale));
    assert_eq!(house.settings.revert_export(&own(acme), 9, 2).await, Err(Error::NotFound));
    house.settings.revert_export(&own(acme), 1, 2).await.unwrap();
    assert_eq!(headers(&house, acme), "token=good");
    let export = view(&house, acme);
    assert_eq!((export.endpoint.value.as_str(), export.generation), ("http://one", 3));
    assert_eq!(export.history[0].cause, RevisionCause::Reverted { to: 1 });
    assert_eq!(export.history.iter().map(|revision| revision.can_revert).collect::<Vec<_>>(), [false, true, true]);
    let fields: Vec<_> = export.history[1].changes.iter().map(|change| (change.field, change.values.is_some())).collect();
    assert_eq!(fields, [(Field::Endpoint, true), (Field::Logs, true), (Field::Headers, false)]);
    assert!(!format!("{export:?}").contains("good"), "a secret only says that it changed");
}

#[tokio::test]
async fn cleared_headers_are_gone_from_the_history_too() {
    let house = house();
    let acme = house.workspace("acme").await.id;
    house.settings.save_export(&own(acme), &form("http://one", "token=canary", 0)).await.unwrap();
    house.settings.save_export(&own(acme), &ExportChange { clear_headers: true, ..form("http://one", "", 1) }).await.unwrap();
    let cleared = Err(Error::Invalid { field: Field::Headers, rule: Rule::HeadersCleared });
    assert_eq!(house.settings.revert_export(&own(acme), 1, 2).await, cleared);
    assert!(!view(&house, acme).history[1].can_revert);
    let kept = house.settings.store().exports().history(Some(acme)).unwrap();
    assert!(kept.iter().all(|revision| revision.settings.headers.is_none()));
}

#[tokio::test]
async fn twenty_generations_are_kept_of_each_destination_alone() {
    let house = house();
    let (acme, blue) = (house.workspace("acme").await.id, house.workspace("blue").await.id);
    for generation in 0..25 {
        house.settings.save_export(&own(acme), &form(&format!("http://c/{generation}"), "", generation)).await.unwrap();
    }
    house.settings.save_export(&own(blue), &form("http://b", "", 0)).await.unwrap();
    let export = view(&house, acme);
    assert_eq!((export.history.len(), export.history[19].generation), (20, 6));
    assert!(export.history[19].changes.is_empty(), "there is nothing left to hold it against");
    assert_eq!(view(&house, blue).history.len(), 1);
    house.settings.delete_workspace(&operator(), acme, "acme").await.unwrap();
    assert!(house.settings.store().exports().history(Some(acme)).unwrap().is_empty());
    assert_eq!(house.settings.store().exports().history(Some(blue)).unwrap().len(), 1);
}

#[tokio::test]
async fn a_test_uses_the_form_and_stored_headers_only_at_home() {
    let house = house();
    let acme = house.workspace("acme").await.id;
    house.settings.save_export(&own(acme), &form("http://one", "token=canary", 0)).await.unwrap();
    let target = house.settings.export_target(&own(acme), &form("http://one/elsewhere", "", 0)).unwrap();
    assert_eq!(target.logs.as_ref().unwrap().url.as_str(), "http://one/elsewhere/v1/logs");
    assert_eq!(target.logs.unwrap().headers.to_text(), "token=canary");
    assert_eq!(
        house.settings.export_target(&own(acme), &form("http://two", "", 0)),
        Err(Error::Invalid { field: Field::Headers, rule: Rule::OriginChanged })
    );
    let other = house.settings.export_target(&own(acme), &form("http://two", "a=1", 0)).unwrap();
    assert_eq!(other.logs.unwrap().headers.to_text(), "a=1");
    let nowhere = Err(Error::Invalid { field: Field::Endpoint, rule: Rule::Required });
    assert_eq!(house.settings.export_target(&own(acme), &form("", "", 0)), nowhere);
    assert_eq!(view(&house, acme).generation, 1, "nothing was saved");
}

#[tokio::test]
async fn going_back_does_not_set_headers_free() {
    let house = house();
    let acme = house.workspace("acme").await.id;
    // None are taken before there is somewhere to send them.
    let nowhere = Err(Error::Invalid { field: Field::Endpoint, rule: Rule::Required });
    assert_eq!(house.settings.save_export(&own(acme), &form("", "token=canary", 0)).await, nowhere);
    house.settings.save_export(&own(acme), &form("http://one", "token=canary", 0)).await.unwrap();
    house.settings.save_export(&own(acme), &form("", "", 1)).await.unwrap();
    house.settings.save_export(&own(acme), &form("http://one/other", "", 2)).await.unwrap();
    house.settings.revert_export(&own(acme), 2, 3).await.unwrap();
    let moved = Err(Error::Invalid { field: Field::Headers, rule: Rule::OriginChanged });
    assert_eq!(house.settings.export_target(&own(acme), &form("http://two", "", 0)).map(drop), moved);
    assert_eq!(house.settings.save_export(&own(acme), &form("http://two", "", 4)).await, moved);
}

#[tokio::test]
async fn clearing_reaches_headers_that_only_the_history_has() {
    let house = house();
    let acme = house.workspace("acme").await.id;
    let save = async |change: ExportChange| house.settings.save_export(&own(acme), &change).await.unwrap();
    save(form("http://one", "", 0)).await;
    save(form("http://one", "token=canary", 1)).await;
    house.settings.revert_export(&own(acme), 1, 2).await.unwrap();
    save(ExportChange { clear_headers: true, ..form("http://one", "", 3) }).await;
    let kept = house.settings.store().exports().history(Some(acme)).unwrap();
    assert!(kept.iter().all(|revision| revision.settings.headers.is_none()));
    // Also when others take their place.
    save(form("http://one", "token=leaked", 4)).await;
    save(ExportChange { clear_headers: true, ..form("http://one", "token=new", 5) }).await;
    let kept = house.settings.store().exports().history(Some(acme)).unwrap();
    assert_eq!(kept.iter().filter(|revision| revision.settings.headers.is_some()).count(), 1);
    assert_eq!(headers(&house, acme), "token=new");
}
