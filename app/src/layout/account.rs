//! At the bottom of the navigation: how the console looks, who one is, and the way out. All in sight, nothing to open.

use leptos::prelude::*;

use super::api::SignOut;
use crate::ui::{ActionError, Icon, IconName, KeptForm, error_of};

/// The theme switch, the link to one's account, and the button that signs out.
#[component]
pub(super) fn Account(email: String) -> impl IntoView {
    let sign_out = ServerAction::<SignOut>::new();
    view! {
        <div class="space-y-2 border-t border-line p-3">
            <ThemeSwitch/>
            <ActionError error=error_of(sign_out.value())/>
            <div class="flex items-center gap-1">
                <a href="/account" class="flex h-8 min-w-0 flex-1 items-center gap-2.5 rounded-md px-2 transition-colors hover:bg-hover">
                    <span class="text-muted">
                        <Icon name=IconName::User/>
                    </span>
                    <span class="sr-only">"Your account: "</span>
                    <span class="min-w-0 truncate text-small text-ink">{email}</span>
                </a>
                <KeptForm action=sign_out>
                    <button
                        type="submit"
                        title="Sign out"
                        class="flex size-8 items-center justify-center rounded-md text-muted transition-colors hover:bg-hover hover:text-ink"
                    >
                        <Icon name=IconName::SignOut/>
                        <span class="sr-only">"Sign out"</span>
                    </button>
                </KeptForm>
            </div>
        </div>
    }
}

/// What was chosen here, as `theme.js` reads it before the first paint; empty follows the system.
fn stored_theme() -> String {
    window().local_storage().ok().flatten().and_then(|storage| storage.get_item("theme").ok().flatten()).unwrap_or_default()
}

fn store_theme(theme: &str) {
    if let Ok(Some(storage)) = window().local_storage() {
        drop(if theme.is_empty() { storage.remove_item("theme") } else { storage.set_item("theme", theme) });
    }
    if let Some(root) = document().document_element() {
        drop(if theme.is_empty() { root.remove_attribute("data-theme") } else { root.set_attribute("data-theme", theme) });
    }
}

/// System, light or dark. Only scripts can keep the choice, so it is hidden until they run; its place is kept.
#[component]
fn ThemeSwitch() -> impl IntoView {
    let chosen = RwSignal::new(None::<String>);
    Effect::new(move |_| chosen.set(Some(stored_theme())));
    let choices = [("", "System theme", IconName::Monitor), ("light", "Light theme", IconName::Sun), ("dark", "Dark theme", IconName::Moon)]
        .map(|(theme, words, icon)| {
            view! {
                <label
                    title=words
                    class="flex h-6 flex-1 cursor-pointer items-center justify-center rounded-sm text-muted hover:text-ink has-checked:bg-surface has-checked:text-ink has-checked:shadow-xs has-focus-visible:outline-2 has-focus-visible:outline-accent"
                >
                    <input
                        type="radio"
                        name="theme"
                        value=theme
                        class="sr-only"
                        prop:checked=move || chosen.with(|chosen| chosen.as_deref() == Some(theme))
                        on:change=move |_| {
                            store_theme(theme);
                            chosen.set(Some(theme.to_owned()));
                        }
                    />
                    <Icon name=icon/>
                    <span class="sr-only">{words}</span>
                </label>
            }
        });
    view! {
        <fieldset
            class="relative flex gap-0.5 rounded-md border border-line bg-sunken p-0.5"
            class:invisible=move || chosen.with(Option::is_none)
        >
            <legend class="sr-only">"Theme"</legend>
            {choices}
        </fieldset>
    }
}
