//! Tables for the terminal and for BENCHMARKS.md, where what people wrote around them stays.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use super::figures::{Case, Figures, Sample, Spread};
use super::systems::{Programs, System};

const BEGIN: &str = "<!-- figures: written by `cargo xtask bench` -->";
const END: &str = "<!-- end of figures -->";

/// A table per case, what arrived, and the goals.
pub fn tables(figures: &Figures) -> String {
    let mut text = goals(figures);
    for case in figures.cases() {
        text.push_str(&table(figures, case));
    }
    text.push_str("### What arrived\n\nRecords at the collector for each request of all cases, by path.\n\n| system | path | records per request |\n|---|---|---|\n");
    for system in System::ALL {
        for path in system.records() {
            let _ = writeln!(text, "| {} | `{path}` | {:.3} |", system.title(), figures.delivered(system, path));
        }
    }
    text
}

fn table(figures: &Figures, case: Case) -> String {
    let mut text = format!("### {}\n\n", case.title());
    let nginx = |figure| figures.spread(case, System::Nginx, figure).map_or(0.0, |spread: Spread| spread.median);
    let _ = writeln!(
        text,
        "All over nginx's figure of the same round, which had {:.0} requests/s, p50 {:.0} µs, p99 {:.0} µs, {:.1} µs of processor time per request, {:.0} MB.\n",
        nginx(rate),
        nginx(p50),
        nginx(p99),
        nginx(cpu),
        nginx(resident) / 1e6
    );
    text.push_str("| system | requests/s | (least to most) | p50 | p99 | CPU per request | memory |\n|---|---|---|---|---|---|---|\n");
    for system in figures.systems(case) {
        let of = |figure| figures.ratio(case, system, System::Nginx, figure);
        let median = |figure| of(figure).map_or_else(|| "–".to_owned(), |spread| format!("{:.2}", spread.median));
        let range = of(rate).map_or_else(String::new, |spread| format!("{:.2} to {:.2}", spread.least, spread.most));
        let _ = writeln!(
            text,
            "| {} | {} | {range} | {} | {} | {} | {} |",
            system.title(),
            median(rate),
            median(p50),
            median(p99),
            median(cpu),
            median(resident)
        );
    }
    text.push('\n');
    text
}

/// What is to be reached, and what was.
fn goals(figures: &Figures) -> String {
    let mut text = "### Goals\n\n| goal | measured (least to most of the rounds) | met |\n|---|---|---|\n".to_owned();
    let mut line = |goal: &str, measured: Option<Spread>, unit: &str, met: &dyn Fn(Spread) -> bool| {
        let Some(spread) = measured else { return };
        let digits = usize::from(unit.is_empty()) * 2;
        let answer = if met(spread) { "yes" } else { "no" };
        let _ = writeln!(
            text,
            "| {goal} | {:.digits$}{unit} ({:.digits$} to {:.digits$}) | {answer} |",
            spread.median, spread.least, spread.most
        );
    };
    let ratio = |case, system, over| figures.ratio(case, system, over, rate);
    for case in [Case::ALL[0], Case::ALL[1], Case::ALL[2], Case::ALL[3]] {
        let name = case.to_string();
        line(&format!("{name}: export off, at least 2 × Envoy without tracing"), ratio(case, System::Off, System::Envoy), "", &|s| {
            s.median >= 2.0
        });
        line(&format!("{name}: export off, at least 0.75 × nginx"), ratio(case, System::Off, System::Nginx), "", &|s| s.median >= 0.75);
        line(
            &format!("{name}: everything on, at least 3 × Envoy with tracing"),
            ratio(case, System::Both, System::EnvoyTraced),
            "",
            &|s| s.median >= 3.0,
        );
        line(&format!("{name}: everything on, at least 0.95 × export off"), ratio(case, System::Both, System::Off), "", &|s| {
            s.median >= 0.95
        });
    }
    let p99_against = |system, other| figures.difference(Case::STEADY, system, other, p99);
    line("steady: everything on costs at most 50 µs of p99 against off", p99_against(System::Both, System::Off), " µs", &|s| {
        s.median <= 50.0
    });
    let undisturbed = |system| figures.undisturbed(Case::STEADY, system, p99);
    if let (Some(both), Some(off)) = (undisturbed(System::Both), undisturbed(System::Off)) {
        let more = both - off;
        let goal = "steady, the quarter of the turns that was disturbed least: the same";
        line(goal, Some(Spread { median: more, least: more, most: more }), " µs", &|s| s.median <= 50.0);
    }
    let noise = figures.noise(Case::STEADY, System::Off, p99);
    for (system, words) in [(System::Silent, "collectors that never answer"), (System::Closed, "collectors that are down")] {
        let goal = format!("steady: {words} change p99 against off by less than two turns of off differ ({noise:.0} µs)");
        line(&goal, p99_against(system, System::Off), " µs", &|s| s.median.abs() <= noise);
    }
    text.push('\n');
    text
}

/// Puts the figures where the last ones were.
pub fn write(file: &Path, programs: &Programs, figures: &Figures) -> Result<()> {
    replace(file, BEGIN, END, &format!("{}\n{}", machine(programs), tables(figures)))
}

/// Replaces what is between two lines of the file.
pub fn replace(file: &Path, begin: &str, end: &str, text: &str) -> Result<()> {
    let before = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
    let (head, rest) = before.split_once(begin).with_context(|| format!("{} has lost its line {begin}", file.display()))?;
    let (_, tail) = rest.split_once(end).with_context(|| format!("{} has lost its line {end}", file.display()))?;
    std::fs::write(file, format!("{head}{begin}\n\n{text}\n{end}{tail}"))?;
    Ok(())
}

/// Where it was measured, and with which versions.
fn machine(programs: &Programs) -> String {
    let said = |program: &Path, args: &[&str]| {
        let output = Command::new(program).args(args).output().ok()?;
        let text = [output.stdout, output.stderr].concat();
        // Some say where they are before what they are.
        let line = String::from_utf8_lossy(&text).lines().map(str::trim).find(|line| !line.is_empty())?.to_owned();
        Some(line.replace(&program.display().to_string(), &program.file_name()?.to_string_lossy()))
    };
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let value = |text: &str, name: &str| {
        text.lines().find(|line| line.starts_with(name)).and_then(|line| line.split_once(':')).map(|(_, value)| value.trim().to_owned())
    };
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let mut lines = vec![
        format!(
            "{}, {cores} cores for the load, the upstream and the system together",
            value(&read("/proc/cpuinfo"), "model name").unwrap_or_default()
        ),
        format!("memory {}", value(&read("/proc/meminfo"), "MemTotal").unwrap_or_default()),
    ];
    let uname = said(Path::new("uname"), &["-sr"]);
    lines.extend(uname);
    lines.extend(said(&programs.nginx, &["-v"]));
    lines.extend(said(&programs.envoy, &["--version"]));
    lines.extend(said(&programs.knoxcall, &["--version"]));
    lines.extend(said(Path::new("wrk"), &["-v"]));
    lines.extend(said(Path::new("rustc"), &["--version"]));
    let list: String = lines.iter().map(|line| format!("- {line}\n")).collect();
    format!("### Machine and versions\n\n{list}")
}

fn rate(sample: &Sample) -> f64 {
    sample.rate
}

fn p50(sample: &Sample) -> f64 {
    sample.p50
}

fn p99(sample: &Sample) -> f64 {
    sample.p99
}

fn cpu(sample: &Sample) -> f64 {
    sample.cpu
}

fn resident(sample: &Sample) -> f64 {
    sample.resident
}
