//! One webhook: its settings, how it is doing, a test, its signing secret, and what it was told last. `?created=` shows a new
//! signing secret once.

use leptos::prelude::*;
use leptos_router::hooks::{use_params_map, use_query_map};
use uuid::Uuid;

use super::api::{
    DeleteWebhook, EnableWebhook, RotateSecret, SaveWebhook, TestWebhook, WebhookDetail, take_secret, webhook, webhook_health,
};
use super::delivery::Recent;
use super::parts::{SecretCard, StateCard, TestCard};
use super::settings::{ReadOnly, SettingsForm};
use super::view_model::{host_of, state_pill};
use crate::contract::values::WebhookAuth;
use crate::contract::{ApiError, ShownOnce};
use crate::ui::{
    DeleteCard, DeleteWords, ErrorView, LinkButton, NotLive, PageHeader, ShownOnceNotice, Skeleton, StatusPill, follow, successes, together,
};

const DELETE: DeleteWords = DeleteWords {
    title: "Delete this webhook",
    button: "Delete webhook",
    means: "Nothing is delivered to it any more. This can't be undone.",
    takes_along: "Its secrets, its history, and what still waits for it go with it.",
};

/// Everything that this page can do. The actions live as long as the page, so that an answer outlives its form.
#[derive(Clone, Copy)]
pub(super) struct Actions {
    pub save: ServerAction<SaveWebhook>,
    pub saves: Memo<usize>,
    pub enable: ServerAction<EnableWebhook>,
    pub rotate: ServerAction<RotateSecret>,
    pub test: ServerAction<TestWebhook>,
    pub delete: ServerAction<DeleteWebhook>,
}

/// What the server answers about a secret that was just made; `None` when none was.
type Taken = Option<Result<Option<ShownOnce>, ApiError>>;

/// The webhook that the address names.
pub(super) fn use_webhook() -> Memo<(String, Option<Uuid>)> {
    let params = use_params_map();
    Memo::new(move |_| {
        let params = params.read();
        (params.get("slug").unwrap_or_default(), params.get_str("id").and_then(|id| id.parse().ok()))
    })
}

/// `/w/:slug/webhooks/:id`
#[component]
pub fn WebhookPage() -> impl IntoView {
    let query = use_query_map();
    let path = use_webhook();
    let created = Memo::new(move |_| query.read().get("created"));
    let save = ServerAction::new();
    let actions = Actions {
        save,
        saves: successes(save),
        enable: ServerAction::new(),
        rotate: ServerAction::new(),
        test: ServerAction::new(),
        delete: ServerAction::new(),
    };
    let changes = [actions.saves, successes(actions.enable), successes(actions.rotate)];
    let loaded = Resource::new_blocking(
        move || (path.get(), changes.map(|count| count.get())),
        |((slug, id), _)| async move { webhook(slug, id.ok_or(ApiError::NotFound)?).await },
    );
    // Apart from the rest, because asking again would find nothing.
    let taken = Resource::new_blocking(
        move || (path.get(), created.get()),
        |((slug, id), created)| async move {
            match (id, created) {
                (Some(id), Some(_)) => Some(take_secret(slug, id).await),
                _ => None,
            }
        },
    );
    let whole = together(move || async move { (taken.await, loaded.await) });
    view! {
        <Transition fallback=|| view! { <Skeleton lines=8/> }>
            {move || Suspend::new(async move {
                let (taken, loaded) = whole.await;
                match loaded {
                    Err(error) => view! { <ErrorView error/> }.into_any(),
                    Ok(detail) => view! { <Loaded detail taken actions/> }.into_any(),
                }
            })}
        </Transition>
    }
}

#[component]
fn Loaded(detail: WebhookDetail, taken: Taken, actions: Actions) -> impl IntoView {
    let WebhookDetail { workspace, view, routes, deliveries } = detail;
    let may_write = workspace.access.may_write();
    let (slug, id) = (workspace.slug, view.id);
    let ask = slug.clone();
    let last_test = deliveries.rows.iter().find(|row| row.event == crate::contract::values::EventType::WebhookTest);
    let last_test = last_test.and_then(|row| row.attempts.first().cloned());
    let live = follow((view.state.clone(), deliveries), move || webhook_health(ask.clone(), id));
    let state = Memo::new(move |_| live.newest.with(|(state, _)| state.clone()));
    let newest = Memo::new(move |_| live.newest.with(|(_, deliveries)| deliveries.clone()));
    let all = format!("/w/{slug}/webhooks/{id}/deliveries");
    let head_all = all.clone();
    let delete = may_write.then(|| {
        let about = vec![("workspace", slug.clone()), ("id", id.to_string())];
        view! { <DeleteCard id="delete-webhook" words=DELETE expected=view.name.clone() action=actions.delete about/> }
    });
    let test = may_write.then(|| view! { <TestCard slug=slug.clone() id last_test test=actions.test/> });
    view! {
        <PageHeader
            title=view.name.clone()
            subtitle=host_of(&view.url)
            scope=move || view! { {move || { let (state, word) = state_pill(&state.get()); view! { <StatusPill state word/> } }} }
            actions=move || view! { <LinkButton href=head_all.clone()>"View deliveries"</LinkButton> }
        />
        {taken.filter(|taken| view.auth != WebhookAuth::None || !matches!(taken, Ok(None))).map(|taken| view! {
            <div class="mb-6">
                <ShownOnceNotice
                    taken
                    words=("Signing secret of ", ".")
                    copy="Copy secret"
                    gone="This signing secret was shown once already. If nobody kept it, rotate it."
                />
            </div>
        })}
        <div class="grid grid-cols-1 items-start gap-6 min-[1100px]:grid-cols-[minmax(0,640px)_minmax(320px,1fr)]">
            <div class="min-w-0">
                {if may_write {
                    view! { <SettingsForm slug=slug.clone() view=view.clone() routes actions/> }.into_any()
                } else {
                    view! { <ReadOnly view=view.clone()/> }.into_any()
                }}
            </div>
            <div class="min-w-0 space-y-6">
                <StateCard slug=slug.clone() id state dropped=view.dropped may_write enable=actions.enable/>
                {test}
                <SecretCard slug=slug.clone() view may_write rotate=actions.rotate/>
            </div>
        </div>
        <div class="mt-6 space-y-6">
            <Recent newest all/>
            {delete}
        </div>
        <NotLive reachable=live.reachable/>
    }
}
