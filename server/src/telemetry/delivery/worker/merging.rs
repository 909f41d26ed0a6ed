//! Metrics that wait are sent as one payload, as far as that is no larger than a request may be.

use super::{Current, Worker};
use crate::telemetry::delivery::Payload;
use crate::telemetry::delivery::merge::{fitting, merged};
use crate::telemetry::status::Reason;

impl Worker {
    /// The metrics that wait, in memory and on disk, as one payload. What would make it too large waits for the next.
    pub(super) async fn merge(&mut self) -> Option<Current> {
        let kept = self.current.take();
        let first_tried = kept.as_ref().and_then(|current| current.first_tried);
        let (mut payloads, mut places) = (Vec::new(), Vec::new());
        let mut safe = true;
        // What is safe is read again; what is not says all that its places do.
        if let Some(current) = kept
            && !self.is_there(&current).await
        {
            (safe, places) = (false, current.places);
            payloads.push(current.payload);
        }
        let mut bytes = 0;
        let all_read = loop {
            if bytes > self.most {
                break false;
            }
            let Some((payload, place)) = self.backlog.after(&places).await else { break true };
            bytes += payload.body.len();
            payloads.push(payload);
            places.push(place);
        };
        let on_disk = payloads.len();
        // What is in memory is newer than anything on disk.
        let drained = all_read.then(|| {
            let mut drained = self.lane.drain();
            payloads.append(&mut drained.payloads);
            drained
        });
        let fit = fitting(&payloads, self.most);
        let rest = payloads.split_off(fit.max(on_disk).min(payloads.len()));
        drop(drained);
        if !rest.is_empty() {
            let dropped = self.lane.put_back(rest);
            self.way.ledger.drop_payload(Reason::QueueFull, dropped);
        }
        places.truncate(places.len() - on_disk.saturating_sub(fit));
        safe &= fit <= on_disk;
        payloads.truncate(fit);
        self.backlog.hold(&places).await;
        if payloads.len() < 2 {
            return Some(Current { payload: self.as_wanted(payloads.pop()?), places, safe, first_tried });
        }
        let payload = Payload::merged(&payloads, self.way.target.compression, merged).await;
        Some(Current { payload, places, safe, first_tried })
    }
}
