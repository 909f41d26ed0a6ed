//! Metrics that wait are one payload, and each point of it is told once, whatever makes room for what.

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{Gauge, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics};
use prost::Message as _;

use super::super::estate::{Estate, Heirs};
use super::super::{GiveUp, Gzip, Limit, MAX_REQUEST, Retry};
use super::*;
use crate::budget::Budget;
use crate::bus::Bus;
use crate::live::{Batch, ExportTarget, Owner, Temporality};
use crate::spool::{self, Spool};
use crate::telemetry::alarm::Alarm;
use crate::telemetry::delivery::{Transport, Unsent};
use crate::telemetry::status::{Ledger, Load};
use crate::values::{ExactUrl, HeaderList};

/// Nobody answers.
struct Silence;

#[async_trait::async_trait]
impl Transport for Silence {
    async fn send(&self, _: &ExportTarget, _: http::Request<bytes::Bytes>) -> Result<http::Response<hyper::body::Incoming>, Unsent> {
        std::future::pending().await
    }
}

struct Fixed(fn() -> Heir);

impl Heirs for Fixed {
    fn heir(&self, _: Owner) -> Heir {
        (self.0)()
    }
}

struct Rig {
    folder: tempfile::TempDir,
    worker: Worker,
    to: SignalTarget,
}

impl Rig {
    /// Each payload has a segment of its own.
    fn new(per_destination: usize, heir: fn() -> Heir) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = spool::Options { per_destination, segment_bytes: 1, ..spool::Options::default() };
        let home = Spool::to_test(folder.path(), options).home("operator");
        let url = ExactUrl::parse("http://127.0.0.1:1/v1/metrics").unwrap();
        let to = SignalTarget { url, headers: HeaderList::parse("").unwrap(), timeout: Duration::from_secs(1) };
        let target = ExportTarget {
            owner: Owner::Operator,
            generation: 1,
            managed: false,
            service_name: "knoxcall".to_owned(),
            resource: Vec::new(),
            traces: None,
            logs: None,
            metrics: Some(to.clone()),
            suspended: Vec::new(),
            compression: Compression::None,
            temporality: Temporality::Cumulative,
            metric_interval: Duration::from_secs(60),
            span_batch: Batch::default(),
            log_batch: Batch::default(),
            certificate: None,
        };
        let ledger = Arc::new(Ledger::default());
        let way = Way {
            signal: Signal::Metrics,
            target: Arc::new(target),
            ledger: Arc::clone(&ledger),
            transport: Arc::new(Silence),
            alarm: Arc::new(Alarm::new(Bus::default().emitter())),
            retry: Retry::default(),
            expires: None,
            give_up: GiveUp::default(),
            max_request: MAX_REQUEST,
            heirs: Arc::new(Fixed(heir)),
            estate: Arc::new(Estate::default()),
        };
        let lane = Arc::new(Lane::new(Limit { bytes: 1 << 30, records: None }, Arc::new(Budget::new(1 << 32))));
        let backlog = Backlog::new(Some(Arc::new(home)), Signal::Metrics, ledger);
        Self { folder, worker: Worker::new(way, lane, backlog, CancellationToken::new()), to }
    }

    /// A collection: so many points of this metric, in a body of about 1 KB.
    async fn collect(&self, name: &str, points: u64) {
        let data_points = (1..=points).map(|n| NumberDataPoint { start_time_unix_nano: n, ..NumberDataPoint::default() }).collect();
        let (name, unit) = (name.to_owned(), "x".repeat(1_000));
        let metric = Metric { name, unit, data: Some(Data::Gauge(Gauge { data_points })), ..Metric::default() };
        let scope = ScopeMetrics { metrics: vec![metric], ..ScopeMetrics::default() };
        let resource = ResourceMetrics { scope_metrics: vec![scope], ..ResourceMetrics::default() };
        let body = ExportMetricsServiceRequest { resource_metrics: vec![resource] }.encode_to_vec();
        let payload = Payload::new(body.into(), Load { records: 0, items: points }, Compression::None, &Gzip::default(), || {}).await;
        assert_eq!(self.worker.lane.push(payload), Load::default());
    }

    async fn conclude(&mut self, current: Current, answer: Answer) {
        let to = self.to.clone();
        self.worker.conclude(&to, current, Instant::now(), answer).await;
    }

    /// Points that are told to be delivered, and to be dropped for this reason.
    fn told(&self, reason: Reason) -> (u64, u64) {
        told(&self.worker.way.ledger, reason)
    }

    fn files(&self) -> usize {
        fn below(folder: &std::path::Path) -> usize {
            let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
            // The spool's time is nothing that waits.
            let waiting = entries.filter(|entry| entry.file_name() != "clock");
            waiting.map(|entry| if entry.path().is_dir() { below(&entry.path()) } else { 1 }).sum()
        }
        below(self.folder.path())
    }
}

fn told(ledger: &Ledger, reason: Reason) -> (u64, u64) {
    let minutes = ledger.read().lately.minutes;
    (minutes.iter().map(|minute| minute.sent).sum(), minutes.iter().map(|minute| minute.dropped[reason as usize]).sum())
}

const AGAIN: Answer = Answer::Retry { kind: FailureKind::Refused, after: None };
const TAKEN: Answer = Answer::Taken { rejected: 0 };

/// Three collections wait on disk, which has room for three, and are in hand as one; then a fourth comes.
async fn three_in_hand(heir: fn() -> Heir) -> (Rig, Current) {
    let mut rig = Rig::new(6_600, heir);
    for (name, points) in [("a", 1), ("b", 2), ("c", 4)] {
        rig.collect(name, points).await;
    }
    rig.worker.failures = 1;
    rig.worker.spool().await;
    assert_eq!((rig.files(), rig.worker.backlog.waiting().items), (3, 7));
    let current = rig.worker.merge().await.unwrap();
    assert_eq!((current.payload.load.items, current.places.len(), current.safe), (7, 3, true));
    rig.collect("d", 8).await;
    rig.worker.spool().await;
    assert_eq!((rig.files(), rig.worker.backlog.waiting().items), (3, 14), "the first made room");
    (rig, current)
}

#[tokio::test]
async fn what_is_in_hand_and_made_room_is_told_once_when_it_is_taken() {
    let (mut rig, current) = three_in_hand(|| Heir::Later).await;
    rig.conclude(current, TAKEN).await;
    assert_eq!((rig.told(Reason::SpoolFull), rig.files()), ((7, 0), 1));
    let rest = rig.worker.merge().await.unwrap();
    assert_eq!(rest.payload.load.items, 8);
    rig.conclude(rest, TAKEN).await;
    assert_eq!((rig.told(Reason::SpoolFull), rig.files()), ((15, 0), 0));
}

#[tokio::test]
async fn what_is_in_hand_and_made_room_is_sent_again_whole() {
    let (mut rig, current) = three_in_hand(|| Heir::Later).await;
    rig.conclude(current, AGAIN).await;
    let all = rig.worker.merge().await.unwrap();
    rig.conclude(all, TAKEN).await;
    assert_eq!((rig.told(Reason::SpoolFull), rig.files()), ((15, 0), 0), "all of it made room for what says the same");
}

#[tokio::test]
async fn what_is_in_hand_is_told_once_where_nobody_follows() {
    let (mut rig, current) = three_in_hand(|| Heir::Nobody).await;
    rig.worker.current = Some(current);
    rig.collect("e", 16).await;
    let (ledger, folder) = (Arc::clone(&rig.worker.way.ledger), rig.folder);
    rig.worker.leave().await;
    assert_eq!(told(&ledger, Reason::Disabled), (0, 1 + 2 + 4 + 8 + 16));
    assert_eq!(told(&ledger, Reason::SpoolFull), (0, 0));
    drop(folder);
}

#[tokio::test]
async fn what_came_since_the_last_attempt_is_told_once_where_nobody_follows() {
    let mut rig = Rig::new(1 << 20, || Heir::Nobody);
    rig.collect("a", 1).await;
    rig.worker.failures = 1;
    rig.worker.spool().await;
    rig.collect("b", 2).await;
    let both = rig.worker.merge().await.unwrap();
    assert_eq!((both.payload.load.items, both.safe), (3, false));
    rig.worker.current = Some(both);
    let ledger = Arc::clone(&rig.worker.way.ledger);
    rig.worker.leave().await;
    assert_eq!(told(&ledger, Reason::Disabled), (0, 3));
}

#[tokio::test]
async fn what_would_make_a_request_too_large_waits_for_the_next() {
    let mut rig = Rig::new(1 << 20, || Heir::Later);
    Arc::get_mut(&mut rig.worker.way).unwrap().max_request = 2_500;
    for (name, points) in [("a", 1), ("b", 2), ("c", 4)] {
        rig.collect(name, points).await;
    }
    rig.worker.failures = 1;
    rig.worker.spool().await;
    for (name, points) in [("d", 8), ("e", 16)] {
        rig.collect(name, points).await;
    }
    let mut items = Vec::new();
    while rig.worker.backlog.waiting().payloads > 0 || rig.worker.lane.is_behind() {
        let some = rig.worker.merge().await.unwrap();
        assert!(some.payload.body.len() <= 2_500, "{}", some.payload.body.len());
        items.push(some.payload.load.items);
        rig.conclude(some, TAKEN).await;
    }
    assert_eq!(items, [3, 12, 16], "in order, and as much as there is room for");
    assert_eq!((rig.told(Reason::SpoolFull), rig.files()), ((31, 0), 0));
}

/// Or each attempt of a long outage would read and merge all that it left.
#[tokio::test]
async fn what_was_merged_from_many_is_written_as_one() {
    let mut rig = Rig::new(1 << 20, || Heir::Later);
    rig.worker.failures = 1;
    for n in 0..10 {
        rig.collect(&format!("m{n}"), 1 << n).await;
    }
    rig.worker.spool().await;
    assert_eq!(rig.files(), 10);
    let all = rig.worker.merge().await.unwrap();
    assert_eq!((all.payload.load.items, all.places.len(), all.safe), (1023, 10, false));
    rig.conclude(all, AGAIN).await;
    assert_eq!((rig.files(), rig.worker.backlog.waiting().payloads, rig.worker.backlog.waiting().items), (1, 1, 1023));
    let all = rig.worker.merge().await.unwrap();
    assert_eq!((all.payload.load.items, all.safe), (1023, true));
    rig.conclude(all, TAKEN).await;
    assert_eq!((rig.told(Reason::SpoolFull), rig.files()), ((1023, 0), 0));
}

#[tokio::test]
async fn what_is_new_does_not_expire_with_what_is_old() {
    let mut rig = Rig::new(1 << 20, || Heir::Later);
    rig.worker.backlog = Backlog::new(None, Signal::Metrics, Arc::clone(&rig.worker.way.ledger));
    rig.collect("a", 1).await;
    let mut current = rig.worker.merge().await.unwrap();
    current.first_tried = Some(Instant::now());
    rig.worker.current = Some(current);
    let again = rig.worker.merge().await.unwrap();
    assert!(again.first_tried.is_some(), "nothing came");
    rig.worker.current = Some(again);
    rig.collect("b", 2).await;
    let both = rig.worker.merge().await.unwrap();
    assert_eq!((both.payload.load.items, both.first_tried), (3, None));
}

/// What waits behind a payload that expired with its first failure is on disk all the same.
#[tokio::test]
async fn a_payload_that_expires_leaves_the_rest_safe() {
    let mut rig = Rig::new(1 << 20, || Heir::Later);
    Arc::get_mut(&mut rig.worker.way).unwrap().expires = Some(Duration::from_secs(30));
    rig.collect("a", 1).await;
    let current = rig.worker.next().await.unwrap();
    rig.collect("b", 2).await;
    let later = Answer::Retry { kind: FailureKind::Refused, after: Some(Duration::from_secs(60)) };
    rig.conclude(current, later).await;
    assert_eq!(rig.told(Reason::Expired), (0, 1));
    assert_eq!((rig.worker.backlog.waiting().items, rig.files()), (2, 1));
    rig.collect("c", 4).await;
    assert!(rig.worker.spools(), "and so is what comes");
}

/// A disk that takes its time is not the collector's fault.
#[tokio::test]
async fn a_request_goes_on_while_the_disk_is_worked_on() {
    let mut rig = Rig::new(1 << 20, || Heir::Later);
    rig.worker.failures = 1;
    let disk = rig.worker.backlog.spool().unwrap();
    let (release, held) = std::sync::mpsc::channel::<()>();
    let held = Arc::new(std::sync::Mutex::new(held));
    let busy = (0..64).map(|_| {
        let (disk, held) = (disk.clone(), Arc::clone(&held));
        tokio::spawn(async move { disk.run(move || held.lock().unwrap().recv().is_ok()).await })
    });
    let busy: Vec<_> = busy.collect();
    tokio::task::yield_now().await;
    rig.collect("a", 1).await;
    let (told, answered) = tokio::sync::oneshot::channel();
    let request = async move {
        let timely = tokio::time::timeout(Duration::from_secs(5), async { tokio::task::yield_now().await }).await.is_ok();
        let _ = told.send(());
        timely
    };
    let letting_go = async move {
        // The disk works again only once the request is through.
        let through = tokio::time::timeout(Duration::from_secs(10), answered).await.is_ok();
        drop(release);
        through
    };
    let slow = async {
        tokio::task::yield_now().await;
        tokio::task::yield_now().await;
        request.await
    };
    let (done, through) = tokio::join!(rig.worker.meanwhile(slow), letting_go);
    assert_eq!((done, through), (Some(true), true));
    futures::future::join_all(busy).await;
}

#[tokio::test]
async fn a_collector_is_not_asked_again_at_once_whatever_it_says() {
    let mut rig = Rig::new(1 << 20, || Heir::Later);
    for (after, least, most) in [
        (Some(Duration::ZERO), 2_500, 7_500),
        (None, 2_500, 30_000),
        (Some(Duration::from_millis(5)), 1_000, 1_000),
        (Some(Duration::from_secs(7)), 7_000, 7_000),
        (Some(Duration::from_secs(86_400)), 600_000, 600_000),
    ] {
        rig.worker.failures = 0;
        rig.collect("a", 1).await;
        let current = rig.worker.merge().await.unwrap();
        let before = Instant::now();
        rig.conclude(current, Answer::Retry { kind: FailureKind::Refused, after }).await;
        let pause = rig.worker.not_before.duration_since(before).as_millis();
        assert!((least..most + 500).contains(&pause), "{after:?}: {pause} ms");
    }
}

/// The oldest life first, also when nothing of the very first is left.
#[tokio::test]
async fn earlier_lives_make_room_before_this_one() {
    let mut rig = Rig::new(6_600, || Heir::Later);
    let spool = rig.worker.backlog.spool().unwrap();
    for points in [1, 2] {
        let mut log = spool.home("operator").log("metrics").unwrap();
        let meta = spool::Meta { records: 0, items: points, gzip: false };
        log.append(meta, None, &[0; 1_000]).unwrap().unwrap();
    }
    rig.worker.backlog.adopt().await;
    let (_, first) = rig.worker.backlog.first().await.unwrap();
    rig.worker.backlog.settle(&first).await;
    rig.worker.failures = 1;
    for points in [4, 8, 16] {
        rig.collect("c", points).await;
        rig.worker.spool().await;
    }
    assert_eq!((rig.told(Reason::SpoolFull), rig.worker.backlog.waiting().items), ((0, 2), 4 + 8 + 16));
}

/// Each life of the settings leaves a log while a collector is down.
#[tokio::test]
async fn what_many_lives_left_ends_in_few_files() {
    let mut rig = Rig::new(1 << 20, || Heir::Later);
    let spool = rig.worker.backlog.spool().unwrap();
    // Later than now: none is too old.
    let times = (1_u64 << 50..).take(100);
    for time in times.clone() {
        let mut log = spool.home("operator").log("metrics").unwrap();
        let meta = spool::Meta { records: 0, items: 1, gzip: false };
        log.append(meta, Some(time), &[0; 100]).unwrap().unwrap();
    }
    rig.worker.backlog.adopt().await;
    let (_, held) = rig.worker.backlog.first().await.unwrap();
    rig.worker.backlog.hold(std::slice::from_ref(&held)).await;
    rig.worker.failures = 1;
    rig.collect("c", 5).await;
    rig.worker.spool().await;
    assert_eq!(rig.worker.backlog.waiting(), spool::Count { payloads: 101, records: 0, items: 105 });
    drop(held);
    assert!(rig.worker.backlog.into_logs().len() <= 33);
    assert_eq!(rig.worker.way.ledger.read().dropped, []);
    let mut ages = Vec::new();
    let mut again = Backlog::new(Some(Arc::new(spool.home("operator"))), Signal::Metrics, Arc::default());
    again.adopt().await;
    while let Some((payload, place)) = again.first().await {
        again.settle(&place).await;
        ages.push(payload.written);
    }
    assert_eq!(ages[..100], times.map(Some).collect::<Vec<_>>(), "all of it, once, in order");
}

/// A folder that is a file for now stands for a disk that does not take anything.
#[tokio::test]
async fn a_disk_that_nobody_needs_any_more_is_no_problem() {
    let mut rig = Rig::new(1 << 20, || Heir::Later);
    let spool = rig.folder.path().join("spool");
    std::fs::write(&spool, "in the way").unwrap();
    rig.collect("a", 1).await;
    let current = rig.worker.merge().await.unwrap();
    rig.conclude(current, AGAIN).await;
    let problem = |rig: &Rig| rig.worker.way.ledger.read().disk_problem;
    assert!(problem(&rig).is_some());
    rig.worker.not_before = Instant::now();
    let current = rig.worker.next().await.unwrap();
    assert!(problem(&rig).is_some(), "it still fails");
    rig.conclude(current, TAKEN).await;
    rig.collect("b", 2).await;
    assert!(rig.worker.next().await.is_some() && problem(&rig).is_none());
}
