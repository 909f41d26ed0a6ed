//! What goes wrong where nobody expects it: where a panic happened, and which request was being served.
//!
//! Knows no other room but `values`, and reports nothing itself: what nobody catches becomes a log line.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::Poll;

use uuid::Uuid;

use crate::values::TenantId;

// A panic hook is told nothing but the panic: what it may know of its surroundings lies with its thread.
thread_local! {
    /// How many callers of [`caught`] are waiting on this thread.
    static CATCHING: Cell<usize> = const { Cell::new(0) };
    /// The panic that is being caught.
    static LAST: RefCell<Option<Panic>> = const { RefCell::new(None) };
}

tokio::task_local! {
    static AT_HAND: Arc<AtHand>;
}

/// A panic, without a backtrace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Panic {
    pub message: String,
    /// File and line; `None` unless [`watch`] was called before.
    pub location: Option<String>,
}

/// The console's request that is being served.
#[derive(Debug, Default)]
pub struct AtHand {
    pub request_id: Uuid,
    pub method: String,
    /// Without the query.
    pub path: String,
    pub tenant: Arc<OnceLock<TenantId>>,
    pub user: Arc<OnceLock<Uuid>>,
    /// The id of the first failure that was logged meanwhile and is behind the answer.
    pub failure: OnceLock<Uuid>,
}

/// Names the request that `future` serves, for whatever is logged meanwhile.
pub async fn serving<F: Future>(request: Arc<AtHand>, future: F) -> F::Output {
    AT_HAND.scope(request, future).await
}

/// The request that the task at hand serves.
#[must_use]
pub fn at_hand() -> Option<Arc<AtHand>> {
    AT_HAND.try_with(Arc::clone).ok()
}

/// Leaves the id of a logged failure with the request that the task at hand serves, for whoever records it.
pub fn failed(error_id: Uuid) {
    if let Some(request) = at_hand() {
        // The first is the cause.
        let _ = request.failure.set(error_id);
    }
}

/// Installs the process's panic hook: it remembers where a panic was for whoever catches it, and logs one that nobody
/// catches. What the hook before it did (printing the panic) is still done.
pub fn watch() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        before(info);
        let panic = Panic {
            message: message_of(info.payload()).to_owned(),
            location: info.location().map(|location| format!("{}:{}", location.file(), location.line())),
        };
        if CATCHING.try_with(Cell::get).unwrap_or_default() > 0 {
            let _ = LAST.try_with(|last| last.replace(Some(panic)));
        } else {
            log(&panic);
        }
    }));
}

fn log(panic: &Panic) {
    let error_id = Uuid::now_v7();
    tracing::error!(errorId = %error_id, panic = panic.message, location = panic.location, "a task panicked");
}

/// Waits for `future`; a panic in it ends it and nothing else. It is pinned by the caller: what serves a request takes some kilobytes, which
/// would be copied on their way in here.
///
/// # Errors
/// The future panicked.
pub async fn caught<F: Future>(mut future: Pin<&mut F>) -> Result<F::Output, Panic> {
    poll_fn(|context| {
        let polled = {
            let _catching = Catching::begin();
            catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context)))
        };
        match polled {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(output)) => Poll::Ready(Ok(output)),
            Err(payload) => {
                let remembered = LAST.with(|last| last.borrow_mut().take());
                Poll::Ready(Err(remembered.unwrap_or_else(|| Panic { message: message_of(payload.as_ref()).to_owned(), location: None })))
            }
        }
    })
    .await
}

/// The panic that this thread is unwinding from.
#[must_use]
pub fn unwinding() -> Option<Panic> {
    if std::thread::panicking() { LAST.try_with(|last| last.borrow().clone()).ok().flatten() } else { None }
}

struct Catching;

impl Catching {
    fn begin() -> Self {
        CATCHING.with(|count| count.set(count.get() + 1));
        Self
    }
}

impl Drop for Catching {
    fn drop(&mut self) {
        CATCHING.with(|count| count.set(count.get().saturating_sub(1)));
    }
}

fn message_of(payload: &(dyn Any + Send)) -> &str {
    payload.downcast_ref::<&str>().copied().or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use super::*;

    #[tokio::test]
    async fn a_panic_is_caught_with_its_words_and_place() {
        watch();
        assert_eq!(caught(pin!(async { 7 })).await, Ok(7));
        let panic = caught(pin!(async {
            tokio::task::yield_now().await;
            let seven = 7;
            panic!("as a handler might, {seven} times");
        }))
        .await;
        let panic = panic.map(|(): ()| ()).unwrap_err();
        assert_eq!(panic.message, "as a handler might, 7 times");
        assert!(panic.location.unwrap().contains("faults.rs:"));
        assert_eq!(CATCHING.get(), 0);
        assert!(LAST.with(|last| last.borrow().is_none()), "the next one does not inherit it");
    }

    #[tokio::test]
    async fn the_request_at_hand_is_known_within() {
        assert!(at_hand().is_none());
        let request = Arc::new(AtHand { method: "GET".to_owned(), ..AtHand::default() });
        assert_eq!(serving(Arc::clone(&request), async { at_hand().map(|at| at.method.clone()) }).await.as_deref(), Some("GET"));
        assert!(at_hand().is_none());
        let (cause, after) = (Uuid::from_u128(1), Uuid::from_u128(2));
        serving(Arc::clone(&request), async { [cause, after].into_iter().for_each(failed) }).await;
        failed(after);
        assert_eq!(request.failure.get(), Some(&cause));
    }
}
