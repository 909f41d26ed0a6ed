//! The end of a worker: what was not sent goes to whoever follows, stays on disk, or is counted as dropped.

use std::sync::Arc;

use super::{Current, Worker};
use crate::telemetry::delivery::estate::{Heir, Left};
use crate::telemetry::status::{Load, Reason};

impl Worker {
    /// What is lost with a payload that is not all on disk. If nobody follows, all of it, and what lies there is not told again.
    async fn without_what_is_there(&mut self, current: &Current, nobody: bool) -> Load {
        if nobody {
            self.settle(&current.places).await;
            return current.payload.load;
        }
        let (load, there) = (current.payload.load, self.backlog.there(&current.places).await);
        Load { records: load.records.saturating_sub(there.records), items: load.items.saturating_sub(there.items) }
    }

    /// Sees to what was not sent.
    pub(super) async fn leave(mut self) {
        let (way, signal) = (Arc::clone(&self.way), self.way.signal);
        self.backlog.take_over(way.estate.close(signal));
        let on = self.backlog.is_on();
        let heir = || if on { way.heirs.heir(way.target.owner) } else { Heir::Nobody };
        let nobody = matches!(heir(), Heir::Nobody);
        let mut rest = Vec::new();
        if let Some(mut current) = self.current.take() {
            let held = nobody || self.make_safe(&mut current, false).await;
            if held && !self.is_there(&current).await {
                rest.push(self.without_what_is_there(&current, nobody).await);
            }
        }
        // Nobody has it in hand from here on: what makes room for the rest is lost.
        self.backlog.hold(&[]).await;
        let mut drained = self.lane.drain();
        let mut fresh = std::mem::take(&mut drained.payloads);
        if !nobody {
            (_, fresh) = self.backlog.push(fresh).await;
        }
        drop(drained);
        for load in rest.into_iter().chain(fresh.into_iter().map(|payload| payload.load)) {
            way.ledger.drop_payload(Reason::Disabled, load);
        }
        if !nobody {
            self.backlog.sync().await;
        }
        self.lane.set_spooling(false);
        if nobody && self.backlog.owed().is_some() {
            // What could not be read before is nobody's either.
            self.backlog.adopt().await;
        }
        self.backlog.forget_missing().await;
        let spool = self.backlog.spool();
        let mut logs = self.backlog.into_logs();
        loop {
            logs.retain(|log| log.waiting().payloads > 0);
            let records = logs.iter().map(|log| log.waiting().records).sum();
            // Asked now: it may have been resumed while the disk was busy.
            logs = match heir() {
                _ if logs.is_empty() => return,
                // They stay where they are, and in the count of what is queued.
                Heir::Later => return,
                Heir::To(next) => match next.inherit(&way.target, signal, logs) {
                    Left::Taken => return way.ledger.hand_over(records),
                    Left::Withheld => return,
                    Left::Ended(logs) => logs,
                    Left::Unwanted(logs) => return way.destroy(spool, logs).await,
                },
                Heir::Nobody => return way.destroy(spool, logs).await,
            };
        }
    }
}
