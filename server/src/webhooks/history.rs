//! What was delivered, for whoever looks at it; and what people ask for: a test, or delivering something again.

use std::ops::ControlFlow;
use std::sync::PoisonError;
use std::time::SystemTime;

use tokio::time::Instant;
use uuid::Uuid;

use super::shelf::Ended;
use super::{Error, Webhooks, body, sealed};
use crate::auth::{WorkspaceAdmin, WorkspaceMember};
use crate::live::Webhook;
use crate::store::{Attempt, Changes, Delivery, DeliveryState, ReadError, Store, UnixMillis, now, unix_millis};
use crate::values::{EventType, TenantId};

const PER_PAGE: usize = 50;

/// Some deliveries, the newest first, and where the next page begins.
#[derive(Debug)]
pub struct Page {
    pub rows: Vec<Delivery>,
    pub next: Option<Uuid>,
}

impl Webhooks {
    /// `before`: a [`Page::next`]. `failed`: only those that failed.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn deliveries(&self, witness: &WorkspaceMember, endpoint: Uuid, before: Option<Uuid>, failed: bool) -> Result<Page, Error> {
        let (store, workspace) = (self.shared.store.clone(), witness.workspace());
        let page = move || Self::page(&store, workspace, endpoint, before, failed);
        tokio::task::spawn_blocking(page).await.unwrap_or_else(|_| Err(ReadError::Io("reading was interrupted".to_owned()).into()))
    }

    fn page(store: &Store, workspace: TenantId, endpoint: Uuid, before: Option<Uuid>, failed: bool) -> Result<Page, Error> {
        let mut rows = Vec::new();
        store.webhooks().newest_deliveries(workspace, endpoint, before, |delivery| {
            if !failed || matches!(delivery.state, DeliveryState::Failed { .. }) {
                rows.push(delivery);
            }
            if rows.len() > PER_PAGE { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        let more = rows.len() > PER_PAGE;
        rows.truncate(PER_PAGE);
        Ok(Page { next: rows.last().filter(|_| more).map(|last| last.id), rows })
    }

    /// Queues a delivery that ended once more, under its own id. One that still waits goes on waiting.
    ///
    /// # Errors
    /// There is no such delivery, or too much waits already.
    pub async fn redeliver(&self, witness: &WorkspaceAdmin, endpoint: Uuid, id: Uuid) -> Result<(), Error> {
        let old = self.shared.store.webhooks().delivery(witness.workspace(), endpoint, id)?.ok_or(Error::NotFound)?;
        if old.state.is_waiting() {
            return Ok(());
        }
        if self.again(witness.workspace(), endpoint, &[old]).await? == 0 { Err(Error::Full) } else { Ok(()) }
    }

    /// Queues what failed since then, tests aside, the oldest first and as far as there is room; returns how many.
    ///
    /// # Errors
    /// The store can't be read or written.
    pub async fn redeliver_failed(&self, witness: &WorkspaceAdmin, endpoint: Uuid, since: UnixMillis) -> Result<u64, Error> {
        let mut failed = self.shared.store.webhooks().deliveries(witness.workspace(), endpoint)?;
        failed.retain(|delivery| {
            delivery.event != EventType::WebhookTest && matches!(delivery.state, DeliveryState::Failed { at } if at >= since)
        });
        self.again(witness.workspace(), endpoint, &failed).await
    }

    async fn again(&self, workspace: TenantId, endpoint: Uuid, ended: &[Delivery]) -> Result<u64, Error> {
        let now = now();
        let taken: Vec<&Delivery> = {
            let mut book = self.shared.book();
            let (mut taken, mut left, mut bytes) = (Vec::new(), Vec::new(), 0);
            for delivery in ended {
                let Some(kept) = book.pick(endpoint, delivery.id) else { continue };
                if book.has_room(workspace, bytes) && book.reserve(workspace, endpoint) {
                    bytes += kept.size;
                    taken.push(delivery);
                } else {
                    left.push((delivery.id, kept));
                }
            }
            book.put_back(endpoint, left);
            taken
        };
        let changes = taken.iter().copied().fold(Changes::new(), |changes, old| {
            let earlier = old.attempts.last().map_or(0, |last| last.number);
            let new = Delivery { state: DeliveryState::Waiting { next_at: now }, earlier, ..old.clone() };
            changes.expect_unchanged(old).put(&new)
        });
        let written = self.shared.store.commit(changes).await;
        {
            let mut book = self.shared.book();
            for delivery in &taken {
                match &written {
                    Ok(()) => book.add(endpoint, delivery.id, delivery.body.len(), now),
                    Err(_) => {
                        book.release(endpoint);
                        book.put_back(endpoint, [(delivery.id, Ended::of(delivery))]);
                    }
                }
            }
        }
        written?;
        self.shared.wake.notify_one();
        Ok(taken.len() as u64)
    }

    /// One attempt at once, whether the endpoint is on or off. It is in the history, and counts neither for nor against it.
    ///
    /// # Errors
    /// There were too many tests lately, or it can't be written down.
    pub async fn test(&self, endpoint: &Webhook) -> Result<Attempt, Error> {
        let (at, now) = (SystemTime::now(), now());
        self.shared.tests.lock().unwrap_or_else(PoisonError::into_inner).admit(&endpoint.id, Instant::now())?;
        let (id, body) = (Uuid::now_v7(), body::of_test(at, endpoint).ok_or(Error::Body)?);
        let mut delivery = Delivery {
            id,
            workspace: endpoint.workspace,
            endpoint: endpoint.id,
            event: EventType::WebhookTest,
            body: sealed::seal(&self.shared.vault, endpoint.workspace, endpoint.id, id, &body).map_err(|_| Error::Body)?,
            created_at: unix_millis(at),
            state: DeliveryState::Waiting { next_at: now },
            attempts: Vec::new(),
            earlier: 0,
            request_id: None,
            trace: None,
        };
        let made = self.shared.way.attempt(endpoint, &delivery, &body).await;
        let at = crate::store::now();
        delivery.state = if made.attempt.failure.is_none() { DeliveryState::Delivered { at } } else { DeliveryState::Failed { at } };
        delivery.attempts.push(made.attempt);
        let removed = {
            let mut book = self.shared.book();
            let own = book.crowd_out(endpoint.id, 1, delivery.body.len()).into_iter().map(|one| (endpoint.id, one));
            own.chain(book.crowd_out_of(endpoint.workspace, delivery.body.len())).collect::<Vec<_>>()
        };
        let changes = removed.iter().fold(Changes::new().put(&delivery), |changes, (of, (old, _))| {
            changes.delete::<Delivery>(&Delivery::key_of(endpoint.workspace, *of, *old))
        });
        let written = self.shared.store.commit(changes).await;
        let mut book = self.shared.book();
        match &written {
            Ok(()) => book.keep(&delivery),
            Err(_) => removed.into_iter().for_each(|(of, one)| book.put_back(of, [one])),
        }
        drop(book);
        written?;
        Ok(made.attempt)
    }
}
