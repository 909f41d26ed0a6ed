//! `/settings/audit` and `/w/:slug/audit`: one page, for either log.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use super::api::{load_audit, load_verdict};
use super::parts::{Downloads, Entries, FilterForm, Verdict};
use super::view_model::Asked;
use crate::contract::{ApiError, AuditPage};
use crate::layout::use_slug;
use crate::ui::{ErrorView, LinkButton, PageHeader, Skeleton};

/// `/settings/audit`
#[component]
pub fn GlobalAudit() -> impl IntoView {
    view! {
        <AuditLog
            slug=Memo::new(|_| String::new())
            subtitle="Who changed the Global scope: operators, accounts, workspaces made and deleted, and the operator's integrations. Each workspace has a log of its own."
        />
    }
}

/// `/w/:slug/audit`
#[component]
pub fn WorkspaceAudit() -> impl IntoView {
    view! {
        <AuditLog
            slug=use_slug()
            subtitle="Who changed this workspace: its routes, API keys, members, webhooks, AI agents and telemetry export. Nobody can change or remove entries."
        />
    }
}

#[component]
fn AuditLog(slug: Memo<String>, subtitle: &'static str) -> impl IntoView {
    let query = use_query_map();
    let asked = Memo::new(move |_| query.with(|query| Asked::from_query(|name| query.get(name))));
    let loaded = Resource::new_blocking(
        move || (slug.get(), asked.get()),
        |(slug, asked)| async move {
            let page = load_audit(slug.clone(), asked.filter, asked.before).await;
            // Only for whoever may see the page at all.
            let verdict = if asked.verify > 0 && page.is_ok() { Some(load_verdict(slug).await) } else { None };
            (page, verdict)
        },
    );
    view! {
        <Transition fallback=|| view! { <Skeleton lines=8/> }>
            {move || Suspend::new(async move {
                let (page, verdict) = loaded.await;
                let (asked, slug) = (asked.get_untracked(), slug.get_untracked());
                let base = if slug.is_empty() { "/settings/audit".to_owned() } else { format!("/w/{slug}/audit") };
                // A date that is none is said at its form.
                let (page, wrong) = match page {
                    Ok(page) => (page, None),
                    Err(error @ ApiError::Invalid { .. }) => (AuditPage::default(), Some(error)),
                    Err(error) => return view! { <ErrorView error/> }.into_any(),
                };
                let verify = asked.verified(&base);
                view! {
                    <PageHeader
                        title="Audit log"
                        subtitle=subtitle
                        actions=move || view! { <LinkButton href=verify.clone()>"Verify log"</LinkButton> }
                    />
                    <div class="space-y-6">
                        {verdict.map(|verdict| view! { <Verdict verdict/> })}
                        <FilterForm base=base.clone() asked=asked.clone() actions=page.actions.clone() wrong=wrong.clone()/>
                        {wrong.is_none().then(|| view! {
                            <div class="space-y-4">
                                <Downloads base=base.clone() asked=asked.clone()/>
                                <Entries base asked page/>
                            </div>
                        })}
                    </div>
                }
                .into_any()
            })}
        </Transition>
    }
}
