//! Follows the configuration: builds what changed aside, swaps the whole set, and lets go of the old one, whose
//! destinations then send what they hold.

use std::sync::Arc;

use tokio::sync::watch;

use super::Shared;
use crate::live::Exports;

/// Ends when telemetry shuts down or nobody can change the configuration any more.
pub async fn run(shared: Arc<Shared>, mut exports: watch::Receiver<Arc<Exports>>) {
    loop {
        tokio::select! {
            () = shared.stop.cancelled() => return,
            changed = exports.changed() => if changed.is_err() {
                return;
            },
        }
        let next = Arc::clone(&exports.borrow_and_update());
        shared.apply(next);
    }
}
