//! The integrations of a scope: a card for each, with its state at a glance.

use leptos::prelude::*;

use super::api::{Cards, Place, TrackingGlance, load_cards, load_glances, page};
use super::card::{CardGrid, IntegrationCard, LiveFact};
use super::scope::{GlobalScope, WorkspaceScope};
use super::tracking_api;
use super::tracking_words::{overall, tiers};
use crate::layout::use_slug;
use crate::ui::{ErrorView, IconName, NotLive, PageHeader, PillState, Skeleton, follow};

/// `/settings/integrations`, for operators.
#[component]
pub fn GlobalIntegrations() -> impl IntoView {
    view! { <Integrations workspace=Signal::derive(String::new)/> }
}

/// `/w/:slug/settings/integrations`, for the workspace's members and operators.
#[component]
pub fn WorkspaceIntegrations() -> impl IntoView {
    let slug = use_slug();
    view! { <Integrations workspace=Signal::derive(move || slug.get())/> }
}

#[component]
fn Integrations(workspace: Signal<String>) -> impl IntoView {
    let loaded = Resource::new_blocking(move || workspace.get(), load_cards);
    view! {
        <Transition fallback=|| view! { <Skeleton lines=6/> }>
            {move || Suspend::new(async move {
                match loaded.await {
                    Err(error) => view! { <ErrorView error/> }.into_any(),
                    Ok(cards) => view! { <Loaded cards/> }.into_any(),
                }
            })}
        </Transition>
    }
}

#[component]
fn Loaded(cards: Cards) -> impl IntoView {
    let Cards { place, glances: first } = cards;
    let slug = place.slug();
    let asked = slug.clone();
    let live = follow(first, move || load_glances(asked.clone()));
    let newest = live.newest;
    let (subtitle, name, summary) = match &place {
        Place::Global { .. } => (
            "Where the telemetry and the errors of the whole gateway go. Each workspace has its own integrations besides.",
            "OpenTelemetry export",
            "Sends traces, logs and metrics of every request to your collector, over OTLP/HTTP.",
        ),
        Place::Workspace(_) => (
            "What this workspace shares with systems of its own.",
            "Telemetry export (OTLP)",
            "Sends this workspace's request logs and metrics to a collector of its own, over OTLP/HTTP.",
        ),
    };
    // Each card hears of its own changes only.
    let export = Memo::new(move |_| newest.with(|glances| glances.export.clone()));
    let tracking = Memo::new(move |_| newest.with(|glances| glances.tracking.clone()));
    let tracked = tracking.with_untracked(Option::is_some);
    view! {
        <PageHeader title="Integrations" subtitle scope=move || scope_of(place.clone())/>
        <CardGrid>
            <IntegrationCard
                href=page(&slug)
                icon=IconName::Pulse
                name
                summary
                state=Signal::derive(move || export.with(|export| PillState::of_export(&export.state)))
                still_failing=Memo::new(move |_| export.with(|export| export.still_failing.clone()))
            >
                {move || view! { <LiveFact export=export.get()/> }}
            </IntegrationCard>
            {tracked.then(|| view! { <TrackingCard tracking/> })}
        </CardGrid>
        <NotLive reachable=live.reachable/>
    }
}

fn scope_of(place: Place) -> AnyView {
    match place {
        Place::Global { workspaces } => view! { <GlobalScope workspaces/> }.into_any(),
        Place::Workspace(workspace) => view! { <WorkspaceScope workspace/> }.into_any(),
    }
}

#[component]
fn TrackingCard(tracking: Memo<Option<TrackingGlance>>) -> impl IntoView {
    view! {
        <IntegrationCard
            href=tracking_api::PAGE
            icon=IconName::Warning
            name="Error tracking (Sentry)"
            summary="Reports errors of the console's pages and of the server to Sentry, scrubbed before they leave."
            state=Signal::derive(move || tracking.with(|tracking| tracking.as_ref().map_or(PillState::Off, overall)))
        >
            <span>{move || tracking.with(|tracking| tracking.as_ref().map(tiers))}</span>
        </IntegrationCard>
    }
}
