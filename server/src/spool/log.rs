//! A first-in, first-out log of sealed payloads in segment files: what can't be sent for now, oldest first.
//!
//! Every call works on the disk and may take long. No file stays open between two calls, so that ten thousand logs need no
//! descriptors. It counts what it loses and why; it knows nothing of who sends.

use std::collections::VecDeque;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use super::count::{Count, Losses};
use super::record::{self, Found, HEAD, Head, Meta};
use super::shared::Shared;
use crate::budget::Budget;
use crate::vault::Binding;

/// Names of segment files end like this.
const EXTENSION: &str = "seg";

#[derive(Debug)]
pub struct Log {
    folder: PathBuf,
    shared: Arc<Shared>,
    /// What the destination's logs share.
    budget: Arc<Budget>,
    segments: VecDeque<Segment>,
    next_number: u64,
    next_sequence: u64,
    /// Handed out, and not settled yet.
    held: Option<Ticket>,
    bytes: usize,
    waiting: Count,
    unsynced: bool,
    losses: Losses,
}

#[derive(Debug)]
struct Segment {
    number: u64,
    bytes: usize,
    waiting: Count,
    /// What waits in it, once somebody reads it.
    entries: Option<VecDeque<Entry>>,
    /// Nothing more may be written to it: its end is not known to be whole.
    sealed: bool,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    at: u64,
    head: Head,
}

/// A payload in a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket {
    segment: u64,
    at: u64,
    meta: Meta,
}

impl Ticket {
    #[must_use]
    pub const fn meta(&self) -> Meta {
        self.meta
    }
}

impl Log {
    /// Opens what lies in the folder, which need not be there. Damage is put into quarantine, counted and left out.
    ///
    /// # Errors
    /// The folder can't be listed.
    pub(super) fn open(shared: Arc<Shared>, folder: PathBuf, budget: Arc<Budget>) -> io::Result<Self> {
        let mut log = Self {
            folder,
            shared,
            budget,
            segments: VecDeque::new(),
            next_number: 0,
            next_sequence: 0,
            held: None,
            bytes: 0,
            waiting: Count::default(),
            unsynced: false,
            losses: Losses::default(),
        };
        let mut numbers = match fs::read_dir(&log.folder) {
            Ok(files) => files.filter_map(|file| number_of(&file.ok()?.path())).collect::<Vec<_>>(),
            Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error),
        };
        numbers.sort_unstable();
        log.next_number = numbers.last().map_or(0, |last| last + 1);
        for number in numbers {
            log.take_in(number);
        }
        Ok(log)
    }

    fn path(&self, number: u64) -> PathBuf {
        self.folder.join(format!("{number:020}.{EXTENSION}"))
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
            match rewrite(&path, &bytes, &entries) {
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

    /// What was lost since this was last asked.
    pub fn take_losses(&mut self) -> Losses {
        std::mem::take(&mut self.losses)
    }

    /// Writes a payload at the end. The oldest make room for it, counted as lost; with nothing left to make room, itself:
    /// then there is no ticket. It is safe from the end of this process from now on, and from a power failure after the next
    /// [`Log::sync`].
    ///
    /// # Errors
    /// The disk did not take it; nothing changed.
    pub fn append(&mut self, meta: Meta, body: &[u8]) -> io::Result<Option<Ticket>> {
        let sequence = self.next_sequence;
        let sealed = self.shared.vault.seal_bytes(&self.binding(&sequence.to_string()), body).map_err(io::Error::other)?;
        let record = record::encode(sequence, meta, &sealed).map_err(io::Error::other)?;
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
        if let Err(error) = write_at_end(&path, last.bytes, &record) {
            // Should the torn end not be cut off, nothing is written behind it.
            last.sealed = cut(&path, last.bytes).is_err();
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
        self.unsynced = true;
        self.hold_bytes(record.len());
        Ok(Some(Ticket { segment: number, at, meta }))
    }

    /// The record's place in the spool: a payload that was moved to another log, or within it, does not open.
    fn binding<'a>(&'a self, sequence: &'a str) -> Binding<'a> {
        let place = self.folder.strip_prefix(&self.shared.root).unwrap_or(&self.folder);
        Binding { tree: "spool", record: place.to_str().unwrap_or_default(), field: sequence }
    }

    fn make_room(&mut self, bytes: usize) -> bool {
        while !(self.budget.allows(self.bytes, bytes) && self.shared.total.allows(self.bytes, bytes)) {
            let Some(oldest) = self.segments.pop_front() else { return false };
            let mut lost = oldest.waiting;
            if let Some(held) = self.held.filter(|held| held.segment == oldest.number) {
                lost -= Count::of(held.meta);
            }
            self.losses.full += lost;
            self.forget(&oldest);
        }
        true
    }

    fn forget(&mut self, segment: &Segment) {
        let _ = fs::remove_file(self.path(segment.number));
        self.waiting -= segment.waiting;
        self.release_bytes(segment.bytes);
    }

    fn begin_segment(&mut self) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
        let number = self.next_number;
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(self.path(number))?;
        self.next_number += 1;
        self.segments.push_back(Segment { number, bytes: 0, waiting: Count::default(), entries: Some(VecDeque::new()), sealed: false });
        Ok(())
    }

    /// A segment that nothing was written to.
    fn drop_empty_end(&mut self) {
        if self.segments.back().is_some_and(|last| last.bytes == 0 && !last.sealed)
            && let Some(last) = self.segments.pop_back()
        {
            self.forget(&last);
        }
    }

    /// Brings what was appended to the disk itself.
    ///
    /// # Errors
    /// The disk's.
    pub fn sync(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.unsynced)
            && let Some(last) = self.segments.back()
        {
            File::open(self.path(last.number))?.sync_data()?;
            File::open(&self.folder)?.sync_data()?;
        }
        Ok(())
    }

    #[must_use]
    pub const fn is_unsynced(&self) -> bool {
        self.unsynced
    }

    /// The oldest payload that waits, behind `after` if that is given. It stays until it is settled. Payloads that do not
    /// open or are too old are counted as lost on the way.
    ///
    /// # Errors
    /// The disk can't be read now; later it may be.
    pub fn read(&mut self, after: Option<Ticket>) -> io::Result<Option<(Ticket, Vec<u8>)>> {
        let mut index = after.map_or(0, |after| self.segments.partition_point(|segment| segment.number < after.segment));
        while index < self.segments.len() {
            let number = self.segments[index].number;
            if self.segments[index].entries.is_none() {
                self.list(index)?;
            }
            let passed = |entry: &Entry| after.is_some_and(|after| after.segment == number && entry.at <= after.at);
            let entries = self.segments[index].entries.iter().flatten();
            let Some(entry) = entries.copied().find(|entry| !passed(entry)) else {
                if index == 0 && self.segments[0].waiting.payloads == 0 {
                    if let Some(empty) = self.segments.pop_front() {
                        self.forget(&empty);
                    }
                } else {
                    index += 1;
                }
                continue;
            };
            let ticket = Ticket { segment: number, at: entry.at, meta: entry.head.meta };
            if self.is_too_old(entry.head.meta) {
                self.losses.expired += Count::of(entry.head.meta);
                self.settle(ticket);
                continue;
            }
            match self.body(number, &entry)? {
                Some(body) => return Ok(Some((ticket, body))),
                None => {
                    self.losses.damaged += Count::of(entry.head.meta);
                    self.settle(ticket);
                }
            }
        }
        Ok(None)
    }

    fn is_too_old(&self, meta: Meta) -> bool {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let age = u64::try_from(now.as_millis()).unwrap_or(u64::MAX).saturating_sub(meta.at);
        u128::from(age) > self.shared.options.max_age.as_millis()
    }

    /// Lists a segment's records.
    fn list(&mut self, index: usize) -> io::Result<()> {
        let number = self.segments[index].number;
        let bytes = match fs::read(self.path(number)) {
            Ok(bytes) => bytes,
            // Somebody removed it: what was in it is lost.
            Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error),
        };
        let damaged = self.losses.damaged;
        let (entries, _) = self.sift(number, &bytes);
        let there: Count = entries.iter().map(|entry| Count::of(entry.head.meta)).sum();
        let segment = &mut self.segments[index];
        // By difference: of records whose head is gone nobody can read any more how much was in them.
        let gone = segment.waiting.without(there);
        segment.waiting = there;
        segment.entries = Some(entries);
        self.losses.damaged = damaged;
        self.losses.damaged += gone;
        self.waiting -= gone;
        Ok(())
    }

    /// A record's payload, or `None` when it is not what was written.
    fn body(&self, number: u64, entry: &Entry) -> io::Result<Option<Vec<u8>>> {
        let mut sealed = vec![0; entry.head.length];
        let read = File::open(self.path(number)).and_then(|file| file.read_exact_at(&mut sealed, entry.at + HEAD as u64));
        match read {
            Ok(()) => {}
            Err(error) if matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::NotFound) => return Ok(None),
            Err(error) => return Err(error),
        }
        if record::is_whole(&entry.head, &sealed)
            && let Ok(body) = self.shared.vault.open_bytes(&self.binding(&entry.head.sequence.to_string()), &sealed)
        {
            return Ok(Some(body.to_vec()));
        }
        let at = usize::try_from(entry.at).unwrap_or(usize::MAX);
        self.shared.quarantine.put(&self.folder, number, at, &sealed);
        Ok(None)
    }

    /// While a payload is held, its loss to make room is not counted: whoever holds it still has it.
    pub const fn hold(&mut self, ticket: Ticket) {
        self.held = Some(ticket);
    }

    /// Whether the payload still waits here: it may have made room for others.
    #[must_use]
    pub fn has(&self, ticket: Ticket) -> bool {
        self.segments.iter().any(|segment| segment.number == ticket.segment)
    }

    /// The payload is not waiting any more, whatever became of it. Should the disk not take that, it may be sent again after
    /// a restart.
    pub fn settle(&mut self, ticket: Ticket) {
        if self.held == Some(ticket) {
            self.held = None;
        }
        let Some(index) = self.segments.iter().position(|segment| segment.number == ticket.segment) else { return };
        let path = self.path(ticket.segment);
        let count = Count::of(ticket.meta);
        let segment = &mut self.segments[index];
        segment.waiting -= count;
        self.waiting -= count;
        if let Some(entries) = &mut segment.entries {
            entries.retain(|entry| entry.at != ticket.at);
        }
        if segment.waiting.payloads == 0 {
            if let Some(segment) = self.segments.remove(index) {
                self.forget(&segment);
            }
            self.remove_empty_folders();
        } else if let Err(error) = OpenOptions::new().write(true).open(&path).and_then(|file| {
            // In place, outside of the checksum.
            file.write_all_at(&[record::DONE], ticket.at + record::STATE_AT)
        }) {
            tracing::warn!(path = %path.display(), %error, "a delivered payload can't be marked; it may be sent again after a restart");
        }
    }

    fn remove_empty_folders(&self) {
        if self.segments.is_empty() {
            for folder in self.folder.ancestors().take_while(|folder| *folder != self.shared.root) {
                if fs::remove_dir(folder).is_err() {
                    return;
                }
            }
        }
    }

    /// Removes everything; tells what was in it.
    #[must_use = "what was in it has to be counted"]
    pub fn destroy(mut self) -> Count {
        let waiting = self.waiting;
        while let Some(segment) = self.segments.pop_front() {
            self.forget(&segment);
        }
        self.remove_empty_folders();
        waiting
    }

    /// From now on its bytes count for another destination.
    pub fn move_to(&mut self, budget: &Arc<Budget>) {
        self.budget.give(self.bytes);
        budget.take(self.bytes);
        self.budget = Arc::clone(budget);
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.budget.give(self.bytes);
        self.shared.total.give(self.bytes);
        self.shared.close(&self.folder);
    }
}

fn number_of(path: &Path) -> Option<u64> {
    (path.extension()? == EXTENSION).then(|| path.file_stem()?.to_str()?.parse().ok()).flatten()
}

fn write_at_end(path: &Path, end: usize, record: &[u8]) -> io::Result<()> {
    OpenOptions::new().write(true).open(path)?.write_all_at(record, end as u64)
}

fn cut(path: &Path, length: usize) -> io::Result<()> {
    OpenOptions::new().write(true).open(path)?.set_len(length as u64)
}

/// Writes a segment anew with only these records; answers with its length.
fn rewrite(path: &Path, bytes: &[u8], entries: &VecDeque<Entry>) -> io::Result<usize> {
    let kept: Vec<u8> = entries
        .iter()
        .filter_map(|entry| {
            let at = usize::try_from(entry.at).ok()?;
            bytes.get(at..at + HEAD + entry.head.length)
        })
        .flatten()
        .copied()
        .collect();
    let draft = path.with_extension("new");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
    let written = file.write_all(&kept).and_then(|()| file.sync_data()).and_then(|()| fs::rename(&draft, path));
    if let Err(error) = written {
        let _ = fs::remove_file(&draft);
        return Err(error);
    }
    Ok(kept.len())
}

#[cfg(test)]
#[path = "log_tests.rs"]
mod tests;
