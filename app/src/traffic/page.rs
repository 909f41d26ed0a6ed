//! `/w/:slug/logs`. `?status=` and `?route=` show some of the requests, `?before=` the older ones: all of it works without
//! scripts, with which the list also keeps up by itself.

use std::collections::HashSet;

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;
use uuid::Uuid;

use super::api::{TrafficView, load_requests, load_traffic};
use super::parts::{FilterForm, NothingKept, Requests};
use super::view_model::Asked;
use crate::contract::{ApiError, MAX_REQUESTS_KEPT, REQUESTS_KEPT_MIN, TrafficPage};
use crate::layout::use_slug;
use crate::ui::{ErrorView, LinkButton, NotLive, PageHeader, Skeleton, follow};

/// `/w/:slug/logs`
#[component]
pub fn Logs() -> impl IntoView {
    let slug = use_slug();
    let query = use_query_map();
    let asked = Memo::new(move |_| query.with(|query| Asked::from_query(|name| query.get(name))));
    let loaded = Resource::new_blocking(
        move || (slug.get(), asked.get()),
        |(slug, asked)| async move {
            let view = load_traffic(slug.clone(), asked.filter.clone(), asked.before).await?;
            Ok::<_, ApiError>((slug, asked, view))
        },
    );
    view! {
        <Transition fallback=|| view! { <Skeleton lines=8/> }>
            {move || Suspend::new(async move {
                match loaded.await {
                    Err(error) => view! { <ErrorView error/> }.into_any(),
                    Ok((slug, asked, view)) => view! { <Loaded slug asked view/> }.into_any(),
                }
            })}
        </Transition>
    }
}

#[component]
fn Loaded(slug: String, asked: Asked, view: TrafficView) -> impl IntoView {
    let TrafficView { routes, curl, page } = view;
    let base = format!("/w/{slug}/logs");
    let integrations = format!("/w/{slug}/settings/integrations");
    let (filter, before, ask) = (asked.filter.clone(), asked.before, slug.clone());
    let live = follow(page, move || load_requests(ask.clone(), filter.clone(), before));
    // Requests whose details are open: while somebody reads, nothing moves.
    let open = RwSignal::new(HashSet::<Uuid>::new());
    let shown = Memo::new(move |before: Option<&TrafficPage>| match before {
        Some(before) if open.with(|open| !open.is_empty()) => before.clone(),
        _ => live.newest.get(),
    });
    let empty = Memo::new(move |_| shown.with(|page| page.rows.is_empty()));
    let next = Memo::new(move |_| shown.with(|page| page.next));
    let rows = Signal::derive(move || shown.with(|page| page.rows.clone()));
    let list = {
        let (asked, slug) = (asked.clone(), slug.clone());
        move || {
            if empty.get() {
                view! { <NothingKept slug=slug.clone() asked=asked.clone() curl=curl.clone()/> }.into_any()
            } else {
                view! { <Requests rows open/> }.into_any()
            }
        }
    };
    let newest = before.map(|_| asked.at(&base, None));
    let older = {
        let (asked, base) = (asked.clone(), base.clone());
        move || {
            let href = asked.at(&base, Some(next.get()?));
            Some(view! { <LinkButton href>"Older"</LinkButton> })
        }
    };
    let kept = format!(
        "Requests are listed from the moment this page is opened and for {REQUESTS_KEPT_MIN} minutes after it was last looked at; \
         the newest {MAX_REQUESTS_KEPT} are kept, in memory alone."
    );
    view! {
        <PageHeader title="Logs" subtitle="The requests that callers send with this workspace's API keys, as they end, the newest first."/>
        <div class="space-y-6">
            <FilterForm base asked routes/>
            <p class="max-w-prose text-small text-muted">
                {kept}
                " While the details of one are open the list stands still. For a history, "
                <a href=integrations class="link">
                    "export telemetry"
                </a>
                "."
            </p>
            {list}
            <nav aria-label="Pages" class="flex gap-2 empty:hidden">
                {newest.map(|href| view! { <LinkButton href>"Newest"</LinkButton> })}
                {older}
            </nav>
            <NotLive reachable=live.reachable/>
        </div>
    }
}
