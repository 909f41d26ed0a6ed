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
    /// A body's parts, one after the other. `None` when it can't be done; then the body goes as it is. `between` is called between
    /// pieces of it.
    #[must_use]
    pub fn compress(&self, parts: &[&[u8]], between: impl Fn()) -> Option<Bytes> {
        let Ok(mut kept) = self.0.try_lock() else { return compressed(&mut new(), parts, between) };
        match &mut *kept {
            Some(with) => {
                with.reset();
                compressed(with, parts, between)
            }
            none => compressed(none.insert(new()), parts, between),
        }
    }
}

/// With a compressor of its own.
#[must_use]
pub fn once(body: &[u8]) -> Option<Bytes> {
    compressed(&mut new(), &[body], || {})
}

fn new() -> Compress {
    Compress::new_gzip(Compression::fast(), WINDOW_BITS)
}

fn compressed(with: &mut Compress, parts: &[&[u8]], between: impl Fn()) -> Option<Bytes> {
    // Telemetry shrinks to some seventh.
    let room = parts.iter().map(|part| part.len()).sum::<usize>() / 6 + AROUND;
    let mut out = Vec::with_capacity(room);
    for piece in parts.iter().flat_map(|part| part.chunks(PIECE)) {
        take_in(with, piece, &mut out, room)?;
        if piece.len() == PIECE {
            between();
        }
    }
    while with.compress_vec(&[], &mut out, FlushCompress::Finish).ok()? != Status::StreamEnd {
        out.reserve(room);
    }
    // What waits in memory is counted by its length.
    out.shrink_to_fit();
    Some(out.into())
}

/// Compresses all of the piece; `room` is added to `out` as often as that is full.
fn take_in(with: &mut Compress, mut piece: &[u8], out: &mut Vec<u8>, room: usize) -> Option<()> {
    while !piece.is_empty() {
        let before = with.total_in();
        with.compress_vec(piece, out, FlushCompress::None).ok()?;
        piece = piece.get(usize::try_from(with.total_in() - before).ok()?..)?;
        if out.len() == out.capacity() {
            out.reserve(room);
        }
    }
    Some(())
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
        let beside = gzip.compress(&[b"while it is in use"], || {}).unwrap();
        drop(busy);
        for (packed, body) in [
            (beside, b"while it is in use".to_vec()),
            (gzip.compress(&[b""], || {}).unwrap(), Vec::new()),
            (gzip.compress(&[], || {}).unwrap(), Vec::new()),
            (gzip.compress(&[&noise], || {}).unwrap(), noise.clone()),
            (gzip.compress(&[&noise[..9], b"", &noise[9..70_000], &noise[70_000..]], || {}).unwrap(), noise.clone()),
            (gzip.compress(&[&b"same ".repeat(50_000)], || {}).unwrap(), b"same ".repeat(50_000)),
            (once(&noise[..7]).unwrap(), noise[..7].to_vec()),
        ] {
            let mut plain = Vec::new();
            flate2::read::GzDecoder::new(&*packed).read_to_end(&mut plain).unwrap();
            assert!(plain == body, "{} bytes", body.len());
        }
    }
}
