//! Testing a destination before it is relied on, and what is remembered of its attempts.

use std::time::Duration;

use opentelemetry_proto::tonic::collector::logs::v1::{ExportLogsPartialSuccess, ExportLogsServiceResponse};
use prost::Message;
use server::live::{ExportTarget, Exports, Owner};
use server::telemetry::{GiveUp, Options, Outcome};
use server::values::{FailureKind, Signal};
use tokio::sync::mpsc;

use super::{Rig, exports, operator, quick, request, target, tenant, tenant_id};
use crate::support::collector::{Collector, Reply, attributes};

fn logs_only(target: ExportTarget) -> ExportTarget {
    ExportTarget { traces: None, metrics: None, ..target }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_is_one_marked_record_per_signal_with_this_destinations_headers_alone() {
    let collector = Collector::start().await;
    let rig = Rig::start(Exports::default(), quick());
    let report = rig.telemetry.probe(&target(Owner::Operator, &collector.endpoint(), "x-token=mine")).await.unwrap();
    assert_eq!(report.to, collector.endpoint().trim_start_matches("http://"));
    let found: Vec<_> = report.probes.iter().map(|probe| (probe.signal, probe.status, probe.failure)).collect();
    assert_eq!(found, Signal::ALL.map(|signal| (signal, Some(200), None)));
    let received = collector.received();
    assert_eq!(received.requests.len(), 3);
    for request in &received.requests {
        assert_eq!(request.headers["x-token"], "mine");
        assert_eq!(request.headers["content-encoding"], "gzip");
    }
    let (spans, logs, metrics) = (received.spans(), received.logs(), received.metrics());
    assert_eq!((spans.len(), logs.len(), metrics.len()), (1, 1, 1));
    assert_eq!(attributes(&spans[0].record.attributes)["knoxcall.test"], "true");
    assert_eq!(attributes(&logs[0].record.attributes)["knoxcall.test"], "true");
    assert_eq!((logs[0].record.event_name.as_str(), metrics[0].record.name.as_str()), ("knoxcall.test", "knoxcall.test"));
    assert_eq!(rig.telemetry.last_probe(Owner::Operator), Some(report));
    assert!(rig.telemetry.status(Owner::Operator).is_none(), "nothing is in force because of a test");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_says_what_is_wrong() {
    let collector = Collector::start().await;
    let rig = Rig::start(Exports::default(), quick());
    let partial = ExportLogsServiceResponse {
        partial_success: Some(ExportLogsPartialSuccess { rejected_log_records: 1, error_message: "no such stream".to_owned() }),
    };
    for (n, (reply, status, failure, detail)) in [
        (Reply::Status(401), Some(401), FailureKind::Status { status: 401 }, None),
        (Reply::Status(404), Some(404), FailureKind::Status { status: 404 }, None),
        (Reply::Status(503), Some(503), FailureKind::Status { status: 503 }, None),
        (Reply::Redirect("http://127.0.0.1:1/".to_owned()), Some(307), FailureKind::Redirect { status: 307 }, None),
        (
            Reply::Body("application/x-protobuf", partial.encode_to_vec().into()),
            Some(200),
            FailureKind::PartialSuccess { rejected: 1 },
            Some("no such stream"),
        ),
        (Reply::Hang, None, FailureKind::Timeout, None),
    ]
    .into_iter()
    .enumerate()
    {
        collector.script([reply]);
        let mut to = logs_only(tenant(tenant_id(n as u128), &collector));
        if let Some(logs) = &mut to.logs {
            logs.timeout = if status.is_none() { Duration::from_millis(50) } else { Duration::from_secs(10) };
        }
        let report = rig.telemetry.probe(&to).await.unwrap();
        let probe = &report.probes[0];
        assert_eq!((report.probes.len(), probe.status, probe.failure, probe.detail.as_deref()), (1, status, Some(failure), detail));
    }
    let refused = rig.telemetry.probe(&logs_only(target(Owner::Operator, "http://127.0.0.1:1", ""))).await.unwrap();
    assert_eq!(refused.probes[0].failure, Some(FailureKind::Refused));
    let unknown = rig.telemetry.probe(&logs_only(target(Owner::Operator, "http://no-such-host.invalid", ""))).await.unwrap();
    assert_eq!(unknown.probes[0].failure, Some(FailureKind::NameNotFound));
    let no_tls =
        rig.telemetry.probe(&logs_only(target(Owner::Operator, &collector.endpoint().replace("http:", "https:"), ""))).await.unwrap();
    assert_eq!(no_tls.probes[0].failure, Some(FailureKind::Tls));
    assert!(no_tls.probes[0].detail.is_some(), "in the TLS library's words");
}

#[tokio::test(flavor = "multi_thread")]
async fn attempts_and_minutes_are_remembered_over_changes_and_pauses() {
    let collector = Collector::start().await;
    collector.script([Reply::Status(503), Reply::Taken, Reply::Status(400)]);
    let rig = Rig::start(exports([logs_only(operator(&collector))]), quick());
    rig.emit(request(tenant_id(1)));
    rig.wait_for(Owner::Operator, |status| status.delivered == 1).await;
    rig.emit(request(tenant_id(1)));
    let status = rig.wait_for(Owner::Operator, |status| status.dropped_total() == 1).await;
    let told: Vec<_> =
        status.lately.attempts.iter().map(|attempt| (attempt.outcome, attempt.status, attempt.number, attempt.items)).collect();
    assert_eq!(
        told,
        [(Outcome::GivenUp, Some(400), 1, 1), (Outcome::Delivered, Some(200), 2, 1), (Outcome::Retrying, Some(503), 1, 1)],
        "the newest first"
    );
    assert_eq!(status.lately.attempts[1].bytes, collector.received().requests[1].raw.len() as u64, "as it went out");
    let sums = |minutes: &[server::telemetry::Minute]| {
        minutes.iter().fold((0, 0), |(sent, dropped), minute| (sent + minute.sent, dropped + minute.dropped.iter().sum::<u64>()))
    };
    assert_eq!(sums(&status.lately.minutes), (1, 1));
    assert_eq!(status.lately.streak.map(|streak| streak.attempts), Some(1));

    rig.configure(Exports::default());
    wait(|| rig.telemetry.status(Owner::Operator).is_none()).await;
    assert_eq!(rig.telemetry.lately(Owner::Operator).attempts.len(), 3, "while it is off");
    let mut other = logs_only(operator(&collector));
    other.generation = 9;
    rig.configure(exports([other]));
    wait(|| rig.telemetry.status(Owner::Operator).is_some()).await;
    let status = rig.status(Owner::Operator);
    assert_eq!((status.lately.attempts.len(), status.lately.streak, status.accepted), (3, None, 0), "new settings have their own time");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_only_fails_is_reported_and_one_that_succeeds_is_not() {
    let (bad, good) = (Collector::start().await, Collector::start().await);
    bad.always("/v1/logs", Reply::Status(400));
    let (reports, mut exhausted) = mpsc::channel(8);
    let give_up = GiveUp { after: Duration::ZERO, attempts: 3, reports: Some(reports) };
    let failing = ExportTarget { generation: 5, ..logs_only(tenant(tenant_id(1), &bad)) };
    let rig = Rig::start(exports([failing, logs_only(tenant(tenant_id(2), &good))]), Options { give_up, ..quick() });
    for round in 1..=3 {
        rig.emit(request(tenant_id(1)));
        rig.emit(request(tenant_id(2)));
        rig.wait_for(Owner::Tenant(tenant_id(1)), |status| status.dropped_total() == round).await;
        rig.wait_for(Owner::Tenant(tenant_id(2)), |status| status.delivered == round).await;
    }
    let report = tokio::time::timeout(Duration::from_secs(20), exhausted.recv()).await.unwrap().unwrap();
    assert_eq!((report.owner, report.generation, report.attempts), (Owner::Tenant(tenant_id(1)), 5, 3));
    rig.telemetry.shutdown(Duration::from_secs(20)).await;
    assert!(exhausted.try_recv().is_err(), "and nobody else");
}

async fn wait(until: impl Fn() -> bool) {
    let met = tokio::time::timeout(Duration::from_secs(20), async {
        while !until() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    });
    met.await.expect("it did not come about");
}
