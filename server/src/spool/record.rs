//! How records lie in a segment file, and how they are found again in one that was damaged. Pure: bytes in, bytes out.
//!
//! ```text
//!  0  4  "KnS1"                   20  4  records (spans or log records in it)
//!  4  1  state: 0 waits, 1 done   24  4  items (these and metric points)
//!  5  1  flags: 1 gzip            28  8  when it was written, in ms, by `clock`
//!  6  2  0                        36  4  CRC-32 of the body
//!  8  8  sequence                 40  4  CRC-32 of all of the above but the state
//! 16  4  length of the body       44  …  body: sealed
//! ```
//! Numbers are little-endian. The state is outside of the checksum, so that one byte written in place settles a record.

use std::ops::Range;

const MAGIC: [u8; 4] = *b"KnS1";
/// Bytes before the body.
pub const HEAD: usize = 44;
/// Where the state is in a record.
pub const STATE_AT: u64 = 4;
pub const DONE: u8 = 1;
const GZIP: u8 = 1;

/// What is told of a payload outside of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Meta {
    /// Spans and log records in it.
    pub records: u32,
    /// These and metric points.
    pub items: u32,
    pub gzip: bool,
}

/// The head of a record, as it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    pub sequence: u64,
    pub meta: Meta,
    /// When the payload was first written down, in milliseconds, by the spool's clock.
    pub written: u64,
    pub length: usize,
    pub done: bool,
    pub body_crc: u32,
}

/// What a scan finds, in order, without a gap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    Record {
        at: usize,
        head: Head,
    },
    /// Bytes that are no record any more; `head` is what is still known of one whose body was damaged.
    Damaged {
        range: Range<usize>,
        head: Option<Head>,
    },
}

fn crc(parts: [&[u8]; 2]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    parts.iter().for_each(|part| hasher.update(part));
    hasher.finalize()
}

/// A record around a sealed body, which was first written down at `written`, in milliseconds by the spool's clock.
///
/// # Errors
/// The body is longer than 4 GiB.
pub fn encode(sequence: u64, meta: Meta, written: u64, body: &[u8]) -> Result<Vec<u8>, std::num::TryFromIntError> {
    let length = u32::try_from(body.len())?;
    let mut out = Vec::with_capacity(HEAD + body.len());
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&[0, if meta.gzip { GZIP } else { 0 }, 0, 0]);
    out.extend_from_slice(&sequence.to_le_bytes());
    for number in [length, meta.records, meta.items] {
        out.extend_from_slice(&number.to_le_bytes());
    }
    out.extend_from_slice(&written.to_le_bytes());
    out.extend_from_slice(&crc([body, &[]]).to_le_bytes());
    let head_crc = crc([&out[..4], &out[5..]]);
    out.extend_from_slice(&head_crc.to_le_bytes());
    out.extend_from_slice(body);
    Ok(out)
}

/// The head that these bytes begin with, if they do.
#[must_use]
pub fn head(bytes: &[u8]) -> Option<Head> {
    let head: &[u8; HEAD] = bytes.first_chunk()?;
    let u32_at = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
    let u64_at = |at: usize| u64::from(u32_at(at)) | u64::from(u32_at(at + 4)) << 32;
    if head[..4] != MAGIC || crc([&head[..4], &head[5..40]]) != u32_at(40) {
        return None;
    }
    Some(Head {
        sequence: u64_at(8),
        length: u32_at(16) as usize,
        meta: Meta { records: u32_at(20), items: u32_at(24), gzip: head[5] & GZIP != 0 },
        written: u64_at(28),
        done: head[4] == DONE,
        body_crc: u32_at(36),
    })
}

/// Whether a body is the one its head speaks of.
#[must_use]
pub fn is_whole(head: &Head, body: &[u8]) -> bool {
    body.len() == head.length && crc([body, &[]]) == head.body_crc
}

/// Everything in a segment. After damage it goes on at the next head that is whole.
#[must_use]
pub fn scan(bytes: &[u8]) -> Vec<Found> {
    let mut out = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        match head(&bytes[at..]) {
            Some(head) => {
                let body = bytes.get(at + HEAD..).and_then(|rest| rest.get(..head.length));
                if body.is_some_and(|body| is_whole(&head, body)) {
                    out.push(Found::Record { at, head });
                    at += HEAD + head.length;
                } else {
                    let end = next_head(bytes, at + HEAD).min((at + HEAD).saturating_add(head.length)).min(bytes.len());
                    out.push(Found::Damaged { range: at..end, head: Some(head) });
                    at = end;
                }
            }
            None => {
                let end = next_head(bytes, at + 1);
                out.push(Found::Damaged { range: at..end, head: None });
                at = end;
            }
        }
    }
    out
}

fn next_head(bytes: &[u8], from: usize) -> usize {
    (from..bytes.len()).find(|at| bytes[*at] == MAGIC[0] && head(&bytes[*at..]).is_some()).unwrap_or(bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    const WRITTEN: u64 = 1_700_000_000_123;

    fn meta(records: u32) -> Meta {
        Meta { records, items: records + 1, gzip: records.is_multiple_of(2) }
    }

    fn segment() -> (Vec<u8>, Vec<usize>) {
        let (mut bytes, mut starts) = (Vec::new(), Vec::new());
        for n in 0..4_u32 {
            starts.push(bytes.len());
            let body: Vec<u8> = (0..100 + n).map(|byte| (byte * 7) as u8).collect();
            bytes.extend(encode(u64::from(n), meta(n), WRITTEN, &body).unwrap());
        }
        (bytes, starts)
    }

    fn sequences(found: &[Found]) -> Vec<u64> {
        found.iter().filter_map(|found| if let Found::Record { head, .. } = found { Some(head.sequence) } else { None }).collect()
    }

    fn covers(found: &[Found]) -> usize {
        found.iter().fold(0, |at, found| match found {
            Found::Record { at: start, head } => {
                assert_eq!(*start, at);
                at + HEAD + head.length
            }
            Found::Damaged { range, .. } => {
                assert!(range.start == at && range.end > at);
                range.end
            }
        })
    }

    #[test]
    fn what_was_written_is_found() {
        let (bytes, starts) = segment();
        let found = scan(&bytes);
        assert_eq!((sequences(&found), covers(&found)), (vec![0, 1, 2, 3], bytes.len()));
        let Found::Record { at, head } = &found[2] else { panic!("a record") };
        assert_eq!((*at, head.meta, head.written, head.length, head.done), (starts[2], meta(2), WRITTEN, 102, false));
    }

    #[test]
    fn settling_a_record_is_one_byte_outside_of_the_checksum() {
        let (mut bytes, starts) = segment();
        bytes[starts[1] + STATE_AT as usize] = DONE;
        let found = scan(&bytes);
        assert_eq!(sequences(&found), [0, 1, 2, 3]);
        assert!(matches!(&found[1], Found::Record { head, .. } if head.done));
    }

    /// Whatever single byte is changed, and wherever the file is cut, at most one record is lost.
    #[test]
    fn damage_costs_the_record_it_is_in_and_no_other() {
        let (whole, starts) = segment();
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x55;
            let found = scan(&bytes);
            assert_eq!(covers(&found), bytes.len(), "byte {at}");
            let hit = starts.iter().rposition(|start| *start <= at).unwrap() as u64;
            let in_state = at as u64 - starts[hit as usize] as u64 == STATE_AT;
            let expected: Vec<u64> = (0..4).filter(|n| *n != hit || in_state).collect();
            assert_eq!(sequences(&found), expected, "byte {at}");
        }
        for length in 0..whole.len() {
            let found = scan(&whole[..length]);
            assert_eq!(covers(&found), length);
            let complete = starts.iter().skip(1).chain([&whole.len()]).filter(|end| **end <= length).count() as u64;
            assert_eq!(sequences(&found), (0..complete).collect::<Vec<_>>(), "cut at {length}");
        }
    }

    #[test]
    fn a_damaged_body_is_still_counted_by_its_head() {
        let (mut bytes, starts) = segment();
        bytes[starts[3] + HEAD + 5] ^= 1;
        let found = scan(&bytes);
        assert!(matches!(&found[3], Found::Damaged { head: Some(head), .. } if head.meta.records == 3));
    }

    #[test]
    fn lengths_that_lie_reach_nowhere() {
        let mut bytes = encode(1, meta(1), WRITTEN, b"body").unwrap();
        bytes.truncate(HEAD);
        let mut lying = bytes.clone();
        lying[16..20].copy_from_slice(&u32::MAX.to_le_bytes());
        let head_crc = crc([&lying[..4], &lying[5..40]]);
        lying[40..44].copy_from_slice(&head_crc.to_le_bytes());
        lying.extend(encode(2, meta(2), WRITTEN, b"next").unwrap());
        assert_eq!(sequences(&scan(&lying)), [2]);
    }
}
