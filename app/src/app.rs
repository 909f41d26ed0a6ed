//! Providers and the one route table.

use leptos::prelude::*;
use leptos_meta::{Title, provide_meta_context};
use leptos_router::components::{ParentRoute, Route, Router, Routes};
use leptos_router::{SsrMode, path};

use crate::account::AccountPage;
use crate::contract::ApiError;
use crate::directory::{Members, Operators, Workspaces};
use crate::integrations::{GlobalIntegrations, GlobalOtlp, GlobalSentry, WorkspaceIntegrations, WorkspaceOtlp};
use crate::keys::KeyList;
use crate::layout::Frame;
use crate::overview::{Overview, WorkspaceOverview};
use crate::routes::{NewRoute, RouteList, RoutePage};
use crate::setup::SetupPage;
use crate::sign_in::SignInPage;
use crate::ui::{ErrorView, provide_draft};

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
                <Route path=path!("/sign-in") view=SignInPage ssr=SsrMode::Async/>
                <Route path=path!("/setup") view=SetupPage ssr=SsrMode::Async/>
                <ParentRoute path=path!("") view=Frame ssr=SsrMode::Async>
                    <Route path=path!("") view=Overview ssr=SsrMode::Async/>
                    <Route path=path!("account") view=AccountPage ssr=SsrMode::Async/>
                    <Route path=path!("settings/integrations") view=GlobalIntegrations ssr=SsrMode::Async/>
                    <Route path=path!("settings/integrations/otlp") view=GlobalOtlp ssr=SsrMode::Async/>
                    <Route path=path!("settings/integrations/sentry") view=GlobalSentry ssr=SsrMode::Async/>
                    <Route path=path!("settings/workspaces") view=Workspaces ssr=SsrMode::Async/>
                    <Route path=path!("settings/operators") view=Operators ssr=SsrMode::Async/>
                    <Route path=path!("w/:slug") view=WorkspaceOverview ssr=SsrMode::Async/>
                    <Route path=path!("w/:slug/settings/integrations") view=WorkspaceIntegrations ssr=SsrMode::Async/>
                    <Route path=path!("w/:slug/settings/integrations/telemetry") view=WorkspaceOtlp ssr=SsrMode::Async/>
                    <Route path=path!("w/:slug/routes") view=RouteList ssr=SsrMode::Async/>
                    <Route path=path!("w/:slug/routes/new") view=NewRoute ssr=SsrMode::Async/>
                    <Route path=path!("w/:slug/routes/:route") view=RoutePage ssr=SsrMode::Async/>
                    <Route path=path!("w/:slug/keys") view=KeyList ssr=SsrMode::Async/>
                    <Route path=path!("w/:slug/members") view=Members ssr=SsrMode::Async/>
                </ParentRoute>
            </Routes>
        </Router>
    }
}
