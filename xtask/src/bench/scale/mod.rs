//! `cargo xtask bench --scale`: ten thousand workspaces with destinations of their own, idle and active, and what a destination
//! that misbehaves does to the others. Prints its figures and writes them into their own part of BENCHMARKS.md.

mod calls;
mod collector;
mod console;
mod faults;
mod gateway;
mod many;

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Result;

use super::report;
use crate::run::{say, step};
use crate::workspace::Workspace;

const BEGIN: &str = "<!-- scale: written by `cargo xtask bench --scale` -->";
const END: &str = "<!-- end of scale -->";

pub fn run(workspace: &Workspace, knoxcall: &Path, folder: &Path, quick: bool) -> Result<()> {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find(|line| line.starts_with("model name")).and_then(|line| line.split_once(':'));
    let mut text = format!("{}, {cores} cores for everything together.\n\n", model.map_or("", |(_, name)| name.trim()));
    let many = step("Ten thousand workspaces (some 4 minutes)", || many::measure(knoxcall, folder, quick))?;
    let _ = writeln!(text, "### Ten thousand workspaces\n\n{many}");
    let faults = step("One destination that misbehaves (some 4 minutes)", || faults::measure(knoxcall, folder, quick))?;
    let _ = writeln!(text, "### One destination that misbehaves\n\n{faults}");
    eprintln!("\n{text}");
    if !quick {
        let file = workspace.root.join("BENCHMARKS.md");
        report::replace(&file, BEGIN, END, &text)?;
        say(&format!("written: {}", file.display()));
    }
    Ok(())
}

/// The value below which so many hundredths of them are; 0 of nothing.
fn percentile(sorted: &[u64], hundredths: usize) -> u64 {
    sorted.get(sorted.len() * hundredths / 100).or(sorted.last()).copied().unwrap_or(0)
}
