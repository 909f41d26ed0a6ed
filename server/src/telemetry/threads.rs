//! Where the work behind the queues is done.
//!
//! Mapping, encoding and compressing a batch takes milliseconds, for which a request on the same thread would wait. So in the
//! process it has a thread of its own, one for all destinations, which is there only once there was a destination.
//!
//! It stays after the last one. Connections of pools that others use too (tests of exports, errors), what closes those that are idle, and
//! lookups of names that a workspace's requests may wait for are tasks of whichever runtime needed them first; with it they would end.

use std::sync::OnceLock;

use tokio::runtime::{Builder, Handle, Runtime};

pub struct Threads {
    /// Of whoever started telemetry.
    shared: Handle,
    own: bool,
    /// `None` where the system gave no thread: then the work is done among the requests.
    started: OnceLock<Option<Runtime>>,
}

impl Threads {
    /// Has to be called within a runtime, which does the work unless it is to have a thread of its `own`.
    #[must_use]
    pub fn new(own: bool) -> Self {
        Self { shared: Handle::current(), own, started: OnceLock::new() }
    }

    /// Where to spawn what a destination does.
    #[must_use]
    pub fn handle(&self) -> &Handle {
        if !self.own {
            return &self.shared;
        }
        let started = self.started.get_or_init(|| {
            let built = Builder::new_multi_thread().worker_threads(1).thread_name("telemetry").enable_all().build();
            built.inspect_err(|error| tracing::error!(%error, "telemetry gets no thread of its own")).ok()
        });
        started.as_ref().map_or(&self.shared, Runtime::handle)
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        if let Some(Some(runtime)) = self.started.take() {
            // It may be one of its own tasks that lets go last: nothing is waited for.
            runtime.shutdown_background();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn name(on: &Handle) -> Option<String> {
        on.spawn(async { std::thread::current().name().map(str::to_owned) }).await.unwrap()
    }

    #[tokio::test]
    async fn the_own_thread_is_there_once_it_is_needed() {
        let own = Threads::new(true);
        assert!(own.started.get().is_none());
        assert_eq!(name(own.handle()).await.as_deref(), Some("telemetry"));
        let shared = Threads::new(false);
        assert_ne!(name(shared.handle()).await.as_deref(), Some("telemetry"));
        assert!(shared.started.get().is_none());
    }
}
