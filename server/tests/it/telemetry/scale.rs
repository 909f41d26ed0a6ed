//! What destinations cost: nothing when there are none, little when they are idle, and no thread ever.

use std::time::Duration;

use server::live::{Exports, Owner};
use tokio::runtime::Handle;

use super::{Rig, exports, quick, request, target, tenant_id};
use crate::support::collector::{Collector, Reply};
use crate::support::process;

const IDLE: u128 = 10_000;
const ACTIVE: u128 = 1_000;

#[tokio::test(flavor = "multi_thread")]
async fn off_is_one_waiting_task_and_nothing_else() {
    let before = Handle::current().metrics().num_alive_tasks();
    let rig = Rig::start(Exports::default(), quick());
    let off = Handle::current().metrics().num_alive_tasks();
    assert_eq!(off - before, 1, "only the one that waits for a configuration");
    for _ in 0..100 {
        rig.emit(request(tenant_id(1)));
    }
    assert_eq!(Handle::current().metrics().num_alive_tasks(), off);
    rig.telemetry.shutdown(Duration::from_secs(5)).await;
}

#[test]
fn ten_thousand_workspaces_take_no_thread_and_little_memory() {
    process::run_alone("telemetry::scale::in_a_process_of_its_own", &[]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run in a process of its own by ten_thousand_workspaces_take_no_thread_and_little_memory"]
async fn in_a_process_of_its_own() {
    let collector = Collector::start().await;
    // Each has connections of its own: what is measured is destinations without them.
    for path in ["/v1/logs", "/v1/metrics"] {
        collector.always(path, Reply::TakenLast);
    }
    let endpoint = collector.endpoint();
    let configured = exports((0..IDLE).map(|n| target(Owner::Tenant(tenant_id(n)), &endpoint, "authorization=Bearer x")));
    let tasks = Handle::current().metrics().num_alive_tasks();
    let before = Process::now();
    let rig = Rig::start(configured, quick());
    let idle = Process::now();
    assert_eq!(Handle::current().metrics().num_alive_tasks(), tasks + 1);
    let each = (idle.resident_kib - before.resident_kib) as f64 / IDLE as f64;
    println!("{IDLE} idle destinations: {each:.2} KiB each, {} threads (before: {})", idle.threads, before.threads);
    assert_eq!(idle.threads, before.threads);
    assert!(each <= 10.0, "{each} KiB each");

    for n in 0..ACTIVE {
        rig.emit(request(tenant_id(n)));
        // Few at a time: what the collector takes for those that it answers at once is not what is measured.
        if n % 5 == 4 {
            collector.wait_for(|received| received.requests.len() as u128 > n).await;
        }
    }
    let active = Process::now();
    let each = (active.resident_kib - idle.resident_kib) as f64 / ACTIVE as f64;
    println!("{ACTIVE} of them after one request: {each:.2} KiB each (collector included), {} threads", active.threads);
    assert_eq!(active.threads, before.threads);
    assert!(each <= 100.0, "{each} KiB each");
    rig.telemetry.shutdown(Duration::from_secs(20)).await;
}

/// From `/proc/self/status`.
struct Process {
    threads: usize,
    resident_kib: usize,
}

impl Process {
    fn now() -> Self {
        let text = std::fs::read_to_string("/proc/self/status").unwrap();
        let field = |name: &str| -> usize {
            let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.split_whitespace().next().unwrap().parse().unwrap()
        };
        Self { threads: field("Threads:"), resident_kib: field("VmRSS:") }
    }
}
