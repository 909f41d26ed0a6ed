//! Load: as much as there can be (`wrk`), and a steady rate that leaves the machine room, at which latencies mean something.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::process::local;

/// The workspace's key and route, which every system is sent so that all read the same bytes.
pub const HEADERS: [(&str, &str); 2] = [("x-knoxcall-key", "tk_bench0123456789abcdefghijklmnop"), ("x-knoxcall-route", "static")];

const STEADY_CONNECTIONS: u32 = 16;
/// Requests a second of all of them together: a tenth of what the machine can do.
const STEADY_RATE: u32 = 4_000;

/// `wrk` says it itself, in one line that can be read.
const REPORT: &str = r#"
done = function(summary, latency, requests)
  local e = summary.errors
  io.write(string.format("RESULT %d %d %d %d %d\n", summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    e.status + e.connect + e.read + e.write + e.timeout))
end
"#;

/// What a client saw.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seen {
    pub requests: u64,
    pub seconds: f64,
    /// In microseconds.
    pub p50: f64,
    pub p99: f64,
}

/// A request of the benchmark.
pub fn request(port: u16, path: &str, connection: &str) -> String {
    let own: String = HEADERS.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{own}Connection: {connection}\r\n\r\n")
}

/// As many requests as the system takes, on so many connections.
pub fn full(port: u16, path: &str, connections: u32, time: Duration, folder: &Path) -> Result<Seen> {
    let script = folder.join("report.lua");
    std::fs::write(&script, REPORT)?;
    let mut command = Command::new("wrk");
    command.args(["-t1", &format!("-c{connections}"), &format!("-d{}s", time.as_secs().max(1)), "--timeout", "10s", "-s"]).arg(&script);
    for (name, value) in HEADERS {
        command.args(["-H", &format!("{name}: {value}")]);
    }
    let output = command.arg(format!("http://127.0.0.1:{port}{path}")).output().context("can't start wrk")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().find_map(|line| line.strip_prefix("RESULT ")).with_context(|| format!("wrk said:\n{text}"))?;
    let numbers: Vec<u64> = line.split(' ').filter_map(|number| number.parse().ok()).collect();
    let [requests, micros, p50, p99, errors] = numbers[..] else { bail!("wrk said: {line}") };
    if errors > 0 {
        bail!("{errors} of {requests} requests failed");
    }
    Ok(Seen { requests, seconds: number(micros) / 1e6, p50: number(p50), p99: number(p99) })
}

/// The same rate for every system. A late answer delays no other request than those of its own connection.
pub fn steady(port: u16, path: &str, time: Duration) -> Result<Seen> {
    let every = Duration::from_secs(1) * STEADY_CONNECTIONS / STEADY_RATE;
    let began = Instant::now();
    let threads: Vec<_> = (0..STEADY_CONNECTIONS)
        .map(|index| {
            let request = request(port, path, "keep-alive");
            std::thread::spawn(move || {
                one_connection(port, request.as_bytes(), began + every * index / STEADY_CONNECTIONS, every, began + time)
            })
        })
        .collect();
    let mut micros = Vec::new();
    for thread in threads {
        match thread.join() {
            Ok(measured) => micros.append(&mut measured?),
            Err(_) => bail!("a client of the benchmark panicked"),
        }
    }
    micros.sort_unstable();
    let at = |share: usize| micros.get(micros.len() * share / 100).copied().map_or(0.0, number);
    Ok(Seen { requests: micros.len() as u64, seconds: began.elapsed().as_secs_f64(), p50: at(50), p99: at(99) })
}

fn one_connection(port: u16, request: &[u8], mut next: Instant, every: Duration, end: Instant) -> Result<Vec<u64>> {
    let mut stream = TcpStream::connect(local(port))?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut measured = Vec::new();
    let mut buffer = vec![0; 256 * 1024];
    while next < end {
        std::thread::sleep(next.saturating_duration_since(Instant::now()));
        let sent = Instant::now();
        stream.write_all(request)?;
        answer(&mut stream, &mut buffer)?;
        measured.push(u64::try_from(sent.elapsed().as_micros())?);
        next += every;
    }
    Ok(measured)
}

/// Reads one answer that has a length.
pub fn answer(stream: &mut TcpStream, buffer: &mut [u8]) -> Result<()> {
    let mut filled = 0;
    let mut whole = None;
    while whole.is_none_or(|whole| filled < whole) {
        let read = stream.read(&mut buffer[filled..])?;
        if read == 0 {
            bail!("the connection was closed");
        }
        filled += read;
        if whole.is_none()
            && let Some(head) = buffer[..filled].windows(4).position(|four| four == b"\r\n\r\n")
        {
            let text = String::from_utf8_lossy(&buffer[..head]).to_ascii_lowercase();
            let length = text.lines().find_map(|line| line.strip_prefix("content-length:")).context("an answer without a length")?;
            if !text.starts_with("http/1.1 200") {
                bail!("an answer other than 200");
            }
            whole = Some(head + 4 + length.trim().parse::<usize>()?);
        }
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "measurements")]
pub const fn number(value: u64) -> f64 {
    value as f64
}
