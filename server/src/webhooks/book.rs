//! What waits and what has ended, by id, in memory: a mirror of the deliveries on disk that says what is due. Pure: it reads
//! no clock and no disk, and holds no body.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use uuid::Uuid;

use super::limits::Limits;
use super::piles::Piles;
use super::shelf::{Ended, Shelf};
use super::stock::Stock;
use crate::live::{Webhook, Webhooks};
use crate::store::{Delivery, DeliveryState, UnixMillis};
use crate::values::TenantId;

#[derive(Debug)]
pub struct Book {
    limits: Limits,
    /// The bodies of what waits.
    stock: Stock,
    /// The bodies of what has ended.
    piles: Piles,
    /// What is to be tried next, of all endpoints: when, endpoint, delivery.
    queue: BTreeSet<(UnixMillis, Uuid, Uuid)>,
    shelves: HashMap<Uuid, Shelf>,
    /// Those of which something is under way.
    crews: HashMap<TenantId, Crew>,
    running: usize,
}

/// A workspace's attempts that are under way, and what is due but has to wait for one of them to end.
#[derive(Debug, Default)]
struct Crew {
    running: usize,
    held: BTreeSet<(UnixMillis, Uuid, Uuid)>,
}

/// An attempt to be made now.
#[derive(Debug)]
pub struct Start {
    pub endpoint: Arc<Webhook>,
    pub delivery: Uuid,
}

/// What came of an attempt, once it is on disk.
#[derive(Clone, Copy, Debug)]
pub struct Settled {
    pub workspace: TenantId,
    pub endpoint: Uuid,
    pub delivery: Uuid,
    pub then: Then,
    /// `None`: as before.
    pub failing: Option<bool>,
    pub not_before: Option<UnixMillis>,
}

/// What becomes of a delivery.
#[derive(Clone, Copy, Debug)]
pub enum Then {
    Waits {
        next_at: UnixMillis,
    },
    Ended(Ended),
    /// It is gone, or not kept.
    Gone,
}

impl Then {
    #[must_use]
    pub fn of(delivery: &Delivery) -> Self {
        match delivery.state {
            DeliveryState::Waiting { next_at } => Self::Waits { next_at },
            DeliveryState::Delivered { .. } | DeliveryState::Failed { .. } => Self::Ended(Ended::of(delivery)),
        }
    }
}

impl Book {
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        let stock = Stock::new(limits.all_waiting_bytes);
        let piles = Piles::default();
        Self { limits, stock, piles, queue: BTreeSet::new(), shelves: HashMap::new(), crews: HashMap::new(), running: 0 }
    }

    fn shelf(&mut self, workspace: TenantId, endpoint: Uuid) -> &mut Shelf {
        self.shelves.entry(endpoint).or_insert_with(|| Shelf::new(workspace, endpoint))
    }

    /// Takes over what is on disk.
    pub fn load(&mut self, delivery: &Delivery) {
        match delivery.state {
            DeliveryState::Waiting { next_at } => {
                let shelf = self.shelf(delivery.workspace, delivery.endpoint);
                shelf.waiting += 1;
                shelf.waits(delivery.id, delivery.body.len());
                self.stock.take(delivery.workspace, delivery.body.len());
                self.queue.insert((next_at, delivery.endpoint, delivery.id));
            }
            DeliveryState::Delivered { .. } | DeliveryState::Failed { .. } => self.keep(delivery),
        }
    }

    pub fn mark_failing(&mut self, workspace: TenantId, endpoint: Uuid) {
        self.shelf(workspace, endpoint).failing = true;
    }

    /// Whether the disk has room for more of the workspace, besides `unwritten` bytes that are about to be added.
    #[must_use]
    pub fn has_room(&self, workspace: TenantId, unwritten: usize) -> bool {
        self.stock.has_room(workspace, unwritten)
    }

    /// Keeps room for one more that waits; false: there is none.
    #[must_use]
    pub fn reserve(&mut self, workspace: TenantId, endpoint: Uuid) -> bool {
        let most = self.limits.waiting;
        let shelf = self.shelf(workspace, endpoint);
        if shelf.waiting >= most {
            return false;
        }
        shelf.waiting += 1;
        true
    }

    /// Gives back what was kept: the delivery did not come to be.
    pub fn release(&mut self, endpoint: Uuid) {
        if let Some(shelf) = self.shelves.get_mut(&endpoint) {
            shelf.waiting = shelf.waiting.saturating_sub(1);
        }
    }

    /// A delivery for which room was kept is on disk. `size` is its body's, in bytes.
    pub fn add(&mut self, endpoint: Uuid, delivery: Uuid, size: usize, next_at: UnixMillis) {
        if let Some(shelf) = self.shelves.get_mut(&endpoint) {
            shelf.waits(delivery, size);
            self.stock.take(shelf.workspace, size);
            self.queue.insert((next_at, endpoint, delivery));
        }
    }

    /// So much waits for the endpoint that further deliveries are to be small.
    #[must_use]
    pub fn crowded(&self, endpoint: Uuid) -> bool {
        self.shelves.get(&endpoint).is_some_and(|shelf| shelf.waiting_bytes >= self.limits.waiting_bytes)
    }

    #[must_use]
    pub fn waiting(&self, endpoint: Uuid) -> usize {
        self.shelves.get(&endpoint).map_or(0, |shelf| shelf.waiting)
    }

    /// Lets go of ended ones, so that `more` of `bytes` together have room; see [`Shelf::least`]. They are to be removed from
    /// disk, or put back.
    #[must_use]
    pub fn crowd_out(&mut self, endpoint: Uuid, more: usize, bytes: usize) -> Vec<(Uuid, Ended)> {
        let Limits { ended, failed, ended_bytes, .. } = self.limits;
        let Some(shelf) = self.shelves.get_mut(&endpoint) else { return Vec::new() };
        let mut held = shelf.ended.values().map(|one| one.size).sum::<usize>() + bytes;
        let mut out = Vec::new();
        while shelf.ended.len() + more > ended || held > ended_bytes {
            let Some(id) = shelf.least(failed) else { break };
            let Some(one) = shelf.let_go(&mut self.piles, id) else { break };
            held = held.saturating_sub(one.size);
            out.push((id, one));
        }
        out
    }

    /// As [`Book::crowd_out`], so that `bytes` more of a workspace have room in what is kept of all its endpoints: the one that
    /// has most gives. Returns endpoints with what they let go of.
    #[must_use]
    pub fn crowd_out_of(&mut self, workspace: TenantId, bytes: usize) -> Vec<(Uuid, (Uuid, Ended))> {
        let Limits { failed, workspace_ended_bytes, .. } = self.limits;
        let mut out = Vec::new();
        while self.piles.of(workspace) + bytes > workspace_ended_bytes {
            let Some(endpoint) = self.piles.largest(workspace) else { break };
            let Some(shelf) = self.shelves.get_mut(&endpoint) else { break };
            let Some(id) = shelf.least(failed) else { break };
            let Some(one) = shelf.let_go(&mut self.piles, id) else { break };
            out.push((endpoint, (id, one)));
        }
        out
    }

    /// They are on disk after all.
    pub fn put_back(&mut self, endpoint: Uuid, ended: impl IntoIterator<Item = (Uuid, Ended)>) {
        if let Some(shelf) = self.shelves.get_mut(&endpoint) {
            ended.into_iter().for_each(|(id, one)| shelf.keep(&mut self.piles, id, one));
        }
    }

    /// Takes an ended one out, so that nobody removes it while it is made to wait again; `None`: it is not there.
    #[must_use]
    pub fn pick(&mut self, endpoint: Uuid, delivery: Uuid) -> Option<Ended> {
        self.shelves.get_mut(&endpoint)?.let_go(&mut self.piles, delivery)
    }

    /// What is to be tried now, and when to look again if nothing happens before.
    pub fn due(&mut self, now: UnixMillis, in_force: &Webhooks) -> (Vec<Start>, Option<UnixMillis>) {
        let mut starts = Vec::new();
        while self.running < self.limits.at_once
            && let Some(&(at, id, delivery)) = self.queue.first()
        {
            if at > now {
                return (starts, Some(at));
            }
            self.queue.pop_first();
            let Some(shelf) = self.shelves.get_mut(&id) else { continue };
            let endpoint = in_force.find(shelf.workspace, id).filter(|one| shelf.halted != Some((one.generation, one.enabled_at)));
            let most = if shelf.failing { 1 } else { self.limits.per_endpoint };
            match endpoint {
                Some(_) if shelf.not_before > now => {
                    self.queue.insert((shelf.not_before, id, delivery));
                }
                Some(endpoint) if shelf.running < most => {
                    let crew = self.crews.entry(shelf.workspace).or_default();
                    if crew.running >= self.limits.per_workspace {
                        crew.held.insert((at, id, delivery));
                        continue;
                    }
                    crew.running += 1;
                    shelf.running += 1;
                    self.running += 1;
                    starts.push(Start { endpoint: Arc::clone(endpoint), delivery });
                }
                _ => {
                    shelf.parked.insert((at, delivery));
                }
            }
        }
        (starts, None)
    }

    /// An attempt has ended, and what came of it is on disk.
    pub fn settle(&mut self, settled: Settled) {
        self.running = self.running.saturating_sub(1);
        self.free(settled.workspace);
        let id = settled.endpoint;
        let Some(shelf) = self.shelves.get_mut(&id) else { return };
        shelf.running = shelf.running.saturating_sub(1);
        shelf.failing = settled.failing.unwrap_or(shelf.failing);
        shelf.not_before = settled.not_before.unwrap_or(shelf.not_before);
        match settled.then {
            Then::Waits { next_at } => {
                self.queue.insert((next_at, id, settled.delivery));
            }
            then => {
                let size = shelf.waited(settled.delivery);
                self.stock.give(shelf.workspace, size);
                if let Then::Ended(ended) = then {
                    shelf.keep(&mut self.piles, settled.delivery, ended);
                }
            }
        }
        let most = if shelf.failing { 1 } else { self.limits.per_endpoint };
        for _ in shelf.running..most {
            let Some((at, delivery)) = shelf.parked.pop_first() else { break };
            self.queue.insert((at, id, delivery));
        }
    }

    /// One attempt of the workspace less: the next one that waited for it is due.
    fn free(&mut self, workspace: TenantId) {
        let Some(crew) = self.crews.get_mut(&workspace) else { return };
        crew.running = crew.running.saturating_sub(1);
        self.queue.extend(crew.held.pop_first());
        if crew.running == 0 {
            // Those of endpoints that are gone are found out by `due`.
            self.queue.extend(std::mem::take(&mut crew.held));
            self.crews.remove(&workspace);
        }
    }

    /// Keeps a delivery that was made outside the queue, such as a test.
    pub fn keep(&mut self, delivery: &Delivery) {
        let (workspace, endpoint) = (delivery.workspace, delivery.endpoint);
        let shelf = self.shelves.entry(endpoint).or_insert_with(|| Shelf::new(workspace, endpoint));
        shelf.keep(&mut self.piles, delivery.id, Ended::of(delivery));
    }

    /// Nothing more is tried for the endpoint as it is now.
    pub fn halt(&mut self, endpoint: &Webhook) {
        if let Some(shelf) = self.shelves.get_mut(&endpoint.id) {
            shelf.halted = Some((endpoint.generation, endpoint.enabled_at));
        }
    }

    /// What is in force has changed: what was parked may be due now. Returns the endpoints that are not in force.
    pub fn unpark(&mut self, in_force: &Webhooks) -> Vec<(TenantId, Uuid)> {
        let mut absent = Vec::new();
        for (id, shelf) in &mut self.shelves {
            if in_force.find(shelf.workspace, *id).is_none() {
                absent.push((shelf.workspace, *id));
            } else {
                self.queue.extend(std::mem::take(&mut shelf.parked).into_iter().map(|(at, delivery)| (at, *id, delivery)));
            }
        }
        absent
    }

    /// The endpoint is gone for good. Attempts that are under way still settle.
    pub fn forget(&mut self, endpoint: Uuid) {
        if let Some(shelf) = self.shelves.remove(&endpoint) {
            self.stock.give(shelf.workspace, shelf.waiting_bytes);
            self.piles.forget(shelf.workspace, endpoint);
        }
        self.queue.retain(|(_, id, _)| *id != endpoint);
    }
}

#[cfg(test)]
#[path = "book_tests.rs"]
mod tests;
