//! What waits on disk for destinations that can't send it now: with another master key, without readable settings, paused.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use server::live::{ExportTarget, Exports};
use server::spool::{self, Spool};
use server::telemetry::{Options, Reason};
use server::values::Signal;
use server::vault::Vault;

use super::spool::{GRACE, OPERATOR, arrived, down, emit, files, logs_only, over, spool_in, up};
use super::{Rig, exports, operator, quick};
use crate::support::collector::Reply;

/// Every file, with what is in it.
fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let read = |file: PathBuf| {
        let bytes = std::fs::read(&file).unwrap();
        (file, bytes)
    };
    files(folder).into_iter().map(read).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_master_key_sealed_waits_for_that_key() {
    let folder = tempfile::tempdir().unwrap();
    let collector = down().await;
    let on: Exports = exports([logs_only(operator(&collector))]);
    let with = |key: u8| {
        let spool = Spool::new(folder.path().join("spool"), Vault::from_key([key; 32]), spool::Options::default());
        Options { spool: Some(spool), drain: Duration::from_millis(50), ..quick() }
    };
    let rig = Rig::start(on.clone(), with(7));
    emit(&rig, 0..10);
    rig.wait_for(OPERATOR, |status| status.on_disk.records == 10).await;
    rig.telemetry.shutdown(GRACE).await;
    drop(rig);
    let before = contents(folder.path());

    up(&collector);
    let rig = Rig::start(on.clone(), with(8));
    emit(&rig, 10..20);
    let status = rig.wait_for(OPERATOR, |status| status.delivered == 10).await;
    assert_eq!((status.accepted, status.dropped_total()), (10, 0), "it is neither read nor lost");
    let bytes: usize = before.values().map(Vec::len).sum();
    assert_eq!((rig.telemetry.other_key_bytes(OPERATOR), rig.telemetry.bytes_on_disk(OPERATOR)), (bytes as u64, 0));
    rig.telemetry.shutdown(GRACE).await;
    drop(rig);
    assert_eq!(contents(folder.path()), before);

    let rig = Rig::start(on, with(7));
    rig.wait_for(OPERATOR, |status| status.delivered == 10).await;
    assert_eq!(arrived(&collector.received()), (0..20).collect());
    assert!(files(folder.path()).is_empty());
}

/// As while its headers can't be read, or the export is paused, and the environment names the endpoint of traces.
#[tokio::test(flavor = "multi_thread")]
async fn a_signal_that_can_not_be_sent_for_now_keeps_what_waits_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let collector = down().await;
    let whole = ExportTarget { metrics: None, ..operator(&collector) };
    let partly = ExportTarget { generation: 2, logs: None, suspended: vec![Signal::Logs], ..whole.clone() };
    let rig = Rig::start(exports([whole.clone()]), over(folder.path()));
    emit(&rig, 0..10);
    rig.wait_for(OPERATOR, |status| status.on_disk.records == 20).await;
    rig.configure(exports([partly.clone()]));
    rig.wait_for(OPERATOR, |status| status.accepted == 10).await;
    collector.always("/v1/traces", Reply::Taken);
    let status = rig.wait_for(OPERATOR, |status| status.delivered == 10).await;
    assert_eq!((status.queued, status.dropped_total(), collector.received().spans().len()), (0, 0, 10));
    rig.telemetry.shutdown(GRACE).await;
    drop(rig);
    let before = contents(folder.path());
    assert!(!before.is_empty());

    let rig = Rig::start(exports([partly]), over(folder.path()));
    emit(&rig, 10..11);
    let status = rig.wait_for(OPERATOR, |status| status.delivered == 1).await;
    assert_eq!((status.dropped_total(), collector.received().logs().len()), (0, 0));
    assert_eq!(contents(folder.path()), before);
    up(&collector);
    // Entered again, or resumed.
    rig.configure(exports([ExportTarget { generation: 3, ..whole }]));
    let status = rig.wait_for(OPERATOR, |status| status.delivered == 10).await;
    assert_eq!((status.accepted, status.dropped_total()), (10, 0));
    assert_eq!(arrived(&collector.received()), (0..10).collect());
    rig.until("nothing is left", || files(folder.path()).is_empty()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_a_paused_export_grows_old_and_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    let collector = down().await;
    let rig = Rig::start(exports([logs_only(operator(&collector))]), over(folder.path()));
    emit(&rig, 0..10);
    rig.wait_for(OPERATOR, |status| status.on_disk.records == 10).await;
    rig.telemetry.shutdown(GRACE).await;
    drop(rig);
    assert!(!files(folder.path()).is_empty());

    let aging = spool::Options { max_age: Duration::from_millis(100), ..spool::Options::default() };
    let spool = Some(spool_in(folder.path(), aging));
    let paused = Exports { suspended: [OPERATOR].into(), ..Exports::default() };
    let rig = Rig::start(paused, Options { spool, expire_every: Duration::from_millis(10), ..over(folder.path()) });
    rig.until("it is gone", || files(folder.path()).is_empty()).await;
    let expired = || -> u64 {
        let minutes = rig.telemetry.lately(OPERATOR).minutes;
        minutes.iter().map(|minute| minute.dropped[Reason::Expired as usize]).sum()
    };
    rig.until("it is counted", || expired() == 10).await;
}
