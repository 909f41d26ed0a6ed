//! Which page comes in which part of the browser's code.
//!
//! The frame and the cards of the integrations are in the main file. The other pages come in parts, each a file of its own that
//! is fetched when one of its pages is opened; a page that is sent whole names its part's files in its head. A split function
//! may not be generic and what it is given crosses as in C, so each part has one, which is told the page.

use leptos::prelude::*;
use leptos_router::ChooseView;
use leptos_router::hooks::{use_location, use_url};
use wasm_split_helpers::{SplitLoaderError, wasm_split};

use crate::account::AccountPage;
use crate::agents::{AgentList, AgentPage, NewAgent};
use crate::audit::{GlobalAudit, WorkspaceAudit};
use crate::contract::ApiError;
use crate::directory::{Members, Operators, Workspaces};
use crate::integrations::{GlobalOtlp, GlobalSentry, WorkspaceOtlp};
use crate::keys::KeyList;
use crate::overview::{Overview, WorkspaceOverview};
use crate::routes::{NewRoute, RouteList, RoutePage};
use crate::setup::SetupPage;
use crate::sign_in::SignInPage;
use crate::traffic::Logs;
use crate::ui::{Boundary, ErrorView};
use crate::webhooks::{DeliveryHistory, NewWebhook, WebhookList, WebhookPage};

/// The `<meta>` that names the part of a page that was sent whole.
pub const PART: &str = "part";

/// A page in the boundary that catches its errors under its name.
macro_rules! in_boundary {
    ($page:ident) => {
        view! { <Boundary name=stringify!($page)>{view! { <$page/> }.into_any()}</Boundary> }
    };
}
pub(crate) use in_boundary;

macro_rules! part {
    ($(#[$doc:meta])* $pages:ident: $($page:ident),+; $part:ident fetched by $fetch:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub enum $pages {
            $($page),+
        }

        #[wasm_split($part, fallible, preload($fetch))]
        fn $part(page: $pages) -> Result<AnyView, SplitLoaderError> {
            Ok(match page {
                $($pages::$page => in_boundary!($page).into_any()),+
            })
        }

        impl ChooseView for $pages {
            async fn choose(self) -> AnyView {
                #[cfg(feature = "ssr")]
                crate::shell::announce(stringify!($part));
                $part(self).await.unwrap_or_else(|_| view! { <ErrorView error=ApiError::Unreachable/> }.into_any())
            }

            async fn preload(&self) {
                let (path, target) = use_url().with_untracked(|url| (url.path().to_owned(), format!("{}{}", url.path(), url.search())));
                let here = use_location().pathname;
                let fetched = $fetch().await;
                if here.try_get_untracked().is_some_and(|here| here != path) {
                    // Somebody has gone on to another page meanwhile: this one must not come in its place.
                    std::future::pending::<()>().await;
                }
                if fetched.is_err() {
                    ask_whole(&target).await;
                }
            }
        }
    };
}

part! {
    /// Ways in, and what one sees first.
    Entry: SignInPage, SetupPage, AccountPage, Overview, WorkspaceOverview; entry fetched by fetch_entry
}

part! {
    /// What a workspace is connected to: webhooks and AI agents.
    Endpoints: WebhookList, NewWebhook, WebhookPage, DeliveryHistory, AgentList, NewAgent, AgentPage;
        endpoints fetched by fetch_endpoints
}

part! {
    /// The pages behind the cards of the integrations.
    Exports: GlobalOtlp, WorkspaceOtlp, GlobalSentry; exports fetched by fetch_exports
}

part! {
    /// Lists of what there is and who may come in, what passes, and what was changed.
    Lists: RouteList, NewRoute, RoutePage, KeyList, Workspaces, Operators, Members, Logs, GlobalAudit, WorkspaceAudit;
        lists fetched by fetch_lists
}

/// Fetches the part of the page that the server sent.
///
/// # Errors
/// It can't be had.
#[cfg(feature = "hydrate")]
pub async fn fetch_own_part() -> Result<(), SplitLoaderError> {
    let named = document().query_selector(&format!("meta[name={PART}]")).ok().flatten();
    match named.and_then(|meta| meta.get_attribute("content")).as_deref() {
        Some("entry") => fetch_entry().await,
        Some("endpoints") => fetch_endpoints().await,
        Some("exports") => fetch_exports().await,
        Some("lists") => fetch_lists().await,
        _ => Ok(()),
    }
}

/// The part of the next page could not be fetched: the server is away, or is another version by now. The browser asks for the
/// page whole. Never returns.
async fn ask_whole(target: &str) {
    drop(window().location().assign(target));
    std::future::pending::<()>().await;
}
