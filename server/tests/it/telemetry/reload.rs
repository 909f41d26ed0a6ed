//! Settings change under traffic: nothing is lost, nothing comes twice, for the destination that changes and for the
//! others.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value;
use server::event::Request;
use server::live::{ExportTarget, Exports, Owner};
use tokio::task::JoinSet;

use super::{Rig, exports, operator, quick, request, tenant, tenant_id};
use crate::support::collector::{Collector, Received, attributes};

const RELOADS: u64 = 250;
const GRACE: Duration = Duration::from_secs(30);

/// Requests from four sides at once until told to stop; each has a path of its own. Answers with how many there were.
async fn under_traffic(rig: &Rig, reload: impl AsyncFn(u64)) -> u64 {
    let stop = Arc::new(AtomicBool::new(false));
    let sent = Arc::new(AtomicU64::new(0));
    let mut senders = JoinSet::new();
    for _ in 0..4 {
        let (bus, stop, sent) = (rig.bus.clone(), Arc::clone(&stop), Arc::clone(&sent));
        senders.spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                for _ in 0..5 {
                    let n = sent.fetch_add(1, Ordering::Relaxed);
                    let event = Request { path: format!("/unique/{n}"), ..request(tenant_id(u128::from(n % 2) + 1)) };
                    bus.emit(event.tenant, || server::event::Event::Request(event.clone()));
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        });
    }
    for n in 1..=RELOADS {
        reload(n).await;
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    stop.store(true, Ordering::Relaxed);
    senders.join_all().await;
    sent.load(Ordering::Relaxed)
}

/// How often each path came, in spans or in logs.
fn paths<'a>(records: impl Iterator<Item = &'a [KeyValue]>) -> HashMap<String, u32> {
    let mut out = HashMap::new();
    for record in records {
        *out.entry(attributes(record)["url.path"].trim_matches('"').to_owned()).or_default() += 1;
    }
    out
}

fn once_each(what: &str, found: &HashMap<String, u32>, expected: impl Iterator<Item = u64>) {
    let mut lost = 0;
    let mut count = 0;
    for n in expected {
        count += 1;
        lost += u64::from(!found.contains_key(&format!("/unique/{n}")));
    }
    let doubled = found.values().filter(|times| **times > 1).count();
    assert_eq!((lost, doubled, found.len() as u64), (0, 0, count), "{what}: lost, doubled, found");
}

fn log_paths(received: &[Received]) -> HashMap<String, u32> {
    let logs: Vec<_> = received.iter().flat_map(Received::logs).collect();
    paths(logs.iter().map(|log| &*log.record.attributes))
}

fn span_paths(received: &[Received]) -> HashMap<String, u32> {
    let spans: Vec<_> = received.iter().flat_map(Received::spans).collect();
    paths(spans.iter().map(|span| &*span.record.attributes))
}

fn generation(target: ExportTarget, generation: u64) -> ExportTarget {
    ExportTarget { generation, ..target }
}

#[tokio::test(flavor = "multi_thread")]
async fn endpoints_change_under_traffic() {
    let (left, right) = (Collector::start().await, Collector::start().await);
    let (own, untouched) = (Collector::start().await, Collector::start().await);
    let (a, b) = (tenant_id(1), tenant_id(2));
    let at = |n: u64| -> Exports {
        let side = if n.is_multiple_of(2) { &left } else { &right };
        exports([generation(operator(side), n), generation(tenant(a, &own), n / 3), tenant(b, &untouched)])
    };
    let rig = Rig::start(at(0), quick());
    let sent = under_traffic(&rig, async |n| rig.configure(at(n))).await;
    let status = rig.wait_for(Owner::Tenant(b), |status| status.queued == 0).await;
    rig.telemetry.shutdown(GRACE).await;

    println!("{RELOADS} reloads, {sent} requests");
    assert!(sent > RELOADS, "there was traffic throughout");
    let both = [left.received(), right.received()];
    assert!(both.iter().all(|side| !side.spans().is_empty()));
    once_each("the operator's spans", &span_paths(&both), 0..sent);
    once_each("the operator's logs", &log_paths(&both), 0..sent);
    once_each("the changed workspace's logs", &log_paths(&[own.received()]), (0..sent).filter(|n| n % 2 == 0));
    once_each("the untouched workspace's logs", &log_paths(&[untouched.received()]), (0..sent).filter(|n| n % 2 == 1));
    assert_eq!(status.delivered, sent / 2, "its counters went on throughout");
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_count_every_request_once_across_reloads() {
    let collector = Collector::start().await;
    let at = |n: u64| {
        let mut target = generation(operator(&collector), n);
        target.span_batch.max_records = 100 + usize::try_from(n % 2).unwrap();
        target.metric_interval = Duration::from_millis(50);
        exports([target])
    };
    let rig = Rig::start(at(0), quick());
    let sent = under_traffic(&rig, async |n| rig.configure(at(n))).await;
    rig.telemetry.shutdown(GRACE).await;
    let mut points = Vec::new();
    for metric in collector.received().metrics() {
        if metric.record.name == "knoxcall.proxy.requests"
            && let Some(Data::Sum(sum)) = metric.record.data
        {
            let total: i64 = sum.data_points.iter().map(|p| if let Some(Value::AsInt(n)) = p.value { n } else { 0 }).sum();
            points.push((sum.data_points[0].time_unix_nano, sum.data_points[0].start_time_unix_nano, total));
        }
    }
    points.sort_unstable();
    assert!(points.windows(2).all(|pair| pair[0].1 == pair[1].1), "one start time throughout");
    assert_eq!(points.last().unwrap().2, i64::try_from(sent).unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn switching_off_sends_what_was_accepted_and_takes_no_more() {
    let collector = Collector::start().await;
    let rig = Rig::start(exports([operator(&collector)]), quick());
    for _ in 0..100 {
        rig.emit(request(tenant_id(1)));
    }
    rig.configure(Exports::default());
    collector.wait_for(|received| received.logs().len() == 100 && received.spans().len() == 100).await;
    assert!(rig.telemetry.status(Owner::Operator).is_none());
    assert_eq!(rig.bus.interest(Some(tenant_id(1))), server::bus::Interest::default());
    collector.wait_for(|received| !received.metrics().is_empty()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workspace_switched_on_later_is_served_at_once() {
    let collector = Collector::start().await;
    let rig = Rig::start(Exports::default(), quick());
    let id = tenant_id(1);
    assert!(!rig.bus.interest(Some(id)).events);
    rig.configure(exports([tenant(id, &collector)]));
    rig.wait_for(Owner::Tenant(id), |_| true).await;
    assert!(rig.bus.interest(Some(id)).events && !rig.bus.interest(Some(id)).traces);
    assert!(!rig.bus.interest(None).events);
    rig.emit(request(id));
    collector.wait_for(|received| received.logs().len() == 1).await;
}
