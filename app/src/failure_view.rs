//! What a person sees after a panic in the browser. Nothing of the app runs then, so the server renders it into every page,
//! hidden, and a script (`style/errors/failure.ts`) fills in the id and shows it.

use leptos::prelude::*;

use crate::layout::Brand;
use crate::ui::ButtonKind;

/// Outside the app: hydration leaves it alone.
#[component]
pub fn FailureView() -> impl IntoView {
    view! {
        <div id="failure" hidden>
            <main class="mx-auto flex min-h-dvh max-w-[640px] flex-col px-4 pt-[14vh] pb-12">
                <Brand/>
                <h1 tabindex="-1" class="mt-8 text-title font-semibold text-ink outline-none">
                    "This page stopped working"
                </h1>
                <p class="mt-2 text-sm text-muted">
                    "An error in the console's own code ended it. The gateway is not affected: requests are still served and telemetry is still sent. What you saved is kept; what you typed and did not save is lost when the page reloads."
                </p>
                <dl class="mt-5 rounded-md border border-line bg-surface px-4 py-3">
                    <dt class="text-small text-muted">"Error ID"</dt>
                    <dd id="failure-id" class="mt-0.5 font-mono text-small break-all text-ink select-all"></dd>
                </dl>
                <div role="status" class="mt-3 text-small text-muted">
                    <p data-state="console" hidden>
                        "Error tracking is off for the browser: the details are in the browser's console only, under this ID."
                    </p>
                    <p data-state="sending" hidden>
                        "Sending the error to error tracking."
                    </p>
                    <p data-state="sent" hidden>
                        "The error was sent to error tracking under this ID."
                    </p>
                    <p data-state="unsent" hidden>
                        "The error couldn't be sent to error tracking: the details are in the browser's console only, under this ID."
                    </p>
                </div>
                <div class="mt-6">
                    <button id="failure-reload" type="button" class=ButtonKind::Primary.classes()>
                        "Reload page"
                    </button>
                </div>
            </main>
        </div>
    }
}
