//! How many names are looked up at once. The system's resolver takes a thread for each, for as long as the name's server keeps
//! it waiting, and cannot be stopped: what nobody waits for any more still counts, until it is over. So a name that is answered
//! late, or never, is its owner's trouble alone, and threads are left for the disk.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Of all workspaces together, far below the threads that there are for what blocks.
const WORKSPACES: usize = 128;
const ONE_WORKSPACE: usize = 8;
const OPERATOR: usize = 32;

/// What all of one process share.
#[derive(Clone)]
pub(super) struct Waits {
    workspaces: Arc<Semaphore>,
    operator: Arc<Semaphore>,
}

impl Default for Waits {
    fn default() -> Self {
        Self { workspaces: Arc::new(Semaphore::new(WORKSPACES)), operator: Arc::new(Semaphore::new(OPERATOR)) }
    }
}

impl Waits {
    pub(super) fn operator(&self) -> Turns {
        Turns([Some(Arc::clone(&self.operator)), None])
    }

    /// Those of one more workspace.
    pub(super) fn workspace(&self) -> Turns {
        Turns([Some(Arc::new(Semaphore::new(ONE_WORKSPACE))), Some(Arc::clone(&self.workspaces))])
    }
}

/// The turns of whoever connects, of which each name takes one of all. Clones share them; the default knows no bound.
#[derive(Clone, Default)]
pub(super) struct Turns([Option<Arc<Semaphore>>; 2]);

/// The right to look one name up. Goes with the lookup and is dropped when that is over, not when nobody waits any more.
/// The default counts for nobody.
#[derive(Debug, Default)]
pub struct Turn {
    permits: [Option<OwnedSemaphorePermit>; 2],
}

impl Turns {
    pub(super) async fn take(&self) -> Turn {
        let mut turn = Turn::default();
        for (permit, semaphore) in turn.permits.iter_mut().zip(&self.0) {
            if let Some(semaphore) = semaphore {
                // None is ever closed.
                *permit = Arc::clone(semaphore).acquire_owned().await.ok();
            }
        }
        turn
    }
}
