//! One destination misbehaves: what the others and the callers notice of it. Every way has a gateway of its own, and they take
//! turns within each round; what is told are ratios over the one where all is well, of the same round.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::super::figures::Spread;
use super::super::load::number;
use super::calls::{self, Call};
use super::collector::{Arrival, Collector, Manner};
use super::gateway::{Gateway, House, operator, workspace};
use super::percentile;
use crate::run::say;

/// Workspaces besides the one in question; with it they share the requests, of which it gets half.
const OTHERS: u64 = 8;
const RATE: u32 = 400;
/// So many numbers each run has to itself.
const NUMBERS: u64 = 1_600_000;

/// The second says how much of a ratio is noise.
const WAYS: [(&str, &str, Manner); 8] = [
    ("fault-none", "all is well", Manner::Well),
    ("fault-none-again", "all is well, once more", Manner::Well),
    ("fault-hang", "never answers", Manner::Hang),
    ("fault-reset", "resets every connection", Manner::Reset),
    ("fault-503", "503 for ever", Manner::Refuse),
    ("fault-slow", "answers a byte every 50 ms", Manner::SlowLoris),
    ("fault-large", "answers with 5 MiB", Manner::Large),
    ("fault-bomb", "answers with 64 MiB in some kilobytes of gzip", Manner::Bomb),
];

/// What is measured, in microseconds, and how it is called.
const FIGURES: [&str; 6] = ["requests p50", "p99", "workspaces' records p50", "p99", "operator's records p50", "p99"];

type Sample = [f64; FIGURES.len()];

struct Way {
    title: &'static str,
    gateway: Gateway,
    bad: Collector,
    base: String,
    samples: Vec<Sample>,
    lost: usize,
    requests: usize,
}

pub fn measure(program: &Path, folder: &Path, quick: bool) -> Result<String> {
    let (rounds, time) = if quick { (1, Duration::from_secs(2)) } else { (5, Duration::from_secs(5)) };
    let (good, upstream) = (Collector::start(Manner::Well)?, calls::upstream()?);
    let mut ways = WAYS
        .into_iter()
        .map(|(name, title, manner)| start(name, title, manner, program, folder, good.port, upstream))
        .collect::<Result<Vec<Way>>>()?;
    // The first round is for warming up.
    for round in 0..=rounds {
        say(&format!("round {round} of {rounds}"));
        // Each begins a round in its turn, so that nobody is always first.
        for turn in 0..WAYS.len() {
            let index = (round + turn) % WAYS.len();
            let way = &mut ways[index];
            let first = ((round * WAYS.len() + index) as u64) * NUMBERS;
            let (sample, lost, requests) = one(way, &good, first, time)?;
            if round > 0 {
                way.samples.push(sample);
                way.lost += lost;
                way.requests += requests;
            }
        }
    }
    table(&ways)
}

fn start(name: &'static str, title: &'static str, manner: Manner, program: &Path, folder: &Path, good: u16, upstream: u16) -> Result<Way> {
    let bad = Collector::start(manner)?;
    let base = format!("/{name}/x");
    let mut text = String::new();
    operator(&mut text, Some(&format!("http://127.0.0.1:{good}{base}/operator")));
    for number in 0..=OTHERS {
        let endpoint =
            if number == 0 { format!("http://127.0.0.1:{}", bad.port) } else { format!("http://127.0.0.1:{good}{base}/w{number}") };
        workspace(&mut text, usize::try_from(number)?, Some(&endpoint), Some(upstream));
    }
    let house = House::build(name, program, folder, &text)?;
    // The operator's batches leave soon, so that what holds them up shows.
    let env = [("OTEL_BSP_SCHEDULE_DELAY", "50"), ("OTEL_BLRP_SCHEDULE_DELAY", "50"), ("OTEL_METRIC_EXPORT_INTERVAL", "1000")];
    Ok(Way { title, gateway: house.start(&env)?, bad, base, samples: Vec::new(), lost: 0, requests: 0 })
}

/// The odd ones are the others'.
fn whose(number: u64) -> usize {
    if number.is_multiple_of(2) { 0 } else { usize::try_from(1 + number / 2 % OTHERS).unwrap_or_default() }
}

/// What was measured, how many of the others' and the operator's records did not come, and how many requests there were.
fn one(way: &Way, good: &Collector, first: u64, time: Duration) -> Result<(Sample, usize, usize)> {
    good.take();
    let calls = calls::steady(way.gateway.port, first, RATE, time, 16, whose)?;
    let others = calls.iter().filter(|call| whose(call.number) > 0).count();
    good.wait("logs", calls.len() + others, Duration::from_secs(20));
    let arrivals = good.take();
    let operators = format!("{}/operator", way.base);
    let (to_operator, to_others): (Vec<&Arrival>, Vec<&Arrival>) = arrivals
        .iter()
        .filter(|one| one.signal == "logs" && one.base.starts_with(&way.base) && one.number / NUMBERS == first / NUMBERS)
        .partition(|one| one.base == operators);
    let lost = (calls.len() + others).saturating_sub(to_operator.len() + to_others.len());
    let latency: Vec<u64> = calls.iter().map(|call| call.micros).collect();
    let sent: HashMap<u64, Instant> = calls.iter().map(|call: &Call| (call.number, call.sent)).collect();
    let delay = |arrivals: Vec<&Arrival>| -> Vec<u64> {
        let of = |one: &Arrival| Some(one.at.saturating_duration_since(*sent.get(&one.number)?).as_micros());
        arrivals.into_iter().filter_map(|one| u64::try_from(of(one)?).ok()).collect()
    };
    let mut sample = Sample::default();
    for (at, mut micros) in [latency, delay(to_others), delay(to_operator)].into_iter().enumerate() {
        micros.sort_unstable();
        sample[2 * at] = number(percentile(&micros, 50));
        sample[2 * at + 1] = number(percentile(&micros, 99));
    }
    Ok((sample, lost, calls.len()))
}

fn table(ways: &[Way]) -> Result<String> {
    let well = ways.first().context("nothing was measured")?;
    let spread = |way: &Way, at: usize| {
        let pairs = way.samples.iter().zip(&well.samples);
        Spread::of(pairs.map(|(one, well)| one[at] / well[at]).collect()).context("nothing was measured")
    };
    let median = |at: usize| Spread::of(well.samples.iter().map(|sample| sample[at]).collect()).map_or(0.0, |spread| spread.median);
    let mut text = String::new();
    writeln!(
        text,
        "Over the gateway where all is well, which had: requests p50 {:.0} µs, p99 {:.0} µs; from a request to its record's arrival at the other workspaces' \
         collector p50 {:.0} ms, p99 {:.0} ms, at the operator's p50 {:.0} ms, p99 {:.0} ms. {RATE} requests a second, half of them of the workspace whose \
         collector misbehaves, the rest of {OTHERS} others. Median of {} rounds (least to most).\n",
        median(0),
        median(1),
        median(2) / 1e3,
        median(3) / 1e3,
        median(4) / 1e3,
        median(5) / 1e3,
        well.samples.len()
    )?;
    writeln!(text, "| one workspace's collector | {} | requests | others' records lost | exports it was sent |", FIGURES.join(" | "))?;
    writeln!(text, "|---|{}---|---|---|", "---|".repeat(FIGURES.len()))?;
    for way in ways {
        write!(text, "| {} |", way.title)?;
        for at in 0..FIGURES.len() {
            let Spread { median, least, most } = spread(way, at)?;
            write!(text, " {median:.2} ({least:.2} to {most:.2}) |")?;
        }
        writeln!(text, " {} | {} | {} |", way.requests, way.lost, way.bad.requests())?;
    }
    Ok(text)
}
