//! Writes down what happens to deliveries: settles attempts, and has new deliveries made in between. One task, in batches,
//! each flushed before it counts.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use uuid::Uuid;

use super::attempt::Made;
use super::book::{Settled, Then};
use super::maker::Maker;
use super::retry::Next;
use super::shelf::Ended;
use super::{Shared, Stop};
use crate::live::Webhook;
use crate::outbound::chance;
use crate::store::{Changes, CommitError, Delivery, DeliveryState, StopReason, UnixMillis, WebhookHealth, now};
use crate::values::TenantId;

/// Attempts that are settled at once.
const BATCH: usize = 256;
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
    maker: Maker,
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
    pub fn new(shared: Arc<Shared>, maker: Maker, outcomes: mpsc::Receiver<Outcome>) -> Self {
        Self { shared, maker, outcomes }
    }

    /// Ends when nothing more comes, and everything that came is written down.
    pub async fn run(mut self) {
        let end = self.shared.end.clone();
        loop {
            let mut outcomes = Vec::new();
            tokio::select! {
                biased;
                _ = self.outcomes.recv_many(&mut outcomes, BATCH) => {}
                () = self.maker.wait() => {}
                () = end.cancelled() => return,
            }
            while outcomes.len() < BATCH
                && let Ok(outcome) = self.outcomes.try_recv()
            {
                outcomes.push(outcome);
            }
            // Neither waits for the other to be done: each has one transaction, then it is the other's turn.
            if !outcomes.is_empty() {
                self.settle(outcomes).await;
            }
            self.maker.make().await;
        }
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
        let mut coming: HashMap<TenantId, usize> = HashMap::new();
        for Outcome { endpoint, before, made } in outcomes {
            let (health, ended) =
                healths.entry(endpoint.id).or_insert_with(|| (self.shared.health(endpoint.workspace, endpoint.id), Vec::new()));
            let next = self.next(endpoint, before, made);
            let after = after(before, made, next, now);
            changes = changes.expect_unchanged(before).put(&after);
            health.failing_since = made.attempt.failure.map(|_| health.failing_since.unwrap_or(made.attempt.at));
            if !after.state.is_waiting() {
                health.ended(next == Next::Delivered, now);
                ended.push((before.id, Ended::of(&after)));
                *coming.entry(endpoint.workspace).or_default() += after.body.len();
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
                then: Then::of(&after),
                failing: Some(health.failing_since.is_some()),
                not_before: asked,
            });
        }
        for (id, (health, mut ended)) in healths {
            let out = self.shared.book().crowd_out(id, ended.len(), ended.iter().map(|(_, one)| one.size).sum());
            // More have ended at once than are kept: the oldest of them go too, those that failed last.
            ended.sort_unstable_by_key(|(id, one)| (one.failed, *id));
            ended.truncate(ended.len().saturating_sub(self.shared.options.limits.ended));
            settled.iter_mut().filter(|one| ended.iter().any(|(id, _)| *id == one.delivery)).for_each(|one| one.then = Then::Gone);
            changes = changes.put(&health);
            for (old, _) in out.iter().chain(&ended) {
                changes = changes.delete::<Delivery>(&Delivery::key_of(health.workspace, id, *old));
            }
            removed.push((id, out));
        }
        for (workspace, bytes) in coming {
            let out = self.shared.book().crowd_out_of(workspace, bytes);
            for (endpoint, one) in out {
                changes = changes.delete::<Delivery>(&Delivery::key_of(workspace, endpoint, one.0));
                removed.push((endpoint, vec![one]));
            }
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
            let then = if gone { Then::Gone } else { Then::Waits { next_at: now() + DISK_PAUSE_MS } };
            let (workspace, endpoint, delivery) = (endpoint.workspace, endpoint.id, before.id);
            book.settle(Settled { workspace, endpoint, delivery, then, failing: None, not_before: None });
        }
        drop(book);
        self.shared.wake.notify_one();
    }
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
