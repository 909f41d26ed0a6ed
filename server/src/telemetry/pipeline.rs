//! The task behind a destination: takes events, maps them, batches the records, and hands encoded batches to one lane
//! per signal, so that a path that fails holds up no other.

use std::future::pending;
use std::sync::{Arc, PoisonError};

use tokio::time::{Instant, sleep_until};
use uuid::Uuid;

use super::body::Body;
use super::delivery::{Estate, Payload, points_in, split_metrics};
use super::destination::{Common, MeterCell, Share};
use super::encode::{EncodeError, Encoders};
use super::otlp::Records;
use super::pace::Pace;
use super::queue::{Queue, Taken};
use super::signal::kinds::{Encoded, Kinds};
use super::signal::metric::{Meters, overflowing, points};
use super::signal::span::Ids;
use super::signal::{genai, log, span, webhook};
use super::status::{Ledger, Load, Reason};
use crate::event::{Event, Request};
use crate::live::{Batch, ExportTarget};
use crate::spool::Home;
use crate::values::{FailureKind, Signal};

mod lanes;
mod waiting;

use lanes::Lanes;
use waiting::Waiting;

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

struct State {
    encoders: Encoders,
    spans: Waiting,
    logs: Waiting,
    /// What the requests in the batch that is being written have in common.
    kinds: Kinds<Encoded>,
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
            spans: Waiting::new(target.span_batch, Arc::clone(&pipeline.common.buffers)),
            logs: Waiting::new(target.log_batch, Arc::clone(&pipeline.common.buffers)),
            kinds: Kinds::default(),
            lanes: Lanes::new(pipeline),
            next_collection,
        }
    }

    fn due(&self) -> Option<Instant> {
        [self.spans.due, self.logs.due, self.next_collection].into_iter().flatten().min()
    }

    fn map(&mut self, pipeline: &Pipeline, taken: Taken) {
        let meters = pipeline.meters.as_ref().and_then(|cell| cell.meters.get());
        for (index, event) in taken.events.iter().enumerate() {
            if index % PIECE == PIECE - 1 {
                pipeline.pace().offer();
            }
            let share = Share::of(&pipeline.target, event);
            let mut text = Uuid::encode_buffer();
            let tenant = event.tenant().map(|tenant| &*tenant.0.hyphenated().encode_lower(&mut text));
            match &**event {
                Event::Request(request) => {
                    self.request(request, share, taken.since, tenant);
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
        pipeline.queue.give_back(taken);
    }

    fn request(&mut self, request: &Request, share: Share, since: Instant, tenant: Option<&str>) {
        let mut kept = if share.records() > 0 { self.kinds.kept_for(request) } else { None };
        if share.span {
            span::request(self.spans.next_to(since), request, kept.as_deref_mut(), tenant);
        }
        if share.log
            && let Some(proxied) = &request.proxied
        {
            log::request(self.logs.next_to(since), request, proxied, kept, tenant);
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

    async fn send_records(&mut self, pipeline: &Pipeline, signal: Signal, records: Records) {
        // For one batch: nothing is held where there is nothing to send, and no kind stays that nobody asks for any more.
        self.kinds.clear();
        let load = Load { records: records.count(), items: records.count() };
        self.send(pipeline, signal, self.encoders.records(&records), load).await;
        pipeline.common.buffers.give(records.into_buffer());
    }

    async fn send(&self, pipeline: &Pipeline, signal: Signal, body: Body<'_>, load: Load) {
        if body.length() > pipeline.common.options.max_request {
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
        let most = pipeline.common.options.max_request;
        let encoded = self.encoders.metrics(&metrics).await.map_err(|error| error.to_string());
        let parts = match encoded.and_then(|body| split_metrics(body, most).map_err(|error| error.to_string())) {
            Ok(parts) => parts,
            Err(error) => {
                pipeline.ledger.drop_payload(Reason::NotRetryable, Load { records: 0, items: points(&metrics) });
                return tracing::error!(owner = ?pipeline.target.owner, error, "metrics dropped");
            }
        };
        let whole = parts.len() == 1;
        for part in parts {
            let items = if whole { points(&metrics) } else { points_in(part.clone()) };
            self.send(pipeline, Signal::Metrics, part.into(), Load { records: 0, items }).await;
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
