//! Providers and the one route table.

use leptos::prelude::*;
use leptos_meta::{Title, provide_meta_context};
use leptos_router::components::{ParentRoute, Route, Router, Routes};
use leptos_router::{SsrMode, path};

use crate::contract::ApiError;
use crate::integrations::{GlobalIntegrations, WorkspaceIntegrations};
use crate::layout::Frame;
use crate::pages::{Endpoints, Entry, Exports, Lists, in_boundary};
use crate::ui::{Boundary, ErrorView, provide_clock, provide_draft};

/// What the tab shows. leptos_meta writes the title into the HTML as it is, and names of workspaces and routes are in it;
/// in the browser it is set as text, where nothing has to be escaped.
fn document_title(text: &str) -> String {
    let text = if cfg!(feature = "ssr") { text.replace('&', "&amp;").replace('<', "&lt;") } else { text.to_owned() };
    format!("{text} · KnoxCall")
}

/// The console. Pages wait for their data before they are sent, so that they are whole without JavaScript.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    provide_draft();
    provide_clock();
    #[cfg(feature = "hydrate")]
    crate::late_answers::stay_on_the_next_page();
    // Tests and scripts may wait for this: from here on controls react.
    Effect::new(|| {
        if let Some(root) = document().document_element() {
            drop(root.set_attribute("data-hydrated", ""));
        }
    });
    view! {
        <Title formatter=|text: String| document_title(&text)/>
        <Router>
            <Routes fallback=|| view! { <main class="px-6"><ErrorView error=ApiError::NotFound/></main> }>
                <Route path=path!("/sign-in") view=Entry::SignInPage ssr=SsrMode::Async/>
                <Route path=path!("/setup") view=Entry::SetupPage ssr=SsrMode::Async/>
                <ParentRoute path=path!("") view=Frame ssr=SsrMode::Async>
                    <Route path=path!("") view=Entry::Overview ssr=SsrMode::Async/>
                    <Route path=path!("account") view=Entry::AccountPage ssr=SsrMode::Async/>
                    <Route path=path!("settings/integrations") view=|| in_boundary!(GlobalIntegrations) ssr=SsrMode::Async/>
                    <Route path=path!("settings/integrations/otlp") view=Exports::GlobalOtlp ssr=SsrMode::Async/>
                    <Route path=path!("settings/integrations/sentry") view=Exports::GlobalSentry ssr=SsrMode::Async/>
                    <Route path=path!("settings/workspaces") view=Lists::Workspaces ssr=SsrMode::Async/>
                    <Route path=path!("settings/operators") view=Lists::Operators ssr=SsrMode::Async/>
                    <Route path=path!("settings/audit") view=Lists::GlobalAudit ssr=SsrMode::Async/>
                    <Route path=path!("w/:slug") view=Entry::WorkspaceOverview ssr=SsrMode::Async/>
                    <Route path=path!("w/:slug/settings/integrations") view=|| in_boundary!(WorkspaceIntegrations) ssr=SsrMode::Async/>
                    <Route path=path!("w/:slug/settings/integrations/telemetry") view=Exports::WorkspaceOtlp ssr=SsrMode::Async/>
                    <Route path=path!("w/:slug/routes") view=Lists::RouteList ssr=SsrMode::Async/>
                    <Route path=path!("w/:slug/routes/new") view=Lists::NewRoute ssr=SsrMode::Async/>
                    <Route path=path!("w/:slug/routes/:route") view=Lists::RoutePage ssr=SsrMode::Async/>
                    <Route path=path!("w/:slug/keys") view=Lists::KeyList ssr=SsrMode::Async/>
                    <Route path=path!("w/:slug/webhooks") view=Endpoints::WebhookList ssr=SsrMode::Async/>
                    <Route path=path!("w/:slug/webhooks/new") view=Endpoints::NewWebhook ssr=SsrMode::Async/>
                    <Route path=path!("w/:slug/webhooks/:id") view=Endpoints::WebhookPage ssr=SsrMode::Async/>
                    <Route path=path!("w/:slug/webhooks/:id/deliveries") view=Endpoints::DeliveryHistory ssr=SsrMode::Async/>
                    <Route path=path!("w/:slug/agents") view=Endpoints::AgentList ssr=SsrMode::Async/>
                    <Route path=path!("w/:slug/agents/new") view=Endpoints::NewAgent ssr=SsrMode::Async/>
                    <Route path=path!("w/:slug/agents/:agent") view=Endpoints::AgentPage ssr=SsrMode::Async/>
                    <Route path=path!("w/:slug/logs") view=Lists::Logs ssr=SsrMode::Async/>
                    <Route path=path!("w/:slug/members") view=Lists::Members ssr=SsrMode::Async/>
                    <Route path=path!("w/:slug/audit") view=Lists::WorkspaceAudit ssr=SsrMode::Async/>
                </ParentRoute>
            </Routes>
        </Router>
    }
}
