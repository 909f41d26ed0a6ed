//! One endpoint's part of the book: what waits for it, and what has ended and is kept. Pure.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use uuid::Uuid;

use super::piles::Piles;
use crate::store::{Delivery, DeliveryState, UnixMillis};
use crate::values::{EventType, TenantId};

/// One endpoint's.
#[derive(Debug)]
pub(super) struct Shelf {
    pub(super) workspace: TenantId,
    endpoint: Uuid,
    /// Queued, parked or under way.
    pub(super) waiting: usize,
    pub(super) running: usize,
    /// What can't be tried now although it is due, such as while the endpoint is off.
    pub(super) parked: BTreeSet<(UnixMillis, Uuid)>,
    /// How large those that wait are.
    sizes: HashMap<Uuid, usize>,
    pub(super) waiting_bytes: usize,
    pub(super) ended: BTreeMap<Uuid, Ended>,
    /// It asked to be left alone until then.
    pub(super) not_before: UnixMillis,
    pub(super) failing: bool,
    /// It was given up as it was then: its generation, and since when it was enabled.
    pub(super) halted: Option<(u64, UnixMillis)>,
}

/// One that is kept after it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Somebody may want it delivered again.
    pub failed: bool,
    /// How large its body is, in bytes.
    pub size: usize,
}

impl Ended {
    /// A test that failed is of no use later.
    #[must_use]
    pub fn of(delivery: &Delivery) -> Self {
        let failed = matches!(delivery.state, DeliveryState::Failed { .. }) && delivery.event != EventType::WebhookTest;
        Self { failed, size: delivery.body.len() }
    }
}

impl Shelf {
    pub(super) fn new(workspace: TenantId, endpoint: Uuid) -> Self {
        Self {
            workspace,
            endpoint,
            waiting: 0,
            running: 0,
            parked: BTreeSet::new(),
            sizes: HashMap::new(),
            waiting_bytes: 0,
            ended: BTreeMap::new(),
            not_before: 0,
            failing: false,
            halted: None,
        }
    }

    pub(super) fn waits(&mut self, delivery: Uuid, size: usize) {
        self.waiting_bytes += size;
        self.sizes.insert(delivery, size);
    }

    /// It waits no longer; returns its size.
    pub(super) fn waited(&mut self, delivery: Uuid) -> usize {
        self.waiting = self.waiting.saturating_sub(1);
        let size = self.sizes.remove(&delivery).unwrap_or(0);
        self.waiting_bytes = self.waiting_bytes.saturating_sub(size);
        size
    }

    /// It is kept after it ended.
    pub(super) fn keep(&mut self, piles: &mut Piles, delivery: Uuid, ended: Ended) {
        self.let_go(piles, delivery);
        piles.put(self.workspace, self.endpoint, ended.size);
        self.ended.insert(delivery, ended);
    }

    /// It is kept no longer; returns what it was.
    pub(super) fn let_go(&mut self, piles: &mut Piles, delivery: Uuid) -> Option<Ended> {
        let ended = self.ended.remove(&delivery)?;
        piles.take(self.workspace, self.endpoint, ended.size);
        Some(ended)
    }

    /// The one that is missed least: the oldest that arrived, unless more than enough have failed.
    pub(super) fn least(&self, failed: usize) -> Option<Uuid> {
        let oldest = |failed| self.ended.iter().find(|(_, one)| one.failed == failed).map(|(id, _)| *id);
        if self.ended.values().filter(|one| one.failed).count() > failed {
            return oldest(true);
        }
        oldest(false).or_else(|| oldest(true))
    }
}
