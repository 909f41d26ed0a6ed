//! The test error for the browser: an error that is really thrown here and caught by nobody, so that it takes the way of
//! every other one; then what became of it. Needs JavaScript, and says so without.

use leptos::prelude::*;

use super::browser_outcome::BrowserTest;
use crate::browser_errors;
use crate::ui::{Button, Notice, NoticeKind};

/// The button and its result. It tests the DSN that this page was loaded with.
#[component]
pub fn BrowserTestError() -> impl IntoView {
    let scripted = RwSignal::new(false);
    let test = RwSignal::new(None::<BrowserTest>);
    Effect::new(move |_| {
        scripted.set(true);
        let heard = window_event_listener_untyped(browser_errors::SENT, move |event| {
            if let Some((id, outcome, status)) = browser_errors::test_outcome(&event) {
                test.set(Some(BrowserTest::ended(id, &outcome, status)));
            }
        });
        on_cleanup(move || heard.remove());
    });
    let pending = Signal::derive(move || test.with(|test| *test == Some(BrowserTest::Thrown)));
    let throw = move |_| {
        if pending.get_untracked() {
            return;
        }
        let tracked = browser_errors::is_tracked();
        test.set(Some(if tracked { BrowserTest::Thrown } else { BrowserTest::NotTracked }));
        if tracked {
            browser_errors::throw_test_error();
        }
    };
    view! {
        <div class="space-y-3">
            <div class:hidden=move || !scripted.get()>
                <Button pending on:click=throw>"Throw test error in this browser"</Button>
            </div>
            <p class="text-small text-muted" class:hidden=move || scripted.get()>
                "The browser's test error is thrown by the page itself, which needs JavaScript."
            </p>
            <div aria-live="polite">
                {move || {
                    test.get().map(|test| {
                        let kind = match test {
                            BrowserTest::Thrown => NoticeKind::Info,
                            BrowserTest::Sent { .. } => NoticeKind::Success,
                            BrowserTest::NotTracked => NoticeKind::Warning,
                            _ => NoticeKind::Error,
                        };
                        let id = test.id().map(|id| view! {
                            <p class="mt-1 text-small text-muted">
                                "Event ID " <span class="font-mono break-all text-ink select-all">{id.to_owned()}</span>
                            </p>
                        });
                        view! {
                            <Notice kind>
                                <p>{test.words()}</p>
                                {id}
                            </Notice>
                        }
                    })
                }}
            </div>
        </div>
    }
}
