//! What can't be sent waits on disk: over outages, changes of settings, pauses, restarts and faults of the disk itself.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use prost::Message as _;
use server::event::Request;
use server::live::{ExportTarget, Exports, Owner, Temporality};
use server::spool::{self, Spool};
use server::telemetry::{Options, Reason};
use server::vault::Vault;

use super::metrics::{often, total};
use super::{Rig, check_sum, exports, operator, quick, request, target, tenant_id};
use crate::support::collector::{Collector, Received, Reply, attributes};

pub const GRACE: Duration = Duration::from_secs(20);
pub const OPERATOR: Owner = Owner::Operator;

pub fn spool_in(folder: &Path, options: spool::Options) -> Spool {
    Spool::new(folder.join("spool"), Vault::from_key([7; 32]), options)
}

/// Quick, over a spool of this folder.
pub fn over(folder: &Path) -> Options {
    Options { spool: Some(spool_in(folder, spool::Options::default())), drain: Duration::from_millis(50), ..quick() }
}

pub fn logs_only(mut target: ExportTarget) -> ExportTarget {
    target.traces = None;
    target.metrics = None;
    target
}

pub(super) fn emit(rig: &Rig, numbers: std::ops::Range<u64>) {
    for n in numbers {
        rig.emit(Request { path: format!("/canary/{n}"), ..request(tenant_id(1)) });
    }
}

/// The numbers that arrived; none twice.
pub fn arrived(received: &Received) -> BTreeSet<u64> {
    let logs = received.logs();
    let numbers: Vec<u64> = logs
        .iter()
        .map(|log| attributes(&log.record.attributes)["url.path"].trim_matches('"').strip_prefix("/canary/").unwrap().parse().unwrap())
        .collect();
    let once: BTreeSet<u64> = numbers.iter().copied().collect();
    assert_eq!(once.len(), numbers.len(), "none came twice");
    once
}

/// All of what waits there: not the spool's clock, which goes with the last of it.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut out = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()) {
            if path.is_dir() {
                folders.push(path);
            } else if !path.ends_with("clock") {
                out.push(path);
            }
        }
    }
    out
}

pub async fn down() -> Collector {
    let collector = Collector::start().await;
    for path in ["/v1/traces", "/v1/logs", "/v1/metrics"] {
        collector.always(path, Reply::Status(503));
    }
    collector
}

pub fn up(collector: &Collector) {
    for path in ["/v1/traces", "/v1/logs", "/v1/metrics"] {
        collector.always(path, Reply::Taken);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_is_waited_for_on_disk_and_leaves_nothing_there() {
    let folder = tempfile::tempdir().unwrap();
    let collector = Collector::start().await;
    let rig = Rig::start(exports([operator(&collector)]), over(folder.path()));
    emit(&rig, 0..10);
    rig.wait_for(OPERATOR, |status| status.delivered == 20).await;
    assert!(files(folder.path()).is_empty(), "nothing is made while all goes well");

    for path in ["/v1/traces", "/v1/logs", "/v1/metrics"] {
        collector.always(path, Reply::Status(503));
    }
    for n in 1..=10 {
        emit(&rig, n * 10..n * 10 + 10);
        rig.wait_for(OPERATOR, |status| status.on_disk.records == n * 20).await;
    }
    let raw: Vec<u8> = files(folder.path()).iter().flat_map(|file| std::fs::read(file).unwrap()).collect();
    assert!(!raw.is_empty() && !raw.windows(7).any(|window| window == b"/canary"), "it is sealed");

    up(&collector);
    let status = rig.wait_for(OPERATOR, |status| status.queued == 0).await;
    assert_eq!((status.accepted, status.delivered, status.on_disk.records, status.on_disk.bytes), (220, 220, 0, 0));
    assert_eq!(arrived(&collector.received()).len(), 110);
    assert!(files(folder.path()).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_could_not_be_sent_by_the_end_is_sent_after_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let collector = down().await;
    let rig = Rig::start(exports([operator(&collector)]), over(folder.path()));
    emit(&rig, 0..100);
    rig.wait_for(OPERATOR, |status| status.accepted == 200 && status.failing_since.is_some()).await;
    rig.telemetry.shutdown(GRACE).await;
    let status = rig.status(OPERATOR);
    check_sum(&status);
    assert_eq!((status.queued, status.dropped_total()), (200, 0));
    drop(rig);

    up(&collector);
    let rig = Rig::start(exports([operator(&collector)]), over(folder.path()));
    // No event is needed to begin.
    let status = rig.wait_for(OPERATOR, |status| status.delivered == 200).await;
    assert_eq!((status.accepted, status.queued), (200, 0));
    assert_eq!(arrived(&collector.received()).len(), 100);
    assert!(files(folder.path()).is_empty());
}

/// On one thread nothing of it is encoded before the time is over.
#[tokio::test]
async fn what_is_not_even_encoded_by_the_end_is_sent_after_the_next_start_or_counted() {
    let folder = tempfile::tempdir().unwrap();
    // Takes nothing either, should there be time for an attempt.
    let (down, collector) = (down().await, Collector::start().await);
    let one_each = |mut target: ExportTarget| -> Exports {
        (target.span_batch.max_records, target.log_batch.max_records) = (1, 1);
        exports([target])
    };
    for options in [over(folder.path()), quick()] {
        let spooled = options.spool.is_some();
        let rig = Rig::start(one_each(operator(&down)), options);
        emit(&rig, 0..10);
        rig.telemetry.shutdown(Duration::ZERO).await;
        let status = rig.status(OPERATOR);
        check_sum(&status);
        assert_eq!((status.accepted, status.queued, status.dropped_total()), if spooled { (20, 20, 0) } else { (20, 0, 20) });
    }

    let rig = Rig::start(one_each(operator(&collector)), over(folder.path()));
    let status = rig.wait_for(OPERATOR, |status| status.accepted > 0 && status.queued == 0).await;
    assert_eq!((status.accepted, status.delivered), (20, 20));
    assert_eq!(arrived(&collector.received()).len(), 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_endpoint_gets_what_the_old_one_did_not_take_with_its_own_headers() {
    let folder = tempfile::tempdir().unwrap();
    let (old, new) = (down().await, Collector::start().await);
    let at = |collector: &Collector, headers: &str| -> Exports { exports([logs_only(target(OPERATOR, &collector.endpoint(), headers))]) };
    let rig = Rig::start(at(&old, "authorization=Bearer old"), over(folder.path()));
    emit(&rig, 0..50);
    rig.wait_for(OPERATOR, |status| status.on_disk.records == 50).await;
    rig.configure(at(&new, "authorization=Bearer new"));
    emit(&rig, 50..60);
    let status = rig.wait_for(OPERATOR, |status| status.delivered == 60).await;
    assert_eq!((status.accepted, status.queued), (60, 0));
    assert_eq!(arrived(&new.received()), (0..60).collect());
    assert!(new.received().requests.iter().all(|request| request.headers["authorization"] == "Bearer new"));
    assert!(old.received().requests.iter().all(|request| request.headers["authorization"] == "Bearer old"));
    assert!(files(folder.path()).is_empty());
}

/// Saved over and over while nothing can be sent: it is handed on each time.
#[tokio::test(flavor = "multi_thread")]
async fn many_changes_in_an_outage_lose_and_double_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let collector = down().await;
    let at = |generation| -> Exports { exports([ExportTarget { generation, ..logs_only(operator(&collector)) }]) };
    let rig = Rig::start(at(0), over(folder.path()));
    for n in 1..=20 {
        emit(&rig, (n - 1) * 10..n * 10);
        rig.configure(at(n));
    }
    up(&collector);
    rig.configure(at(21));
    let numbers = collector.wait_for(|received| received.logs().len() >= 200).await;
    assert_eq!(arrived(&numbers), (0..200).collect());
    rig.wait_for(OPERATOR, |status| status.queued == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn paused_it_stays_and_off_it_is_removed() {
    let folder = tempfile::tempdir().unwrap();
    let collector = down().await;
    let on: Exports = exports([logs_only(operator(&collector))]);
    let rig = Rig::start(on.clone(), over(folder.path()));
    emit(&rig, 0..10);
    rig.wait_for(OPERATOR, |status| status.on_disk.records == 10).await;
    let before = files(folder.path());
    rig.configure(Exports { suspended: [OPERATOR].into(), ..Exports::default() });
    rig.until("it is paused", || rig.telemetry.status(OPERATOR).is_none()).await;
    assert_eq!(files(folder.path()), before);
    up(&collector);
    rig.configure(on.clone());
    rig.wait_for(OPERATOR, |status| status.delivered == 10).await;
    assert_eq!(arrived(&collector.received()).len(), 10);

    collector.always("/v1/logs", Reply::Status(503));
    emit(&rig, 10..20);
    rig.wait_for(OPERATOR, |status| status.on_disk.records == 10).await;
    rig.configure(Exports { suspended: [OPERATOR].into(), ..Exports::default() });
    rig.until("it is paused", || rig.telemetry.status(OPERATOR).is_none()).await;
    // Deleted while it was paused.
    rig.configure(Exports::default());
    rig.until("nothing is left", || files(folder.path()).is_empty()).await;

    rig.configure(on);
    rig.wait_for(OPERATOR, |status| status.accepted == 0).await;
    emit(&rig, 20..30);
    rig.wait_for(OPERATOR, |status| status.on_disk.records == 10).await;
    rig.configure(Exports::default());
    rig.until("nothing is left", || files(folder.path()).is_empty()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_removes_what_belongs_to_nobody_any_more() {
    let folder = tempfile::tempdir().unwrap();
    let collector = down().await;
    let tenant = target(Owner::Tenant(tenant_id(1)), &collector.endpoint(), "");
    let rig = Rig::start(exports([tenant]), over(folder.path()));
    emit(&rig, 0..10);
    rig.wait_for(Owner::Tenant(tenant_id(1)), |status| status.on_disk.records == 10).await;
    rig.telemetry.shutdown(GRACE).await;
    assert!(!files(folder.path()).is_empty());
    let rig = Rig::start(Exports::default(), over(folder.path()));
    assert!(files(folder.path()).is_empty());
    drop(rig);
}

#[tokio::test(flavor = "multi_thread")]
async fn damage_is_counted_and_the_rest_is_sent() {
    let folder = tempfile::tempdir().unwrap();
    let collector = down().await;
    let one_each = |mut target: ExportTarget| -> Exports {
        target.log_batch.max_records = 1;
        exports([logs_only(target)])
    };
    let rig = Rig::start(one_each(operator(&collector)), over(folder.path()));
    for n in 0..10 {
        emit(&rig, n..n + 1);
        rig.wait_for(OPERATOR, |status| status.on_disk.records == n + 1).await;
    }
    rig.telemetry.shutdown(GRACE).await;
    let file = files(folder.path()).remove(0);
    let mut bytes = std::fs::read(&file).unwrap();
    let third = bytes.len() * 35 / 100;
    bytes[third] ^= 0xff;
    bytes.truncate(bytes.len() - 1);
    std::fs::write(&file, bytes).unwrap();

    up(&collector);
    let rig = Rig::start(one_each(operator(&collector)), over(folder.path()));
    let status = rig.wait_for(OPERATOR, |status| status.delivered == 8).await;
    assert_eq!((status.accepted, status.dropped), (10, vec![(Reason::Damaged, 2)]));
    assert_eq!(arrived(&collector.received()).len(), 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_disk_has_no_room_the_oldest_go_and_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let collector = down().await;
    let small = spool::Options { per_destination: 20_000, segment_bytes: 2_000, ..spool::Options::default() };
    let options = Options { spool: Some(spool_in(folder.path(), small)), ..over(folder.path()) };
    let rig = Rig::start(exports([logs_only(operator(&collector))]), options);
    let mut sent = 0;
    loop {
        emit(&rig, sent..sent + 10);
        sent += 10;
        let status = rig.wait_for(OPERATOR, |status| status.on_disk.records + status.dropped_total() >= sent).await;
        if status.dropped_total() > 20 {
            break;
        }
    }
    assert!(files(folder.path()).iter().map(|file| file.metadata().unwrap().len()).sum::<u64>() <= 12_000);
    up(&collector);
    let status = rig.wait_for(OPERATOR, |status| status.queued == 0).await;
    assert_eq!(status.dropped, [(Reason::SpoolFull, sent - status.delivered)]);
    let numbers = arrived(&collector.received());
    assert!(numbers.contains(&(sent - 1)) && numbers.len() as u64 == status.delivered, "the newest are there");
}

/// Whatever the fault is: reported, traffic goes on, and it recovers by itself.
#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_takes_nothing_is_told_of_and_survived() {
    let folder = tempfile::tempdir().unwrap();
    let in_the_way = folder.path().join("spool");
    std::fs::write(&in_the_way, "a file where the folder should be").unwrap();
    let collector = down().await;
    let rig = Rig::start(exports([logs_only(operator(&collector))]), over(folder.path()));
    emit(&rig, 0..10);
    let status = rig.wait_for(OPERATOR, |status| status.disk_problem.is_some()).await;
    assert_eq!((status.on_disk.records, status.dropped_total(), status.queued), (0, 0, 10), "it waits in memory");
    std::fs::remove_file(&in_the_way).unwrap();
    emit(&rig, 10..20);
    let status = rig.wait_for(OPERATOR, |status| status.on_disk.records == 20).await;
    assert_eq!(status.disk_problem, None);
    up(&collector);
    rig.wait_for(OPERATOR, |status| status.delivered == 20).await;
    assert_eq!(arrived(&collector.received()).len(), 20);
}

/// A payload on which the collector chokes does not hold up the others for ever.
#[tokio::test(flavor = "multi_thread")]
async fn one_that_fails_for_long_lets_others_try() {
    let folder = tempfile::tempdir().unwrap();
    let collector = down().await;
    let mut options = over(folder.path());
    options.retry.max_elapsed = Duration::from_millis(100);
    let mut target = logs_only(operator(&collector));
    target.log_batch.max_records = 1;
    let rig = Rig::start(exports([target]), options);
    emit(&rig, 0..3);
    let bodies = |received: &Received| received.requests.iter().map(|request| request.raw.clone()).collect::<BTreeSet<_>>().len();
    collector.wait_for(|received| bodies(received) == 3).await;
    up(&collector);
    rig.wait_for(OPERATOR, |status| status.delivered == 3).await;
    assert_eq!(arrived(&collector.received()).len(), 3);
}

/// What a metrics request says of `knoxcall.proxy.requests`.
fn counted(body: &Bytes) -> i64 {
    let request = ExportMetricsServiceRequest::decode(body.clone()).unwrap();
    let metrics = request.resource_metrics.into_iter().flat_map(|resource| resource.scope_metrics).flat_map(|scope| scope.metrics);
    metrics
        .filter(|metric| metric.name == "knoxcall.proxy.requests")
        .map(|metric| if let Some(Data::Sum(sum)) = metric.data { total(&sum.data_points) } else { 0 })
        .sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_of_an_outage_come_as_one_latest_state() {
    for temporality in [Temporality::Cumulative, Temporality::Delta] {
        let folder = tempfile::tempdir().unwrap();
        let collector = down().await;
        let mut target = often(operator(&collector));
        (target.traces, target.logs, target.temporality) = (None, None, temporality);
        let rig = Rig::start(exports([target]), over(folder.path()));
        for n in 1..=5 {
            emit(&rig, n..n + 1);
            // Each collection on its own, so that there is something to merge.
            collector.wait_for(|received| received.requests.last().is_some_and(|request| counted(&request.body) == n as i64)).await;
        }
        up(&collector);
        let received = collector.wait_for(|received| received.requests.iter().any(|request| request.taken)).await;
        let first = received.requests.iter().find(|request| request.taken).unwrap();
        assert_eq!(counted(&first.body), 5, "{temporality:?}: not one by one");
        rig.telemetry.shutdown(GRACE).await;
        if temporality == Temporality::Delta {
            let all = collector.received();
            assert_eq!(all.requests.iter().filter(|request| request.taken).map(|request| counted(&request.body)).sum::<i64>(), 5);
        }
        assert!(files(folder.path()).is_empty());
    }
}
