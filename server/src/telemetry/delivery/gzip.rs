//! Compressing bodies, quick rather than small: it costs the gateway's own processor time.

use std::sync::Mutex;

use bytes::Bytes;
use flate2::{Compress, Compression, FlushCompress, Status};

/// zlib's usual window.
const WINDOW_BITS: u8 = 15;

/// What is compressed at a time: some 80 µs of work.
const PIECE: usize = 64 * 1024;

/// gzip's header and trailer, and what an empty body takes.
const AROUND: usize = 64;

/// A compressor that is kept from one body to the next: making one costs as much as compressing a small body, and holds a
/// third of a megabyte. Whoever finds it in use makes another.
#[derive(Debug, Default)]
pub struct Gzip(Mutex<Option<Compress>>);

impl Gzip {
    /// `None` when it can't be done; then the body goes as it is. `between` is called between its pieces.
    #[must_use]
    pub fn compress(&self, body: &[u8], between: impl Fn()) -> Option<Bytes> {
        let Ok(mut kept) = self.0.try_lock() else { return compressed(&mut new(), body, between) };
        match &mut *kept {
            Some(with) => {
                with.reset();
                compressed(with, body, between)
            }
            none => compressed(none.insert(new()), body, between),
        }
    }
}

/// With a compressor of its own.
#[must_use]
pub fn once(body: &[u8]) -> Option<Bytes> {
    compressed(&mut new(), body, || {})
}

fn new() -> Compress {
    Compress::new_gzip(Compression::fast(), WINDOW_BITS)
}

fn compressed(with: &mut Compress, body: &[u8], between: impl Fn()) -> Option<Bytes> {
    // Telemetry shrinks to some seventh.
    let mut out = Vec::with_capacity(body.len() / 6 + AROUND);
    loop {
        let rest = body.get(usize::try_from(with.total_in()).ok()?..)?;
        let (piece, flush) = rest.get(..PIECE).map_or((rest, FlushCompress::Finish), |piece| (piece, FlushCompress::None));
        match with.compress_vec(piece, &mut out, flush).ok()? {
            Status::StreamEnd => break,
            Status::Ok | Status::BufError if out.len() == out.capacity() => out.reserve(body.len() / 6 + AROUND),
            Status::Ok | Status::BufError => between(),
        }
    }
    // What waits in memory is counted by its length.
    out.shrink_to_fit();
    Some(out.into())
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn what_was_compressed_is_there_again_whatever_came_before() {
        let gzip = Gzip::default();
        let mut noise = vec![0; 100_000];
        getrandom::fill(&mut noise).unwrap();
        let busy = gzip.0.lock().unwrap();
        let beside = gzip.compress(b"while it is in use", || {}).unwrap();
        drop(busy);
        for (packed, body) in [
            (beside, b"while it is in use".to_vec()),
            (gzip.compress(b"", || {}).unwrap(), Vec::new()),
            (gzip.compress(&noise, || {}).unwrap(), noise.clone()),
            (gzip.compress(&b"same ".repeat(50_000), || {}).unwrap(), b"same ".repeat(50_000)),
            (once(&noise[..7]).unwrap(), noise[..7].to_vec()),
        ] {
            let mut plain = Vec::new();
            flate2::read::GzDecoder::new(&*packed).read_to_end(&mut plain).unwrap();
            assert!(plain == body, "{} bytes", body.len());
        }
    }
}
