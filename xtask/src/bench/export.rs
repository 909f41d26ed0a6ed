//! `cargo xtask bench --export`: records per second of processor time from event to wire, beside the official SDK's pipeline
//! and beside rotel passing the same records on. The pipelines take turns; a round's figures are compared with each other.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Result, bail};

use super::figures::Spread;
use super::load::number;
use super::process::{Running, free_port};
use super::report;
use super::sink::Sink;
use crate::peers;
use crate::run::{Cmd, say, step};
use crate::workspace::Workspace;

const BEGIN: &str = "<!-- export: written by `cargo xtask bench --export` -->";
const END: &str = "<!-- end of export -->";
const ROUNDS: usize = 5;
const REQUESTS: u64 = 200_000;

/// Who exports, by the name that the benchmark's program knows it under.
const PIPELINES: [(&str, &str); 3] = [
    ("operator", "KnoxCall, operator's three signals"),
    ("both", "KnoxCall, operator and workspace"),
    ("stock", "official SDK, batch processors and OTLP exporters"),
];
const FORWARDED: &str = "rotel, forwarding what KnoxCall sends";

/// Records per second of processor time, and how many records a request makes.
#[derive(Default)]
struct Column {
    title: &'static str,
    rates: Vec<f64>,
}

/// `program` is another build of the benchmark's program than the one that is made first.
pub fn run(workspace: &Workspace, program: Option<&Path>) -> Result<()> {
    let rotel = peers::rotel(workspace)?;
    let bench = || match program {
        Some(program) => Cmd::new(program, &workspace.root),
        None => Cmd::cargo(workspace).args(["bench", "--quiet", "--package", "server", "--bench", "export", "--"]),
    };
    let cost = |mode: &str, endpoint: &str| cost(bench(), mode, endpoint);
    if program.is_none() {
        step("Export benchmark, release build (first time: some 8 minutes)", || bench().run())?;
    }
    let folder = workspace.root.join("target/bench");
    std::fs::create_dir_all(&folder)?;
    let sink = Sink::start()?;
    let endpoint = format!("http://127.0.0.1:{}", sink.port);
    let mut columns: Vec<Column> = PIPELINES.iter().map(|(_, title)| *title).chain([FORWARDED]).map(Column::new).collect();
    step("Measuring (some 2 minutes)", || {
        for round in 0..ROUNDS {
            say(&format!("round {} of {ROUNDS}", round + 1));
            let (_, making) = cost("nothing", &endpoint)?;
            for ((mode, _), column) in PIPELINES.iter().zip(&mut columns) {
                let (records, cpu) = cost(mode, &endpoint)?;
                column.rates.push(per_second(records, cpu - making));
                arrived(&sink, records)?;
            }
            if let Some(column) = columns.last_mut() {
                let http = free_port()?;
                let (grpc, exporter) = (free_port()?.to_string(), format!("http://127.0.0.1:{}/", sink.port));
                let listen = format!("127.0.0.1:{http}");
                let args = ["start", "--otlp-grpc-endpoint", &format!("127.0.0.1:{grpc}"), "--otlp-http-endpoint", &listen];
                let args = [&args[..], &["--exporter", "otlp", "--otlp-exporter-protocol", "http", "--otlp-exporter-endpoint", &exporter]]
                    .concat();
                let mut agent = Running::start("rotel", &rotel, &args, &[("TOKIO_WORKER_THREADS", "1")], &folder)?;
                agent.listens(http)?;
                let before = agent.cpu_micros()?;
                let (records, _) = cost("operator", &format!("http://{listen}"))?;
                agent.settle()?;
                column.rates.push(per_second(records, agent.cpu_micros()? - before));
                arrived(&sink, records)?;
            }
        }
        Ok(())
    })?;
    let text = table(&columns);
    eprintln!("\n{text}");
    report::replace(&workspace.root.join("BENCHMARKS.md"), BEGIN, END, &text)
}

impl Column {
    const fn new(title: &'static str) -> Self {
        Self { title, rates: Vec::new() }
    }
}

/// Records and microseconds of processor time of one run.
fn cost(bench: Cmd, mode: &str, endpoint: &str) -> Result<(u64, u64)> {
    let said = bench.args([mode, endpoint, &REQUESTS.to_string()]).output()?;
    let mut numbers = said.split_whitespace().map(str::parse);
    let (Some(Ok(records)), Some(Ok(cpu))) = (numbers.next(), numbers.next()) else { bail!("{mode} said {said:?}") };
    Ok((records, cpu))
}

/// Each span and log record has to be at the collector. Its metrics come on top.
fn arrived(sink: &Sink, records: u64) -> Result<()> {
    let counts = sink.count();
    let got: u64 = counts.iter().filter(|(path, _)| !path.ends_with("metrics")).map(|(_, records)| records).sum();
    if got != records {
        bail!("{records} records were sent, and {got} arrived: {counts:?}");
    }
    Ok(())
}

fn per_second(records: u64, micros: u64) -> f64 {
    number(records) * 1e6 / number(micros.max(1))
}

fn table(columns: &[Column]) -> String {
    let Some(stock) = columns.iter().find(|column| column.title == PIPELINES[2].1) else { return String::new() };
    let mut text = format!(
        "{REQUESTS} requests a run, each one span and one log record (with a workspace's destination a second log record) and its metrics; gzip. What making the events costs is taken off. \
         Ratios are of the same round.\n\n| pipeline | records per second of processor time | over the SDK's | (least to most) |\n|---|---|---|---|\n"
    );
    for column in columns {
        let ratios = column.rates.iter().zip(&stock.rates).map(|(own, stock)| own / stock);
        let (Some(rate), Some(ratio)) = (Spread::of(column.rates.clone()), Spread::of(ratios.collect())) else { continue };
        let _ = writeln!(text, "| {} | {:.0} | {:.2} | {:.2} to {:.2} |", column.title, rate.median, ratio.median, ratio.least, ratio.most);
    }
    text
}
