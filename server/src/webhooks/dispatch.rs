//! Starts what is due: one task for all endpoints, and one for each attempt while it lasts.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::book::{Settled, Start, Then};
use super::clerk::Outcome;
use super::{Shared, sealed};
use crate::live::Webhook;
use crate::store::{Delivery, now};

/// Clocks are set: what is due is looked at again after this at the latest.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);

/// Ends when nothing more is to be started.
pub async fn run(shared: Arc<Shared>, mut changed: watch::Receiver<()>) {
    look_around(&shared).await;
    loop {
        let now = now();
        let (starts, next) = shared.book().due(now, &shared.in_force.load());
        for start in starts {
            shared.attempts.spawn(attempt(Arc::clone(&shared), start));
        }
        let pause = next.map(|next| Duration::from_millis(u64::try_from(next - now).unwrap_or(0)).min(LONGEST_SLEEP));
        tokio::select! {
            biased;
            () = shared.stop.cancelled() => return,
            // Whoever publishes is gone only when the process ends.
            told = changed.changed() => match told {
                Ok(()) => look_around(&shared).await,
                Err(_) => return,
            },
            () = shared.wake.notified() => {}
            () = sleep(pause.unwrap_or_default()), if pause.is_some() => {}
        }
    }
}

/// After a change of what is in force: lets go of what is gone for good, with what was still written down for it.
async fn look_around(shared: &Shared) {
    let absent = shared.book().unpark(&shared.in_force.load());
    for (workspace, endpoint) in absent {
        let webhooks = shared.store.webhooks();
        match webhooks.is_there(workspace, endpoint) {
            Ok(true) => continue,
            Ok(false) => shared.book().forget(endpoint),
            Err(error) => {
                tracing::error!(%error, "whether a webhook is there can't be read");
                continue;
            }
        }
        let removed = match webhooks.deletion(workspace, endpoint) {
            Ok(changes) => shared.store.commit(changes).await.map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        if let Err(error) = removed {
            tracing::error!(error, "what was left of a webhook could not be removed");
        }
    }
}

async fn attempt(shared: Arc<Shared>, start: Start) {
    let Start { endpoint, delivery } = start;
    let Some((before, body)) = read(&shared, &endpoint, delivery) else {
        let then = Then::Gone;
        let settled = Settled { workspace: endpoint.workspace, endpoint: endpoint.id, delivery, then, failing: None, not_before: None };
        shared.book().settle(settled);
        shared.wake.notify_one();
        return;
    };
    let made = tokio::select! {
        biased;
        () = shared.abort.cancelled() => return,
        made = shared.way.attempt(&endpoint, &before, &body) => made,
    };
    // The clerk ends after the last attempt.
    let _ = shared.outcomes.send(Outcome { endpoint, before, made }).await;
}

/// `None` where it is gone meanwhile, or can't be read, which the store reports.
fn read(shared: &Shared, endpoint: &Webhook, delivery: Uuid) -> Option<(Delivery, Zeroizing<String>)> {
    let stored = shared.store.webhooks().delivery(endpoint.workspace, endpoint.id, delivery).ok()??;
    if !stored.state.is_waiting() {
        return None;
    }
    match sealed::open(&shared.vault, &stored) {
        Ok(body) => Some((stored, body)),
        Err(error) => {
            tracing::error!(%error, webhook = %endpoint.id, %delivery, "what a webhook is to be told can't be opened; it is not delivered");
            None
        }
    }
}
