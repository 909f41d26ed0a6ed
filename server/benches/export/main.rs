//! How many records a second of processor time takes from event to wire. `cargo xtask bench --export` runs it in turn as this
//! product's export, as the official SDK's batch processors and exporters over the same HTTP and gzip, and as neither of them,
//! which tells what making the events costs.
//!
//! Each prints one line: records and processor time in microseconds. The collector is somebody else's process.

mod events;
mod ours;
mod stock;

use std::process::ExitCode;

/// Requests that may be under way before the next ones are made.
const AHEAD: u64 = 8192;

/// What a run cost.
struct Cost {
    records: u64,
    cpu_micros: u64,
}

/// Processor time of all threads of this process so far. `/proc` counts in hundredths of a second.
fn cpu_micros() -> Option<u64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The name is in brackets and may hold anything.
    let fields: Vec<&str> = stat.rsplit(')').next()?.split_whitespace().collect();
    let ticks = |index: usize| fields.get(index)?.parse::<u64>().ok();
    Some((ticks(11)? + ticks(12)?) * 10_000)
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    let [mode, endpoint, requests] = &args[..] else {
        // As `cargo test --benches` calls it: nothing to do.
        eprintln!("export <nothing|operator|both|stock> <collector's URL> <requests>");
        return ExitCode::SUCCESS;
    };
    let Ok(requests) = requests.parse::<u64>() else { return ExitCode::FAILURE };
    let cost = match &**mode {
        "nothing" => events::cost(requests),
        "operator" => ours::cost(endpoint, requests, false),
        "both" => ours::cost(endpoint, requests, true),
        "stock" => stock::cost(endpoint, requests),
        _ => return ExitCode::FAILURE,
    };
    match cost {
        Ok(cost) => {
            println!("{} {}", cost.records, cost.cpu_micros);
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
