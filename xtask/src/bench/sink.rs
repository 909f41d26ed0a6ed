//! Where telemetry goes during the benchmark: a collector that answers 200 at once and afterwards says how many records came,
//! and one that accepts connections and never answers.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use flate2::read::GzDecoder;

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n";

/// A request's path, and its body as it came.
type Kept = Arc<Mutex<Vec<(String, bool, Vec<u8>)>>>;

/// Keeps what it gets; nothing is taken apart before the load is over.
pub struct Sink {
    pub port: u16,
    kept: Kept,
}

impl Sink {
    pub fn start() -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        let kept = Kept::default();
        let all = Arc::clone(&kept);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let kept = Arc::clone(&all);
                std::thread::spawn(move || serve(stream, &kept));
            }
        });
        Ok(Self { port, kept })
    }

    /// How many records came since the last call, by path.
    pub fn count(&self) -> BTreeMap<String, u64> {
        let kept = std::mem::take(&mut *self.kept.lock().unwrap_or_else(PoisonError::into_inner));
        let mut counts = BTreeMap::new();
        for (path, gzip, body) in kept {
            let mut plain = body;
            if gzip {
                let packed = std::mem::take(&mut plain);
                if GzDecoder::new(&packed[..]).read_to_end(&mut plain).is_err() {
                    continue;
                }
            }
            *counts.entry(path).or_default() += records(&plain);
        }
        counts
    }
}

fn serve(stream: TcpStream, kept: &Kept) -> Option<()> {
    let _ = stream.set_nodelay(true);
    let mut reader = BufReader::with_capacity(64 * 1024, stream.try_clone().ok()?);
    let mut writer = stream;
    loop {
        let mut line = String::new();
        (reader.read_line(&mut line).ok()? > 0).then_some(())?;
        let path = line.split(' ').nth(1)?.to_owned();
        let (mut length, mut gzip, mut chunked) = (0, false, false);
        loop {
            line.clear();
            reader.read_line(&mut line).ok()?;
            let Some((name, value)) = line.split_once(':') else { break };
            match (name.to_ascii_lowercase().as_str(), value.trim()) {
                ("content-length", value) => length = value.parse().ok()?,
                ("content-encoding", value) => gzip = value == "gzip",
                ("transfer-encoding", _) => chunked = true,
                _ => {}
            }
        }
        let body = if chunked { chunks(&mut reader)? } else { exactly(&mut reader, length)? };
        kept.lock().unwrap_or_else(PoisonError::into_inner).push((path, gzip, body));
        writer.write_all(ANSWER).ok()?;
    }
}

fn exactly(reader: &mut impl std::io::Read, length: usize) -> Option<Vec<u8>> {
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(body)
}

fn chunks(reader: &mut BufReader<TcpStream>) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let size = usize::from_str_radix(line.trim(), 16).ok()?;
        body.append(&mut exactly(reader, size)?);
        exactly(reader, 2)?;
        if size == 0 {
            return Some(body);
        }
    }
}

/// Spans or log records in an export request. Both have them as field 2 of field 2 of field 1; of metrics this counts the
/// metrics.
fn records(body: &[u8]) -> u64 {
    let scopes = |resource| fields(resource, 2).flat_map(|scope| fields(scope, 2));
    fields(body, 1).flat_map(scopes).count() as u64
}

/// The length-delimited fields of this number in a protobuf message.
fn fields(mut message: &[u8], wanted: u64) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        loop {
            let key = varint(&mut message)?;
            let length = match key & 7 {
                0 => varint(&mut message).map(|_| 0)?,
                1 => 8,
                2 => usize::try_from(varint(&mut message)?).ok()?,
                5 => 4,
                _ => return None,
            };
            let (field, rest) = message.split_at_checked(length)?;
            message = rest;
            if key & 7 == 2 && key >> 3 == wanted {
                return Some(field);
            }
        }
    })
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// Accepts and never answers.
pub fn silent() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let port = listener.local_addr()?.port();
    std::thread::spawn(move || {
        let _held: Vec<TcpStream> = listener.incoming().map_while(Result::ok).collect();
    });
    Ok(port)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_records() {
        // resource_spans { resource {} scope_spans { scope {} spans { 5: "x" } spans {} } }, twice.
        let scope = [0x0a, 0, 0x12, 3, 0x2a, 1, b'x', 0x12, 0];
        let mut resource = vec![0x0a, 0, 0x12, 9];
        resource.extend(scope);
        let mut request = Vec::new();
        for _ in 0..2 {
            request.extend([0x0a, 13]);
            request.extend(&resource);
        }
        assert_eq!(records(&request), 4);
        assert_eq!(records(&request[..20]), 2, "what is cut is left out");
        assert_eq!(records(b""), 0);
    }
}
