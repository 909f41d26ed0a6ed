//! Tasks that a page starts to load its data still serve the request that asked for the page: what fails in them is
//! reported with it.

use any_spawner::{CustomExecutor, Executor, PinnedFuture, PinnedLocalFuture};

use crate::faults;

/// Makes Leptos start its tasks this way. There is one way per process; later calls change nothing.
pub(super) fn carry_requests() {
    // An error says that it is set already.
    let _ = Executor::init_custom_executor(Carrying);
}

struct Carrying;

impl CustomExecutor for Carrying {
    fn spawn(&self, future: PinnedFuture<()>) {
        match faults::at_hand() {
            Some(request) => tokio::spawn(faults::serving(request, future)),
            None => tokio::spawn(future),
        };
    }

    fn spawn_local(&self, future: PinnedLocalFuture<()>) {
        match faults::at_hand() {
            Some(request) => tokio::task::spawn_local(faults::serving(request, future)),
            None => tokio::task::spawn_local(future),
        };
    }

    fn poll_local(&self) {}
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::sync::oneshot;

    use super::*;
    use crate::faults::AtHand;

    #[tokio::test]
    async fn a_task_serves_the_request_that_started_it_and_its_own_tasks_do_too() {
        carry_requests();
        let ask = || async {
            let (told, tells) = oneshot::channel();
            Executor::spawn(async {
                Executor::spawn(async {
                    let _ = told.send(faults::at_hand().map(|request| request.path.clone()));
                });
            });
            tells.await.unwrap()
        };
        let request = Arc::new(AtHand { path: "/w/acme".to_owned(), ..AtHand::default() });
        assert_eq!(faults::serving(request, ask()).await.as_deref(), Some("/w/acme"));
        assert_eq!(ask().await, None);
    }
}
