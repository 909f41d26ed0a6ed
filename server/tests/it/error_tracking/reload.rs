//! Live settings: another DSN from the next error on, none without a client, and nothing left behind.

use std::time::Duration;

use tokio::runtime::Handle;

use super::{Rig, failed, failed_apart, target};
use crate::support::process;
use crate::support::sentry::FakeSentry;

/// How many DSNs are set and cleared.
const CHANGES: usize = 1_000;

#[tokio::test]
async fn another_dsn_from_the_next_error_on() {
    let (one, two) = (FakeSentry::start().await, FakeSentry::start().await);
    let rig = Rig::start(None);
    assert!(!rig.bus.interest(None).events && rig.errors.status().is_none());
    rig.emit(failed(0, "off"));
    rig.targets.send_replace(Some(target(&one.dsn)));
    rig.status(|status| status.accepted == 0).await;
    rig.emit(failed(1, "to one"));
    one.wait_for(|posted| posted.len() == 1).await;
    rig.status(|status| status.sent == 1).await;
    rig.targets.send_replace(Some(target(&two.dsn)));
    rig.status(|status| status.sent == 0).await;
    rig.emit(failed(2, "to two"));
    assert_eq!(two.wait_for(|posted| posted.len() == 1).await[0].exception().1, "to two");
    rig.targets.send_replace(None);
    wait(|| rig.errors.status().is_none()).await;
    assert!(!rig.bus.interest(None).events);
    rig.emit(failed(3, "off"));
    rig.errors.shutdown(Duration::from_secs(5)).await;
    assert_eq!((one.posted().len(), two.posted().len()), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn off_is_one_waiting_task_and_nothing_else() {
    let before = Handle::current().metrics().num_alive_tasks();
    let rig = Rig::start(None);
    assert_eq!(Handle::current().metrics().num_alive_tasks() - before, 1, "only the one that waits for a DSN");
    rig.errors.shutdown(Duration::from_secs(5)).await;
}

#[test]
fn a_thousand_changes_leave_nothing_behind() {
    process::run_alone("error_tracking::reload::in_a_process_of_its_own", &[]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run in a process of its own by a_thousand_changes_leave_nothing_behind"]
async fn in_a_process_of_its_own() {
    let sentry = FakeSentry::start().await;
    let rig = Rig::start(None);
    // The first one makes what is made once: connections, the resolver's thread.
    change(&rig, &sentry, 0).await;
    for n in 1..100 {
        change(&rig, &sentry, n).await;
    }
    let (tasks, threads, resident) = (Handle::current().metrics().num_alive_tasks(), threads(), resident_kib());
    for n in 100..CHANGES {
        change(&rig, &sentry, n).await;
    }
    // Pooled connections come and go.
    wait(|| Handle::current().metrics().num_alive_tasks() <= tasks + 20).await;
    assert!(self::threads() <= threads + 4, "{} threads, {threads} before", self::threads());
    let grown = resident_kib().saturating_sub(resident);
    println!("{CHANGES} changes: {tasks} tasks, {threads} threads, {grown} KiB more");
    // What the recording server keeps is in it.
    assert!(grown < 20_000, "{grown} KiB");
    rig.errors.shutdown(Duration::from_secs(5)).await;
    assert_eq!(sentry.posted().len(), CHANGES);
}

async fn change(rig: &Rig, sentry: &FakeSentry, n: usize) {
    rig.targets.send_replace(Some(target(&sentry.dsn.replace("/7", &format!("/{n}")))));
    wait(|| rig.errors.status().is_some()).await;
    rig.emit(failed_apart(n as u128, "counted"));
    rig.targets.send_replace(None);
    wait(|| rig.errors.status().is_none()).await;
    sentry.wait_for(|posted| posted.len() == n + 1).await;
}

async fn wait(what: impl Fn() -> bool) {
    let waiting = async {
        while !what() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), waiting).await.expect("it does not come to that");
}

fn field(name: &str) -> usize {
    let text = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

fn threads() -> usize {
    field("Threads:")
}

fn resident_kib() -> usize {
    field("VmRSS:")
}
