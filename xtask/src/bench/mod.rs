//! `cargo xtask bench`: this gateway beside nginx and Envoy, in one run, on one machine, on the same upstream.
//!
//! The systems take turns within each round, so that whatever the machine does meanwhile meets all of them; what is told are
//! ratios of figures of the same round, and their median over the rounds. It measures; what the figures mean is written by hand.

mod export;
mod figures;
mod load;
mod process;
mod report;
mod scale;
mod sink;
mod systems;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;

use crate::exe;
use crate::peers;
use crate::run::{Cmd, say, step};
use crate::workspace::Workspace;
use figures::{Case, Figures, Kind, Sample};
use load::number;
use process::free_port;
use sink::Sink;
use systems::{Around, Programs, Started, System};

#[derive(Args)]
pub struct Options {
    /// One round of a second each: whether it runs, not how fast
    #[arg(long)]
    quick: bool,
    /// How often each system has its turn in each case
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Another build than the one that is made first (with --export, of the program that it is measured with)
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
    /// Only this case: 1k-32, 1k-256, 100k-32, 100k-256 or steady; nothing is written then
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
    /// Instead: how many records a second of processor time exports
    #[arg(long)]
    export: bool,
    /// Instead: ten thousand workspaces with destinations, and destinations that misbehave
    #[arg(long)]
    scale: bool,
}

/// How long, and how often.
struct Plan {
    rounds: usize,
    time: Duration,
    warm: Duration,
}

pub fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    if options.export {
        return export::run(workspace, options.binary.as_deref());
    }
    let knoxcall = match &options.binary {
        Some(binary) => std::path::absolute(binary)?,
        None => build(workspace)?,
    };
    let folder = workspace.root.join("target/bench");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder)?;
    if options.scale {
        return scale::run(workspace, &knoxcall, &folder, options.quick);
    }
    let programs = Programs { nginx: peers::nginx_and_wrk()?, envoy: peers::envoy(workspace)?, knoxcall };
    let plan = if options.quick {
        Plan { rounds: 1, time: Duration::from_secs(1), warm: Duration::ZERO }
    } else {
        Plan { rounds: options.rounds.max(1), time: Duration::from_secs(2), warm: Duration::from_secs(1) }
    };
    let cases: Vec<Case> =
        Case::ALL.into_iter().filter(|case| options.only.as_ref().is_none_or(|only| *only == case.to_string())).collect();
    let figures = step("Measuring (some 8 minutes; one and a half with --quick)", || measure(&programs, &folder, &plan, &cases))?;
    eprintln!("\n{}", report::tables(&figures));
    if !options.quick && options.only.is_none() {
        let file = workspace.root.join("BENCHMARKS.md");
        report::write(&file, &programs, &figures)?;
        say(&format!("written: {}", file.display()));
    }
    Ok(())
}

fn build(workspace: &Workspace) -> Result<PathBuf> {
    step("Server, release build (first time: some 5 minutes)", || {
        Cmd::cargo(workspace).args(["build", "--package", "server", "--release"]).run()
    })?;
    Ok(workspace.target.join("release").join(exe("knoxcall")))
}

fn measure(programs: &Programs, folder: &Path, plan: &Plan, cases: &[Case]) -> Result<Figures> {
    let (upstream, _upstream) = systems::upstream(programs, folder)?;
    let sink = Sink::start()?;
    let around = Around { upstream, sink: sink.port, silent: sink::silent()?, closed: free_port()? };
    let started =
        System::ALL.into_iter().map(|system| systems::start(system, programs, around, folder)).collect::<Result<Vec<Started>>>()?;
    let mut figures = Figures::default();
    for case in cases {
        for started in started.iter().filter(|started| case.concerns(started.system) && !plan.warm.is_zero()) {
            one(*case, started, plan.warm, folder)?;
        }
    }
    // Records of the runs above are not counted below.
    settle(&started)?;
    sink.count();
    for round in 0..plan.rounds {
        for case in cases {
            say(&format!("round {} of {}: {case}", round + 1, plan.rounds));
            let turns = case.turns();
            for started in (0..turns).flat_map(|_| &started).filter(|started| case.concerns(started.system)) {
                let time = plan.time * case.share() / turns;
                let sample = one(*case, started, time, folder).with_context(|| format!("{} {case}", started.system.name()))?;
                figures.add(*case, started.system, sample);
            }
        }
    }
    settle(&started)?;
    for (path, records) in sink.count() {
        figures.arrived(path, records);
    }
    Ok(figures)
}

/// What is batched leaves within a second or two.
fn settle(started: &[Started]) -> Result<()> {
    std::thread::sleep(Duration::from_secs(2));
    started.iter().try_for_each(|started| started.running.settle())
}

fn one(case: Case, started: &Started, time: Duration, folder: &Path) -> Result<Sample> {
    let before = started.running.cpu_micros()?;
    let seen = match case.kind {
        Kind::Full { connections } => load::full(started.port, case.path, connections, time, folder)?,
        Kind::Steady => load::steady(started.port, case.path, time)?,
    };
    started.running.settle()?;
    let cpu = number(started.running.cpu_micros()? - before) / number(seen.requests.max(1));
    let resident = number(started.running.resident()?);
    Ok(Sample { requests: seen.requests, rate: number(seen.requests) / seen.seconds, p50: seen.p50, p99: seen.p99, cpu, resident })
}
