//! Metrics that wait are one payload, and each point of it is told once, whatever makes room for what.

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{Gauge, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics};
use prost::Message as _;

use super::super::estate::{Estate, Heirs};
use super::super::{GiveUp, Gzip, Limit, Retry};
use super::*;
use crate::budget::Budget;
use crate::bus::Bus;
use crate::live::{Batch, ExportTarget, Owner, Temporality};
use crate::spool::{self, Spool};
use crate::telemetry::alarm::Alarm;
use crate::telemetry::delivery::{Transport, Unsent};
use crate::telemetry::status::Ledger;
use crate::values::{Endpoint, HeaderList};

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
        let url = Endpoint::parse_exact("http://127.0.0.1:1/v1/metrics").unwrap();
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
        let payload = Payload::new(body.into(), Load { records: 0, items: points }, Compression::None, &Gzip::default()).await;
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
            entries.map(|entry| if entry.path().is_dir() { below(&entry.path()) } else { 1 }).sum()
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
    rig.worker.most = 2_500;
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
