//! A first-in, first-out log of sealed payloads in segment files: what can't be sent for now, oldest first.
//!
//! Every call works on the disk and may take long. No file stays open between two calls, so that ten thousand logs need no
//! descriptors. It counts what it loses and why; it knows nothing of who sends.

use std::collections::{BTreeMap, VecDeque};
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::PathBuf;
use std::sync::Arc;

use super::count::{Count, Losses};
use super::record::{self, Found, HEAD, Meta};
use super::segment::{self, Entry, Segment};
use super::shared::Shared;
use crate::budget::Budget;
use crate::vault::Binding;

mod reading;

/// Bytes that sealing adds to a payload: nonce and tag.
const SEALING: usize = 40;

#[derive(Debug)]
pub struct Log {
    folder: PathBuf,
    shared: Arc<Shared>,
    /// What the destination's logs share.
    budget: Arc<Budget>,
    segments: VecDeque<Segment>,
    next_number: u64,
    next_sequence: u64,
    /// Handed out and not settled yet, by segment and place.
    held: BTreeMap<(u64, u64), Count>,
    bytes: usize,
    waiting: Count,
    /// The first segment that was written to since the last sync.
    unsynced: Option<u64>,
    /// A segment was begun since then.
    unlisted: bool,
    losses: Losses,
}

/// A payload in a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket {
    segment: u64,
    at: u64,
    meta: Meta,
    written: u64,
}

impl Ticket {
    #[must_use]
    pub const fn meta(&self) -> Meta {
        self.meta
    }

    /// When the payload was first written down, in milliseconds, by the spool's clock.
    #[must_use]
    pub const fn written(&self) -> u64 {
        self.written
    }
}

impl Log {
    /// Opens what lies in the folder, which need not be there. Damage is put into quarantine, counted and left out.
    ///
    /// # Errors
    /// The folder can't be listed, or a file not be opened for now.
    pub(super) fn open(shared: Arc<Shared>, folder: PathBuf, budget: Arc<Budget>) -> io::Result<Self> {
        // Before there is a log whose end would let go of the folder.
        let numbers = segment::openable(&folder)?;
        let mut log = Self {
            folder,
            shared,
            budget,
            segments: VecDeque::new(),
            next_number: numbers.last().map_or(0, |last| last + 1),
            next_sequence: 0,
            held: BTreeMap::new(),
            bytes: 0,
            waiting: Count::default(),
            unsynced: None,
            unlisted: false,
            losses: Losses::default(),
        };
        for number in numbers {
            log.take_in(number);
        }
        segment::remove_drafts(&log.folder);
        log.remove_empty_folders();
        Ok(log)
    }

    fn path(&self, number: u64) -> PathBuf {
        segment::path(&self.folder, number)
    }

    fn take_in(&mut self, number: u64) {
        let path = self.path(number);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "a spooled segment can't be read and is left where it is");
                self.losses.damaged += Count { payloads: 1, ..Count::default() };
                return;
            }
        };
        let (entries, clean) = self.sift(number, &bytes);
        if entries.is_empty() {
            let _ = fs::remove_file(&path);
            return;
        }
        let mut length = bytes.len();
        if !clean {
            match segment::rewrite(&path, &bytes, &entries) {
                Ok(written) => length = written,
                Err(error) => tracing::warn!(path = %path.display(), %error, "a damaged segment can't be written anew"),
            }
        }
        let waiting = entries.iter().map(|entry| Count::of(entry.head.meta)).sum();
        self.next_sequence = entries.iter().map(|entry| entry.head.sequence + 1).max().unwrap_or(0).max(self.next_sequence);
        self.hold_bytes(length);
        self.waiting += waiting;
        self.segments.push_back(Segment { number, bytes: length, waiting, entries: None, sealed: true });
    }

    /// What waits in a segment, and whether all of it is whole; what is not goes into quarantine and is counted.
    fn sift(&mut self, number: u64, bytes: &[u8]) -> (VecDeque<Entry>, bool) {
        let (mut entries, mut clean) = (VecDeque::new(), true);
        for found in record::scan(bytes) {
            match found {
                Found::Record { at, head } if !head.done => entries.push_back(Entry { at: at as u64, head }),
                Found::Record { .. } => {}
                Found::Damaged { head: Some(head), .. } if head.done => {}
                Found::Damaged { range, head } => {
                    clean = false;
                    self.losses.damaged += head.map_or(Count { payloads: 1, ..Count::default() }, |head| Count::of(head.meta));
                    self.shared.quarantine.put(&self.folder, number, range.start, &bytes[range]);
                }
            }
        }
        (entries, clean)
    }

    fn hold_bytes(&mut self, bytes: usize) {
        self.bytes += bytes;
        self.budget.take(bytes);
        self.shared.total.take(bytes);
    }

    fn release_bytes(&mut self, bytes: usize) {
        self.bytes -= bytes;
        self.budget.give(bytes);
        self.shared.total.give(bytes);
    }

    /// What waits, also what was handed out and is not settled.
    #[must_use]
    pub const fn waiting(&self) -> Count {
        self.waiting
    }

    /// Bytes on disk.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether something that was appended is not on the disk itself yet.
    #[must_use]
    pub const fn is_unsynced(&self) -> bool {
        self.unsynced.is_some()
    }

    /// What was lost since this was last asked.
    pub fn take_losses(&mut self) -> Losses {
        std::mem::take(&mut self.losses)
    }

    /// Writes a payload at the end. The oldest make room for it, counted as lost; with nothing left to make room, itself:
    /// then there is no ticket. It is safe from the end of this process from now on, and from a power failure after the next
    /// [`Log::sync`]. `written` is when it was first written down, in milliseconds by the spool's clock; without one that is now.
    ///
    /// # Errors
    /// The disk did not take it; nothing changed.
    pub fn append(&mut self, meta: Meta, written: Option<u64>, body: &[u8]) -> io::Result<Option<Ticket>> {
        let sequence = self.next_sequence;
        let written = written.unwrap_or_else(|| self.shared.clock.now());
        let sealed = self.shared.vault.seal_bytes(&self.binding(&sequence.to_string()), body).map_err(io::Error::other)?;
        let record = record::encode(sequence, meta, written, &sealed).map_err(io::Error::other)?;
        if !self.make_room(record.len()) {
            self.losses.full += Count::of(meta);
            return Ok(None);
        }
        let full = |segment: &Segment| segment.sealed || segment.bytes + record.len() > self.shared.options.segment_bytes;
        if self.segments.back().is_none_or(full) {
            self.begin_segment()?;
        }
        let Some(number) = self.segments.back().map(|segment| segment.number) else { return Ok(None) };
        let path = self.path(number);
        let Some(last) = self.segments.back_mut() else { return Ok(None) };
        if let Err(error) = segment::write_at_end(&path, last.bytes, &record) {
            if error.kind() == ErrorKind::NotFound {
                // Somebody removed it. What comes begins a new one, in a folder that is made anew if that is gone too.
                self.forget_missing();
                if self.segments.back().is_none_or(|last| last.number != number) {
                    return self.append(meta, Some(written), body);
                }
                return Err(error);
            }
            // Should the torn end not be cut off, nothing is written behind it.
            last.sealed = segment::cut(&path, last.bytes).is_err();
            self.drop_empty_end();
            return Err(error);
        }
        let (at, count) = (last.bytes as u64, Count::of(meta));
        last.bytes += record.len();
        last.waiting += count;
        if let (Some(entries), Some(head)) = (&mut last.entries, record::head(&record)) {
            entries.push_back(Entry { at, head });
        }
        self.next_sequence += 1;
        self.waiting += count;
        self.unsynced.get_or_insert(number);
        self.hold_bytes(record.len());
        Ok(Some(Ticket { segment: number, at, meta, written }))
    }

    /// The record's place in the spool: a payload that was moved to another log, or within it, does not open.
    fn binding<'a>(&'a self, sequence: &'a str) -> Binding<'a> {
        let place = self.folder.strip_prefix(&self.shared.root).unwrap_or(&self.folder);
        Binding { tree: "spool", record: place.to_str().unwrap_or_default(), field: sequence }
    }

    fn make_room(&mut self, bytes: usize) -> bool {
        while !self.allows(bytes) {
            if self.would_evict_in_vain(bytes, 0) || !self.evict() {
                return false;
            }
        }
        true
    }

    /// Whether others hold so much of the whole, as they may after its limit was lowered, that there would be no room for a record
    /// with nothing left here, and here is no more than a fair part. `more` bytes of the same owner would go first.
    fn would_evict_in_vain(&self, record: usize, more: usize) -> bool {
        let own = self.bytes + more;
        self.budget.allows(self.bytes, record) && !self.shared.total.leaves(own, record) && own <= self.shared.fair_part()
    }

    /// Whether a payload of this size fits, or may once the oldest made room, of this log or of `older` ones of the same owner
    /// that have so many bytes.
    #[must_use]
    pub fn may_have_room(&self, bytes: usize, older: usize) -> bool {
        !self.would_evict_in_vain(bytes + HEAD + SEALING, older)
    }

    fn allows(&self, bytes: usize) -> bool {
        self.budget.allows(self.bytes, bytes) && self.shared.total.allows(self.bytes, bytes)
    }

    /// Whether a payload of this size fits without anything making room.
    #[must_use]
    pub fn has_room(&self, bytes: usize) -> bool {
        self.allows(bytes + HEAD + SEALING)
    }

    /// Drops the oldest segment and counts what was lost with it; `false` when there is none.
    pub fn evict(&mut self) -> bool {
        let Some(oldest) = self.segments.pop_front() else { return false };
        self.losses.full += oldest.waiting.without(self.held_of(oldest.number));
        self.forget(&oldest);
        true
    }

    /// Lets go of segments whose files somebody removed: what was in them is lost, as far as nobody has it in hand.
    pub fn forget_missing(&mut self) {
        let missing = |segment: &Segment| fs::metadata(self.path(segment.number)).is_err_and(|error| error.kind() == ErrorKind::NotFound);
        let gone: Vec<u64> = self.segments.iter().filter(|segment| missing(segment)).map(|segment| segment.number).collect();
        for number in gone {
            let Some(segment) = self.segments.iter().position(|segment| segment.number == number).and_then(|at| self.segments.remove(at))
            else {
                continue;
            };
            self.losses.damaged += segment.waiting.without(self.held_of(number));
            self.forget(&segment);
        }
    }

    /// What somebody has in hand of a segment.
    fn held_of(&self, segment: u64) -> Count {
        self.held.range((segment, 0)..=(segment, u64::MAX)).map(|(_, held)| *held).sum()
    }

    fn forget(&mut self, segment: &Segment) {
        let _ = fs::remove_file(self.path(segment.number));
        self.waiting -= segment.waiting;
        self.release_bytes(segment.bytes);
    }

    fn begin_segment(&mut self) -> io::Result<()> {
        let number = self.next_number;
        segment::create(&self.folder, number)?;
        self.shared.clock.keep();
        self.unlisted = true;
        self.next_number += 1;
        // Only the first is read from; of the others it is listed again when it is their turn.
        if self.segments.len() > 1
            && let Some(last) = self.segments.back_mut()
        {
            last.entries = None;
        }
        self.segments.push_back(Segment { number, bytes: 0, waiting: Count::default(), entries: Some(VecDeque::new()), sealed: false });
        Ok(())
    }

    /// A segment that nothing was written to.
    fn drop_empty_end(&mut self) {
        if self.segments.back().is_some_and(|last| last.bytes == 0)
            && let Some(last) = self.segments.pop_back()
        {
            self.forget(&last);
            self.remove_empty_folders();
        }
    }

    /// Brings what was appended to the disk itself.
    ///
    /// # Errors
    /// The disk's.
    pub fn sync(&mut self) -> io::Result<()> {
        let Some(from) = self.unsynced else { return Ok(()) };
        for segment in self.segments.iter().filter(|segment| segment.number >= from) {
            File::open(self.path(segment.number))?.sync_data()?;
        }
        if self.unlisted && !self.segments.is_empty() {
            for folder in self.folder.ancestors().take_while(|folder| folder.starts_with(&self.shared.root)) {
                match File::open(folder)?.sync_data() {
                    // Some filesystems have no such thing.
                    Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => {}
                    synced => synced?,
                }
            }
        }
        if !self.segments.is_empty() {
            self.shared.clock.keep();
        }
        (self.unsynced, self.unlisted) = (None, false);
        Ok(())
    }

    /// Removes everything; tells what was in it, and what was lost before.
    #[must_use = "what was in it has to be counted"]
    pub fn destroy(mut self) -> (Count, Losses) {
        self.forget_missing();
        let waiting = self.waiting;
        while let Some(segment) = self.segments.pop_front() {
            self.forget(&segment);
        }
        self.remove_empty_folders();
        (waiting, self.take_losses())
    }

    /// From now on its bytes count for another destination.
    pub fn move_to(&mut self, budget: &Arc<Budget>) {
        self.budget.give(self.bytes);
        budget.take(self.bytes);
        self.budget = Arc::clone(budget);
    }
}

impl Drop for Log {
    /// What stays on disk keeps its part of the whole.
    fn drop(&mut self) {
        self.budget.give(self.bytes);
        self.shared.close(&self.folder, self.bytes);
    }
}

#[cfg(test)]
mod tests;
