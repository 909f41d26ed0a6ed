//! The page on which one more thing of a kind is made: its head, and one form. Whoever only looks is told so.

use leptos::prelude::*;
use leptos::server_fn::client::Client;
use leptos::server_fn::codec::PostUrl;
use leptos::server_fn::request::ClientReq;
use leptos::server_fn::{Http, ServerFn};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::card::Card;
use super::error_view::ErrorView;
use super::form_foot::FormFoot;
use super::kept_form::KeptForm;
use super::page_header::PageHeader;
use super::refresh::{held, successes};
use super::skeleton::Skeleton;
use crate::contract::{ApiError, WorkspaceRef};

/// What the page says of the kind.
#[derive(Clone, Copy, Debug)]
pub struct CreateWords {
    /// On the page and its button: "Create route".
    pub title: &'static str,
    pub subtitle: &'static str,
    /// The list that "Cancel" leads to, below the workspace: "routes".
    pub list: &'static str,
}

/// The page. `fields` are the form's, built from what was loaded; the action takes them and `workspace`.
#[component]
pub fn CreatePage<T, S, O, F, V>(
    words: CreateWords,
    /// The workspace, and whatever else the fields need.
    loaded: Resource<Result<(WorkspaceRef, T), ApiError>>,
    action: ServerAction<S>,
    fields: F,
) -> impl IntoView
where
    T: Clone + Serialize + DeserializeOwned + Send + Sync + 'static,
    F: Fn(T) -> V + Clone + Send + Sync + 'static,
    V: IntoView + 'static,
    S: DeserializeOwned + ServerFn<Protocol = Http<PostUrl, O>, Error = ApiError> + Clone + Send + Sync + 'static,
    S::Output: Send + Sync + 'static,
    S::Client: Client<ApiError>,
    <<S::Client as Client<ApiError>>::Request as ClientReq<ApiError>>::FormData: From<web_sys::FormData>,
    O: 'static,
{
    let CreateWords { title, subtitle, list } = words;
    let pending = held(action.pending(), successes(action));
    let form = move |slug: String, found: T, fields: F| {
        let cancel = format!("/w/{slug}/{list}");
        view! {
            <PageHeader title subtitle/>
            <div class="max-w-[640px]">
                <Card>
                    <KeptForm action about=vec![("workspace", slug)]>
                        {fields(found)}
                        <FormFoot label=title pending cancel/>
                    </KeptForm>
                </Card>
            </div>
        }
    };
    view! {
        <Transition fallback=|| view! { <Skeleton lines=6/> }>
            {move || {
                let fields = fields.clone();
                Suspend::new(async move {
                    match loaded.await {
                        Err(error) => view! { <ErrorView error/> }.into_any(),
                        Ok((workspace, _)) if !workspace.access.may_write() => view! { <ErrorView error=ApiError::Forbidden/> }.into_any(),
                        Ok((workspace, found)) => form(workspace.slug, found, fields).into_any(),
                    }
                })
            }}
        </Transition>
    }
}
