//! The fields of a webhook, new or existing. The page puts the form around them.

use leptos::prelude::*;
use web_sys::HtmlInputElement;

use super::auth_fields::AuthFields;
use super::view_model::{check_headers, check_retries, check_timeout, check_url, other_origin};
use crate::contract::values::{DeliveryMethod, EventType, WebhookAuth};
use crate::contract::{Field, RouteRow, SecretView, WebhookView};
use crate::integrations::{Answer, HeaderRows};
use crate::routes::{RouteChoices, check_name};
use crate::ui::{ActionError, FieldSet, FormDraft, SecretField, Select, TextField, Toggle, error_of, field_error};

/// Of what leaves with a delivery.
const INCLUDED_HELP: &str = "What of a request and its answer leaves for the URL above. Credentials, cookies, injected headers, and whatever is named or looks like a secret are redacted; anything else is not. Calls of AI agents are never included.";
const ROUTES_HELP: &str = "With none ticked it is told of requests to every route, also later ones.";

/// What the fields start with.
#[derive(Clone, Default)]
pub struct Initial {
    name: String,
    url: String,
    event_types: Vec<EventType>,
    method: DeliveryMethod,
    pub(super) auth: WebhookAuth,
    pub(super) auth_user: String,
    pub(super) auth_header: String,
    pub(super) auth_secret: SecretView,
    headers: SecretView,
    routes: Vec<String>,
    include_headers: bool,
    include_bodies: bool,
    timeout_s: String,
    retries: String,
    generation: u64,
}

impl Initial {
    /// Of a new webhook.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Of an existing one.
    #[must_use]
    pub fn of(view: WebhookView) -> Self {
        let number = |value: Option<u32>| value.map(|value| value.to_string()).unwrap_or_default();
        Self {
            name: view.name,
            url: view.url,
            event_types: view.event_types,
            method: view.method,
            auth: view.auth,
            auth_user: view.auth_user,
            auth_header: view.auth_header,
            auth_secret: view.auth_secret,
            headers: view.headers,
            routes: view.routes,
            include_headers: view.include_headers,
            include_bodies: view.include_bodies,
            timeout_s: number(view.timeout_s),
            retries: number(view.retries),
            generation: view.generation,
        }
    }
}

/// All fields; `answer` is what the form's action said.
#[component]
pub fn WebhookFields(initial: Initial, routes: Vec<RouteRow>, #[prop(into)] answer: Answer) -> impl IntoView {
    let draft = FormDraft::here();
    // Kept as the form had it, so that a change that somebody else made meanwhile is still noticed.
    let generation = draft.text_or("form[generation]", initial.generation.to_string());
    let stored_url = initial.url.clone();
    let typed = RwSignal::new(draft.text_or("form[url]", stored_url.clone()));
    let listen = move |event: leptos::ev::Event| {
        let input: HtmlInputElement = event_target(&event);
        if input.name() == "form[url]" {
            typed.set(input.value());
        }
    };
    let has_secrets = initial.headers.set || initial.auth_secret.set;
    let elsewhere = move || has_secrets && typed.with(|typed| other_origin(&stored_url, typed));
    view! {
        <div class="max-w-[640px] space-y-5 p-5" on:input=listen>
            <ActionError error=error_of(answer)/>
            <input type="hidden" name="form[generation]" value=generation/>
            <TextField
                label=Field::Name.label()
                name="form[name]"
                value=initial.name.clone()
                help="What it is for, so that you know what stops when you disable it."
                placeholder="Incident bot"
                required=true
                error=field_error(answer, Field::Name)
                validate=check_name
            />
            <div class="space-y-2">
                <TextField
                    label=Field::WebhookUrl.label()
                    name="form[url]"
                    value=initial.url.clone()
                    help="Where deliveries go. Redirects are never followed."
                    placeholder="https://hooks.example.com/knoxcall"
                    mono=true
                    required=true
                    error=field_error(answer, Field::WebhookUrl)
                    validate=check_url
                />
                <p class="text-small text-warn" class:hidden=move || !elsewhere()>
                    "This URL is on another origin: saved credentials and headers stay with the old one. Enter them again."
                </p>
            </div>
            <Events chosen=initial.event_types.clone() answer/>
            <RouteChoices
                id="webhook-routes"
                routes
                chosen=initial.routes.clone()
                name="form[routes][]"
                help=ROUTES_HELP
                error=field_error(answer, Field::WebhookRoutes)
            />
            <FieldSet id="webhook-requests" legend="Requests" help=INCLUDED_HELP>
                <Toggle
                    label=Field::IncludeHeaders.label()
                    name="form[include_headers]"
                    checked=initial.include_headers
                    help="Those of the request and of the answer, up to 8 KiB each."
                />
                <Toggle
                    label=Field::IncludeBodies.label()
                    name="form[include_bodies]"
                    checked=initial.include_bodies
                    help="The first 16 KiB of each. Text is looked through for secrets; what is compressed or binary goes as it is, in base64."
                />
            </FieldSet>
            <AuthFields initial=initial.clone() answer/>
            <div class="group/headers space-y-2">
                <SecretField
                    label=Field::ExtraHeaders.label()
                    name="form[headers]"
                    clear_name="form[clear_headers]"
                    secret=initial.headers.clone()
                    help="Sent with every delivery, encrypted at rest. Write name=value pairs with commas between them."
                    placeholder="X-Environment=production"
                    error=field_error(answer, Field::ExtraHeaders)
                    validate=check_headers
                />
                <HeaderRows input="field-form-headers-" label="Extra headers as rows"/>
            </div>
            <Advanced initial answer/>
        </div>
    }
}

/// The events as boxes to tick, each with when it is sent.
#[component]
fn Events(chosen: Vec<EventType>, answer: Answer) -> impl IntoView {
    let draft = FormDraft::here();
    let error = field_error(answer, Field::EventTypes);
    let boxes = EventType::SELECTABLE
        .into_iter()
        .map(|event| {
            let checked = draft.chosen_or("form[event_types][]", event.name(), chosen.contains(&event));
            let help = format!("event-{}", event.name().replace('.', "-"));
            view! {
                <div class="flex items-baseline gap-2 text-sm">
                    <input
                        id=format!("{help}-box")
                        type="checkbox"
                        class="checkbox translate-y-0.5"
                        name="form[event_types][]"
                        value=event.name()
                        checked=checked
                        aria-describedby=help.clone()
                    />
                    <div class="min-w-0">
                        <label for=format!("{help}-box") class="font-mono text-small break-all text-ink">
                            {event.name()}
                        </label>
                        <p id=help class="text-small text-muted">{event.help()}</p>
                    </div>
                </div>
            }
        })
        .collect_view();
    view! {
        <FieldSet id="webhook-events" legend=Field::EventTypes.label() help="What it is told of: at least one." error>
            <div class="grid gap-x-4 gap-y-2.5 wide:grid-cols-2">{boxes}</div>
        </FieldSet>
    }
}

/// Folded until something in it differs from the default or is wrong.
#[component]
fn Advanced(initial: Initial, answer: Answer) -> impl IntoView {
    let draft = FormDraft::here();
    let shown = [
        draft.text_or("form[method]", initial.method.name().to_owned()),
        draft.text_or("form[timeout_s]", initial.timeout_s.clone()),
        draft.text_or("form[retries]", initial.retries.clone()),
    ];
    let special = shown != [DeliveryMethod::default().name(), "", ""];
    let wrong = [Field::DeliveryMethod, Field::DeliveryTimeout, Field::Retries].map(|field| field_error(answer, field));
    let open = move || special || wrong.iter().any(|error| error.get().is_some());
    view! {
        <details class="rounded-md border border-line" open=open>
            <summary class="cursor-pointer rounded-md px-3 py-2 text-sm font-medium text-ink hover:bg-hover">"Advanced"</summary>
            <div class="space-y-5 border-t border-line p-4">
                <Select
                    label=Field::DeliveryMethod.label()
                    name="form[method]"
                    value=initial.method.name()
                    options=DeliveryMethod::ALL.iter().map(|one| (one.name().to_owned(), one.name().to_owned())).collect()
                    error=field_error(answer, Field::DeliveryMethod)
                />
                <TextField
                    label=Field::DeliveryTimeout.label()
                    name="form[timeout_s]"
                    value=initial.timeout_s
                    help="Seconds that one attempt may take: 1 to 60. Empty is 15."
                    placeholder="15"
                    optional=true
                    mono=true
                    error=field_error(answer, Field::DeliveryTimeout)
                    validate=check_timeout
                />
                <TextField
                    label=Field::Retries.label()
                    name="form[retries]"
                    value=initial.retries
                    help="Attempts after the first, with growing pauses between them: 0 to 10. Empty is 3."
                    placeholder="3"
                    optional=true
                    mono=true
                    error=field_error(answer, Field::Retries)
                    validate=check_retries
                />
            </div>
        </details>
    }
}
