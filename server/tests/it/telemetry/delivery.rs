//! What becomes of a batch: retried, given up, refused, redirected; and that the counts say so.

use std::time::Duration;

use bytes::Bytes;
use server::live::{ExportTarget, Exports, Owner};
use server::telemetry::{Options, Outcome, Reason, Retry};
use server::values::{FailureKind, Signal};

use super::{Rig, check_sum, exports, operator, quick, request, target, tenant_id};
use crate::support::collector::{Collector, Reply};

const GRACE: Duration = Duration::from_secs(20);

fn logs_only(mut target: ExportTarget) -> Exports {
    target.traces = None;
    target.metrics = None;
    exports([target])
}

#[tokio::test(flavor = "multi_thread")]
async fn four_statuses_and_broken_connections_are_tried_again() {
    let collector = Collector::start().await;
    let replies = [429, 502, 503, 504].map(Reply::Status);
    collector.script(replies.into_iter().chain([Reply::Reset]));
    let rig = Rig::start(logs_only(operator(&collector)), quick());
    rig.emit(request(tenant_id(1)));
    let status = rig.wait_for(Owner::Operator, |status| status.delivered == 1).await;
    let received = collector.received();
    assert_eq!(received.requests.len(), 6);
    assert!(received.requests.windows(2).all(|pair| pair[0].raw == pair[1].raw), "the same bytes every time");
    assert_eq!(received.logs().len(), 1);
    assert_eq!(status.failing_since, None);
    assert!(status.last_success.is_some());
    assert_eq!(status.last_failure.unwrap().kind, FailureKind::Closed);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_other_refusal_is_final() {
    for number in [400, 401, 403, 404, 408, 413, 500, 501, 505] {
        let collector = Collector::start().await;
        collector.script([Reply::Status(number)]);
        let rig = Rig::start(logs_only(operator(&collector)), quick());
        rig.emit(request(tenant_id(1)));
        let status = rig.wait_for(Owner::Operator, |status| status.queued == 0).await;
        assert_eq!(status.dropped, [(Reason::NotRetryable, 1)], "{number}");
        let failure = status.last_failure.unwrap();
        assert_eq!((failure.kind, failure.signal, &*failure.host), (FailureKind::Status { status: number }, Signal::Logs, "127.0.0.1"));
        assert!(status.failing_since.is_some());
        rig.telemetry.shutdown(GRACE).await;
        assert_eq!(collector.received().requests.len(), 1, "{number}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_redirect_is_followed() {
    let (collector, elsewhere) = (Collector::start().await, Collector::start().await);
    collector.script([Reply::Redirect(format!("{}/internal/admin", elsewhere.endpoint()))]);
    let secret = target(Owner::Operator, &collector.endpoint(), "dd-api-key=SECRET");
    let rig = Rig::start(logs_only(secret), quick());
    rig.emit(request(tenant_id(1)));
    let status = rig.wait_for(Owner::Operator, |status| status.queued == 0).await;
    assert_eq!(status.dropped, [(Reason::NotRetryable, 1)]);
    assert_eq!(status.last_failure.unwrap().kind, FailureKind::Redirect { status: 307 });
    rig.telemetry.shutdown(GRACE).await;
    assert!(elsewhere.received().requests.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_asks_for_patience_gets_it() {
    let collector = Collector::start().await;
    // A date is honoured as seconds are; both are whole seconds. Rounding down costs the date up to one.
    let date = httpdate::fmt_http_date(std::time::SystemTime::now() + Duration::from_secs(3));
    collector.script([Reply::RetryAfter(429, "1".to_owned()), Reply::RetryAfter(503, date)]);
    let rig = Rig::start(logs_only(operator(&collector)), quick());
    rig.emit(request(tenant_id(1)));
    rig.wait_for(Owner::Operator, |status| status.delivered == 1).await;
    let at: Vec<_> = collector.received().requests.iter().map(|request| request.at).collect();
    assert_eq!(at.len(), 3);
    assert!(at[1] - at[0] >= Duration::from_millis(990), "{:?}", at[1] - at[0]);
    assert!(at[2] - at[0] >= Duration::from_millis(1_900), "{:?}", at[2] - at[0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_tried_for_too_long_expires_and_the_next_goes_on() {
    let collector = Collector::start().await;
    collector.always("/v1/logs", Reply::Status(503));
    let retry = Retry { max_elapsed: Duration::from_millis(60), ..quick().retry };
    let rig = Rig::start(logs_only(operator(&collector)), Options { retry, ..quick() });
    rig.emit(request(tenant_id(1)));
    let status = rig.wait_for(Owner::Operator, |status| status.queued == 0).await;
    assert_eq!(status.dropped, [(Reason::Expired, 1)]);
    assert!(collector.received().requests.len() > 1);
    collector.always("/v1/logs", Reply::Taken);
    rig.emit(request(tenant_id(1)));
    let status = rig.wait_for(Owner::Operator, |status| status.delivered == 1).await;
    assert_eq!((status.accepted, status.failing_since), (2, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partial_success_is_counted_and_never_sent_again() {
    let collector = Collector::start().await;
    collector.script([Reply::Partial(2)]);
    let rig = Rig::start(logs_only(operator(&collector)), quick());
    for _ in 0..5 {
        rig.emit(request(tenant_id(1)));
    }
    let status = rig.wait_for(Owner::Operator, |status| status.accepted == 5 && status.queued == 0).await;
    assert_eq!((status.delivered, status.rejected), (3, 2));
    assert_eq!(status.last_failure.unwrap().kind, FailureKind::PartialSuccess { rejected: 2 });
    assert_eq!(status.failing_since, None);
    rig.telemetry.shutdown(GRACE).await;
    assert_eq!(collector.received().requests.len(), 1);
}

/// The status says that the collector has it: sent again it would be there twice.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_taken_is_not_sent_again_though_the_answer_breaks_off() {
    for reply in [Reply::Cut("application/x-protobuf"), Reply::Stall] {
        let collector = Collector::start().await;
        collector.script([reply.clone()]);
        let mut target = operator(&collector);
        if let (Some(logs), Reply::Stall) = (&mut target.logs, &reply) {
            logs.timeout = Duration::from_secs(1);
        }
        let rig = Rig::start(logs_only(target), quick());
        rig.emit(request(tenant_id(1)));
        let status = rig.wait_for(Owner::Operator, |status| status.accepted == 1 && status.queued == 0).await;
        assert_eq!((status.delivered, status.dropped_total(), status.failing_since), (1, 0, None), "{reply:?}");
        let attempt = &status.lately.attempts[0];
        assert_eq!((attempt.outcome, attempt.status), (Outcome::Delivered, Some(200)), "{reply:?}");
        assert_eq!(attempt.failure, Some(FailureKind::AnswerCut), "whether it rejected anything is not known");
        rig.telemetry.shutdown(GRACE).await;
        assert_eq!((collector.received().requests.len(), collector.received().logs().len()), (1, 1), "{reply:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_web_page_that_breaks_off_is_no_collector_either() {
    let collector = Collector::start().await;
    collector.script([Reply::Cut("text/html; charset=utf-8")]);
    let rig = Rig::start(logs_only(operator(&collector)), quick());
    rig.emit(request(tenant_id(1)));
    let status = rig.wait_for(Owner::Operator, |status| status.queued == 0).await;
    assert_eq!(status.dropped, [(Reason::NotRetryable, 1)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_no_collector_gives_is_final() {
    let large = Bytes::from(vec![0; 5 * 1024 * 1024]);
    for reply in [Reply::Body("application/x-protobuf", large), Reply::Body("text/html", Bytes::from_static(b"<h1>Welcome</h1>"))] {
        let collector = Collector::start().await;
        collector.script([reply]);
        let rig = Rig::start(logs_only(operator(&collector)), quick());
        rig.emit(request(tenant_id(1)));
        let status = rig.wait_for(Owner::Operator, |status| status.queued == 0).await;
        assert_eq!(status.dropped, [(Reason::NotRetryable, 1)]);
        assert_eq!(status.last_failure.unwrap().kind, FailureKind::BadAnswer);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_hangs_is_timed_out_and_tried_again() {
    let collector = Collector::start().await;
    collector.script([Reply::Hang]);
    let mut target = operator(&collector);
    if let Some(logs) = &mut target.logs {
        logs.timeout = Duration::from_millis(50);
    }
    let rig = Rig::start(logs_only(target), quick());
    rig.emit(request(tenant_id(1)));
    let status = rig.wait_for(Owner::Operator, |status| status.delivered == 1).await;
    assert_eq!(status.last_failure.unwrap().kind, FailureKind::Timeout);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_that_fails_holds_up_no_other() {
    let collector = Collector::start().await;
    collector.always("/v1/traces", Reply::Hang);
    collector.always("/v1/metrics", Reply::Status(404));
    let mut target = operator(&collector);
    target.metric_interval = Duration::from_millis(20);
    let rig = Rig::start(exports([target]), quick());
    for round in 1..=5 {
        rig.emit(request(tenant_id(1)));
        collector.wait_for(|received| received.logs().len() == round).await;
    }
    rig.wait_for(Owner::Operator, |status| status.delivered == 5).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destination_that_is_down_holds_up_no_other() {
    let (dead, live) = (Collector::start().await, Collector::start().await);
    dead.always("/v1/logs", Reply::Hang);
    dead.always("/v1/traces", Reply::Hang);
    let (a, b) = (tenant_id(1), tenant_id(2));
    let rig = Rig::start(exports([operator(&dead), super::tenant(a, &dead), super::tenant(b, &live)]), quick());
    for round in 1..=5 {
        rig.emit(request(a));
        rig.emit(request(b));
        live.wait_for(|received| received.logs().len() == round).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_is_counted() {
    let collector = Collector::start().await;
    collector.always("/v1/logs", Reply::Hang);
    // Room for about a hundred events and for one or two payloads.
    let options = Options { queue_bytes: 64 * 1024, lane_bytes: 2 * 1024, ..quick() };
    let mut target = operator(&collector);
    target.log_batch.max_records = 10;
    let rig = Rig::start(logs_only(target), options);
    for _ in 0..5_000 {
        rig.emit(request(tenant_id(1)));
    }
    let status = rig.wait_for(Owner::Operator, |status| status.dropped_total() > 4_000).await;
    assert_eq!(status.accepted, 5_000);
    assert_eq!(status.dropped[0].0, Reason::QueueFull);
    rig.telemetry.shutdown(Duration::from_millis(50)).await;
    let status = rig.status(Owner::Operator);
    check_sum(&status);
    assert_eq!(status.queued, 0);
    assert_eq!(status.dropped.iter().map(|(reason, _)| *reason).collect::<Vec<_>>(), [Reason::QueueFull, Reason::Disabled]);
}

#[tokio::test(flavor = "multi_thread")]
async fn shutting_down_flushes_what_was_accepted() {
    let collector = Collector::start().await;
    let mut target = operator(&collector);
    // Nothing would be sent by itself for an hour.
    target.span_batch.max_delay = Duration::from_secs(3600);
    target.log_batch.max_delay = Duration::from_secs(3600);
    let rig = Rig::start(exports([target]), quick());
    for _ in 0..1_000 {
        rig.emit(request(tenant_id(1)));
    }
    rig.telemetry.shutdown(GRACE).await;
    let received = collector.received();
    assert_eq!((received.spans().len(), received.logs().len()), (1_000, 1_000));
    assert_eq!(received.metrics().len(), 3);
    let status = rig.status(Owner::Operator);
    assert_eq!((status.accepted, status.delivered, status.queued), (2_000, 2_000, 0));
    rig.emit(request(tenant_id(1)));
    assert_eq!(rig.status(Owner::Operator).accepted, 2_000, "nothing is taken after the end");
}

/// The bound itself is 64 MiB.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_above_the_largest_request_is_dropped_and_counted() {
    let collector = Collector::start().await;
    let mut target = operator(&collector);
    target.metrics = None;
    let rig = Rig::start(exports([target]), Options { max_request: 64, ..quick() });
    rig.emit(request(tenant_id(1)));
    let status = rig.wait_for(Owner::Operator, |status| status.dropped_total() >= 2).await;
    check_sum(&status);
    assert_eq!(status.dropped, [(Reason::TooLarge, 2)], "the span and the log record");
    assert!(collector.received().requests.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn shutting_down_is_bounded() {
    let collector = Collector::start().await;
    collector.always("/v1/logs", Reply::Hang);
    let rig = Rig::start(logs_only(operator(&collector)), quick());
    rig.emit(request(tenant_id(1)));
    let started = std::time::Instant::now();
    rig.telemetry.shutdown(Duration::from_millis(100)).await;
    assert!(started.elapsed() < Duration::from_secs(5));
    assert_eq!(rig.status(Owner::Operator).dropped, [(Reason::Disabled, 1)]);
}
