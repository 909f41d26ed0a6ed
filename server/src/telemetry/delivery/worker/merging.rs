//! Metrics that wait are sent as one payload, as far as that is no larger than a request may be.

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use prost::Message as _;

use super::{Current, Worker};
use crate::live::Compression;
use crate::telemetry::delivery::merge::{fitting, merged};
use crate::telemetry::delivery::payload::LARGE;
use crate::telemetry::delivery::{Gzip, Payload, points_in};
use crate::telemetry::status::{Load, Reason};

/// What was merged from more payloads than this on disk is written there as one, should it not be taken. Otherwise each attempt would
/// read and merge everything that an outage left.
const COMPACT: usize = 8;

impl Worker {
    /// The metrics that wait, in memory and on disk, as one payload. What would make it too large waits for the next.
    pub(super) async fn merge(&mut self) -> Option<Current> {
        let kept = self.current.take();
        let mut first_tried = kept.as_ref().and_then(|current| current.first_tried);
        let (mut payloads, mut places) = (Vec::new(), Vec::new());
        let mut safe = true;
        // What is safe is read again; what is not says all that its places do.
        if let Some(current) = kept
            && !self.is_there(&current).await
        {
            (safe, places) = (false, current.places);
            payloads.push(current.payload);
        }
        let in_hand = payloads.len();
        let mut bytes: usize = payloads.iter().map(Payload::plain_length).sum();
        let all_read = loop {
            if bytes > self.way.max_request {
                break false;
            }
            let Some((payload, place)) = self.backlog.after(&places).await else { break true };
            bytes += payload.plain_length();
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
        let most = self.way.max_request;
        let fit = aside(&payloads, move |payloads| fitting(payloads, most)).await;
        let rest = payloads.split_off(fit.max(on_disk).min(payloads.len()));
        drop(drained);
        if !rest.is_empty() {
            let dropped = self.lane.put_back(rest);
            self.way.ledger.drop_payload(Reason::QueueFull, dropped);
        }
        places.truncate(places.len() - on_disk.saturating_sub(fit));
        payloads.truncate(fit);
        if fit > on_disk {
            // The newest of it has not been tried yet: it is not to expire with the oldest.
            first_tried = None;
        }
        safe &= fit <= on_disk && fit - in_hand.min(fit) <= COMPACT;
        self.backlog.hold(&places).await;
        if payloads.len() < 2 {
            return Some(Current { payload: self.as_wanted(payloads.pop()?), places, safe, first_tried });
        }
        let payload = as_one(&payloads, self.way.target.compression).await;
        Some(Current { payload, places, safe, first_tried })
    }
}

/// Several metrics requests as one, oldest first; one that is no metrics request is left out.
async fn as_one(payloads: &[Payload], compression: Compression) -> Payload {
    let body = aside(payloads, |payloads| {
        let requests = payloads.iter().filter_map(|payload| ExportMetricsServiceRequest::decode(payload.plain()?).ok());
        Bytes::from(merged(requests).encode_to_vec())
    });
    let body = body.await;
    let load = Load { records: 0, items: points_in(body.clone()) };
    // That of the newest, which may never have been on disk.
    let written = payloads.iter().try_fold(0, |newest, payload| Some(payload.written?.max(newest)));
    Payload { written, ..Payload::new(body.into(), load, compression, &Gzip::default(), || {}).await }
}

/// Does what takes long beside the runtime's own threads, or all destinations would wait for one.
async fn aside<T: Send + 'static>(payloads: &[Payload], work: impl Fn(&[Payload]) -> T + Copy + Send + 'static) -> T {
    if payloads.iter().map(Payload::plain_length).sum::<usize>() > LARGE {
        let payloads = payloads.to_vec();
        if let Ok(done) = tokio::task::spawn_blocking(move || work(&payloads)).await {
            return done;
        }
    }
    work(payloads)
}
