//! Text to be copied: a command, a key that is shown once. The copy button appears only where scripts run.

use std::time::Duration;

use leptos::html::Button;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::clipboard;
use super::icon::{Icon, IconName};

/// A button that copies `text`; it says so in words and to screen readers. `label` names what is copied: "Copy key".
#[component]
pub fn CopyText(#[prop(into)] text: String, #[prop(default = "Copy")] label: &'static str) -> impl IntoView {
    let running = RwSignal::new(false);
    // Whether it was copied, for a moment after the button was pressed.
    let copied = RwSignal::new(None::<bool>);
    Effect::new(move |_| running.set(true));
    let button = NodeRef::<Button>::new();
    let copy = move |_| {
        let (text, button) = (text.clone(), button.get_untracked());
        spawn_local(async move {
            let done = clipboard::copy(&text, button.as_deref()).await;
            // The page may be another by now.
            let _ = copied.try_set(Some(done));
            set_timeout(move || _ = copied.try_set(None), Duration::from_secs(2));
        });
    };
    view! {
        <button
            type="button"
            node_ref=button
            class="inline-flex h-7 shrink-0 items-center gap-1.5 rounded-md border border-line-strong bg-surface px-2 text-small font-medium text-ink transition-colors hover:bg-hover"
            hidden=move || !running.get()
            on:click=copy
        >
            <Icon name=IconName::Copy/>
            <span aria-live="polite">{move || copied.get().map_or(label, |copied| if copied { "Copied" } else { "Not copied" })}</span>
        </button>
    }
}

/// A command or a value in fixed width, with a button to copy it.
#[component]
pub fn CodeBlock(#[prop(into)] text: String, #[prop(default = "Copy")] label: &'static str) -> impl IntoView {
    view! {
        <div class="flex flex-wrap items-start gap-x-2 gap-y-1 rounded-md border border-line bg-sunken py-1.5 pr-1.5 pl-3 wide:flex-nowrap">
            <pre class="min-w-0 grow basis-full overflow-x-auto wide:basis-0 py-1 font-mono text-small text-ink" tabindex="0">
                <code>{text.clone()}</code>
            </pre>
            <CopyText text label/>
        </div>
    }
}
