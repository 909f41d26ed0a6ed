//! KnoxCall's build: `cargo xtask serve | test | soak | dist | site | bench`.
//!
//! Glue only: each step says what it does and how long it took, installs what is missing, and stops at the first failure
//! with the command that failed. What the product does belongs elsewhere.

mod bench;
mod browser;
mod checks;
mod peers;
mod run;
mod site;
mod soak;
mod wasm;
mod workspace;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand, ValueEnum};

use crate::run::{Cmd, say, step};
use crate::workspace::Workspace;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Builds, runs and tests KnoxCall. Needs Rust (rustup) and Node; installs the rest itself.")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Release build, then starts KnoxCall. Everything after `--` goes to `knoxcall serve`, for example `-- --demo`.
    Serve {
        /// Starts with a demo operator, workspace, route and key, all printed; the same as `-- --demo`.
        #[arg(long)]
        demo: bool,
        #[arg(last = true)]
        flags: Vec<String>,
    },
    /// Formatting, clippy on host and wasm, all tests, and Playwright in a real Chromium.
    Test {
        /// Only these parts; all by default.
        #[arg(value_enum)]
        parts: Vec<Part>,
    },
    /// Requests, settings, restarts and kills over collectors that fail, with the counts checked from outside. The default of
    /// `test` is about a minute of it.
    Soak {
        #[arg(long, default_value_t = 10)]
        minutes: u64,
        /// Replays one round of the binary, with the seed that it printed.
        #[arg(long)]
        seed: Option<u64>,
    },
    /// Builds `target/dist/knoxcall`: one file with every asset inside.
    Dist,
    /// Builds the browser's part alone (wasm, CSS, static files) into `target/site`.
    Site,
    /// Measures the gateway beside nginx and Envoy, or (`--export`) the export alone, or (`--scale`) ten thousand workspaces, and
    /// writes BENCHMARKS.md; some 10 minutes on a machine that does nothing else.
    Bench(bench::Options),
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Formatting and clippy.
    Lint,
    /// Unit and integration tests.
    Rust,
    /// Playwright.
    Browser,
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let workspace = Workspace::find()?;
    match Cli::parse().command {
        Command::Serve { demo, flags } => serve(&workspace, demo, &flags),
        Command::Test { parts } => test(&workspace, &parts),
        Command::Soak { minutes, seed } => soak::soak(&workspace, minutes, seed),
        Command::Dist => dist(&workspace),
        Command::Site => site::build(&workspace),
        Command::Bench(options) => bench::run(&workspace, &options),
    }
}

fn release_binary(workspace: &Workspace) -> Result<std::path::PathBuf> {
    site::build(workspace)?;
    step("Server, release build (first time: some 5 minutes)", || {
        Cmd::cargo(workspace).args(["build", "--package", "server", "--release", "--features", "embed-assets"]).run()
    })?;
    Ok(workspace.target.join("release").join(exe("knoxcall")))
}

fn serve(workspace: &Workspace, demo: bool, flags: &[String]) -> Result<()> {
    let binary = release_binary(workspace)?;
    let mut command = Cmd::new(&binary, &workspace.root).arg("serve").args(flags);
    if demo && !flags.iter().any(|flag| flag == "--demo") {
        command = command.arg("--demo");
    }
    command.run()
}

fn dist(workspace: &Workspace) -> Result<()> {
    let binary = release_binary(workspace)?;
    let folder = workspace.root.join("target/dist");
    std::fs::create_dir_all(&folder)?;
    let out = folder.join(exe("knoxcall"));
    // A running copy keeps its file: replace the name, not the content.
    let _ = std::fs::remove_file(&out);
    std::fs::copy(&binary, &out)?;
    say(&format!("{} ({:.1} MB)", out.display(), run::megabytes(std::fs::metadata(&out)?.len())));
    Ok(())
}

fn test(workspace: &Workspace, parts: &[Part]) -> Result<()> {
    let wanted = |part| parts.is_empty() || parts.contains(&part);
    if wanted(Part::Lint) {
        checks::lint(workspace)?;
    }
    if wanted(Part::Rust) {
        checks::rust(workspace)?;
    }
    if wanted(Part::Browser) {
        site::build(workspace)?;
        browser::test(workspace)?;
    }
    // Last, where it is seen.
    if wanted(Part::Rust) {
        checks::say_what_was_skipped(workspace);
    }
    Ok(())
}

fn exe(name: &str) -> String {
    format!("{name}{}", std::env::consts::EXE_SUFFIX)
}
