//! Follows the settings: a new DSN binds a new client, none unbinds.

use std::sync::Arc;

use tokio::sync::watch;

use super::Shared;
use crate::live::ServerTracking;
use crate::outbound::Outbound;

/// Ends with the shutdown, or when nobody can change the settings any more.
pub async fn run(shared: Arc<Shared>, mut targets: watch::Receiver<Option<Arc<ServerTracking>>>, outbound: Outbound) {
    let stop = shared.stop.clone();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            changed = targets.changed() => if changed.is_err() {
                return;
            },
        }
        let next = targets.borrow_and_update().clone();
        shared.bind(next, &outbound);
    }
}
