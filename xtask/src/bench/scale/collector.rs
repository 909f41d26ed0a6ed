//! A collector that knows when each record came, by the number in its path, and one that misbehaves.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Result;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;

/// So many connections want threads that are small.
const STACK: usize = 128 * 1024;
/// How a record's path begins; a number and a dot follow.
const PATH: &[u8] = b"/r/";
const LATER: &[u8] = b"HTTP/1.1 503 Later\r\ncontent-length: 0\r\n\r\n";

/// How a collector answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    Well,
    Hang,
    Reset,
    /// 503 to everything.
    Refuse,
    /// A byte of a 200 every now and then.
    SlowLoris,
    /// 200 with 5 MiB.
    Large,
    /// 200 with a few kilobytes that are 64 MiB.
    Bomb,
}

/// A log record or span that came.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// The request's path without the signal's.
    pub base: String,
    pub signal: &'static str,
    pub number: u64,
    pub at: Instant,
}

#[derive(Default)]
struct Kept {
    arrivals: Vec<Arrival>,
    requests: u64,
}

pub struct Collector {
    pub port: u16,
    kept: Arc<Mutex<Kept>>,
    down: Arc<AtomicBool>,
}

impl Collector {
    pub fn start(manner: Manner) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        let kept: Arc<Mutex<Kept>> = Arc::default();
        let answer: Arc<[u8]> = answer(manner)?.into();
        let down = Arc::<AtomicBool>::default();
        let (all, out) = (Arc::clone(&kept), Arc::clone(&down));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (kept, answer, down) = (Arc::clone(&all), Arc::clone(&answer), Arc::clone(&out));
                // Without a thread the connection ends, and the client comes again.
                let _ = std::thread::Builder::new().stack_size(STACK).spawn(move || serve(stream, manner, &answer, &kept, &down));
            }
        });
        Ok(Self { port, kept, down })
    }

    /// While it is down it answers 503 to everything.
    pub fn set_down(&self, down: bool) {
        self.down.store(down, Ordering::Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What came since the last call.
    pub fn take(&self) -> Vec<Arrival> {
        std::mem::take(&mut self.lock().arrivals)
    }

    pub fn requests(&self) -> u64 {
        self.lock().requests
    }

    /// Waits until so many came since the last [`Collector::take`], or the time is over.
    pub fn wait(&self, signal: &str, records: usize, patience: Duration) {
        let until = Instant::now() + patience;
        while Instant::now() < until && self.lock().arrivals.iter().filter(|arrival| arrival.signal == signal).count() < records {
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

/// How often each number is among them.
pub fn times(arrivals: &[Arrival], signal: &str) -> HashMap<u64, u32> {
    let mut out = HashMap::new();
    for arrival in arrivals.iter().filter(|arrival| arrival.signal == signal) {
        *out.entry(arrival.number).or_default() += 1;
    }
    out
}

fn answer(manner: Manner) -> Result<Vec<u8>> {
    let ok = |more: &str, body: &[u8]| {
        let head = format!("HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\n{more}content-length: {}\r\n\r\n", body.len());
        [head.as_bytes(), body].concat()
    };
    Ok(match manner {
        Manner::Well => ok("", b""),
        Manner::Hang | Manner::Reset => Vec::new(),
        Manner::Refuse => LATER.to_vec(),
        Manner::SlowLoris => ok("", &[0; 100_000]),
        Manner::Large => ok("", &vec![0; 5 * 1024 * 1024]),
        Manner::Bomb => {
            let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(&vec![0; 64 * 1024 * 1024])?;
            ok("content-encoding: gzip\r\n", &encoder.finish()?)
        }
    })
}

fn serve(stream: TcpStream, manner: Manner, answer: &[u8], kept: &Mutex<Kept>, down: &AtomicBool) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    if manner == Manner::Reset {
        // What is left unread when it ends makes of the end a reset.
        (&stream).read_exact(&mut [0; 1]).ok()?;
        kept.lock().unwrap_or_else(PoisonError::into_inner).requests += 1;
        return None;
    }
    let mut writer = stream.try_clone().ok()?;
    let mut reader = BufReader::new(stream);
    loop {
        let (path, body) = read(&mut reader)?;
        if down.load(Ordering::Relaxed) {
            writer.write_all(LATER).ok()?;
            continue;
        }
        let at = Instant::now();
        let arrivals = if manner == Manner::Well { arrivals(&path, &body, at) } else { Vec::new() };
        {
            let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
            kept.requests += 1;
            kept.arrivals.extend(arrivals);
        }
        match manner {
            Manner::Hang => {
                // Until the client has had enough.
                let _ = reader.read(&mut [0; 1]);
                return None;
            }
            Manner::SlowLoris => {
                for byte in answer {
                    writer.write_all(&[*byte]).ok()?;
                    std::thread::sleep(Duration::from_millis(50));
                }
            }
            Manner::Well | Manner::Reset | Manner::Refuse | Manner::Large | Manner::Bomb => writer.write_all(answer).ok()?,
        }
    }
}

/// The path, and the body without its compression.
fn read(reader: &mut BufReader<TcpStream>) -> Option<(String, Vec<u8>)> {
    let mut line = String::new();
    (reader.read_line(&mut line).ok()? > 0).then_some(())?;
    let path = line.split(' ').nth(1)?.to_owned();
    let (mut length, mut gzip) = (0, false);
    loop {
        line.clear();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.split_once(':') else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().ok()?,
            "content-encoding" => gzip = value.trim() == "gzip",
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    if gzip {
        let mut plain = Vec::new();
        GzDecoder::new(&body[..]).read_to_end(&mut plain).ok()?;
        body = plain;
    }
    Some((path, body))
}

fn arrivals(path: &str, body: &[u8], at: Instant) -> Vec<Arrival> {
    let (base, signal) = match path.rsplit_once("/v1/") {
        Some((base, "logs")) => (base, "logs"),
        Some((base, "traces")) => (base, "traces"),
        _ => return Vec::new(),
    };
    numbers(body).map(|number| Arrival { base: base.to_owned(), signal, number, at }).collect()
}

fn numbers(body: &[u8]) -> impl Iterator<Item = u64> {
    let places = body.windows(PATH.len()).enumerate().filter(|(_, window)| *window == PATH);
    places.filter_map(|(at, _)| {
        let rest = &body[at + PATH.len()..];
        let end = rest.iter().take(20).position(|byte| *byte == b'.')?;
        std::str::from_utf8(&rest[..end]).ok()?.parse().ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_known_by_their_numbers() {
        assert_eq!(numbers(b"a/r/17.b/r/.c/r/x./r/4").collect::<Vec<_>>(), [17]);
        let found = arrivals("/w/3/v1/logs", b"\x0a/r/1.\x0a/r/2.", Instant::now());
        assert_eq!(found.iter().map(|one| (one.base.as_str(), one.number)).collect::<Vec<_>>(), [("/w/3", 1), ("/w/3", 2)]);
        assert_eq!(times(&found, "logs").len(), 2);
        assert!(arrivals("/w/3/v1/metrics", b"/r/1.", Instant::now()).is_empty());
    }

    #[test]
    fn a_bomb_is_small_until_it_is_opened() {
        let bomb = answer(Manner::Bomb).unwrap();
        assert!(bomb.len() < 1024 * 1024, "{}", bomb.len());
    }
}
