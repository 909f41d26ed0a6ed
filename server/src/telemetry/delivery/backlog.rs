//! What waits on disk for one signal of a destination: this life's log, and those of earlier lives before it. Works on the
//! disk beside the runtime, books what is lost, and keeps the ledger's numbers true.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use tokio::time::{Duration, Instant};

use super::Payload;
use super::disk::{Disk, Doing};
use crate::spool::{Count, Home, Left, Log, Losses, Meta, Spool, Ticket};
use crate::telemetry::status::{Ledger, Load, OnDisk, Reason};
use crate::values::Signal;

mod folding;
mod room;

use room::make_room;

/// What was written is brought to the disk itself at most this often, and at most this long after it was written.
const SYNC_EVERY: Duration = Duration::from_millis(500);

/// After this long what an earlier life left and could not be read is looked for again.
const ADOPT_AGAIN: Duration = Duration::from_secs(10);

pub struct Backlog {
    home: Option<Arc<Home>>,
    signal: Signal,
    ledger: Arc<Ledger>,
    /// Oldest first; the last one may be this life's own.
    logs: VecDeque<Kept>,
    /// The last of the logs is this life's own.
    has_own: bool,
    synced: Option<Instant>,
    /// When to look again for what earlier lives left, some of which could not be read.
    owed: Option<Instant>,
    disk: Disk,
}

struct Kept {
    log: Arc<Mutex<Log>>,
    waiting: Count,
    bytes: usize,
    /// Something of it is held.
    holds: bool,
    /// Something was written that is not on the disk itself yet.
    unsynced: bool,
}

/// Where a payload lies.
#[derive(Clone)]
pub struct Place {
    log: Arc<Mutex<Log>>,
    ticket: Ticket,
}

impl Place {
    /// When what lies there was first written down, in milliseconds, by the spool's clock.
    #[must_use]
    pub const fn written(&self) -> u64 {
        self.ticket.written()
    }
}

/// What work on a log left behind.
struct Done<T> {
    out: T,
    waiting: Count,
    bytes: usize,
    losses: Losses,
}

impl Backlog {
    pub fn new(home: Option<Arc<Home>>, signal: Signal, ledger: Arc<Ledger>) -> Self {
        let disk = Disk::new(signal, Arc::clone(&ledger));
        Self { home, signal, ledger, logs: VecDeque::new(), has_own: false, synced: None, owed: None, disk }
    }

    /// Whether anything can be kept on disk at all.
    #[must_use]
    pub const fn is_on(&self) -> bool {
        self.home.is_some()
    }

    #[must_use]
    pub fn spool(&self) -> Option<Spool> {
        self.home.as_ref().map(|home| home.spool().clone())
    }

    #[must_use]
    pub fn waiting(&self) -> Count {
        self.logs.iter().map(|kept| kept.waiting).sum()
    }

    /// Takes over what earlier lives left on disk: it is accepted anew. What can't be read now is [owed](Self::owed).
    pub async fn adopt(&mut self) {
        self.owed = None;
        let Some(home) = self.home.clone().filter(|home| home.has_left()) else { return self.disk.worked(Doing::Adopting) };
        let name = self.signal.name();
        let spool = home.spool().clone();
        let left = spool.run(move || home.left(name)).await.unwrap_or_else(|error| Left { logs: Vec::new(), error: Some(error) });
        self.take_over(left.logs);
        match left.error {
            None => self.disk.worked(Doing::Adopting),
            Some(error) => {
                self.disk.failed(Doing::Adopting, &error);
                self.owed = Some(Instant::now() + ADOPT_AGAIN);
            }
        }
    }

    /// When something that earlier lives left is to be looked for again.
    #[must_use]
    pub const fn owed(&self) -> Option<Instant> {
        self.owed
    }

    /// The signal is off: removes what earlier lives left on disk, and counts it. What can't be read now is left to the next start, and
    /// is no problem of a signal that is off.
    pub async fn discard(&mut self) {
        self.adopt().await;
        self.disk.worked(Doing::Adopting);
        let kept = std::mem::take(&mut self.logs).into_iter();
        let logs: Vec<Log> = kept.filter_map(|kept| Arc::into_inner(kept.log)?.into_inner().ok()).collect();
        if let Some(spool) = self.spool() {
            destroy(&self.ledger, spool, logs).await;
        }
        self.tell();
    }

    /// Logs that are older than anything here but what was taken over before.
    pub fn take_over(&mut self, logs: Vec<Log>) {
        for mut log in logs {
            if let Some(home) = &self.home {
                log.move_to(home.budget());
            }
            // Whoever had something of it in hand has it no more.
            log.hold(&[]);
            let (waiting, losses) = (log.waiting(), log.take_losses());
            self.ledger.accept(waiting.records + losses.damaged.records);
            self.book(losses);
            let at = self.logs.len() - usize::from(self.has_own);
            let (bytes, unsynced) = (log.bytes(), log.is_unsynced());
            self.logs.insert(at, Kept { bytes, waiting, log: Arc::new(Mutex::new(log)), holds: false, unsynced });
        }
        self.tell();
    }

    /// Writes payloads at the end, oldest first. What the disk did not take comes back.
    pub async fn push(&mut self, payloads: Vec<Payload>) -> (Vec<Option<Place>>, Vec<Payload>) {
        let Some(home) = self.home.clone() else { return (Vec::new(), payloads) };
        if payloads.is_empty() {
            return (Vec::new(), payloads);
        }
        if !self.has_own {
            let (name, spool) = (self.signal.name(), home.spool().clone());
            match spool.run(move || home.log(name)).await.flatten() {
                Ok(log) => {
                    let log = Arc::new(Mutex::new(log));
                    self.logs.push_back(Kept { log, waiting: Count::default(), bytes: 0, holds: false, unsynced: false });
                }
                Err(error) => {
                    self.disk.failed(Doing::Writing, &error);
                    return (Vec::new(), payloads);
                }
            }
            self.has_own = true;
        }
        self.fold().await;
        let mut whole = Load::default();
        payloads.iter().for_each(|payload| whole += payload.load);
        // Some may be gone.
        let index = self.logs.len() - 1;
        let log = Arc::clone(&self.logs[index].log);
        let older: Vec<_> = self.logs.iter().take(index).map(|kept| Arc::clone(&kept.log)).collect();
        let work = move |log: &mut Log| {
            let mut payloads = payloads.into_iter();
            let (mut tickets, mut rest, mut error, mut evicted) = (Vec::new(), Vec::new(), None, false);
            for payload in payloads.by_ref() {
                evicted |= make_room(log, &older, payload.body.len());
                match log.append(meta(&payload), payload.written, &payload.body) {
                    Ok(ticket) => tickets.push(ticket),
                    Err(failed) => {
                        rest.push(payload);
                        error = Some(failed);
                        break;
                    }
                }
            }
            rest.extend(payloads);
            (tickets, rest, error, evicted)
        };
        let done = self.on(index, work).await;
        if done.as_ref().map_or(true, |(.., evicted)| *evicted) {
            for older in 0..index {
                // What made room is booked.
                let _ = self.on(older, |_| ()).await;
            }
        }
        match done {
            Ok((tickets, rest, error, _)) => {
                match error {
                    Some(error) => self.disk.failed(Doing::Writing, &error),
                    None => self.disk.worked(Doing::Writing),
                }
                self.logs[index].unsynced = true;
                let place = |ticket: Option<Ticket>| ticket.map(|ticket| Place { log: Arc::clone(&log), ticket });
                (tickets.into_iter().map(place).collect(), rest)
            }
            // The runtime ends: nobody knows how much was written.
            Err(error) => {
                self.disk.failed(Doing::Writing, &error);
                self.ledger.drop_payload(Reason::Disabled, whole);
                (Vec::new(), Vec::new())
            }
        }
    }

    /// Brings to the disk itself what was written and is not there yet, unless that was done a moment ago.
    pub async fn sync_if_due(&mut self) {
        if self.logs.iter().any(|kept| kept.unsynced) && self.synced.is_none_or(|synced| synced.elapsed() >= SYNC_EVERY) {
            self.sync().await;
        }
    }

    /// Brings what was written to the disk itself.
    pub async fn sync(&mut self) {
        let mut error = None;
        for index in 0..self.logs.len() {
            if self.logs[index].unsynced {
                let synced = self.on(index, Log::sync).await.flatten();
                self.logs[index].unsynced = synced.is_err();
                error = synced.err().or(error);
            }
        }
        match error {
            Some(error) => self.disk.failed(Doing::Syncing, &error),
            None => self.disk.worked(Doing::Syncing),
        }
        self.synced = Some(Instant::now());
    }

    /// The oldest payload, which stays until it is settled.
    pub async fn first(&mut self) -> Option<(Payload, Place)> {
        self.after(&[]).await
    }

    /// The oldest payload behind all of these places, which are in order.
    pub async fn after(&mut self, places: &[Place]) -> Option<(Payload, Place)> {
        // A log of which nothing is left may be gone, and its places with it.
        let last = places.iter().rev().find_map(|place| Some((self.index(place)?, place.ticket)));
        let (mut index, mut after) = last.map_or((0, None), |(index, ticket)| (index, Some(ticket)));
        while index < self.logs.len() {
            let ticket = after.take();
            let read = self.on(index, move |log| log.read(ticket)).await.flatten();
            match read {
                Ok(Some((ticket, body))) => {
                    self.disk.worked(Doing::Reading);
                    return Some((payload(ticket, body), Place { log: Arc::clone(&self.logs[index].log), ticket }));
                }
                Ok(None) => index += 1,
                Err(error) => {
                    self.disk.failed(Doing::Reading, &error);
                    return None;
                }
            }
        }
        self.forget_empty();
        None
    }

    fn forget_empty(&mut self) {
        let own = self.has_own.then(|| self.logs.back().map(|kept| Arc::clone(&kept.log))).flatten();
        self.logs.retain(|kept| kept.waiting.payloads > 0 || own.as_ref().is_some_and(|own| Arc::ptr_eq(own, &kept.log)));
    }

    /// Whoever asks has these payloads in hand, and no others: that they make room is no loss.
    pub async fn hold(&mut self, places: &[Place]) {
        for index in 0..self.logs.len() {
            let tickets = self.tickets(index, places);
            if self.logs[index].holds || !tickets.is_empty() {
                self.logs[index].holds = !tickets.is_empty();
                let _ = self.on(index, move |log| log.hold(&tickets)).await;
            }
        }
    }

    /// How much of this still lies there; the rest has made room.
    pub async fn there(&mut self, places: &[Place]) -> Count {
        let mut there = Count::default();
        for index in 0..self.logs.len() {
            let tickets = self.tickets(index, places);
            if !tickets.is_empty() {
                let counted =
                    move |log: &mut Log| tickets.iter().filter(|ticket| log.has(**ticket)).map(|ticket| Count::of(ticket.meta())).sum();
                there += self.on(index, counted).await.unwrap_or_default();
            }
        }
        there
    }

    fn tickets(&self, index: usize, places: &[Place]) -> Vec<Ticket> {
        let here = |place: &&Place| Arc::ptr_eq(&place.log, &self.logs[index].log);
        places.iter().filter(here).map(|place| place.ticket).collect()
    }

    /// The payload does not wait any more.
    pub async fn settle(&mut self, place: &Place) {
        let ticket = place.ticket;
        if let Some(index) = self.index(place) {
            let _ = self.on(index, move |log| log.settle(ticket)).await;
        }
    }

    fn index(&self, place: &Place) -> Option<usize> {
        self.logs.iter().position(|kept| Arc::ptr_eq(&kept.log, &place.log))
    }

    async fn on<T: Send + 'static>(&mut self, index: usize, work: impl FnOnce(&mut Log) -> T + Send + 'static) -> io::Result<T> {
        let Some(home) = &self.home else { return Err(io::Error::other("there is no spool")) };
        let log = Arc::clone(&self.logs[index].log);
        let done = home.spool().run(move || {
            let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
            let out = work(&mut log);
            Done { out, waiting: log.waiting(), bytes: log.bytes(), losses: log.take_losses() }
        });
        let done = done.await?;
        (self.logs[index].waiting, self.logs[index].bytes) = (done.waiting, done.bytes);
        self.book(done.losses);
        self.tell();
        Ok(done.out)
    }

    /// Segments whose files somebody removed are lost, and not there to be told of otherwise.
    pub async fn forget_missing(&mut self) {
        for index in 0..self.logs.len() {
            let _ = self.on(index, Log::forget_missing).await;
        }
    }

    fn book(&self, losses: Losses) {
        book(&self.ledger, losses);
    }

    fn tell(&self) {
        let bytes = self.logs.iter().map(|kept| kept.bytes as u64).sum();
        self.ledger.on_disk(self.signal, OnDisk { records: self.waiting().records, bytes });
    }

    /// Nothing waits and nothing has to.
    pub fn at_rest(&mut self) {
        self.disk.at_rest();
    }

    /// Ends with what is here for somebody else to take over.
    pub fn into_logs(mut self) -> Vec<Log> {
        let logs = self.logs.drain(..).filter_map(|kept| Mutex::into_inner(Arc::into_inner(kept.log)?).ok()).collect();
        self.tell();
        logs
    }
}

/// Removes these logs, which nobody is to send any more, and counts what was in them.
pub async fn destroy(ledger: &Ledger, spool: Spool, logs: Vec<Log>) {
    let destroying = move || {
        logs.into_iter().fold((Count::default(), Losses::default()), |(mut waiting, mut losses), log| {
            let (of_this, lost) = log.destroy();
            waiting += of_this;
            losses += lost;
            (waiting, losses)
        })
    };
    let (waiting, losses) = spool.run(destroying).await.unwrap_or_default();
    ledger.drop_payload(Reason::Disabled, Load { records: waiting.records, items: waiting.items });
    book(ledger, losses);
}

fn book(ledger: &Ledger, losses: Losses) {
    let reasons = [(Reason::SpoolFull, losses.full), (Reason::Expired, losses.expired), (Reason::Damaged, losses.damaged)];
    for (reason, count) in reasons {
        ledger.drop_payload(reason, Load { records: count.records, items: count.items });
    }
}

fn meta(payload: &Payload) -> Meta {
    let small = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
    Meta { records: small(payload.load.records), items: small(payload.load.items), gzip: payload.gzip }
}

fn payload(ticket: Ticket, body: Vec<u8>) -> Payload {
    let meta = ticket.meta();
    let load = Load { records: meta.records.into(), items: meta.items.into() };
    Payload { body: Bytes::from(body), gzip: meta.gzip, load, written: Some(ticket.written()) }
}
