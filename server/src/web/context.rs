//! What Leptos finds in its context during one request: the services, bound to whoever asks, the names of the files, and
//! where the page reports errors.
//!
//! The same closure serves pages, server functions and the listing of routes at start-up. That last one has no request,
//! hence no services: a page's code must not need them to name its route.

use app::ErrorTracking;
use app::contract::Draft;
use http::header::CONTENT_SECURITY_POLICY;
use http::request::Parts;
use leptos::nonce::use_nonce;
use leptos::prelude::{provide_context, use_context};
use leptos_axum::ResponseOptions;

use super::{Console, headers};
use crate::auth::Visitor;
use crate::live::BrowserTracking;

pub(super) fn provider(console: Console) -> impl Fn() + Clone + Send + Sync + 'static {
    move || provide(&console)
}

fn provide(console: &Console) {
    provide_context(console.assets().paths().clone());
    if let Some(parts) = use_context::<Parts>() {
        if let Some(visitor) = parts.extensions.get::<Visitor>() {
            provide_context(console.backend().services(visitor.clone()));
        }
        if let Some(draft) = parts.extensions.get::<Draft>() {
            provide_context(draft.clone());
        }
    }
    let tracking = console.backend().browser_tracking();
    if let Some(tracking) = &tracking {
        provide_context(ErrorTracking { config: config_of(tracking) });
    }
    // Leptos makes the nonce before it calls this, and puts it on the inline scripts of this very response.
    if let (Some(nonce), Some(response)) = (use_nonce(), use_context::<ResponseOptions>())
        && let Some(policy) = headers::page_policy(&nonce, tracking.as_ref().map(|tracking| tracking.dsn.origin()))
    {
        response.insert_header(CONTENT_SECURITY_POLICY, policy);
    }
}

/// What the script for error tracking reads from the page; a DSN is public.
fn config_of(tracking: &BrowserTracking) -> String {
    let BrowserTracking { dsn, environment, release } = tracking;
    serde_json::json!({ "dsn": dsn.to_string(), "environment": environment, "release": release }).to_string()
}
