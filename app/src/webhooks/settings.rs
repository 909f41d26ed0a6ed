//! A webhook's settings: the form, and the same values to be read by a viewer.

use leptos::prelude::*;

use super::form::{Initial, WebhookFields};
use super::page::Actions;
use super::view_model::included_words;
use crate::contract::values::{DEFAULT_DELIVERY_TIMEOUT_S, DEFAULT_RETRIES};
use crate::contract::{Field, RouteRow, WebhookView};
use crate::integrations::secret_words;
use crate::routes::reach;
use crate::ui::{Card, CardHeader, Fact, Facts, FormFoot, KeptForm, Time, form_reset_by};

/// The form.
#[component]
pub(super) fn SettingsForm(slug: String, view: WebhookView, routes: Vec<RouteRow>, actions: Actions) -> impl IntoView {
    let form = form_reset_by(actions.saves);
    let by = view.saved_by.as_ref().map(|by| format!(" by {by}"));
    let (at, id) = (view.saved_at, view.id.to_string());
    view! {
        <Card>
            <CardHeader title="Settings" subtitle="A change applies to attempts from then on, also of what waits already."/>
            <KeptForm action=actions.save about=vec![("workspace", slug), ("id", id)] node_ref=form>
                <WebhookFields initial=Initial::of(view) routes answer=actions.save.value()/>
                <FormFoot label="Save" pending=actions.save.pending()>
                    <p class="ml-auto min-w-0 text-small break-words text-faint">"Last saved " <Time at/> {by}</p>
                </FormFoot>
            </KeptForm>
        </Card>
    }
}

/// What a viewer sees in place of the form.
#[component]
pub(super) fn ReadOnly(view: WebhookView) -> impl IntoView {
    let events = view.event_types.iter().map(|event| event.name()).collect::<Vec<_>>().join(", ");
    view! {
        <Card>
            <CardHeader title="Settings" subtitle="Your role may look at these but not change them."/>
            <Facts>
                <Fact label=Field::WebhookUrl.label()><span class="font-mono text-small break-all">{view.url}</span></Fact>
                <Fact label=Field::EventTypes.label()><span class="font-mono text-small">{events}</span></Fact>
                <Fact label=Field::WebhookRoutes.label()>{reach(&view.routes)}</Fact>
                <Fact label="Included of requests">{included_words(view.include_headers, view.include_bodies)}</Fact>
                <Fact label=Field::WebhookAuth.label()>{view.auth.label()}</Fact>
                <Fact label=Field::ExtraHeaders.label()>{secret_words(&view.headers)}</Fact>
                <Fact label=Field::DeliveryMethod.label()>{view.method.name()}</Fact>
                <Fact label=Field::DeliveryTimeout.label()>{view.timeout_s.unwrap_or(DEFAULT_DELIVERY_TIMEOUT_S)} " s"</Fact>
                <Fact label=Field::Retries.label()>{view.retries.unwrap_or(DEFAULT_RETRIES)}</Fact>
            </Facts>
        </Card>
    }
}
