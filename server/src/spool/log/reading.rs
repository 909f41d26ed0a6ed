//! Taking payloads out again, oldest first, and settling them.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt as _;

use super::{Log, Ticket};
use crate::spool::count::Count;
use crate::spool::record::{self, HEAD, Head};
use crate::spool::segment::Entry;

impl Log {
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
            let Head { meta, written, .. } = entry.head;
            let ticket = Ticket { segment: number, at: entry.at, meta, written };
            if self.is_too_old(written) {
                self.losses.expired += Count::of(meta);
                self.settle(ticket);
                continue;
            }
            match self.body(number, &entry)? {
                Some(body) => return Ok(Some((ticket, body))),
                None => {
                    self.losses.damaged += Count::of(meta);
                    self.settle(ticket);
                }
            }
        }
        Ok(None)
    }

    fn is_too_old(&self, written: u64) -> bool {
        self.shared.clock.is_older(written, self.shared.options.max_age)
    }

    /// Lets go of the oldest files, as far as everything in them has waited for too long: for a log that nobody reads.
    ///
    /// # Errors
    /// The disk can't be read now; later it may be.
    pub fn expire(&mut self) -> io::Result<()> {
        while let Some(first) = self.segments.front() {
            if first.entries.is_none() {
                self.list(0)?;
            }
            let mut entries = self.segments.front().into_iter().flat_map(|first| &first.entries).flatten();
            if !entries.all(|entry| self.is_too_old(entry.head.written)) {
                break;
            }
            if let Some(segment) = self.segments.pop_front() {
                self.losses.expired += segment.waiting;
                self.forget(&segment);
            }
        }
        self.remove_empty_folders();
        Ok(())
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

    /// These payloads and no others are held: their loss to make room is not counted, since whoever holds them still has them.
    pub fn hold(&mut self, tickets: &[Ticket]) {
        self.held = tickets.iter().map(|ticket| ((ticket.segment, ticket.at), Count::of(ticket.meta))).collect();
    }

    /// Whether the payload still waits here: it may have made room for others.
    #[must_use]
    pub fn has(&self, ticket: Ticket) -> bool {
        self.segments.iter().any(|segment| segment.number == ticket.segment)
    }

    /// The payload is not waiting any more, whatever became of it. Should the disk not take that, it may be sent again after
    /// a restart.
    pub fn settle(&mut self, ticket: Ticket) {
        self.held.remove(&(ticket.segment, ticket.at));
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

    /// Writes what waits in another log at the end of this one and brings it to the disk itself; only then it is gone from there.
    /// Answers whether all of it was taken: where there is no room without others making it, or the disk fails, it stays.
    pub fn take_from(&mut self, other: &mut Self) -> bool {
        let mut moved: Vec<(Ticket, Ticket)> = Vec::new();
        let whole = loop {
            match other.read(moved.last().map(|(from, _)| *from)) {
                Ok(None) => break true,
                Ok(Some((from, body))) if self.has_room(body.len()) => match self.append(from.meta, Some(from.written), &body) {
                    Ok(Some(to)) => moved.push((from, to)),
                    // It is counted as lost here, so it is there no more.
                    Ok(None) => {
                        other.settle(from);
                        break false;
                    }
                    Err(_) => break false,
                },
                Ok(Some(_)) | Err(_) => break false,
            }
        };
        let synced = self.sync().is_ok();
        for (from, to) in moved {
            if synced { other.settle(from) } else { self.settle(to) }
        }
        whole && synced
    }

    pub(super) fn remove_empty_folders(&self) {
        let mut folders = self.folder.ancestors().take_while(|folder| *folder != self.shared.root);
        if self.segments.is_empty() && folders.all(|folder| fs::remove_dir(folder).is_ok()) {
            self.shared.clock.forget();
        }
    }
}
