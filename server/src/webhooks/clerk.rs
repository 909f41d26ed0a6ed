//! Writes down what happens to deliveries: takes events in, and settles attempts. One task, in batches, each flushed before
//! it counts.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use uuid::Uuid;

use super::attempt::{Made, kept};
use super::body::Along;
use super::book::{Ended, Settled};
use super::include::Included;
use super::listener::{Heard, Pending};
use super::retry::Next;
use super::{Shared, Stop, body, classify, sealed};
use crate::event::{Event, TraceContext};
use crate::live::Webhook;
use crate::outbound::chance;
use crate::store::{Changes, CommitError, Delivery, DeliveryState, StopReason, UnixMillis, WebhookHealth, now};
use crate::values::{EventType, TenantId};

const BATCH: usize = 256;
/// What is written at once, about.
const COMMIT_BYTES: usize = 1024 * 1024;
const COMMIT_DELIVERIES: usize = 500;
/// Attempts that are kept of a delivery: the last ones.
const KEPT_ATTEMPTS: usize = 20;
/// When what could not be written down is tried again.
const DISK_PAUSE_MS: UnixMillis = 60_000;

/// An attempt that has ended.
pub struct Outcome {
    pub endpoint: Arc<Webhook>,
    /// As it was on disk when the attempt began.
    pub before: Delivery,
    pub made: Made,
}

pub struct Clerk {
    shared: Arc<Shared>,
    events: mpsc::Receiver<Heard>,
    pending: Arc<Pending>,
    outcomes: mpsc::Receiver<Outcome>,
}

/// What a batch of attempts comes to.
struct Plan {
    changes: Changes,
    settled: Vec<Settled>,
    /// Ended ones that make room, by endpoint.
    removed: Vec<(Uuid, Vec<(Uuid, Ended)>)>,
    stops: Vec<(Arc<Webhook>, StopReason)>,
}

impl Clerk {
    pub fn new(shared: Arc<Shared>, events: mpsc::Receiver<Heard>, pending: Arc<Pending>, outcomes: mpsc::Receiver<Outcome>) -> Self {
        Self { shared, events, pending, outcomes }
    }

    /// Ends when nothing more comes, and everything that came is written down.
    pub async fn run(mut self) {
        let end = self.shared.end.clone();
        let mut listening = true;
        loop {
            let (mut events, mut outcomes) = (Vec::new(), Vec::new());
            tokio::select! {
                biased;
                _ = self.outcomes.recv_many(&mut outcomes, BATCH) => {}
                // None: the bus is gone, and nothing more is told.
                taken = self.events.recv_many(&mut events, BATCH), if listening => listening = taken > 0,
                () = end.cancelled() => return,
            }
            // Neither waits for the other to be done.
            while outcomes.len() < BATCH
                && let Ok(outcome) = self.outcomes.try_recv()
            {
                outcomes.push(outcome);
            }
            while events.len() < BATCH
                && let Ok(event) = self.events.try_recv()
            {
                events.push(event);
            }
            if !outcomes.is_empty() {
                self.settle(outcomes).await;
            }
            if !events.is_empty() {
                self.take_in(&events).await;
                self.pending.done(&events);
            }
        }
    }

    async fn take_in(&self, events: &[Heard]) {
        let shared = &self.shared;
        let in_force = shared.in_force.load_full();
        let now = now();
        let (mut new, mut bytes): (Vec<Delivery>, usize) = (Vec::new(), 0);
        let mut refused: HashMap<(TenantId, Uuid), u64> = HashMap::new();
        for heard @ Heard { event, .. } in events {
            let Some(own) = event.tenant().and_then(|tenant| in_force.tenants.get(&tenant)) else { continue };
            let included = self.included(heard).await;
            for endpoint in own.endpoints.iter().filter(|endpoint| concerns(endpoint, event)) {
                for event_type in wanted(endpoint, event) {
                    if !shared.book().reserve(endpoint.workspace, endpoint.id) {
                        *refused.entry((endpoint.workspace, endpoint.id)).or_default() += 1;
                        continue;
                    }
                    let along = Along { included: &included, backlog: shared.book().crowded(endpoint.id) };
                    match self.delivery(endpoint, event_type, along, event, now) {
                        Some(delivery) => {
                            bytes += delivery.body.len();
                            new.push(delivery);
                        }
                        None => {
                            shared.book().release(endpoint.id);
                            tracing::error!(event = event_type.name(), "a webhook's body could not be made");
                        }
                    }
                    // One event may be told to many endpoints: what is held at once stays bounded.
                    if bytes >= COMMIT_BYTES || new.len() >= COMMIT_DELIVERIES {
                        self.write(std::mem::take(&mut new), std::mem::take(&mut refused)).await;
                        bytes = 0;
                    }
                }
            }
        }
        self.write(new, refused).await;
    }

    /// What may be told of the request besides its event. Taking out the secrets takes a while, and is no task's work.
    async fn included(&self, heard: &Heard) -> Included {
        let Some(copies) = &heard.copies else { return Included::NOTHING };
        if let Some(tenant) = heard.event.tenant().filter(|_| copies.busy()) {
            self.shared.losses.without_copies(tenant);
        }
        let (copies, redactor) = (Arc::clone(copies), Arc::clone(&self.shared.redactor));
        let included = tokio::task::spawn_blocking(move || Included::of(&copies, &redactor)).await;
        included.unwrap_or_else(|error| {
            tracing::error!(%error, "what a webhook includes could not be made; it is told without");
            Included::NOTHING
        })
    }

    async fn write(&self, new: Vec<Delivery>, refused: HashMap<(TenantId, Uuid), u64>) {
        let (shared, now) = (&self.shared, now());
        let changes = new.iter().fold(self.count_refused(&refused), Changes::put);
        match shared.store.commit(changes).await {
            Ok(()) => {
                let mut book = shared.book();
                new.iter().for_each(|delivery| book.add(delivery.endpoint, delivery.id, delivery.body.len(), now));
                drop(book);
                shared.wake.notify_one();
            }
            Err(error) => {
                tracing::error!(%error, deliveries = new.len(), "webhook deliveries could not be written to disk; they are not made");
                new.iter().for_each(|delivery| shared.losses.lost(delivery.workspace, 1));
                let mut book = shared.book();
                new.iter().for_each(|delivery| book.release(delivery.endpoint));
            }
        }
    }

    /// Counts what was not taken in because too much waits.
    fn count_refused(&self, refused: &HashMap<(TenantId, Uuid), u64>) -> Changes {
        refused.iter().fold(Changes::new(), |changes, ((workspace, endpoint), count)| {
            let mut health = self.health(*workspace, *endpoint);
            if health.dropped == 0 {
                tracing::warn!(%workspace, webhook = %endpoint, "too many webhook deliveries wait for this endpoint; further ones are dropped and counted");
            }
            health.dropped += count;
            changes.put(&health)
        })
    }

    fn health(&self, workspace: TenantId, endpoint: Uuid) -> WebhookHealth {
        self.shared.store.webhooks().health(workspace, endpoint).unwrap_or_else(|error| {
            tracing::error!(%error, "how a webhook is doing can't be read");
            WebhookHealth::new(workspace, endpoint)
        })
    }

    /// `None`: its body can't be made.
    fn delivery(&self, endpoint: &Webhook, event_type: EventType, along: Along<'_>, event: &Event, now: UnixMillis) -> Option<Delivery> {
        let (request_id, trace): (_, Option<&TraceContext>) = match event {
            Event::Received(request) | Event::Request(request) => (Some(request.request_id), Some(&request.trace)),
            Event::Audit(audit) => (audit.request_id, audit.trace.as_ref()),
            _ => (None, None),
        };
        let (id, body) = (Uuid::now_v7(), body::of_event(event_type, event, along, endpoint)?);
        Some(Delivery {
            id,
            workspace: endpoint.workspace,
            endpoint: endpoint.id,
            event: event_type,
            body: sealed::seal(&self.shared.vault, endpoint.workspace, endpoint.id, id, &body).ok()?,
            created_at: now,
            state: DeliveryState::Waiting { next_at: now },
            attempts: Vec::new(),
            earlier: 0,
            request_id,
            trace: trace.map(kept),
        })
    }

    async fn settle(&self, outcomes: Vec<Outcome>) {
        let plan = self.plan(&outcomes);
        if let Err(error) = self.carry_out(plan).await {
            if outcomes.len() == 1 {
                self.unsettled(&outcomes, &error);
                return;
            }
            // One of them is gone, with its endpoint perhaps: each on its own.
            for outcome in outcomes {
                let outcome = [outcome];
                let plan = self.plan(&outcome);
                if let Err(error) = self.carry_out(plan).await {
                    self.unsettled(&outcome, &error);
                }
            }
        }
    }

    fn plan(&self, outcomes: &[Outcome]) -> Plan {
        let now = now();
        let mut changes = Changes::new();
        let (mut settled, mut removed, mut stops) = (Vec::with_capacity(outcomes.len()), Vec::new(), Vec::new());
        let mut healths: HashMap<Uuid, (WebhookHealth, Vec<(Uuid, Ended)>)> = HashMap::new();
        for Outcome { endpoint, before, made } in outcomes {
            let (health, ended) = healths.entry(endpoint.id).or_insert_with(|| (self.health(endpoint.workspace, endpoint.id), Vec::new()));
            let next = self.next(endpoint, before, made);
            let after = after(before, made, next, now);
            changes = changes.expect_unchanged(before).put(&after);
            health.failing_since = made.attempt.failure.map(|_| health.failing_since.unwrap_or(made.attempt.at));
            if !after.state.is_waiting() {
                health.ended(next == Next::Delivered, now);
                ended.push((before.id, Ended::of(&after)));
            }
            if let Some(why) = self.gives_up(endpoint, health, next, now) {
                stops.push((Arc::clone(endpoint), why));
            }
            let asked = match (made.after, next) {
                (Some(_), Next::Again(delay)) => Some(now + millis(delay)),
                _ => None,
            };
            settled.push(Settled {
                workspace: endpoint.workspace,
                endpoint: endpoint.id,
                delivery: before.id,
                state: Some(after.state),
                failing: Some(health.failing_since.is_some()),
                not_before: asked,
            });
        }
        for (id, (health, mut ended)) in healths {
            let out = self.shared.book().crowd_out(id, ended.len(), ended.iter().map(|(_, one)| one.size).sum());
            // More have ended at once than are kept: the oldest of them go too, those that failed last.
            ended.sort_unstable_by_key(|(id, one)| (one.failed, *id));
            ended.truncate(ended.len().saturating_sub(self.shared.options.limits.ended));
            settled.iter_mut().filter(|one| ended.iter().any(|(id, _)| *id == one.delivery)).for_each(|one| one.state = None);
            changes = changes.put(&health);
            for (old, _) in out.iter().chain(&ended) {
                changes = changes.delete::<Delivery>(&Delivery::key_of(health.workspace, id, *old));
            }
            removed.push((id, out));
        }
        Plan { changes, settled, removed, stops }
    }

    fn next(&self, endpoint: &Webhook, before: &Delivery, made: &Made) -> Next {
        let failures = made.attempt.number.saturating_sub(before.earlier);
        self.shared.options.retry.next(made.attempt.failure, failures, endpoint.retries, made.after, chance())
    }

    fn gives_up(&self, endpoint: &Webhook, health: &WebhookHealth, next: Next, now: UnixMillis) -> Option<StopReason> {
        if next == Next::Gone {
            return Some(StopReason::Gone);
        }
        let since = health.failing_since?.max(endpoint.enabled_at);
        (now - since >= millis(self.shared.options.give_up_after)).then_some(StopReason::GaveUp)
    }

    async fn carry_out(&self, plan: Plan) -> Result<(), CommitError> {
        let shared = &self.shared;
        if let Err(error) = shared.store.commit(plan.changes).await {
            let mut book = shared.book();
            plan.removed.into_iter().for_each(|(endpoint, ended)| book.put_back(endpoint, ended));
            return Err(error);
        }
        {
            let mut book = shared.book();
            plan.stops.iter().for_each(|(endpoint, _)| book.halt(endpoint));
            plan.settled.into_iter().for_each(|settled| book.settle(settled));
        }
        shared.wake.notify_one();
        for (endpoint, why) in plan.stops {
            if let Some(stops) = &shared.options.stops {
                let stop = Stop { workspace: endpoint.workspace, endpoint: endpoint.id, generation: endpoint.generation, why };
                // Nobody is there only when the process ends.
                let _ = stops.send(stop).await;
            }
        }
        Ok(())
    }

    /// The delivery is gone, or the disk refuses: then it is tried again, and the receiver knows it by its id.
    fn unsettled(&self, outcomes: &[Outcome], error: &CommitError) {
        let gone = matches!(error, CommitError::Stale { .. });
        if !gone {
            tracing::error!(%error, "what came of a webhook delivery could not be written to disk");
        }
        let mut book = self.shared.book();
        for Outcome { endpoint, before, .. } in outcomes {
            let state = (!gone).then(|| DeliveryState::Waiting { next_at: now() + DISK_PAUSE_MS });
            let (workspace, endpoint, delivery) = (endpoint.workspace, endpoint.id, before.id);
            book.settle(Settled { workspace, endpoint, delivery, state, failing: None, not_before: None });
        }
        drop(book);
        self.shared.wake.notify_one();
    }
}

/// The filter by route, for what is about one.
fn concerns(endpoint: &Webhook, event: &Event) -> bool {
    match event {
        Event::Received(request) | Event::Request(request) => {
            endpoint.concerns(request.proxied.as_ref().and_then(|proxied| proxied.route_id))
        }
        _ => true,
    }
}

fn wanted(endpoint: &Webhook, event: &Event) -> impl Iterator<Item = EventType> {
    let (types, wanted) = (classify::types(event), endpoint.events);
    EventType::SELECTABLE.into_iter().filter(move |one| types.contains(*one) && wanted.contains(*one))
}

/// The delivery with one attempt more.
fn after(before: &Delivery, made: &Made, next: Next, now: UnixMillis) -> Delivery {
    let state = match next {
        Next::Delivered => DeliveryState::Delivered { at: now },
        Next::Again(delay) => DeliveryState::Waiting { next_at: now + millis(delay) },
        Next::Failed | Next::Gone => DeliveryState::Failed { at: now },
    };
    let mut attempts = before.attempts.clone();
    attempts.push(made.attempt);
    attempts.drain(..attempts.len().saturating_sub(KEPT_ATTEMPTS));
    Delivery { state, attempts, ..before.clone() }
}

fn millis(duration: Duration) -> UnixMillis {
    UnixMillis::try_from(duration.as_millis()).unwrap_or(UnixMillis::MAX / 2)
}
