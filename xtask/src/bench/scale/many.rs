//! Ten thousand workspaces with destinations of their own: what they cost idle, how soon a setting is in effect among them, and a
//! thousand of them in use at once.

use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::super::figures::Spread;
use super::super::load::number;
use super::calls::{self, Call};
use super::collector::{Arrival, Collector, Manner, times};
use super::console::Console;
use super::gateway::{Gateway, House, operator, workspace};
use super::percentile;

/// Numbers of requests tell the workspace while settings are saved.
const NUMBERS: u64 = 1_000_000;
/// Workspaces whose settings are saved.
const SAVED: std::ops::Range<u64> = 10..20;
/// A request of each active workspace a second.
const ACTIVE: usize = 1_000;

struct Plan {
    workspaces: usize,
    starts: usize,
    time: Duration,
    /// How long all collectors are down.
    outage: Duration,
}

pub fn measure(program: &Path, folder: &Path, quick: bool) -> Result<String> {
    let plan = if quick {
        Plan { workspaces: ACTIVE, starts: 1, time: Duration::from_secs(5), outage: Duration::from_secs(5) }
    } else {
        Plan { workspaces: 10_000, starts: 5, time: Duration::from_secs(60), outage: Duration::from_secs(60) }
    };
    let (collector, upstream) = (Collector::start(Manner::Well)?, calls::upstream()?);
    let house = |name: &'static str, with: bool| {
        let mut text = String::new();
        operator(&mut text, None);
        for number in 0..plan.workspaces {
            let endpoint = format!("http://127.0.0.1:{}/w{number}", collector.port);
            workspace(&mut text, number, with.then_some(endpoint.as_str()), (number < ACTIVE).then_some(upstream));
        }
        House::build(name, program, folder, &text)
    };
    let (with, without) = (house("many", true)?, house("many-without", false)?);

    let mut text = "| what | measured (least to most) | goal | met |\n|---|---|---|---|\n".to_owned();
    idle(&plan, &with, &without, &mut text)?;
    let gateway = with.start(&[])?;
    saves(&gateway, &collector, &mut text)?;
    active(&plan, &gateway, &collector, &mut text)?;
    outage(&plan, &gateway, &collector, &mut text)?;
    Ok(text)
}

fn idle(plan: &Plan, with: &House, without: &House, text: &mut String) -> Result<()> {
    let (mut starts, mut each, mut more, mut base) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..plan.starts {
        let gateways = [with.start(&[])?, without.start(&[])?];
        starts.push(gateways[0].start.as_secs_f64());
        gateways.iter().try_for_each(|gateway| gateway.running.settle())?;
        let [kib, other] = gateways.each_ref().map(|gateway| gateway.running.resident().map(|bytes| number(bytes) / 1024.0));
        let [threads, others] = gateways.each_ref().map(|gateway| gateway.running.threads().map(number));
        let (kib, other) = (kib?, other?);
        each.push((kib - other) / number(plan.workspaces as u64));
        base.push(other / 1024.0);
        more.push(threads? - others?);
    }
    let count = plan.workspaces;
    line(text, &format!("start until the first request is answered, {count} destinations in the store"), starts, 2, " s", Some(5.0))?;
    line(text, "memory of each idle destination above the same workspaces without", each, 2, " KiB", Some(10.0))?;
    line(text, "memory of those without", base, 1, " MiB", None)?;
    // Those that wait for a disk or a name come and go within seconds.
    line(text, "threads more than without, whatever the number of destinations", more, 0, "", Some(8.0))
}

/// A row of the table; `most` is the goal.
fn line(text: &mut String, what: &str, values: Vec<f64>, digits: usize, unit: &str, most: Option<f64>) -> Result<()> {
    let spread = Spread::of(values).context("nothing was measured")?;
    let (goal, met) = match most {
        Some(most) => (format!("at most {most:.0}{unit}"), if spread.most <= most { "yes" } else { "no" }),
        None => ("–".to_owned(), "–"),
    };
    let Spread { median, least, most } = spread;
    writeln!(text, "| {what} | {median:.digits$}{unit} ({least:.digits$} to {most:.digits$}) | {goal} | {met} |")?;
    Ok(())
}

/// Saves other endpoints under way, and looks for the first request whose record went there.
fn saves(gateway: &Gateway, collector: &Collector, text: &mut String) -> Result<()> {
    let console = Console::sign_in(gateway.console)?;
    let (mut answered, mut effect) = (Vec::new(), Vec::new());
    for own in SAVED {
        collector.take();
        let (port, first) = (gateway.port, own * NUMBERS);
        let traffic = std::thread::spawn(move || calls::steady(port, first, 500, Duration::from_secs(2), 1, saved_workspace));
        std::thread::sleep(Duration::from_millis(500));
        let begun = Instant::now();
        console.save(saved_workspace(first), &format!("http://127.0.0.1:{}/moved", collector.port), 1)?;
        answered.push(begun.elapsed().as_secs_f64() * 1e3);
        let calls = traffic.join().ok().context("a client of the benchmark panicked")??;
        collector.wait("logs", calls.len(), Duration::from_secs(10));
        let arrivals = collector.take();
        lost_and_doubled(&calls, &times(&arrivals, "logs"), "while a setting was saved")?;
        let moved: std::collections::HashSet<u64> =
            arrivals.iter().filter(|one| one.base == "/moved" && one.number / NUMBERS == own).map(|one| one.number).collect();
        let first = calls.iter().filter(|call| moved.contains(&call.number)).map(|call| call.sent).min().context("nothing moved")?;
        effect.push(first.saturating_duration_since(begun).as_secs_f64() * 1e3);
    }
    line(text, "from saving an endpoint to the first request whose record goes there", effect, 1, " ms", Some(1000.0))?;
    line(text, "until the save is answered", answered, 1, " ms", None)
}

fn saved_workspace(number: u64) -> usize {
    usize::try_from(number / NUMBERS).unwrap_or_default()
}

fn active_workspace(number: u64) -> usize {
    usize::try_from(number).unwrap_or_default() % ACTIVE
}

fn active(plan: &Plan, gateway: &Gateway, collector: &Collector, text: &mut String) -> Result<()> {
    let rate = u32::try_from(ACTIVE)?;
    collector.take();
    let (cpu, resident) = (gateway.running.cpu_micros()?, gateway.running.resident()?);
    let calls = calls::steady(gateway.port, 0, rate, plan.time, 8, active_workspace)?;
    collector.wait("logs", calls.len(), Duration::from_secs(60));
    gateway.running.settle()?;
    let cpu = number(gateway.running.cpu_micros()? - cpu);
    let arrivals = collector.take();
    delivered(text, &format!("{ACTIVE} destinations in use, one request a second each for {} s", plan.time.as_secs()), &calls, &arrivals)?;
    let each = (number(gateway.running.resident()?) - number(resident)) / 1024.0 / number(ACTIVE as u64);
    line(text, "… memory of each of these above idle", vec![each], 1, " KiB", None)?;
    line(text, "… threads in all", vec![number(gateway.running.threads()?)], 0, "", None)?;
    line(text, "… processor time of the gateway, of one core", vec![cpu / 1e4 / plan.time.as_secs_f64()], 1, " %", None)?;
    line(text, "… and for each request with its record and metrics", vec![cpu / number(calls.len() as u64)], 0, " µs", None)?;
    latency(text, &calls)
}

/// All collectors are down at once, while each workspace goes on with a request a second, and for as long again afterwards.
fn outage(plan: &Plan, gateway: &Gateway, collector: &Collector, text: &mut String) -> Result<()> {
    let (rate, port, time) = (u32::try_from(ACTIVE)?, gateway.port, 2 * plan.outage);
    collector.take();
    collector.set_down(true);
    let traffic = std::thread::spawn(move || calls::steady(port, 0, rate, time, 8, active_workspace));
    std::thread::sleep(plan.outage);
    collector.set_down(false);
    let up = Instant::now();
    let calls = traffic.join().ok().context("a client of the benchmark panicked")??;
    collector.wait("logs", calls.len(), Duration::from_secs(120));
    gateway.running.settle()?;
    let arrivals = collector.take();
    let what = format!("all of them down for {} s, under the same requests and for as long afterwards", plan.outage.as_secs());
    delivered(text, &what, &calls, &arrivals)?;
    let waited: std::collections::HashSet<u64> = calls.iter().filter(|call| call.sent < up).map(|call| call.number).collect();
    let mut after: Vec<u64> = arrivals
        .iter()
        .filter(|one| one.signal == "logs" && waited.contains(&one.number))
        .map(|one| u64::try_from(one.at.saturating_duration_since(up).as_millis()).unwrap_or(u64::MAX))
        .collect();
    after.sort_unstable();
    let seconds = |hundredths| number(percentile(&after, hundredths)) / 1e3;
    writeln!(
        text,
        "| … what had waited is there, after the collectors are back | half of it {:.1} s, all of it {:.1} s | – | – |",
        seconds(50),
        seconds(100)
    )?;
    latency(text, &calls)
}

/// A row of the table: whether each request's log record came once.
fn delivered(text: &mut String, what: &str, calls: &[Call], arrivals: &[Arrival]) -> Result<()> {
    let (lost, doubled) = missing(calls, &times(arrivals, "logs"));
    let met = if lost + doubled == 0 { "yes" } else { "no" };
    let count = calls.len();
    writeln!(text, "| {what} | {count} requests, {lost} records lost, {doubled} twice | all delivered, once | {met} |")?;
    Ok(())
}

fn latency(text: &mut String, calls: &[Call]) -> Result<()> {
    let mut micros: Vec<u64> = calls.iter().map(|call| call.micros).collect();
    micros.sort_unstable();
    writeln!(text, "| … latency of the requests | p50 {} µs, p99 {} µs | – | – |", percentile(&micros, 50), percentile(&micros, 99))?;
    Ok(())
}

/// Records that did not come, and those that came twice.
fn missing(calls: &[Call], times: &std::collections::HashMap<u64, u32>) -> (usize, usize) {
    let count = |wanted: fn(u32) -> bool| calls.iter().filter(|call| wanted(times.get(&call.number).copied().unwrap_or(0))).count();
    (count(|times| times == 0), count(|times| times > 1))
}

fn lost_and_doubled(calls: &[Call], times: &std::collections::HashMap<u64, u32>, when: &str) -> Result<()> {
    let (lost, doubled) = missing(calls, times);
    anyhow::ensure!(lost + doubled == 0, "{lost} of {} records were lost {when}, {doubled} came twice", calls.len());
    Ok(())
}
