//! Metrics over time: intervals, temporality, and what a change of settings does to them.

use std::time::Duration;

use opentelemetry_proto::tonic::metrics::v1::NumberDataPoint;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value;
use server::event::Request;
use server::live::{Batch, ExportTarget, Owner, Temporality};

use super::{Rig, exports, operator, quick, request, tenant, tenant_id};
use crate::support::collector::{Collector, Received, attributes};

const GRACE: Duration = Duration::from_secs(20);

/// The points of `knoxcall.proxy.requests`, oldest first, one list per collection.
fn collections(received: &Received) -> Vec<(i32, Vec<NumberDataPoint>)> {
    received
        .metrics()
        .into_iter()
        .filter(|metric| metric.record.name == "knoxcall.proxy.requests")
        .filter_map(|metric| match metric.record.data {
            Some(Data::Sum(sum)) => Some((sum.aggregation_temporality, sum.data_points)),
            _ => None,
        })
        .collect()
}

pub fn total(points: &[NumberDataPoint]) -> i64 {
    points.iter().map(|point| if let Some(Value::AsInt(number)) = point.value { number } else { 0 }).sum()
}

fn last_total(received: &Received) -> i64 {
    collections(received).last().map_or(0, |(_, points)| total(points))
}

pub fn often(mut target: ExportTarget) -> ExportTarget {
    target.metric_interval = Duration::from_millis(20);
    target
}

#[tokio::test(flavor = "multi_thread")]
async fn cumulative_counts_go_on_from_one_start() {
    let collector = Collector::start().await;
    let rig = Rig::start(exports([often(operator(&collector))]), quick());
    for count in 1..=3 {
        rig.emit(request(tenant_id(1)));
        collector.wait_for(|received| last_total(received) == count).await;
    }
    let collections = collections(&collector.received());
    assert!(collections.len() >= 3);
    let start = collections[0].1[0].start_time_unix_nano;
    assert!(collections.iter().all(|(temporality, points)| *temporality == 2 && points[0].start_time_unix_nano == start));
    assert!(collections.windows(2).all(|pair| pair[0].1[0].time_unix_nano < pair[1].1[0].time_unix_nano));
}

#[tokio::test(flavor = "multi_thread")]
async fn deltas_add_up_and_nothing_empty_is_sent() {
    let collector = Collector::start().await;
    let mut target = often(operator(&collector));
    target.temporality = Temporality::Delta;
    let rig = Rig::start(exports([target]), quick());
    let sum = |received: &Received| collections(received).iter().map(|(_, points)| total(points)).sum::<i64>();
    for count in 1..=5 {
        rig.emit(request(tenant_id(1)));
        collector.wait_for(|received| sum(received) == count).await;
    }
    rig.telemetry.shutdown(GRACE).await;
    let received = collector.received();
    assert_eq!(sum(&received), 5);
    assert!(collections(&received).iter().all(|(temporality, points)| *temporality == 1 && total(points) > 0));
    assert!(received.on("/v1/metrics").iter().all(|delivery| !delivery.body.is_empty()));
    assert_eq!(received.on("/v1/metrics").len(), collections(&received).len(), "an interval without requests sends nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workspace_has_no_tenant_dimension_and_the_operator_has() {
    let (all, own) = (Collector::start().await, Collector::start().await);
    let rig = Rig::start(exports([operator(&all), tenant(tenant_id(1), &own)]), quick());
    rig.emit(request(tenant_id(1)));
    rig.emit(Request { status: Some(503), ..request(tenant_id(1)) });
    rig.telemetry.shutdown(GRACE).await;
    let keys = |received: &Received| attributes(&collections(received)[0].1[0].attributes).into_keys().collect::<Vec<_>>();
    let shared = ["error", "http.response.status_class", "http.response.status_code", "knoxcall.environment", "knoxcall.route_name"];
    assert_eq!(keys(&own.received()), shared);
    assert_eq!(keys(&all.received()), [&shared[..], &["knoxcall.tenant_id"]].concat());
    assert_eq!(collections(&own.received())[0].1.len(), 2, "one series per status");
}

#[tokio::test(flavor = "multi_thread")]
async fn they_carry_on_when_other_settings_of_the_destination_change() {
    let collector = Collector::start().await;
    let original = often(operator(&collector));
    let rig = Rig::start(exports([original.clone()]), quick());
    rig.emit(request(tenant_id(1)));
    collector.wait_for(|received| last_total(received) == 1).await;
    let start = collections(&collector.received())[0].1[0].start_time_unix_nano;

    // Traces off, another batch, another token: the same series.
    let mut changed = ExportTarget { generation: 2, traces: None, ..original.clone() };
    changed.span_batch = Batch { max_records: 7, ..changed.span_batch };
    let token = super::target(Owner::Operator, &collector.endpoint(), "authorization=Bearer other");
    changed.metrics.clone_from(&token.metrics);
    changed.logs = None;
    rig.configure(exports([changed.clone()]));
    rig.wait_for(Owner::Operator, |status| status.accepted == 0).await;
    // Even with no request, what was counted before is still reported, now with the new token.
    let received =
        collector.wait_for(|received| received.on("/v1/metrics").last().is_some_and(|d| d.headers.contains_key("authorization"))).await;
    assert_eq!(last_total(&received), 1);
    rig.emit(request(tenant_id(1)));
    collector.wait_for(|received| last_total(received) == 2).await;
    rig.telemetry.shutdown(GRACE).await;
    let all = collections(&collector.received());
    assert!(all.iter().all(|(_, points)| points[0].start_time_unix_nano == start), "one start time throughout");
    assert!(all.windows(2).all(|pair| total(&pair[0].1) <= total(&pair[1].1)), "never back");
}

#[tokio::test(flavor = "multi_thread")]
async fn they_begin_anew_at_another_endpoint_and_end_at_the_old_one() {
    let (first, second) = (Collector::start().await, Collector::start().await);
    let rig = Rig::start(exports([operator(&first)]), quick());
    rig.emit(request(tenant_id(1)));
    rig.emit(request(tenant_id(1)));
    rig.configure(exports([operator(&second)]));
    rig.wait_for(Owner::Operator, |status| status.accepted == 0).await;
    rig.emit(request(tenant_id(1)));
    rig.telemetry.shutdown(GRACE).await;
    let (first, second) = (collections(&first.received()), collections(&second.received()));
    assert_eq!((first.len(), second.len()), (1, 1));
    assert_eq!((total(&first[0].1), total(&second[0].1)), (2, 1));
    assert!(first[0].1[0].start_time_unix_nano < second[0].1[0].start_time_unix_nano);
}

#[tokio::test(flavor = "multi_thread")]
async fn frequent_changes_do_not_put_the_collection_off() {
    let collector = Collector::start().await;
    let mut target = operator(&collector);
    target.metric_interval = Duration::from_millis(200);
    let rig = Rig::start(exports([target.clone()]), quick());
    rig.emit(request(tenant_id(1)));
    let mut changes = tokio::time::interval(Duration::from_millis(20));
    let collected = collector.wait_for(|received| last_total(received) == 1);
    tokio::pin!(collected);
    loop {
        tokio::select! {
            _ = &mut collected => break,
            _ = changes.tick() => {
                target.generation += 1;
                rig.configure(exports([target.clone()]));
            }
        }
    }
    assert!(target.generation > 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_series_are_merged_and_the_status_says_so() {
    let collector = Collector::start().await;
    let id = tenant_id(1);
    let rig = Rig::start(exports([often(tenant(id, &collector))]), quick());
    for n in 0..2_100 {
        let mut event = request(id);
        if let Some(proxied) = &mut event.proxied {
            proxied.route = format!("route-{n}").into();
        }
        rig.emit(event);
    }
    let status = rig.wait_for(Owner::Tenant(id), |status| status.overflowing_instruments > 0).await;
    assert_eq!(status.overflowing_instruments, 2);
    collector.wait_for(|received| last_total(received) == 2_100).await;
}

/// One workspace's inventions leave the operator's series to the others.
#[tokio::test(flavor = "multi_thread")]
async fn a_workspace_has_a_share_of_the_operators_series() {
    let collector = Collector::start().await;
    let rig = Rig::start(exports([often(operator(&collector))]), quick());
    for n in 0..2_100 {
        let mut event = request(tenant_id(1));
        if let Some(proxied) = &mut event.proxied {
            proxied.route = format!("route-{n}").into();
        }
        rig.emit(event);
    }
    rig.emit(request(tenant_id(2)));
    collector.wait_for(|received| last_total(received) == 2_101).await;
    let received = collector.received();
    let (_, points) = collections(&received).pop().unwrap();
    let of = |tenant: u128, merged: bool| {
        let points = points.iter().filter(|point| {
            let attributes = attributes(&point.attributes);
            attributes.get("knoxcall.tenant_id").is_some_and(|id| *id == format!("{:?}", tenant_id(tenant).to_string()))
                && attributes.contains_key("otel.metric.overflow") == merged
        });
        let points: Vec<_> = points.cloned().collect();
        (points.len(), total(&points))
    };
    assert_eq!((of(1, false), of(1, true), of(2, false), of(2, true)), ((2_000, 2_000), (1, 100), (1, 1), (0, 0)));
    let status = rig.wait_for(Owner::Operator, |status| status.overflowing_instruments > 0).await;
    assert_eq!(status.overflowing_instruments, 2);
}
