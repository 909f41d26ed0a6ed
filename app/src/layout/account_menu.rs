//! At the bottom of the navigation: who one is, how the console looks, one's password, and the way out.

use leptos::prelude::*;

use super::api::SignOut;
use crate::ui::{ActionError, Icon, IconName, error_of};

/// A disclosure that opens upwards; works without JavaScript, except for the theme, which only scripts can keep.
#[component]
pub(super) fn AccountMenu(email: String) -> impl IntoView {
    let sign_out = ServerAction::<SignOut>::new();
    view! {
        <details class="menu relative">
            <summary class="flex h-10 list-none items-center gap-2.5 rounded-md px-2 transition-colors hover:bg-hover">
                <span class="flex size-6 shrink-0 items-center justify-center rounded-full bg-selected text-muted">
                    <Icon name=IconName::User/>
                </span>
                <span class="min-w-0 flex-1 truncate text-small text-ink">{email}</span>
                <span class="sr-only">"Account menu"</span>
                <span class="text-muted">
                    <Icon name=IconName::ChevronsUpDown/>
                </span>
            </summary>
            <div class="absolute inset-x-0 bottom-full z-20 mb-1 rounded-lg border border-line bg-surface p-1 shadow-lg">
                <ThemeSwitch/>
                <a href="/account" class="menu-item">
                    <Icon name=IconName::Lock/>
                    "Change password"
                </a>
                <ActionForm action=sign_out>
                    <button type="submit" class="menu-item">
                        <Icon name=IconName::SignOut/>
                        "Sign out"
                    </button>
                    <ActionError error=error_of(sign_out.value())/>
                </ActionForm>
            </div>
        </details>
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

/// System, light or dark. Shown where scripts run.
#[component]
fn ThemeSwitch() -> impl IntoView {
    let chosen = RwSignal::new(None::<String>);
    Effect::new(move |_| chosen.set(Some(stored_theme())));
    let choices = [("", "System", IconName::Monitor), ("light", "Light", IconName::Sun), ("dark", "Dark", IconName::Moon)]
        .map(|(theme, words, icon)| {
            view! {
                <label class="flex h-7 flex-1 cursor-pointer items-center justify-center gap-1.5 rounded-sm text-xs font-medium text-muted has-checked:bg-surface has-checked:text-ink has-checked:shadow-xs has-focus-visible:outline-2 has-focus-visible:outline-accent">
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
                    {words}
                </label>
            }
        });
    view! {
        <fieldset class="relative m-1 flex gap-0.5 rounded-md border border-line bg-sunken p-0.5" hidden=move || chosen.with(Option::is_none)>
            <legend class="sr-only">"Theme"</legend>
            {choices}
        </fieldset>
    }
}
