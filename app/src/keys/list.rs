//! The page of API keys. `?created=<id>` shows a new secret once, `?edit=<id>` opens a key for editing: both work
//! without scripts.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;
use uuid::Uuid;

use super::api::{CreateKey, DeleteKey, EnableKey, UpdateKey, keys, take_key};
use super::create_form::CreateForm;
use super::table::KeyTable;
use crate::contract::{ApiError, KeyRow, RouteRow, ShownOnce};
use crate::layout::use_slug;
use crate::ui::{ActionError, EmptyState, ErrorView, PageHeader, ShownOnceNotice, Skeleton, error_of, on_new_query, successes, together};

const PURPOSE: &str = "A key names the workspace that a request belongs to. Callers send it in the header x-knoxcall-key; the gateway checks it and never forwards it.";

/// Everything that this page can do. The actions live as long as the page, so that an answer outlives its form.
#[derive(Clone, Copy)]
pub(super) struct Actions {
    pub create: ServerAction<CreateKey>,
    pub update: ServerAction<UpdateKey>,
    pub enable: ServerAction<EnableKey>,
    pub delete: ServerAction<DeleteKey>,
    /// How many keys were made since the page was opened.
    pub created: Memo<usize>,
}

/// What the server answers about a key that was just made; `None` when none was.
type Taken = Option<Result<Option<ShownOnce>, ApiError>>;

/// `/w/:slug/keys`
#[component]
pub fn KeyList() -> impl IntoView {
    let query = use_query_map();
    let slug = use_slug();
    let created = Memo::new(move |_| query.read().get_str("created").and_then(|id| id.parse::<Uuid>().ok()));
    let create = ServerAction::new();
    let actions = Actions {
        create,
        update: ServerAction::new(),
        enable: ServerAction::new(),
        delete: ServerAction::new(),
        created: successes(create),
    };
    on_new_query(move || {
        actions.create.clear();
        actions.update.clear();
        actions.enable.clear();
        actions.delete.clear();
    });
    let changes = [actions.created, successes(actions.update), successes(actions.enable), successes(actions.delete)];
    let loaded = Resource::new_blocking(move || (slug.get(), changes.map(|count| count.get())), |(slug, _)| keys(slug));
    // Apart from the list, because asking again would find nothing.
    let taken = Resource::new_blocking(
        move || (slug.get(), created.get()),
        |(slug, id)| async move {
            match id {
                Some(id) => Some(take_key(slug, id).await),
                None => None,
            }
        },
    );
    let whole = together(move || async move { (taken.await, loaded.await) });
    view! {
        <Transition fallback=|| view! { <Skeleton lines=6/> }>
            {move || Suspend::new(async move {
                let (taken, loaded) = whole.await;
                match loaded {
                    Err(error) => view! { <ErrorView error/> }.into_any(),
                    Ok((workspace, rows, routes)) => {
                        let may_write = workspace.access.may_write();
                        view! { <Loaded slug=workspace.slug may_write rows routes taken actions/> }.into_any()
                    }
                }
            })}
        </Transition>
    }
}

#[component]
fn Loaded(slug: String, may_write: bool, rows: Vec<KeyRow>, routes: Vec<RouteRow>, taken: Taken, actions: Actions) -> impl IntoView {
    let page = format!("/w/{slug}/keys");
    let form_slug = slug.clone();
    view! {
        <PageHeader
            title="API keys"
            subtitle="With a key in the header x-knoxcall-key, a caller of the gateway proves that it belongs to this workspace."
        />
        <div class="space-y-6">
            {taken.map(|taken| view! {
                <ShownOnceNotice
                    taken
                    words=("Key ", " created.")
                    copy="Copy key"
                    gone="This key was shown once already. If nobody kept it, delete it and create another one."
                />
            })}
            <ActionError error=error_of(actions.enable.value())/>
            {if rows.is_empty() {
                view! { <EmptyState title="No API keys yet" text=PURPOSE/> }.into_any()
            } else {
                view! { <KeyTable slug page rows routes=routes.clone() may_write actions/> }.into_any()
            }}
            {may_write.then(move || view! { <CreateForm slug=form_slug routes actions/> })}
        </div>
    }
}
