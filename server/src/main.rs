//! The life of the process: read the configuration, start, say where, wait for a signal, stop.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use clap::Parser;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use server::compose::KnoxCall;
use server::config::{AuditCommand, Cli, Command, Config, LogFormat};
use server::error_tracking::ErrorTracking;
use server::{audit_command, demo, faults, telemetry};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let config = match Config::new(&cli, |name| std::env::var(name).ok()) {
        Ok(config) => config,
        Err(errors) => {
            for error in errors {
                eprintln_line(&format!("error: {error}"));
            }
            return ExitCode::from(2);
        }
    };
    if let Some(Command::Audit(command)) = &cli.command {
        return audit(command, &config);
    }
    let errors = match ErrorTracking::new() {
        Ok(errors) => errors,
        Err(error) => {
            eprintln_line(&format!("error: error tracking can't be set up: {error}"));
            return ExitCode::FAILURE;
        }
    };
    start_log(config.log_format, &errors);
    config.otel.warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
    // Everything in the data folder is its owner's alone.
    rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
    allow_all_files();
    faults::watch();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln_line(&format!("error: no threads to run on: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let code = runtime.block_on(run(config, errors));
    // What still blocks a thread (a lookup of a name, say) must not hold up the exit.
    runtime.shutdown_background();
    code
}

/// Each connection is a file, and what a process gets by default is often a small part of what it may have.
fn allow_all_files() {
    let limit = getrlimit(Resource::Nofile);
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }) {
        tracing::warn!(%error, current = limit.current, "the limit of open files can't be raised");
    }
}

/// 0: intact; 1: broken; 2: it could not be found out; 141: whoever reads what it says has gone.
fn audit(command: &AuditCommand, config: &Config) -> ExitCode {
    match audit_command::run(command, &config.data_dir, &mut std::io::stdout().lock()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        // As `head` leaves a pipe when it has enough; a shell says the same of whom that ends.
        Err(error) if is_broken_pipe(&error) => ExitCode::from(128 + 13),
        Err(error) => {
            eprintln_line(&format!("error: {error:#}"));
            ExitCode::from(2)
        }
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let kinds = error.chain().filter_map(|cause| cause.downcast_ref::<std::io::Error>());
    kinds.map(std::io::Error::kind).any(|kind| kind == std::io::ErrorKind::BrokenPipe)
}

async fn run(config: Config, errors: ErrorTracking) -> ExitCode {
    // A limit on the size of files is then an error of whoever writes, and not the end of the process.
    let _handled = signal(SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw()));
    let (mut terminate, mut interrupt) = match (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) {
        (Ok(terminate), Ok(interrupt)) => (terminate, interrupt),
        (Err(error), _) | (_, Err(error)) => {
            eprintln_line(&format!("error: signals can't be received: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let knoxcall = match KnoxCall::start_reporting(config, errors).await {
        Ok(knoxcall) => knoxcall,
        Err(error) => {
            eprintln_line(&format!("error: {error:#}"));
            return ExitCode::FAILURE;
        }
    };
    introduce(&knoxcall);
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("stopping: finishing requests and flushing exports; a second signal ends at once");
    tokio::select! {
        () = knoxcall.stop() => ExitCode::SUCCESS,
        _ = terminate.recv() => ExitCode::FAILURE,
        _ = interrupt.recv() => ExitCode::FAILURE,
    }
}

/// Says where everything is. Links and keys appear here and nowhere else.
fn introduce(knoxcall: &KnoxCall) {
    let mut lines = vec![
        format!("KnoxCall {}", env!("CARGO_PKG_VERSION")),
        format!("Console  {}", knoxcall.console_url),
        format!("Gateway  {}", knoxcall.gateway_url),
    ];
    if let Some(link) = &knoxcall.setup_url {
        lines.push(format!(
            "\nFirst start: make your operator account at\n  {link}\nThe link works once, for 24 hours; a restart prints a new one."
        ));
    }
    for (workspace, name, key) in &knoxcall.made_keys {
        lines.push(format!("API key {name} of workspace {workspace}, shown only now: {key}"));
    }
    for (workspace, name, secret) in &knoxcall.made_signing_secrets {
        lines.push(format!("Signing secret of webhook {name} of workspace {workspace}, shown only now: {secret}"));
    }
    if let Some(account) = &knoxcall.demo {
        lines.push(demo::introduction(account, &knoxcall.console_url, &knoxcall.gateway_url));
    }
    eprintln_line(&lines.join("\n"));
}

/// Plain text for the person at the terminal, not a log line. Nobody reading is no reason to stop.
fn eprintln_line(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// What `RUST_LOG` lets through goes to standard error; errors are reported whatever it says.
fn start_log(format: LogFormat, errors: &ErrorTracking) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(format!("info,{}", telemetry::LOGGED)));
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let lines = match format {
        LogFormat::Json => lines.json().boxed(),
        LogFormat::Text => lines.with_ansi(std::io::stderr().is_terminal()).boxed(),
    };
    tracing_subscriber::registry().with(lines.with_filter(filter)).with(errors.layer().with_filter(LevelFilter::ERROR)).init();
}
