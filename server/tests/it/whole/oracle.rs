//! The equation, from outside: the binary between a gateway's callers and two collectors that fail by a seed, stopped and
//! killed in the middle, with its own counts held against what the collectors saw.
//!
//! `cargo xtask soak` runs it for long; with `KNOXCALL_SOAK_SEED` a round rolls the same dice again.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use app::contract::ExportStatus;
use reqwest::Client;
use server::values::Signal;
use tempfile::tempdir;
use tokio::task::JoinSet;

use super::life::OPERATOR;
use super::{Process, Setup};
use crate::support::oracle::{Account, Evidence, Mood, Oracle, Readings, Rng};
use crate::support::upstream::Upstream;

const KEY: &str = "tk_oracle0123456789abcdefghijkl";
const ROUTE: &str = "r";
/// The operator's exporter waits so long for an answer, and the workspace's the product's ten seconds.
const TIMEOUT_MS: &str = "1500";
const PATIENCE: Duration = Duration::from_millis(750);
/// Longer than several retries of the product take.
const GRACE: &str = "60s";
const SETTLED: Duration = Duration::from_secs(90);
/// So long may a record be in memory alone: batched, tried for the first time until the timeout, and then put on disk.
const IN_MEMORY: Duration = Duration::from_secs(5);
/// Between two requests: traffic is to be many batches.
const PACE: Duration = Duration::from_millis(15);
/// Not sampled: what the test asks the console is not to be among what it counts.
const UNSAMPLED: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";

/// What happens between two times of traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    /// Everything is delivered in peace, and the counts are held against it.
    Settle,
    /// SIGTERM in the middle of traffic: nothing that was answered may be lost.
    Terminate,
    /// SIGKILL in the middle of traffic: only what was answered just before may be lost.
    Kill,
}

type Records = BTreeSet<(Signal, String)>;

fn records(paths: &BTreeSet<String>, signals: &[Signal]) -> Records {
    paths.iter().flat_map(|path| signals.iter().map(move |signal| (*signal, path.clone()))).collect()
}

/// Name, workspace, and what it gets.
const DESTINATIONS: [(&str, &str, &[Signal]); 2] =
    [("operator", "", &[Signal::Traces, Signal::Logs]), ("workspace", "acme", &[Signal::Logs])];

struct House {
    oracles: [Oracle; 2],
    upstream: Upstream,
    rng: Rng,
    /// Every path that was asked for.
    tried: BTreeSet<String>,
    /// What the process at hand answered, and when.
    answered: BTreeMap<String, Instant>,
    /// What earlier ones answered and may not have lost.
    owed: BTreeSet<String>,
    /// How many exchanges there were before the process at hand.
    before: [usize; 2],
    /// Every process, the one at hand last.
    lives: Vec<Life>,
}

/// What a process has to have counted.
struct Life {
    /// In nanoseconds since 1970.
    start: u64,
    tried: u64,
    /// What its metrics may not have lost.
    owed: u64,
}

impl House {
    async fn new(seed: u64) -> Self {
        let oracles = [Oracle::start("all", PATIENCE).await, Oracle::start("own", PATIENCE).await];
        Self {
            oracles,
            upstream: Upstream::start().await,
            rng: Rng(seed),
            tried: BTreeSet::new(),
            answered: BTreeMap::new(),
            owed: BTreeSet::new(),
            before: [0; 2],
            lives: Vec::new(),
        }
    }

    fn bootstrap(&self) -> String {
        let [all, own] = &self.oracles;
        format!(
            "{OPERATOR}[otlp]\nendpoint = \"{}\"\nheaders = \"{}\"\n[[workspace]]\nslug = \"acme\"\n[workspace.telemetry]\n\
             endpoint = \"{}\"\nheaders = \"{}\"\nmetrics = false\n[[workspace.api_key]]\nname = \"default\"\nkey = \"{KEY}\"\n\
             [[workspace.route]]\nslug = \"{ROUTE}\"\n[[workspace.route.environment]]\nname = \"production\"\ndefault = true\ntarget_base_url = \"{}\"\n",
            all.endpoint(),
            all.header(DESTINATIONS[0].0),
            own.endpoint(),
            own.header(DESTINATIONS[1].0),
            self.upstream.url(),
        )
    }

    fn start(&mut self, data: &Path) -> Process {
        self.answered.clear();
        let start = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos();
        self.lives.push(Life { start: start.try_into().unwrap(), tried: 0, owed: 0 });
        self.before = self.oracles.each_ref().map(|oracle| oracle.exchanges().len());
        let env = [
            ("OTEL_EXPORTER_OTLP_TIMEOUT", TIMEOUT_MS),
            ("OTEL_BSP_SCHEDULE_DELAY", "200"),
            ("OTEL_BLRP_SCHEDULE_DELAY", "200"),
            ("OTEL_METRIC_EXPORT_INTERVAL", "300"),
            ("KNOXCALL_SHUTDOWN_GRACE", GRACE),
        ];
        Process::start(data, &Setup { bootstrap: Some(&self.bootstrap()), env: &env, ..Setup::default() })
    }

    fn fail(&mut self) {
        self.oracles[0].set(Mood::Mixed(self.rng.next()));
        // Each of its timeouts would take ten seconds.
        self.oracles[1].set(Mood::Brisk(self.rng.next()));
    }

    fn calm(&self) {
        self.oracles.iter().for_each(|oracle| oracle.set(Mood::Calm));
    }

    /// Requests through the gateway. After some of them the signal is sent, and what is not answered from then on need not be.
    async fn traffic(&mut self, process: &Process, count: u64, stop: Option<(u64, &str)>) {
        let client = Client::new();
        let mut calls = JoinSet::new();
        let mut pace = tokio::time::interval(PACE);
        for n in 0..count {
            pace.tick().await;
            if let Some((_, signal)) = stop.filter(|(at, _)| *at == n) {
                process.signal(signal);
            }
            let path = format!("/r/{}", self.tried.len());
            self.tried.insert(path.clone());
            let request = client.get(format!("{}{path}", process.gateway)).header("x-knoxcall-key", KEY).header("x-knoxcall-route", ROUTE);
            calls.spawn(async move { (path, request.send().await.map(|answer| (answer.status(), Instant::now()))) });
        }
        let mut answers = 0;
        for (path, answer) in calls.join_all().await {
            match answer {
                Ok((status, at)) => {
                    assert_eq!(status, 200, "{path}");
                    self.answered.insert(path, at);
                    answers += 1;
                }
                Err(error) => assert!(stop.is_some(), "{path}: {error}"),
            }
        }
        if let Some(life) = self.lives.last_mut() {
            life.tried += count;
            if stop.is_none_or(|(_, signal)| signal == "TERM") {
                life.owed += answers;
            }
        }
        let least = stop.map_or(count, |(at, _)| at / 2);
        assert!(answers >= least, "only {answers} of {count} were answered");
    }

    /// Of all processes, or of the one at hand.
    fn evidence(&self, of_all: bool) -> [Evidence; 2] {
        [0, 1].map(|at| {
            let from = if of_all { 0 } else { self.before[at] };
            Evidence::of(&self.oracles[at].exchanges()[from..], DESTINATIONS[at].0)
        })
    }

    /// Waits until nothing is queued; then the counts of this process have to be what the collectors saw, and nothing is missing.
    async fn settle(&self, process: &Process) {
        self.calm();
        let console = signed_in(process).await;
        let now: BTreeSet<String> = self.answered.keys().cloned().collect();
        let due = now.union(&self.owed).cloned().collect();
        for (at, (name, workspace, signals)) in DESTINATIONS.into_iter().enumerate() {
            let mut emitted = records(&now, signals);
            let deadline = Instant::now() + SETTLED;
            let account = loop {
                let account = account(&console, process, workspace).await;
                if account.queued == 0 && account.accepted() >= emitted.len() as u64 {
                    break account;
                }
                assert!(Instant::now() < deadline, "{name} does not settle: {account:?}");
                tokio::time::sleep(Duration::from_millis(50)).await;
            };
            let evidence = &self.evidence(false)[at];
            println!("  {name}: {}; {account:?}", evidence.summary());
            // What an earlier process left on disk was accepted anew.
            emitted.extend(evidence.seen().iter().filter(|(_, path)| self.tried.contains(path)).cloned());
            evidence.holds(&emitted, &account);
            let evidence = &self.evidence(true)[at];
            evidence.check(&records(&self.tried, signals));
            evidence.nothing_is_missing(&records(&due, signals));
        }
        self.settle_metrics().await;
    }

    /// The operator's metrics say of each process what was answered, or what was recorded until shortly before it was killed.
    async fn settle_metrics(&self) {
        let ends = self.lives.iter().skip(1).map(|life| life.start).chain([u64::MAX]);
        for (life, end) in self.lives.iter().zip(ends) {
            let starts = life.start..end;
            let deadline = Instant::now() + SETTLED;
            loop {
                let readings = Readings::of(&self.oracles[0].exchanges(), DESTINATIONS[0].0);
                readings.at_most(ROUTE, life.tried, &starts);
                // What is at hand goes on being told, so it has to be taken in the end.
                let told = if end == u64::MAX { readings.taken(ROUTE, &starts) } else { readings.told(ROUTE, &starts) };
                if told.iter().all(|told| *told >= life.owed) {
                    println!("  metrics: {told:?} of {} owed and {} tried; {}", life.owed, life.tried, readings.summary());
                    break;
                }
                assert!(Instant::now() < deadline, "{told:?} of {} are told; {}", life.owed, readings.summary());
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }

    async fn terminate(&mut self, process: Process) {
        self.fail();
        self.traffic(&process, 300, Some((200, "TERM"))).await;
        let ended = tokio::task::spawn_blocking(move || process.ended());
        let (status, output) = ended.await.unwrap();
        assert!(status.success(), "{output}");
        self.owed.extend(self.answered.keys().cloned());
        self.nothing_came_twice();
    }

    async fn kill(&mut self, process: Process) {
        self.fail();
        self.traffic(&process, 510, Some((500, "KILL"))).await;
        let killed = Instant::now();
        self.oracles.iter().for_each(Oracle::expect_kill);
        let ended = tokio::task::spawn_blocking(move || process.ended());
        assert!(!ended.await.unwrap().0.success());
        for oracle in &self.oracles {
            oracle.deserted().await;
        }
        let safe = self.answered.iter().filter(|(_, at)| killed - **at > IN_MEMORY).map(|(path, _)| path.clone());
        self.owed.extend(safe);
        self.nothing_came_twice();
    }

    fn nothing_came_twice(&self) {
        for (evidence, (name, _, signals)) in self.evidence(true).into_iter().zip(DESTINATIONS) {
            println!("  {name}, since the start: {}", evidence.summary());
            evidence.check(&records(&self.tried, signals));
        }
    }
}

async fn signed_in(process: &Process) -> Client {
    let headers = [("traceparent", UNSAMPLED), ("accept", "application/json"), ("origin", &process.console)];
    let headers = headers.into_iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
    let client = Client::builder().cookie_store(true).default_headers(headers).build().unwrap();
    let fields = [("email", "op@example.test"), ("password", "correct horse battery staple"), ("next", "")];
    let answer = client.post(format!("{}/api/account/sign-in", process.console)).form(&fields).send().await.unwrap();
    assert!(answer.status().is_success());
    client
}

/// As the console shows it.
async fn account(console: &Client, process: &Process, workspace: &str) -> Account {
    let request = console.post(format!("{}/api/integrations/export-health", process.console)).form(&[("workspace", workspace)]);
    let text = request.send().await.unwrap().text().await.unwrap();
    let counts = serde_json::from_str::<ExportStatus>(&text).unwrap_or_else(|error| panic!("{error}: {text}")).counts;
    let account = Account {
        delivered: counts.delivered,
        rejected: counts.rejected,
        dropped: counts.dropped.into_iter().collect(),
        queued: counts.queued,
    };
    assert_eq!(counts.accepted, account.accepted(), "accepted is not delivered + rejected + dropped + queued: {account:?}");
    account
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|value| value.parse().unwrap())
}

/// One folder, one process after another on it.
async fn round(seed: u64, turns: &[Turn]) {
    println!("KNOXCALL_SOAK_SEED={seed} ({turns:?})");
    let folder = tempdir().unwrap();
    let data = folder.path().join("data");
    let mut house = House::new(seed).await;
    let mut process = house.start(&data);
    for turn in turns {
        println!(" {turn:?}");
        match turn {
            Turn::Settle => {
                house.fail();
                house.traffic(&process, 250, None).await;
                house.settle(&process).await;
            }
            Turn::Terminate => {
                house.terminate(process).await;
                process = house.start(&data);
            }
            Turn::Kill => {
                house.kill(process).await;
                process = house.start(&data);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_counts_are_true_from_outside() {
    let seed = number("KNOXCALL_SOAK_SEED").unwrap_or_else(|| u64::from(std::process::id()));
    round(seed, &[Turn::Settle, Turn::Terminate, Turn::Kill, Turn::Settle]).await;
}

/// Rounds with seeds of their own until the time is over; one only if the seed is given.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "cargo xtask soak runs it"]
async fn soak() {
    let given = number("KNOXCALL_SOAK_SEED");
    let until = Instant::now() + Duration::from_secs(60 * number("KNOXCALL_SOAK_MINUTES").unwrap_or(1));
    let mut seeds = Rng(u64::from(std::process::id()));
    loop {
        let seed = given.unwrap_or_else(|| seeds.next());
        let mut rng = Rng(seed);
        let mut turns: Vec<Turn> = (0..3 + rng.below(4)).map(|_| [Turn::Settle, Turn::Terminate, Turn::Kill][rng.below(3)]).collect();
        turns.push(Turn::Settle);
        round(seed, &turns).await;
        if given.is_some() || Instant::now() >= until {
            return;
        }
    }
}
