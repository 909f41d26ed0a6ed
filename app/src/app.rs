//! Providers and the one route table.

use leptos::prelude::*;
use leptos_meta::{Title, provide_meta_context};
use leptos_router::components::{ParentRoute, Route, Router, Routes};
use leptos_router::{SsrMode, path};

use crate::account::AccountPage;
use crate::agents::{AgentList, AgentPage, NewAgent};
use crate::audit::{GlobalAudit, WorkspaceAudit};
use crate::contract::ApiError;
use crate::directory::{Members, Operators, Workspaces};
use crate::integrations::{GlobalIntegrations, GlobalOtlp, GlobalSentry, WorkspaceIntegrations, WorkspaceOtlp};
use crate::keys::KeyList;
use crate::layout::Frame;
use crate::overview::{Overview, WorkspaceOverview};
use crate::routes::{NewRoute, RouteList, RoutePage};
use crate::setup::SetupPage;
use crate::sign_in::SignInPage;
use crate::ui::{Boundary, ErrorView, provide_draft};
use crate::webhooks::{DeliveryHistory, NewWebhook, WebhookList, WebhookPage};

/// What the tab shows. leptos_meta writes the title into the HTML as it is, and names of workspaces and routes are in it;
/// in the browser it is set as text, where nothing has to be escaped.
fn document_title(text: &str) -> String {
    let text = if cfg!(feature = "ssr") { text.replace('&', "&amp;").replace('<', "&lt;") } else { text.to_owned() };
    format!("{text} · KnoxCall")
}

/// A page in the boundary that catches its errors under its name.
macro_rules! in_boundary {
    ($page:ident) => {
        || view! { <Boundary name=stringify!($page)>{view! { <$page/> }.into_any()}</Boundary> }
    };
}

/// The console. Pages wait for their data before they are sent, so that they are whole without JavaScript.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    provide_draft();
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
                <Route path=path!("/sign-in") view=in_boundary!(SignInPage) ssr=SsrMode::Async/>
                <Route path=path!("/setup") view=in_boundary!(SetupPage) ssr=SsrMode::Async/>
                <ParentRoute path=path!("") view=Frame ssr=SsrMode::Async>
                    <Route path=path!("") view=in_boundary!(Overview) ssr=SsrMode::Async/>
                    <Route path=path!("account") view=in_boundary!(AccountPage) ssr=SsrMode::Async/>
                    <Route path=path!("settings/integrations") view=in_boundary!(GlobalIntegrations) ssr=SsrMode::Async/>
                    <Route path=path!("settings/integrations/otlp") view=in_boundary!(GlobalOtlp) ssr=SsrMode::Async/>
                    <Route path=path!("settings/integrations/sentry") view=in_boundary!(GlobalSentry) ssr=SsrMode::Async/>
                    <Route path=path!("settings/workspaces") view=in_boundary!(Workspaces) ssr=SsrMode::Async/>
                    <Route path=path!("settings/operators") view=in_boundary!(Operators) ssr=SsrMode::Async/>
                    <Route path=path!("settings/audit") view=in_boundary!(GlobalAudit) ssr=SsrMode::Async/>
                    <Route path=path!("w/:slug") view=in_boundary!(WorkspaceOverview) ssr=SsrMode::Async/>
                    <Route path=path!("w/:slug/settings/integrations") view=in_boundary!(WorkspaceIntegrations) ssr=SsrMode::Async/>
                    <Route path=path!("w/:slug/settings/integrations/telemetry") view=in_boundary!(WorkspaceOtlp) ssr=SsrMode::Async/>
                    <Route path=path!("w/:slug/routes") view=in_boundary!(RouteList) ssr=SsrMode::Async/>
                    <Route path=path!("w/:slug/routes/new") view=in_boundary!(NewRoute) ssr=SsrMode::Async/>
                    <Route path=path!("w/:slug/routes/:route") view=in_boundary!(RoutePage) ssr=SsrMode::Async/>
                    <Route path=path!("w/:slug/keys") view=in_boundary!(KeyList) ssr=SsrMode::Async/>
                    <Route path=path!("w/:slug/webhooks") view=in_boundary!(WebhookList) ssr=SsrMode::Async/>
                    <Route path=path!("w/:slug/webhooks/new") view=in_boundary!(NewWebhook) ssr=SsrMode::Async/>
                    <Route path=path!("w/:slug/webhooks/:id") view=in_boundary!(WebhookPage) ssr=SsrMode::Async/>
                    <Route path=path!("w/:slug/webhooks/:id/deliveries") view=in_boundary!(DeliveryHistory) ssr=SsrMode::Async/>
                    <Route path=path!("w/:slug/agents") view=in_boundary!(AgentList) ssr=SsrMode::Async/>
                    <Route path=path!("w/:slug/agents/new") view=in_boundary!(NewAgent) ssr=SsrMode::Async/>
                    <Route path=path!("w/:slug/agents/:agent") view=in_boundary!(AgentPage) ssr=SsrMode::Async/>
                    <Route path=path!("w/:slug/members") view=in_boundary!(Members) ssr=SsrMode::Async/>
                    <Route path=path!("w/:slug/audit") view=in_boundary!(WorkspaceAudit) ssr=SsrMode::Async/>
                </ParentRoute>
            </Routes>
        </Router>
    }
}
