//! Follows the configuration: builds what changed aside, swaps the whole set, and lets go of the old one, whose
//! destinations then send what they hold. As long as there is an export it also has an eye on what waits for none.

use std::sync::Arc;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::Shared;
use crate::live::Exports;

/// Ends when telemetry shuts down or nobody can change the configuration any more.
pub async fn run(shared: Arc<Shared>, mut exports: watch::Receiver<Arc<Exports>>) {
    let every = shared.common.options.expire_every;
    let mut next_look = Instant::now() + every;
    loop {
        let any = !exports.borrow().is_empty();
        tokio::select! {
            () = shared.stop.cancelled() => return,
            changed = exports.changed() => if changed.is_err() {
                return;
            },
            () = sleep_until(next_look), if any && shared.common.options.spool.is_some() => {
                shared.expire();
                next_look = Instant::now() + every;
                continue;
            }
        }
        let next = Arc::clone(&exports.borrow_and_update());
        shared.apply(next);
    }
}
