//! Metrics from outside: whatever collectors do, while settings change and over restarts, the last state of each cumulative series
//! and the sum of all deltas are what was recorded; what is missing was refused in so many words, or is counted as dropped.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use server::event::Request;
use server::live::{Exports, Owner, Temporality};
use server::spool;
use server::telemetry::Options;
use tempfile::TempDir;

use super::oracle::{GRACE, TIMEOUT, add, in_force_again, mood, tell_stories};
use super::spool::{files, spool_in};
use super::{Rig, exports, quick, request, target, tenant_id};
use crate::support::oracle::{Account, EVER, Exchange, Fault, Mood, Oracle, Patience, Readings};

const CASES: u32 = 25;
/// So many wake whoever maps them; fewer wait for more.
const BATCH: usize = 512;
const ROUTES: [&str; 3] = ["a", "b", "c"];
const NAME: &str = "metrics";
/// How often metrics are collected.
const INTERVAL: Duration = Duration::from_millis(10);

#[derive(Clone, Debug)]
enum Step {
    Requests {
        route: usize,
        count: usize,
    },
    /// To the other collector: other series.
    Endpoint,
    /// A new token: the same series.
    Headers,
    /// Cumulative or delta.
    Temporality,
    Pause,
    Mood(usize, Mood),
    Wait(u64),
    /// Another process over the same disk, with so little time to end.
    Restart(u64),
}

#[derive(Clone, Debug)]
struct Story {
    steps: Vec<Step>,
    workspace: bool,
    delta: bool,
    /// Room for about two payloads only.
    narrow: bool,
    spooled: bool,
}

fn step() -> impl Strategy<Value = Step> {
    let count = prop_oneof![3 => Just(BATCH), 1 => 1..40_usize];
    prop_oneof![
        8 => (0..ROUTES.len(), count).prop_map(|(route, count)| Step::Requests { route, count }),
        1 => Just(Step::Endpoint),
        2 => Just(Step::Headers),
        1 => Just(Step::Temporality),
        1 => Just(Step::Pause),
        3 => (0..2_usize, mood()).prop_map(|(collector, mood)| Step::Mood(collector, mood)),
        // What waits is merged.
        2 => (0..2_usize).prop_map(|collector| Step::Mood(collector, Mood::Only(Fault::Throttle(503, Patience::Unsaid)))),
        4 => (0..60_u64).prop_map(Step::Wait),
        2 => (0..300_u64).prop_map(Step::Restart),
    ]
}

fn story() -> impl Strategy<Value = Story> {
    let steps = prop::collection::vec(step(), 5..30);
    (steps, any::<bool>(), any::<bool>(), prop::bool::weighted(0.2), prop::bool::weighted(0.7))
        .prop_map(|(steps, workspace, delta, narrow, spooled)| Story { steps, workspace, delta, narrow, spooled })
}

struct House {
    rig: Rig,
    collectors: [Oracle; 2],
    owner: Owner,
    /// Which of the collectors it is sent to.
    collector: usize,
    generation: u64,
    delta: bool,
    paused: bool,
    recorded: BTreeMap<&'static str, u64>,
    /// Of the lives that have ended.
    account: Account,
    options: Options,
    folder: TempDir,
}

impl House {
    async fn new(story: &Story) -> Self {
        let collectors = [Oracle::start("left", Duration::ZERO).await, Oracle::start("right", Duration::ZERO).await];
        let mut options = quick();
        if story.narrow {
            options.lane_bytes = 2 * 1024;
        }
        let folder = tempfile::tempdir().unwrap();
        if story.spooled {
            options.spool = Some(spool_in(folder.path(), spool::Options { segment_bytes: 4 * 1024, ..spool::Options::default() }));
        }
        let mut house = Self {
            rig: Rig::start(Exports::default(), options.clone()),
            collectors,
            owner: if story.workspace { Owner::Tenant(tenant_id(1)) } else { Owner::Operator },
            collector: 0,
            generation: 0,
            delta: story.delta,
            paused: false,
            recorded: BTreeMap::new(),
            account: Account::default(),
            options,
            folder,
        };
        house.change(|_| {}).await;
        house
    }

    fn in_force(&self) -> Exports {
        if self.paused {
            return Exports { suspended: [self.owner].into(), ..Exports::default() };
        }
        let collector = &self.collectors[self.collector];
        let mut target = target(self.owner, collector.endpoint(), &format!("{},x-generation={}", collector.header(NAME), self.generation));
        (target.traces, target.logs, target.generation) = (None, None, self.generation);
        target.metric_interval = INTERVAL;
        target.temporality = if self.delta { Temporality::Delta } else { Temporality::Cumulative };
        if let Some(metrics) = &mut target.metrics {
            metrics.timeout = TIMEOUT;
        }
        exports([target])
    }

    async fn change(&mut self, change: impl FnOnce(&mut Self)) {
        change(self);
        self.generation += 1;
        in_force_again(&self.rig, self.in_force()).await;
    }

    async fn step(&mut self, step: &Step) {
        match *step {
            Step::Requests { route, count } => {
                self.emit(ROUTES[route], count);
                // So that most are collected by themselves.
                tokio::time::sleep(INTERVAL).await;
            }
            Step::Endpoint => self.change(|house| house.collector = 1 - house.collector).await,
            Step::Headers => self.change(|_| {}).await,
            Step::Temporality => self.change(|house| house.delta = !house.delta).await,
            Step::Pause => self.change(|house| house.paused = !house.paused).await,
            Step::Mood(collector, mood) => self.collectors[collector].set(mood),
            Step::Wait(millis) => tokio::time::sleep(Duration::from_millis(millis)).await,
            Step::Restart(grace) => self.restart(Duration::from_millis(grace)).await,
        }
    }

    fn emit(&mut self, route: &'static str, count: usize) {
        for _ in 0..count {
            let mut request: Request = request(tenant_id(1));
            if let Some(proxied) = &mut request.proxied {
                proxied.route = route.into();
            }
            self.rig.emit(request);
        }
        if !self.paused {
            *self.recorded.entry(route).or_default() += count as u64;
        }
    }

    async fn restart(&mut self, grace: Duration) {
        self.rig.telemetry.shutdown(grace).await;
        self.collectors.iter().for_each(Oracle::expect_kill);
        add(&self.rig, self.owner, &mut self.account);
        self.rig = Rig::start(Exports::default(), Options { spool: None, ..self.options.clone() });
        for collector in &self.collectors {
            collector.deserted().await;
        }
        self.rig = Rig::start(self.in_force(), self.options.clone());
    }

    /// In peace: what waits on disk goes out, and what is recorded last.
    async fn end(mut self) {
        self.collectors.iter().for_each(|collector| collector.set(Mood::Calm));
        (self.paused, self.generation) = (false, self.generation + 1);
        self.restart(Duration::ZERO).await;
        ROUTES.into_iter().for_each(|route| self.emit(route, 1));
        self.rig.until("nothing is left on disk", || files(self.folder.path()).is_empty()).await;
        self.rig.telemetry.shutdown(GRACE).await;
        add(&self.rig, self.owner, &mut self.account);
        assert!(files(self.folder.path()).is_empty(), "something is on disk after an end in peace");

        let exchanges: Vec<Exchange> = self.collectors.iter().flat_map(Oracle::exchanges).collect();
        let readings = Readings::of(&exchanges, NAME);
        readings.holds(&self.account);
        let complete = self.account.dropped.keys().all(|reason| reason == "not_retryable");
        for (route, recorded) in self.recorded {
            readings.at_most(route, recorded, &EVER);
            if complete {
                readings.at_least(route, recorded, &EVER);
            }
        }
    }
}

async fn tell(story: Story) {
    let mut house = House::new(&story).await;
    for step in &story.steps {
        house.step(step).await;
    }
    house.end().await;
}

#[test]
fn what_was_recorded_is_what_collectors_were_told() {
    tell_stories(CASES, story(), tell);
}

#[test]
#[ignore = "cargo xtask soak runs it"]
fn soak() {
    super::oracle::soak("stories of metrics", CASES, story, tell);
}

/// Without faults that are final the collectors have all of it.
#[tokio::test(flavor = "multi_thread")]
async fn after_an_outage_and_a_restart_all_of_it_is_there() {
    for delta in [false, true] {
        let story = Story { steps: Vec::new(), workspace: false, delta, narrow: false, spooled: true };
        let mut house = House::new(&story).await;
        house.emit("a", BATCH);
        house.collectors[0].set(Mood::Only(Fault::Throttle(503, Patience::Unsaid)));
        for _ in 0..3 {
            house.emit("a", BATCH);
            // Collected, tried and not taken: there is something to merge.
            let seen = house.collectors[0].exchanges().len();
            house.rig.until("it is tried again", || house.collectors[0].exchanges().len() > seen + 2).await;
        }
        house.emit("b", 3);
        house.restart(Duration::from_millis(50)).await;
        house.emit("a", BATCH);
        house.collectors[0].set(Mood::Calm);
        house.rig.until("what waited is delivered", || files(house.folder.path()).is_empty()).await;
        house.rig.telemetry.shutdown(GRACE).await;
        let readings = Readings::of(&house.collectors[0].exchanges(), NAME);
        assert_eq!((readings.taken("a", &EVER), readings.taken("b", &EVER)), ([5 * BATCH as u64; 2], [3; 2]), "delta: {delta}");
    }
}
