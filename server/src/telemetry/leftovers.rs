//! What lies on disk for destinations that don't send it now: counted, removed where nobody ever will, and not kept for ever.

use std::collections::HashSet;
use std::io::ErrorKind;
use std::sync::Arc;

use super::status::{Load, Reason};
use super::{REMEMBERED, Shared, destination};
use crate::live::{Exports, Owner};
use crate::spool::{Count, Losses, Spool};

impl Shared {
    /// At the start: removes what lies there of destinations that are no more, and counts the rest until somebody takes it over.
    pub(super) fn sweep(&self, exports: &Exports) {
        let Some(spool) = &self.common.options.spool else { return };
        let kept: HashSet<String> = exports.owners().chain(exports.suspended.iter().copied()).map(destination::name).collect();
        spool.forget_damaged_but(&kept);
        for owner in spool.owners() {
            if !kept.contains(&owner) {
                destroy(spool, &owner);
                continue;
            }
            spool.park(&owner);
            let bytes = spool.other_key_bytes(&owner);
            if bytes > 0 {
                tracing::warn!(
                    owner,
                    bytes,
                    "what waits on disk was sealed with another master key; it is sent after a start with that key, unless it grows too old"
                );
            }
        }
    }

    /// Later: those that end while they are in force see to it themselves, but for what was damaged and what only another key opens.
    pub(super) fn sweep_gone(&self, before: &Exports, after: &Exports) {
        let Some(spool) = &self.common.options.spool else { return };
        for owner in before.owners().filter(|owner| !after.knows(*owner)) {
            self.remove(spool, owner, |spool, owner| {
                spool.forget_damaged(owner);
                if let Err(error) = spool.destroy_other_key(owner) {
                    tracing::warn!(owner, %error, "what was spooled for an export that is off can't be removed");
                }
            });
        }
        for owner in before.suspended.iter().filter(|owner| !after.knows(**owner)) {
            self.remove(spool, *owner, destroy);
        }
    }

    /// Aside: the disk may be slow.
    fn remove(&self, spool: &Spool, owner: Owner, what: fn(&Spool, &str)) {
        let (disk, spool, owner) = (spool.clone(), spool.clone(), destination::name(owner));
        let removing = async move {
            let _ = disk.run(move || what(&spool, &owner)).await;
        };
        self.common.threads.spawn(self.common.tracker.track_future(removing));
    }

    /// Now and then: what nobody reads grows old all the same.
    pub(super) fn expire(self: &Arc<Self>) {
        let Some(spool) = self.common.options.spool.clone() else { return };
        let shared = Arc::clone(self);
        self.common.tracker.spawn(async move {
            let disk = spool.clone();
            for (owner, losses) in disk.run(move || spool.expire()).await.unwrap_or_default() {
                if let Some(owner) = destination::owner(&owner) {
                    shared.tell_lost(owner, losses);
                }
            }
        });
    }

    /// Where the card of this owner shows it.
    fn tell_lost(&self, owner: Owner, losses: Losses) {
        let Losses { expired, damaged, .. } = losses;
        if expired != Count::default() {
            let days = self.common.options.spool.as_ref().map_or(0, |spool| spool.max_age().as_secs() / (24 * 60 * 60));
            tracing::warn!(?owner, records = expired.records, items = expired.items, days, "what waited on disk for too long is removed");
        }
        if damaged != Count::default() {
            tracing::warn!(?owner, records = damaged.records, items = damaged.items, "what waited on disk was damaged");
        }
        let lost = [(Reason::Expired, expired), (Reason::Damaged, damaged)];
        let lost = lost.map(|(reason, count)| (reason, Load { records: count.records, items: count.items }));
        if let Some(destination) = self.set.load().get(owner) {
            let ledger = destination.ledger();
            for (reason, load) in lost {
                // Of an earlier life: these settings have not counted it yet.
                ledger.accept(load.records);
                ledger.drop_payload(reason, load);
            }
            return;
        }
        let mut absent = self.absent();
        if absent.len() < REMEMBERED || absent.contains_key(&owner) {
            let recent = absent.entry(owner).or_default();
            lost.into_iter().for_each(|(reason, load)| recent.dropped(reason, load.items));
        }
    }
}

fn destroy(spool: &Spool, owner: &str) {
    match spool.destroy(owner) {
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => tracing::warn!(owner, %error, "what was spooled for an export that is off can't be removed"),
        Ok(()) => tracing::warn!(owner, "what was spooled for an export that is off is removed"),
    }
}
