//! The equation, from outside: accepted = delivered + rejected + dropped + queued for every destination, whatever collectors
//! do, while settings change and at whatever moment it ends; nothing comes twice without need, and nothing where it may not go.
//!
//! `cargo xtask soak` makes it longer.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use server::event::Request;
use server::live::{Batch, Exports, Owner};
use server::spool;
use server::telemetry::{Options, Reason, Retry};
use server::values::{Signal, TenantId};
use tempfile::TempDir;

use super::spool::{files, spool_in};
use super::{Rig, check_sum, exports, quick, request, target, tenant_id};
use crate::support::oracle::{Account, Evidence, Exchange, Fault, Mood, Oracle, Outcome, Patience};

const CASES: u32 = 60;
/// How long the exporter waits for an answer.
pub const TIMEOUT: Duration = Duration::from_millis(500);
pub const GRACE: Duration = Duration::from_secs(60);

#[derive(Clone, Debug)]
enum Step {
    /// So many requests of the first or the second workspace.
    Requests { second: bool, count: usize },
    /// One destination goes to the other collector.
    Endpoint(usize),
    /// One gets new headers.
    Headers(usize),
    /// One signal is switched off or on.
    Signal(usize, Signal),
    /// A destination is paused or resumed.
    Pause(usize),
    /// A collector changes its behaviour.
    Mood(usize, Mood),
    /// Time passes.
    Wait(u64),
}

#[derive(Clone, Debug)]
struct Story {
    steps: Vec<Step>,
    /// Room for about two payloads only.
    narrow: bool,
    /// Payloads expire soon.
    hasty: bool,
    /// What is left is not waited for.
    abrupt: Option<u64>,
    /// What can't be sent waits on disk, and goes out after another start.
    spooled: bool,
}

pub fn mood() -> impl Strategy<Value = Mood> {
    prop_oneof![
        4 => any::<u64>().prop_map(Mood::Mixed),
        1 => Just(Mood::Calm),
        1 => prop::sample::select(vec![
            Fault::Throttle(503, Patience::Unsaid),
            Fault::Hang { kept: true },
            Fault::Reset { kept: true },
            Fault::Refuse(400),
            Fault::Partial,
            Fault::Cut,
        ])
        .prop_map(Mood::Only),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let destination = 0..3_usize;
    prop_oneof![
        8 => (any::<bool>(), 1..40_usize).prop_map(|(second, count)| Step::Requests { second, count }),
        2 => destination.clone().prop_map(Step::Endpoint),
        1 => destination.clone().prop_map(Step::Headers),
        1 => (destination.clone(), prop::sample::select(vec![Signal::Traces, Signal::Logs])).prop_map(|(to, signal)| Step::Signal(to, signal)),
        1 => destination.prop_map(Step::Pause),
        3 => (0..2_usize, mood()).prop_map(|(collector, mood)| Step::Mood(collector, mood)),
        3 => (0..60_u64).prop_map(Step::Wait),
    ]
}

fn story() -> impl Strategy<Value = Story> {
    let abrupt = prop_oneof![2 => Just(None), 1 => (0..200_u64).prop_map(Some)];
    (prop::collection::vec(step(), 5..40), prop::bool::weighted(0.2), prop::bool::weighted(0.2), abrupt, any::<bool>())
        .prop_map(|(steps, narrow, hasty, abrupt, spooled)| Story { steps, narrow, hasty, abrupt, spooled })
}

/// One destination as it is set now, and what it was given.
struct Destination {
    owner: Owner,
    name: &'static str,
    collector: usize,
    generation: u64,
    traces: bool,
    logs: bool,
    paused: bool,
    emitted: BTreeSet<(Signal, String)>,
}

struct House {
    rig: Rig,
    collectors: [Oracle; 2],
    destinations: [Destination; 3],
    requests: u64,
    options: Options,
    folder: TempDir,
}

const NAMES: [&str; 3] = ["operator", "first", "second"];

fn tenant(second: bool) -> TenantId {
    tenant_id(if second { 2 } else { 1 })
}

impl House {
    async fn new(story: &Story) -> Self {
        let collectors = [Oracle::start("left", Duration::ZERO).await, Oracle::start("right", Duration::ZERO).await];
        let owners = [Owner::Operator, Owner::Tenant(tenant(false)), Owner::Tenant(tenant(true))];
        let mut names = NAMES.into_iter();
        let destinations = owners.map(|owner| Destination {
            owner,
            name: names.next().unwrap(),
            collector: usize::from(owner != Owner::Operator),
            generation: 1,
            traces: owner == Owner::Operator,
            logs: true,
            paused: false,
            emitted: BTreeSet::new(),
        });
        let mut options = quick();
        if story.narrow {
            options.lane_bytes = 2 * 1024;
        }
        if story.hasty {
            options.retry.max_elapsed = Duration::from_millis(300);
        }
        let folder = tempfile::tempdir().unwrap();
        if story.spooled {
            options.spool = Some(spool_in(folder.path(), spool::Options { segment_bytes: 4 * 1024, ..spool::Options::default() }));
        }
        let rig = Rig::start(in_force(&collectors, &destinations), options.clone());
        Self { rig, collectors, destinations, requests: 0, options, folder }
    }

    async fn step(&mut self, step: &Step) {
        match *step {
            Step::Requests { second, count } => (0..count).for_each(|_| self.emit(second)),
            Step::Endpoint(to) => self.change(to, |destination| destination.collector = 1 - destination.collector).await,
            Step::Headers(to) => self.change(to, |_| {}).await,
            Step::Signal(to, Signal::Traces) => {
                self.change(to, |destination| destination.traces = !destination.traces && destination.owner == Owner::Operator).await;
            }
            Step::Signal(to, _) => self.change(to, |destination| destination.logs = !destination.logs).await,
            Step::Pause(to) => self.change(to, |destination| destination.paused = !destination.paused).await,
            Step::Mood(collector, mood) => self.collectors[collector].set(mood),
            Step::Wait(millis) => tokio::time::sleep(Duration::from_millis(millis)).await,
        }
    }

    fn emit(&mut self, second: bool) {
        let path = format!("/r/{}", self.requests);
        self.requests += 1;
        let own = Owner::Tenant(tenant(second));
        for destination in self.destinations.iter_mut().filter(|to| !to.paused && (to.owner == own || to.owner == Owner::Operator)) {
            for (signal, on) in [(Signal::Traces, destination.traces), (Signal::Logs, destination.logs)] {
                if on {
                    destination.emitted.insert((signal, path.clone()));
                }
            }
        }
        self.rig.emit(Request { path, ..request(tenant(second)) });
    }

    /// Saves new settings, and waits until they are in force: from then on it is known where a request's records go.
    async fn change(&mut self, destination: usize, change: impl FnOnce(&mut Destination)) {
        let destination = &mut self.destinations[destination];
        change(destination);
        destination.generation += 1;
        in_force_again(&self.rig, in_force(&self.collectors, &self.destinations)).await;
    }

    async fn end(mut self, abrupt: Option<u64>) {
        match abrupt {
            Some(grace) => {
                self.rig.telemetry.shutdown(Duration::from_millis(grace)).await;
                self.collectors.iter().for_each(Oracle::expect_kill);
            }
            None => {
                self.collectors.iter().for_each(|collector| collector.set(Mood::Calm));
                self.rig.telemetry.shutdown(GRACE).await;
            }
        }
        let mut accounts = self.destinations.each_ref().map(|destination| self.account(destination.owner));
        drop(self.rig);
        if abrupt.is_some() {
            for collector in &self.collectors {
                collector.deserted().await;
            }
        }
        let spooled = self.options.spool.is_some();
        if spooled {
            let options = Options { spool: Some(spool_in(self.folder.path(), spool::Options::default())), ..self.options };
            afterwards(&self.collectors, &mut self.destinations, &mut accounts, options, self.folder.path()).await;
        }
        let exchanges: Vec<Exchange> = self.collectors.iter().flat_map(Oracle::exchanges).collect();
        for (destination, account) in self.destinations.iter().zip(&accounts) {
            assert_eq!(account.queued, 0, "something is queued after the end");
            Evidence::of(&exchanges, destination.name).holds(&destination.emitted, account);
            if abrupt.is_none() && !spooled {
                assert!(!account.dropped.contains_key(Reason::Disabled.name()), "{} did not have its time: {account:?}", destination.name);
            }
        }
    }

    fn account(&self, owner: Owner) -> Account {
        let mut out = Account::default();
        add(&self.rig, owner, &mut out);
        out
    }
}

/// Saves settings, and waits until nothing knows of those before.
pub async fn in_force_again(rig: &Rig, exports: Exports) {
    let before = Arc::downgrade(&*rig.exports.borrow());
    rig.configure(exports);
    let replaced = async {
        while before.strong_count() > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(GRACE, replaced).await.expect("the settings never come into force");
}

/// Over all settings the destination had: its last hour is about the same records, where there are no metrics, or about its points,
/// where there is nothing else.
pub fn add(rig: &Rig, owner: Owner, out: &mut Account) {
    let status = rig.telemetry.status(owner);
    status.iter().for_each(check_sum);
    out.queued = status.map_or(0, |status| status.queued);
    for minute in rig.telemetry.lately(owner).minutes {
        out.delivered += minute.sent;
        out.rejected += minute.rejected;
        for reason in Reason::ALL {
            match minute.dropped[reason as usize] {
                0 => {}
                count => *out.dropped.entry(reason.name().to_owned()).or_default() += count,
            }
        }
    }
}

/// Another start, over the same disk, with everything on: what the first one left goes out.
async fn afterwards(
    collectors: &[Oracle; 2],
    destinations: &mut [Destination; 3],
    accounts: &mut [Account; 3],
    options: Options,
    folder: &Path,
) {
    collectors.iter().for_each(|collector| collector.set(Mood::Calm));
    for destination in destinations.iter_mut() {
        (destination.paused, destination.logs, destination.traces) = (false, true, destination.owner == Owner::Operator);
        destination.generation += 1;
    }
    let retry = Retry { max_elapsed: GRACE, ..options.retry };
    let rig = Rig::start(in_force(collectors, destinations), Options { retry, ..options });
    // Of what is paused nobody says how much waits.
    rig.until("nothing is left on disk", || files(folder).is_empty()).await;
    for (destination, account) in destinations.iter().zip(accounts) {
        rig.wait_for(destination.owner, |status| status.queued == 0).await;
        add(&rig, destination.owner, account);
    }
}

fn in_force(collectors: &[Oracle; 2], destinations: &[Destination; 3]) -> Exports {
    let mut out = exports(destinations.iter().filter(|destination| !destination.paused).map(|destination| {
        let collector = &collectors[destination.collector];
        let headers = format!("{},x-generation={}", collector.header(destination.name), destination.generation);
        let mut target = target(destination.owner, collector.endpoint(), &headers);
        target.generation = destination.generation;
        target.metrics = None;
        let batch = Batch { max_records: 10, max_delay: Duration::from_millis(5), ..Batch::default() };
        (target.span_batch, target.log_batch) = (batch, batch);
        target.traces = target.traces.filter(|_| destination.traces);
        target.logs = target.logs.filter(|_| destination.logs);
        for signal in [&mut target.traces, &mut target.logs].into_iter().flatten() {
            signal.timeout = TIMEOUT;
        }
        target
    }));
    out.suspended = destinations.iter().filter(|destination| destination.paused).map(|destination| destination.owner).collect();
    out
}

async fn tell(story: Story) {
    let mut house = House::new(&story).await;
    for step in &story.steps {
        house.step(step).await;
    }
    house.end(story.abrupt).await;
}

/// So many stories, each with a world of its own; one that goes wrong is shrunk.
pub fn tell_stories<S, F>(cases: u32, stories: S, tell: impl Fn(S::Value) -> F)
where
    S: Strategy,
    F: Future<Output = ()> + Send + 'static,
{
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 200, max_shrink_time: 60_000, ..Config::default() };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let outcome = TestRunner::new(config).run(&stories, |story| {
        let told = runtime.block_on(async { tokio::spawn(tell(story)).await });
        told.map_err(|error| TestCaseError::fail(error.to_string()))
    });
    outcome.unwrap_or_else(|error| panic!("{error}"));
}

/// Other stories until `KNOXCALL_SOAK_MINUTES` are over.
pub fn soak<S, F>(what: &str, cases: u32, stories: impl Fn() -> S, tell: impl Fn(S::Value) -> F)
where
    S: Strategy,
    F: Future<Output = ()> + Send + 'static,
{
    let minutes = std::env::var("KNOXCALL_SOAK_MINUTES").map_or(1, |minutes| minutes.parse().unwrap());
    let (until, mut told) = (Instant::now() + Duration::from_secs(60 * minutes), 0);
    while Instant::now() < until {
        tell_stories(cases, stories(), &tell);
        told += cases;
        println!("{told} {what}");
    }
}

#[test]
fn the_counts_are_true_whatever_happens() {
    tell_stories(CASES, story(), tell);
}

#[test]
#[ignore = "cargo xtask soak runs it"]
fn soak_of_records() {
    soak("stories of records", CASES, story, tell);
}

/// Each fault by itself, so that one that is judged wrongly is found by name.
#[tokio::test(flavor = "multi_thread")]
async fn every_fault_is_counted_as_what_it_is() {
    let mut all = tokio::task::JoinSet::new();
    for fault in Fault::ALL {
        all.spawn(async move {
            let collector = Oracle::start("only", Duration::ZERO).await;
            collector.set(Mood::Only(fault));
            let mut to = target(Owner::Operator, collector.endpoint(), &collector.header("operator"));
            to.metrics = None;
            // An answer that comes is waited for, however busy the machine is.
            let timeout = if matches!(fault.outcome(), Outcome::Unanswered { .. }) { TIMEOUT } else { GRACE };
            to.logs.as_mut().unwrap().timeout = timeout;
            to.traces.as_mut().unwrap().timeout = timeout;
            let retry = Retry { max_elapsed: Duration::from_millis(700), ..quick().retry };
            let rig = Rig::start(exports([to]), Options { retry, ..quick() });
            let emitted: BTreeSet<_> =
                (0..9).flat_map(|n| [Signal::Traces, Signal::Logs].map(|signal| (signal, format!("/r/{n}")))).collect();
            for n in 0..9 {
                rig.emit(Request { path: format!("/r/{n}"), ..request(tenant_id(1)) });
            }
            rig.telemetry.shutdown(GRACE).await;
            let status = rig.status(Owner::Operator);
            let dropped = status.dropped.iter().map(|(reason, count)| (reason.name().to_owned(), *count)).collect();
            let account = Account { delivered: status.delivered, rejected: status.rejected, dropped, queued: status.queued };
            let evidence = Evidence::of(&collector.exchanges(), "operator");
            evidence.holds(&emitted, &account);
            (fault, account, evidence.requests)
        });
    }
    for (fault, account, requests) in all.join_all().await {
        let only = |reason: &str| account.dropped.get(reason) == Some(&18) && account.dropped.len() == 1;
        match fault.outcome() {
            Outcome::Taken => assert_eq!((account.delivered, requests), (18, 2), "{fault:?}"),
            Outcome::Halved => assert_eq!((account.delivered, account.rejected, requests), (8, 10, 2), "{fault:?}"),
            Outcome::Refused => assert!(only("not_retryable") && requests == 2, "{fault:?}: {account:?}"),
            Outcome::Again | Outcome::Unanswered { .. } => assert!(only("expired") && requests >= 2, "{fault:?}: {account:?}"),
        }
    }
}
