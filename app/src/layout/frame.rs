//! The frame itself. Under 900 px the navigation is a popover: a drawer that the browser opens, closes on Escape or a
//! press outside, and returns the focus from, with no script of ours. Scripts only see to it that the button has the focus that is
//! returned, and close the drawer, and open menus, when the page changes.

use leptos::html;
use leptos::prelude::*;
use leptos_router::components::Outlet;
use leptos_router::hooks::use_location;

use super::account::Account;
use super::brand::Brand;
use super::nav::Nav;
use super::scope::{Scope, use_scope};
use super::switch::WorkspaceSwitch;
use super::viewer::provide_viewer;
use crate::contract::Viewer;
use crate::ui::{Icon, IconName, SavedNotice, focus_pressed};

/// Navigation on the left, the page on the right.
#[component]
pub fn Frame() -> impl IntoView {
    let viewer = provide_viewer();
    let scope = use_scope();
    let drawer = NodeRef::<html::Nav>::new();
    close_on_navigation(drawer);
    view! {
        <a
            href="#content"
            rel="external"
            class="sr-only focus:not-sr-only focus:fixed focus:top-3 focus:left-3 focus:z-50 focus:rounded-md focus:bg-accent focus:px-3 focus:py-2 focus:text-sm focus:text-on-accent"
        >
            "Skip to content"
        </a>
        <div class="min-h-dvh wide:grid wide:grid-cols-[232px_minmax(0,1fr)]">
            <header class="sticky top-0 z-10 flex h-13 items-center justify-between border-b border-line bg-canvas px-4 wide:hidden">
                <a href="/">
                    <Brand/>
                </a>
                <button
                    type="button"
                    popovertarget="navigation"
                    class="inline-flex h-8 items-center gap-1.5 rounded-md border border-line-strong bg-surface px-2.5 text-sm font-medium text-ink"
                    on:click=|event| focus_pressed(&event)
                >
                    <Icon name=IconName::Menu/>
                    "Menu"
                </button>
            </header>
            <nav id="navigation" aria-label="Main" popover="auto" class="drawer" node_ref=drawer>
                <div class="hidden h-13 items-center px-5 wide:flex">
                    <a href="/" class="rounded-sm">
                        <Brand/>
                    </a>
                </div>
                <Suspense>
                    {move || {
                        let scope = scope.get();
                        Suspend::new(async move {
                            let viewer = viewer.await.ok()?;
                            let (email, operator) = (viewer.email.clone(), viewer.operator);
                            let scope = scope.known_to(&viewer);
                            // For error tracking: whose page it is, and which workspace's.
                            let (user, tenant) = (viewer.user_id.to_string(), tenant_of(&viewer, &scope));
                            Some(view! {
                                <div id="viewer" data-user=user data-tenant=tenant class="px-3 py-2">
                                    <WorkspaceSwitch viewer scope=scope.clone()/>
                                </div>
                                <div class="min-h-0 flex-1 overflow-y-auto px-3 py-2">
                                    <Nav scope operator/>
                                </div>
                                <Account email/>
                            })
                        })
                    }}
                </Suspense>
            </nav>
            <main id="content" tabindex="-1" class="min-w-0 px-4 pt-6 pb-16 outline-none wide:px-10 wide:pt-8">
                <div class="mx-auto max-w-[1120px]">
                    <SavedNotice/>
                    <Outlet/>
                </div>
            </main>
        </div>
    }
}

fn tenant_of(viewer: &Viewer, scope: &Scope) -> Option<String> {
    let Scope::Workspace(slug) = scope else { return None };
    viewer.workspaces.iter().find(|workspace| workspace.slug == *slug).map(|workspace| workspace.id.to_string())
}

/// Closes the drawer and the menus in it when the address changes.
fn close_on_navigation(drawer: NodeRef<html::Nav>) {
    let location = use_location();
    Effect::new(move |before: Option<()>| {
        let _ = (location.pathname.read(), location.search.read());
        if before.is_none() {
            return;
        }
        let Some(drawer) = drawer.get_untracked() else { return };
        // Refused where it is not open; then there is nothing to close.
        drop(drawer.hide_popover());
        while let Ok(Some(menu)) = drawer.query_selector("details[open]") {
            if menu.remove_attribute("open").is_err() {
                break;
            }
        }
    });
}
