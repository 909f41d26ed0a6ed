//! When a page has to load its data again: after a change that succeeded, and never after one that failed, so that a
//! form keeps what was typed.

use leptos::prelude::*;
use leptos::server_fn::ServerFn;

use crate::contract::ApiError;

/// Counts the successes of an action, to be part of a resource's source.
pub fn successes<S>(action: ServerAction<S>) -> Memo<usize>
where
    S: ServerFn<Error = ApiError> + Clone + Send + Sync + 'static,
    S::Output: Send + Sync + 'static,
{
    let (value, version) = (action.value(), action.version());
    Memo::new(move |before: Option<&usize>| {
        let version = version.get();
        let succeeded = value.with(|value| matches!(value, Some(Ok(_))));
        if succeeded { version } else { before.copied().unwrap_or(0) }
    })
}
