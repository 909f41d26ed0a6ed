//! Where the work behind the queues is done.
//!
//! Mapping, encoding and compressing a batch takes milliseconds, for which a request on the same thread would wait. So in the
//! process it has a thread of its own, one for all destinations, which is there as long as there is such work: from the first
//! event on, or from the start if something waits on disk, until the last destination that was switched off has sent what it held. The connections over which it sends are
//! tasks of that thread and end with it.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::JoinHandle;

use super::delivery::Transport;

pub struct Threads {
    /// Of whoever started telemetry.
    shared: Handle,
    own: bool,
    transport: Arc<dyn Transport>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Pieces of work under way.
    users: usize,
    /// `None` without any, and where the system gave no thread: then the work is done among the requests.
    runtime: Option<Runtime>,
}

impl Threads {
    /// Has to be called within a runtime, which does the work unless it is to have a thread of its `own`.
    #[must_use]
    pub fn new(own: bool, transport: Arc<dyn Transport>) -> Self {
        Self { shared: Handle::current(), own, transport, state: Mutex::default() }
    }

    pub fn spawn<F>(self: &Arc<Self>, work: F) -> JoinHandle<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        let (user, handle) = self.enter();
        handle.spawn(async move {
            let done = work.await;
            drop(user);
            done
        })
    }

    fn enter(self: &Arc<Self>) -> (User, Handle) {
        let mut state = self.lock();
        if state.users == 0 && self.own {
            let built = Builder::new_multi_thread().worker_threads(1).thread_name("telemetry").enable_all().build();
            state.runtime = built.inspect_err(|error| tracing::error!(%error, "telemetry gets no thread of its own")).ok();
        }
        state.users += 1;
        let handle = state.runtime.as_ref().map_or(&self.shared, Runtime::handle).clone();
        (User(Arc::clone(self)), handle)
    }

    fn leave(&self) {
        let mut state = self.lock();
        state.users -= 1;
        if state.users > 0 || !self.own {
            return;
        }
        // Before anything can begin anew: nobody is to send over a connection that is about to end.
        self.transport.forget_connections();
        let runtime = state.runtime.take();
        drop(state);
        if let Some(runtime) = runtime {
            // This may be one of its own tasks: nothing is waited for.
            runtime.shutdown_background();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A piece of work under way; also one that panicked or was cut short has left.
struct User(Arc<Threads>);

impl Drop for User {
    fn drop(&mut self) {
        self.0.leave();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use async_trait::async_trait;
    use bytes::Bytes;
    use http::{Request, Response};
    use hyper::body::Incoming;
    use tokio::sync::oneshot;

    use super::*;
    use crate::live::ExportTarget;
    use crate::telemetry::Unsent;

    #[derive(Default)]
    struct Forgetful(AtomicUsize);

    #[async_trait]
    impl Transport for Forgetful {
        async fn send(&self, _: &ExportTarget, _: Request<Bytes>) -> Result<Response<Incoming>, Unsent> {
            unreachable!("nothing is sent here")
        }

        fn forget_connections(&self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn threads(own: bool) -> (Arc<Threads>, Arc<Forgetful>) {
        let transport = Arc::new(Forgetful::default());
        (Arc::new(Threads::new(own, Arc::clone(&transport) as Arc<dyn Transport>)), transport)
    }

    fn name() -> Option<String> {
        std::thread::current().name().map(str::to_owned)
    }

    #[tokio::test]
    async fn the_own_thread_is_there_as_long_as_it_is_needed() {
        let (own, transport) = threads(true);
        for round in 1..=2 {
            assert!(own.lock().runtime.is_none(), "not before it is needed");
            let (go_on, waiting) = oneshot::channel();
            let long = own.spawn(async {
                waiting.await.unwrap();
                name()
            });
            assert_eq!(own.spawn(async { name() }).await.unwrap().as_deref(), Some("telemetry"));
            assert!(own.lock().runtime.is_some(), "something is still under way");
            go_on.send(()).unwrap();
            assert_eq!(long.await.unwrap().as_deref(), Some("telemetry"));
            while own.lock().runtime.is_some() {
                tokio::task::yield_now().await;
            }
            assert_eq!((own.lock().users, transport.0.load(Ordering::SeqCst)), (0, round));
        }
    }

    #[tokio::test]
    async fn work_that_panics_or_is_cut_short_leaves_too() {
        let (own, _) = threads(true);
        assert!(own.spawn(async { panic!("on purpose") }).await.unwrap_err().is_panic());
        let endless = own.spawn(std::future::pending::<()>());
        endless.abort();
        assert!(endless.await.unwrap_err().is_cancelled());
        while own.lock().runtime.is_some() {
            tokio::task::yield_now().await;
        }
        assert_eq!(own.lock().users, 0);
    }

    #[tokio::test]
    async fn without_one_it_is_the_thread_of_whoever_started() {
        let (shared, transport) = threads(false);
        assert_eq!(shared.spawn(async { name() }).await.unwrap(), name());
        assert!(shared.lock().runtime.is_none());
        assert_eq!(transport.0.load(Ordering::SeqCst), 0, "its connections are the process's");
    }
}
