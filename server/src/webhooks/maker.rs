//! Makes deliveries of events, and writes them down: a piece of one workspace's work, then a piece of the next one's, as much
//! as goes into one transaction. Part of the clerk's task, which settles attempts in between.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use uuid::Uuid;

use super::attempt::kept;
use super::body::Along;
use super::include::Included;
use super::lines::Lines;
use super::listener::Heard;
use super::{Shared, body, classify, sealed};
use crate::capture::Exchange;
use crate::event::{Event, TraceContext};
use crate::live::{TenantWebhooks, Webhook};
use crate::store::{Changes, Delivery, DeliveryState, now};
use crate::values::{EventType, TenantId};

/// What is done at once, about, in bytes that are written; other work counts as the bytes that take about as long.
const AT_ONCE: usize = 1024 * 1024;
/// Of that a workspace's turn has so much.
const TURN: usize = AT_ONCE / 4;
const EVENT: usize = 1024;
/// Besides its body.
const DELIVERY: usize = 2 * 1024;
/// Taking the secrets out of what was copied.
const REDACTION: usize = 64 * 1024;

pub struct Maker {
    shared: Arc<Shared>,
    lines: Arc<Lines<Heard>>,
}

/// How far an event has been told.
#[derive(Debug, Default)]
pub struct Progress {
    /// Which endpoints are still to be told, and of what; `None`: it has not been begun.
    left: Option<VecDeque<(Uuid, EventType)>>,
    /// What goes along, once somebody is to be told.
    included: Option<Included>,
}

/// Deliveries that are written together.
#[derive(Default)]
struct Batch {
    new: Vec<Delivery>,
    bytes: usize,
    /// What was done for it, see [`AT_ONCE`].
    work: usize,
    /// Not made, because too many wait for the endpoint.
    refused: HashMap<(TenantId, Uuid), u64>,
}

impl Batch {
    fn add(&mut self, delivery: Delivery) {
        let size = delivery.body.len();
        self.bytes += size;
        self.work += size + DELIVERY;
        self.new.push(delivery);
    }
}

impl Maker {
    pub fn new(shared: Arc<Shared>, lines: Arc<Lines<Heard>>) -> Self {
        Self { shared, lines }
    }

    /// Until there is something to make.
    pub async fn wait(&self) {
        self.lines.wait().await;
    }

    /// Makes what is done at once, or less if less waits; not to be cut short.
    pub async fn make(&self) {
        let mut batch = Batch::default();
        while batch.work < AT_ONCE
            && let Some((tenant, mut events)) = self.lines.turn()
        {
            let end = batch.work + TURN;
            while batch.work < end
                && let Some(heard) = events.front_mut()
            {
                if self.tell(tenant, heard, end, &mut batch).await {
                    events.pop_front();
                }
            }
            self.lines.put_back(tenant, events);
        }
        self.write(batch).await;
    }

    /// Makes an event's deliveries, as far as they are not made yet, until the batch's work comes to `end`; returns whether
    /// all are made.
    async fn tell(&self, tenant: TenantId, heard: &mut Heard, end: usize, batch: &mut Batch) -> bool {
        let in_force = self.shared.in_force.load_full();
        let Some(own) = in_force.tenants.get(&tenant) else { return true };
        let Heard { event, copies, progress: Progress { left, included } } = heard;
        let event: &Event = event;
        let left = left.get_or_insert_with(|| {
            batch.work += EVENT;
            concerned(own, event)
        });
        while let Some((id, event_type)) = left.pop_front() {
            // It may have been switched off since the turn before.
            let Some(endpoint) = own.endpoints.iter().find(|one| one.id == id) else { continue };
            if !self.reserve(endpoint, batch) {
                continue;
            }
            let along = match included.take() {
                Some(there) => there,
                None => self.included(tenant, copies.take(), batch).await,
            };
            let along: &Included = included.insert(along);
            let backlog = self.shared.book().crowded(endpoint.id);
            match self.delivery(endpoint, event_type, Along { included: along, backlog }, event) {
                Some(delivery) => batch.add(delivery),
                None => {
                    self.shared.book().release(endpoint.id);
                    tracing::error!(event = event_type.name(), "a webhook's body could not be made");
                }
            }
            if batch.work >= end {
                break;
            }
        }
        left.is_empty()
    }

    /// Keeps room for one more of the endpoint's; false: there is none, and that is counted.
    fn reserve(&self, endpoint: &Webhook, batch: &mut Batch) -> bool {
        let (room, reserved) = {
            let mut book = self.shared.book();
            let room = book.has_room(endpoint.workspace, batch.bytes);
            (room, room && book.reserve(endpoint.workspace, endpoint.id))
        };
        if !room {
            self.shared.losses.no_room(endpoint.workspace);
        } else if !reserved {
            *batch.refused.entry((endpoint.workspace, endpoint.id)).or_default() += 1;
        }
        reserved
    }

    /// What may be told of the request besides its event. Taking out the secrets takes a while, and is no task's work.
    async fn included(&self, tenant: TenantId, copies: Option<Arc<Exchange>>, batch: &mut Batch) -> Included {
        let Some(copies) = copies else { return Included::NOTHING };
        if copies.busy() {
            self.shared.losses.without_copies(tenant);
        }
        batch.work += REDACTION;
        let redactor = Arc::clone(&self.shared.redactor);
        let included = tokio::task::spawn_blocking(move || Included::of(&copies, &redactor)).await;
        included.unwrap_or_else(|error| {
            tracing::error!(%error, "what a webhook includes could not be made; it is told without");
            Included::NOTHING
        })
    }

    /// `None`: its body can't be made.
    fn delivery(&self, endpoint: &Webhook, event_type: EventType, along: Along<'_>, event: &Event) -> Option<Delivery> {
        let (request_id, trace): (_, Option<&TraceContext>) = match event {
            Event::Received(request) | Event::Request(request) => (Some(request.request_id), Some(&request.trace)),
            Event::Audit(audit) => (audit.request_id, audit.trace.as_ref()),
            _ => (None, None),
        };
        let (id, now, body) = (Uuid::now_v7(), now(), body::of_event(event_type, event, along, endpoint)?);
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
            trace: trace.filter(|trace| !trace.invented).map(kept),
        })
    }

    async fn write(&self, batch: Batch) {
        let (shared, now) = (&self.shared, now());
        let Batch { new, refused, .. } = batch;
        if new.is_empty() && refused.is_empty() {
            return;
        }
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
            let mut health = self.shared.health(*workspace, *endpoint);
            if health.dropped == 0 {
                tracing::warn!(%workspace, webhook = %endpoint, "too many webhook deliveries wait for this endpoint; further ones are dropped and counted");
            }
            health.dropped += count;
            changes.put(&health)
        })
    }
}

/// Which endpoints are to be told of the event, and as what.
fn concerned(own: &TenantWebhooks, event: &Event) -> VecDeque<(Uuid, EventType)> {
    let types = classify::types(event);
    let concerns = |endpoint: &Webhook| match event {
        Event::Received(request) | Event::Request(request) => {
            endpoint.concerns(request.proxied.as_ref().and_then(|proxied| proxied.route_id))
        }
        _ => true,
    };
    let mut told = VecDeque::new();
    for endpoint in own.endpoints.iter().filter(|endpoint| concerns(endpoint)) {
        let wanted = EventType::SELECTABLE.into_iter().filter(|one| types.contains(*one) && endpoint.events.contains(*one));
        told.extend(wanted.map(|one| (endpoint.id, one)));
    }
    told
}
