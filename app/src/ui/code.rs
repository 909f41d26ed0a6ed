//! Text to be copied: a command, a key that is shown once. The copy button appears only where scripts run.

use leptos::prelude::*;

use super::icon::{Icon, IconName};

/// A button that copies `text`; it says so in words and to screen readers. `label` names what is copied: "Copy key".
#[component]
pub fn CopyText(#[prop(into)] text: String, #[prop(default = "Copy")] label: &'static str) -> impl IntoView {
    let running = RwSignal::new(false);
    let copied = RwSignal::new(false);
    Effect::new(move |_| running.set(true));
    let copy = move |_| {
        drop(window().navigator().clipboard().write_text(&text));
        copied.set(true);
        set_timeout(move || _ = copied.try_set(false), std::time::Duration::from_secs(2));
    };
    view! {
        <button
            type="button"
            class="inline-flex h-7 shrink-0 items-center gap-1.5 rounded-md border border-line-strong bg-surface px-2 text-small font-medium text-ink transition-colors hover:bg-hover"
            hidden=move || !running.get()
            on:click=copy
        >
            <Icon name=IconName::Copy/>
            <span aria-live="polite">{move || if copied.get() { "Copied" } else { label }}</span>
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
