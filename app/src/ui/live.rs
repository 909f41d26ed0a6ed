//! Figures that keep up with the server: in the browser it is asked again every two seconds while the page is visible; without
//! scripts a reload does the same.

use std::time::Duration;

use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::contract::ApiError;

const EVERY: Duration = Duration::from_secs(2);

/// So many times a question may still be unanswered when the next one is due, before the page says so.
const PATIENCE: u32 = 4;

/// The newest figures, and whether the last question for them was answered.
pub struct Live<T: 'static> {
    pub newest: RwSignal<T>,
    pub reachable: RwSignal<bool>,
}

impl<T> Clone for Live<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Live<T> {}

/// Starts asking once scripts run, and stops with the component. Whoever reads the signal hears of changes only.
pub fn follow<T, A>(initial: T, ask: impl Fn() -> A + Clone + Send + Sync + 'static) -> Live<T>
where
    T: PartialEq + Send + Sync + 'static,
    A: Future<Output = Result<T, ApiError>> + 'static,
{
    let live = Live { newest: RwSignal::new(initial), reachable: RwSignal::new(true) };
    // How often the next question was due while one had no answer; `None` while there is none.
    let waiting = RwSignal::new(None::<u32>);
    Effect::new(move |_| {
        let ask = ask.clone();
        let tick = move || {
            if document().hidden() {
                return;
            }
            match waiting.try_get_untracked() {
                None => return,
                Some(None) => {}
                Some(Some(times)) => {
                    let _ = waiting.try_set(Some(times + 1));
                    if times >= PATIENCE {
                        let _ = live.reachable.try_set(false);
                    }
                    return;
                }
            }
            let _ = waiting.try_set(Some(0));
            let answer = ask();
            spawn_local(async move {
                let answer = answer.await;
                // The page may be gone by now: then there is nobody to tell.
                let _ = waiting.try_set(None);
                let _ = live.reachable.try_set(answer.is_ok());
                if let Ok(newest) = answer
                    && live.newest.try_with_untracked(|shown| *shown != newest) == Some(true)
                {
                    let _ = live.newest.try_set(newest);
                }
            });
        };
        if let Ok(handle) = set_interval_with_handle(tick, EVERY) {
            on_cleanup(move || handle.clear());
        }
    });
    live
}

/// Says that what is shown may be old.
#[component]
pub fn NotLive(reachable: RwSignal<bool>) -> impl IntoView {
    view! {
        <p class="px-5 py-3 text-small text-faint" class:hidden=move || reachable.get()>
            "The server does not answer, or you are signed out: these figures are not live."
        </p>
    }
}
