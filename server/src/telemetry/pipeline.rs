//! The task behind a destination: takes events, maps them, batches the records, and hands encoded batches to one lane
//! per signal, so that a path that fails holds up no other.

use std::collections::VecDeque;
use std::future::pending;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::delivery::{Backlog, Estate, Lane, Limit, MAX_REQUEST, Payload, Way, Worker, points_in, split_metrics};
use super::destination::{Common, MeterCell, Share};
use super::encode::{EncodeError, Encoders};
use super::otlp::Records;
use super::pace::Pace;
use super::queue::{Queue, Taken};
use super::signal::metric::{Meters, overflowing, points};
use super::signal::span::Ids;
use super::signal::{genai, log, span, webhook};
use super::status::{Ledger, Load, Reason};
use crate::event::Event;
use crate::live::{Batch, ExportTarget};
use crate::spool::Home;
use crate::values::{FailureKind, Signal};

/// How large a batch may grow while its lane is behind, if nobody chose its size.
const GROWN_BATCH: usize = 4096;

/// How many bytes a batch may hold before the next is begun, however many records may be in it: what is in hand is in no queue's bound,
/// and many collectors take no more than 20 MiB at once.
const GROWN_BYTES: usize = 8 * 1024 * 1024;

/// So many events are mapped at a time: some 80 µs of work.
const PIECE: usize = 64;

pub struct Pipeline {
    pub target: Arc<ExportTarget>,
    pub queue: Arc<Queue>,
    pub ledger: Arc<Ledger>,
    pub meters: Option<Arc<MeterCell>>,
    pub home: Option<Arc<Home>>,
    pub estate: Arc<Estate>,
    pub common: Arc<Common>,
    pub limits: Batch,
}

impl Pipeline {
    pub async fn run(self) {
        let encoders = match Encoders::new(&self.target) {
            Ok(encoders) => encoders,
            Err(error) => return self.refuse(&error).await,
        };
        let mut state = State::new(&self, encoders);
        loop {
            let due = state.due();
            let taken = tokio::select! {
                biased;
                () = at(due) => None,
                taken = self.queue.take(self.limits.max_delay) => match taken {
                    Some(taken) => Some(taken),
                    None => break,
                },
            };
            if let Some(taken) = taken {
                state.map(&self, taken);
            }
            state.flush(&self, Some(Instant::now())).await;
            state.collect_if_due(&self).await;
        }
        state.flush(&self, None).await;
        if self.meters.as_ref().is_some_and(|cell| cell.leave()) {
            state.collect(&self).await;
        }
        state.lanes.finish(self.common.options.drain).await;
    }

    /// Nothing can be encoded, so everything is counted as dropped. No setting leads here.
    async fn refuse(self, error: &EncodeError) {
        tracing::error!(owner = ?self.target.owner, %error, "telemetry of this destination can't be exported");
        while let Some(taken) = self.queue.take(self.limits.max_delay).await {
            for event in taken.events {
                self.ledger.drop_payload(Reason::NotRetryable, Share::of(&self.target, &event).load());
            }
        }
        if let Some(cell) = &self.meters {
            cell.leave();
        }
    }
}

async fn at(instant: Option<Instant>) {
    match instant {
        Some(instant) => sleep_until(instant).await,
        None => pending().await,
    }
}

/// Mapped records that wait for their batch.
struct Waiting {
    /// As many as a batch may hold.
    full: VecDeque<Records>,
    /// The newest, of which there may be more to come.
    open: Records,
    due: Option<Instant>,
    batch: Batch,
}

impl Waiting {
    fn new(batch: Batch) -> Self {
        let batch = Batch { max_records: batch.max_records.max(1), ..batch };
        Self { full: VecDeque::new(), open: Records::default(), due: None, batch }
    }

    /// Where the next record is to be written; it came `since`.
    fn next_to(&mut self, since: Instant) -> &mut Records {
        self.due.get_or_insert(since + self.batch.max_delay);
        if self.is_full() {
            // As much traffic as fills one batch is likely to fill the next.
            let next = Records::with_room_for(self.batch.max_records.min(GROWN_BATCH));
            self.full.push_back(std::mem::replace(&mut self.open, next));
        }
        &mut self.open
    }

    fn is_full(&self) -> bool {
        self.open.count() >= self.batch.max_records as u64 || self.open.bytes() >= GROWN_BYTES
    }

    /// The next batch: a full one, or what there is once it is due or nothing more will come (`now` is `None`).
    fn next(&mut self, now: Option<Instant>, behind: bool) -> Option<Records> {
        let due = now.is_none_or(|now| self.due.is_some_and(|due| due <= now));
        let mut batch = match self.full.pop_front() {
            Some(full) => full,
            None if self.is_full() || (due && self.open.count() > 0) => std::mem::take(&mut self.open),
            None => return None,
        };
        let most = if self.batch.fixed { self.batch.max_records } else { GROWN_BATCH } as u64;
        let fits = |batch: &Records, more: &Records| batch.count() + more.count() <= most && batch.bytes() + more.bytes() <= GROWN_BYTES;
        while behind && let Some(more) = self.full.pop_front_if(|more| fits(&batch, more)) {
            batch.append(more);
        }
        if self.full.is_empty() && self.open.count() == 0 {
            self.due = None;
        }
        Some(batch)
    }
}

struct State {
    encoders: Encoders,
    spans: Waiting,
    logs: Waiting,
    lanes: Lanes,
    next_collection: Option<Instant>,
}

impl State {
    fn new(pipeline: &Pipeline, encoders: Encoders) -> Self {
        let target = &pipeline.target;
        let next_collection = pipeline.meters.as_ref().map(|cell| {
            cell.meters.get_or_init(|| Meters::new(target));
            let soonest = Instant::now() + target.metric_interval;
            let mut next = cell.next.lock().unwrap_or_else(PoisonError::into_inner);
            let at = next.map_or(soonest, |next| next.min(soonest));
            *next = Some(at);
            at
        });
        Self {
            encoders,
            spans: Waiting::new(target.span_batch),
            logs: Waiting::new(target.log_batch),
            lanes: Lanes::new(pipeline),
            next_collection,
        }
    }

    fn due(&self) -> Option<Instant> {
        [self.spans.due, self.logs.due, self.next_collection].into_iter().flatten().min()
    }

    fn map(&mut self, pipeline: &Pipeline, taken: Taken) {
        let meters = pipeline.meters.as_ref().and_then(|cell| cell.meters.get());
        for (index, event) in taken.events.into_iter().enumerate() {
            if index % PIECE == PIECE - 1 {
                pipeline.pace().offer();
            }
            let share = Share::of(&pipeline.target, &event);
            let mut text = Uuid::encode_buffer();
            let tenant = event.tenant().map(|tenant| &*tenant.0.hyphenated().encode_lower(&mut text));
            match &*event {
                Event::Request(request) => {
                    if share.span {
                        span::request(self.spans.next_to(taken.since), request, tenant);
                    }
                    if share.log
                        && let Some(proxied) = &request.proxied
                    {
                        log::request(self.logs.next_to(taken.since), request, proxied, tenant);
                    }
                    if share.metrics
                        && let Some(meters) = meters
                    {
                        meters.record(request, tenant);
                    }
                }
                Event::Security(event) => {
                    if share.span {
                        span::security(self.spans.next_to(taken.since), event, Ids::random(), tenant);
                    }
                }
                Event::Webhook(webhook) => {
                    if share.span {
                        webhook::span(self.spans.next_to(taken.since), webhook, tenant);
                    }
                    if share.log {
                        webhook::log(self.logs.next_to(taken.since), webhook, tenant);
                    }
                }
                Event::Ai(ai) => {
                    if share.span {
                        genai::span(self.spans.next_to(taken.since), ai, tenant);
                    }
                    if share.metrics
                        && let Some(meters) = meters
                    {
                        meters.record_ai(ai, tenant);
                    }
                }
                // For webhooks alone.
                Event::Received(_) | Event::Audit(_) => {}
            }
        }
    }

    /// Sends the batches that are due, or everything when `now` is `None`.
    async fn flush(&mut self, pipeline: &Pipeline, now: Option<Instant>) {
        while let Some(spans) = self.spans.next(now, self.lanes.is_behind(Signal::Traces)) {
            self.send_records(pipeline, Signal::Traces, spans).await;
        }
        while let Some(logs) = self.logs.next(now, self.lanes.is_behind(Signal::Logs)) {
            self.send_records(pipeline, Signal::Logs, logs).await;
        }
    }

    async fn send_records(&self, pipeline: &Pipeline, signal: Signal, records: Records) {
        let load = Load { records: records.count(), items: records.count() };
        self.send(pipeline, signal, self.encoders.records(&records), load).await;
    }

    async fn send(&self, pipeline: &Pipeline, signal: Signal, body: Bytes, load: Load) {
        if body.len() > MAX_REQUEST {
            pipeline.ledger.failed(signal, FailureKind::TooLarge, pipeline.host(signal));
            pipeline.ledger.drop_payload(Reason::TooLarge, load);
        } else {
            let payload = Payload::new(body, load, pipeline.target.compression, &pipeline.common.gzip, || pipeline.pace().offer()).await;
            let dropped = self.lanes.push(signal, payload);
            pipeline.ledger.drop_payload(Reason::QueueFull, dropped);
        }
        // Encoding is work: let requests through between two batches.
        tokio::task::yield_now().await;
    }

    async fn collect_if_due(&mut self, pipeline: &Pipeline) {
        if self.next_collection.is_some_and(|at| at <= Instant::now()) {
            self.collect(pipeline).await;
            let next = Instant::now() + pipeline.target.metric_interval;
            self.next_collection = Some(next);
            if let Some(cell) = &pipeline.meters {
                *cell.next.lock().unwrap_or_else(PoisonError::into_inner) = Some(next);
            }
        }
    }

    async fn collect(&self, pipeline: &Pipeline) {
        let collected = pipeline.meters.as_ref().and_then(|cell| cell.meters.get()?.collect());
        let Some(metrics) = collected else { return };
        pipeline.ledger.overflowing(overflowing(&metrics));
        let encoded = self.encoders.metrics(&metrics).await.map_err(|error| error.to_string());
        let parts = match encoded.and_then(|body| split_metrics(body, MAX_REQUEST).map_err(|error| error.to_string())) {
            Ok(parts) => parts,
            Err(error) => {
                pipeline.ledger.drop_payload(Reason::NotRetryable, Load { records: 0, items: points(&metrics) });
                return tracing::error!(owner = ?pipeline.target.owner, error, "metrics dropped");
            }
        };
        let whole = parts.len() == 1;
        for part in parts {
            let items = if whole { points(&metrics) } else { points_in(part.clone()) };
            self.send(pipeline, Signal::Metrics, part, Load { records: 0, items }).await;
        }
    }
}

impl Pipeline {
    fn pace(&self) -> Pace<'_> {
        Pace::of(&self.queue)
    }

    fn host(&self, signal: Signal) -> &str {
        self.target.signal(signal).map_or("", |to| to.url.host())
    }
}

/// One lane and one worker for each signal that is on.
struct Lanes {
    lanes: [Option<Arc<Lane>>; Signal::ALL.len()],
    workers: TaskTracker,
    abort: CancellationToken,
}

impl Lanes {
    fn new(pipeline: &Pipeline) -> Self {
        let common = &pipeline.common;
        let abort = common.abort.child_token();
        let workers = TaskTracker::new();
        let lanes = Signal::ALL.map(|signal| {
            if pipeline.target.signal(signal).is_none() {
                let mut backlog = Backlog::new(pipeline.home.clone(), signal, Arc::clone(&pipeline.ledger));
                workers.spawn(async move { backlog.discard().await });
                return None;
            }
            let batch = pipeline.target.batch(signal);
            let limit = Limit { bytes: common.options.lane_bytes, records: batch.and_then(|batch| batch.max_queue) };
            let lane = Arc::new(Lane::new(limit, Arc::clone(&common.memory)));
            let way = Way {
                signal,
                target: Arc::clone(&pipeline.target),
                ledger: Arc::clone(&pipeline.ledger),
                transport: Arc::clone(&common.transport),
                alarm: Arc::clone(&common.alarm),
                retry: common.options.retry,
                expires: batch.and_then(|batch| batch.max_elapsed),
                give_up: common.options.give_up.clone(),
                heirs: Arc::clone(&common.heirs),
                estate: Arc::clone(&pipeline.estate),
            };
            let backlog = Backlog::new(pipeline.home.clone(), signal, Arc::clone(&pipeline.ledger));
            workers.spawn(Worker::new(way, Arc::clone(&lane), backlog, abort.clone()).run());
            Some(lane)
        });
        Self { lanes, workers, abort }
    }

    fn is_behind(&self, signal: Signal) -> bool {
        self.lanes[signal as usize].as_ref().is_some_and(|lane| lane.is_behind())
    }

    fn push(&self, signal: Signal, payload: Payload) -> Load {
        match &self.lanes[signal as usize] {
            Some(lane) => lane.push(payload),
            None => payload.load,
        }
    }

    /// Sends what is left, for so long; then gives up.
    async fn finish(self, drain: Duration) {
        for lane in self.lanes.iter().flatten() {
            lane.close();
        }
        self.workers.close();
        if timeout(drain, self.workers.wait()).await.is_err() {
            self.abort.cancel();
            self.workers.wait().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::telemetry::otlp::{Log, Severity};

    fn small() -> Log<'static> {
        Log { at: SystemTime::now(), severity: Severity::Info, event_name: "e", body: None, place: None }
    }

    #[test]
    fn batches_are_joined_while_the_lane_is_behind_unless_their_size_was_chosen() {
        for (fixed, behind, expected) in [(false, true, vec![20, 5]), (true, true, vec![10, 10, 5]), (false, false, vec![10, 10, 5])] {
            let mut waiting = Waiting::new(Batch { max_records: 10, fixed, ..Batch::default() });
            for _ in 0..25 {
                waiting.next_to(Instant::now()).log(&small(), |_| {});
            }
            let counts: Vec<_> = std::iter::from_fn(|| waiting.next(None, behind)).map(|batch| batch.count()).collect();
            assert_eq!(counts, expected, "fixed {fixed}, behind {behind}");
        }
    }

    /// However many records a batch may have.
    #[test]
    fn a_batch_is_bounded_in_bytes() {
        let batch = Batch { max_records: 65_536, ..Batch::default() };
        let mut waiting = Waiting::new(batch);
        let body = "x".repeat(3 * 1024 * 1024);
        let log = Log { at: SystemTime::now(), severity: Severity::Info, event_name: "e", body: Some(&body), place: None };
        for _ in 0..7 {
            waiting.next_to(Instant::now()).log(&log, |_| {});
        }
        let sizes =
            std::iter::from_fn(|| waiting.next(None, true)).map(|batch| (batch.count(), batch.bytes() <= GROWN_BYTES + body.len() + 100));
        assert_eq!(sizes.collect::<Vec<_>>(), [(3, true), (3, true), (1, true)]);
    }
}
