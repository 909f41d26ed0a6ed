//! What a destination leaves when its settings change: logs of payloads that it could not send, for whoever follows it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::live::{ExportTarget, Owner};
use crate::spool::Log;
use crate::values::Signal;

/// Who gets what a destination leaves.
pub enum Heir {
    /// The destination of the same owner that is in force now.
    To(Arc<dyn Inherits>),
    /// Nobody now: it is paused, or the process ends. It stays on disk.
    Later,
    /// There will be nobody.
    Nobody,
}

/// Knows which destination is in force.
pub trait Heirs: Send + Sync {
    fn heir(&self, owner: Owner) -> Heir;
}

/// What became of logs that were left to a destination.
pub enum Left {
    Taken,
    /// It can't send this signal for now. They stay on disk.
    Kept,
    /// It does not export this signal, or means something else by it.
    Unwanted(Vec<Log>),
    /// It has itself ended meanwhile.
    Ended(Vec<Log>),
}

pub trait Inherits: Send + Sync {
    /// Whether what `from` can't send is kept: it has a use for it, or will have.
    fn wants(&self, from: &ExportTarget, signal: Signal) -> bool;

    /// Takes over logs of `signal` that the destination `from` could not send.
    fn inherit(&self, from: &ExportTarget, signal: Signal, logs: Vec<Log>) -> Left;
}

/// Logs that were left to a destination and that its workers have not begun with yet.
#[derive(Debug)]
pub struct Estate {
    /// `None` once the signal's worker has ended.
    slots: Mutex<[Option<Vec<Log>>; Signal::ALL.len()]>,
    arrived: [Notify; Signal::ALL.len()],
}

impl Default for Estate {
    fn default() -> Self {
        Self {
            slots: Mutex::new([const { Some(Vec::new()) }; Signal::ALL.len()]),
            arrived: [const { Notify::const_new() }; Signal::ALL.len()],
        }
    }
}

impl Estate {
    fn lock(&self) -> MutexGuard<'_, [Option<Vec<Log>>; Signal::ALL.len()]> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// # Errors
    /// The worker has ended; the logs come back.
    pub fn put(&self, signal: Signal, logs: Vec<Log>) -> Result<(), Vec<Log>> {
        match &mut self.lock()[signal as usize] {
            Some(slot) => slot.extend(logs),
            None => return Err(logs),
        }
        self.arrived[signal as usize].notify_one();
        Ok(())
    }

    pub fn take(&self, signal: Signal) -> Vec<Log> {
        self.lock()[signal as usize].as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Takes nothing more; answers with what nobody began with.
    pub fn close(&self, signal: Signal) -> Vec<Log> {
        self.lock()[signal as usize].take().unwrap_or_default()
    }

    pub async fn arrived(&self, signal: Signal) {
        self.arrived[signal as usize].notified().await;
    }
}
