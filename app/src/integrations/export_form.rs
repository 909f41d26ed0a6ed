//! The fields that both export forms share, and the line with the save button. The pages put their own form around it.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;
use web_sys::HtmlInputElement;

use super::header_rows::HeaderRows;
use super::view_model::{check_endpoint, check_headers, check_service_name, origin_changed, saved_message, signal_urls};
use crate::contract::values::Signal as OtlpSignal;
use crate::contract::{ApiError, ExportState, Field, Managed, SecretView, UnixMillis};
use crate::ui::{
    ActionError, Button, ButtonKind, FieldSet, FormDraft, Notice, NoticeKind, SecretField, TextField, Time, Toggle, error_of, field_error,
};

const EXAMPLE: &str = "https://otlp.example.com";

/// What an action has answered so far.
pub type Answer = Signal<Option<Result<(), ApiError>>>;

/// What a form starts from.
#[derive(Clone)]
pub struct Stored {
    pub endpoint: Managed<String>,
    pub service_name: Managed<String>,
    pub headers: Managed<SecretView>,
    pub generation: u64,
    pub state: ExportState,
    /// The signals that this destination can get.
    pub signals: &'static [OtlpSignal],
}

/// Endpoint, service name and headers; `children` are further fields.
#[component]
pub fn ExportFields(stored: Stored, answer: Answer, #[prop(optional)] children: Option<Children>) -> impl IntoView {
    let draft = FormDraft::here();
    // Kept as the form had it, so that a change that somebody else made meanwhile is still noticed.
    let generation = draft.text_or("form[generation]", stored.generation.to_string());
    let typed = RwSignal::new(draft.text_or("form[endpoint]", stored.endpoint.value.clone()));
    let headers_typed = RwSignal::new(false);
    let listen = move |event: leptos::ev::Event| {
        let input: HtmlInputElement = event_target(&event);
        match input.name().as_str() {
            "form[endpoint]" => typed.set(input.value()),
            "form[headers]" => headers_typed.set(!input.value().is_empty()),
            _ => {}
        }
    };
    let endpoint = stored.endpoint.value.clone();
    let stored_headers = stored.headers.value.set;
    let elsewhere = move || stored_headers && !headers_typed.get() && typed.with(|typed| origin_changed(&endpoint, typed));
    view! {
        <div class="space-y-5 p-5" on:input=listen>
            <ActionError error=error_of(answer)/>
            {(stored.state == ExportState::Broken).then(|| view! {
                <Notice kind=NoticeKind::Error>
                    "The stored settings can't be read, so nothing is exported. Enter them again and save."
                </Notice>
            })}
            <input type="hidden" name="form[generation]" value=generation/>
            <div class="space-y-2">
                <TextField
                    label=Field::Endpoint.label()
                    name="form[endpoint]"
                    value=stored.endpoint.value
                    help=if stored.endpoint.by.is_some() {
                        "The base URL of your collector."
                    } else {
                        "The base URL of your collector. Leave it empty to turn the export off."
                    }
                    placeholder=EXAMPLE
                    mono=true
                    error=field_error(answer, Field::Endpoint)
                    managed_by=stored.endpoint.by
                    validate=check_endpoint
                />
                <Appended typed signals=stored.signals/>
            </div>
            <TextField
                label=Field::ServiceName.label()
                name="form[service_name]"
                value=stored.service_name.value
                help="What the collector sees as service.name."
                placeholder="knoxcall"
                optional=true
                error=field_error(answer, Field::ServiceName)
                managed_by=stored.service_name.by
                validate=check_service_name
            />
            <div class="group/headers space-y-2">
                <SecretField
                    label=Field::Headers.label()
                    name="form[headers]"
                    clear_name="form[clear_headers]"
                    secret=stored.headers.value
                    help=if stored.headers.by.is_some() {
                        "Sent with every export."
                    } else {
                        "Sent with every export, encrypted at rest. Write name=value pairs with commas between them."
                    }
                    placeholder="Authorization=Bearer …, X-Scope-OrgID=acme"
                    error=field_error(answer, Field::Headers)
                    managed_by=stored.headers.by
                    validate=check_headers
                />
                {stored.headers.by.is_none().then(|| view! { <HeaderRows input="field-form-headers-"/> })}
                <p class="text-small text-warn" class:hidden=move || !elsewhere()>
                    "This endpoint is on another origin: saved headers stay with the old one. Enter them again, or clear them."
                </p>
            </div>
            {children.map(|children| children())}
        </div>
    }
}

/// The addresses that the endpoint, as typed, makes.
#[component]
fn Appended(typed: RwSignal<String>, signals: &'static [OtlpSignal]) -> impl IntoView {
    let lines = move || {
        let urls = typed.with(|typed| signal_urls(typed, signals)).or_else(|| signal_urls(EXAMPLE, signals)).unwrap_or_default();
        urls.into_iter()
            .map(|(signal, url)| {
                view! {
                    <div class="contents">
                        <dt class="text-faint">{signal.name()}</dt>
                        <dd class="min-w-0 font-mono break-all text-muted">{url}</dd>
                    </div>
                }
            })
            .collect_view()
    };
    view! {
        <div class="rounded-md bg-sunken px-3 py-2 text-small">
            <p class="mb-1 text-muted">
                {move || {
                    let valid = typed.with(|typed| signal_urls(typed, signals).is_some());
                    if valid { "KnoxCall appends the path of each signal:" } else { "KnoxCall appends the path of each signal, for example:" }
                }}
            </p>
            <dl class="grid grid-cols-[auto_minmax(0,1fr)] gap-x-3 gap-y-0.5">{lines}</dl>
        </div>
    }
}

/// The three switches of the operator's export.
#[component]
pub fn SignalSwitches(traces: Managed<bool>, logs: Managed<bool>, metrics: Managed<bool>, answer: Answer) -> impl IntoView {
    let switch = move |field: Field, name, on: Managed<bool>, help| {
        view! { <Toggle label=field.label() name checked=on.value managed_by=on.by help error=field_error(answer, field)/> }.into_any()
    };
    let traces = switch(Field::Traces, "form[traces]", traces, "A span for each request to the gateway and the console.");
    let logs = switch(Field::Logs, "form[logs]", logs, "A record for each request with a valid key. Never bodies or credentials.");
    let metrics = switch(Field::Metrics, "form[metrics]", metrics, "Request counts and durations, every 60 seconds.");
    view! { <FieldSet legend="Signals">{traces} {logs} {metrics}</FieldSet> }.into_any()
}

/// The foot of the form: the button, what saving did, and who saved last.
#[component]
pub fn SaveLine(
    #[prop(into)] pending: Signal<bool>,
    answer: Answer,
    endpoint: String,
    state: ExportState,
    saved_at: Option<UnixMillis>,
    saved_by: Option<String>,
) -> impl IntoView {
    let query = use_query_map();
    let message = saved_message(&endpoint, &state);
    let said = move || {
        let saved = query.with(|query| query.get_str("saved") == Some("otlp"));
        // An address keeps `saved` while a later attempt fails.
        let failed = answer.with(|answer| matches!(answer, Some(Err(_))));
        if saved && !failed { message.clone() } else { String::new() }
    };
    view! {
        <div class="flex flex-wrap items-center gap-x-4 gap-y-2 border-t border-line px-5 py-3.5">
            <Button kind=ButtonKind::Primary submit=true pending>
                "Save"
            </Button>
            <p class="text-small font-medium text-ok" role="status">
                {said}
            </p>
            {saved_at.map(|at| view! {
                <p class="ml-auto text-small text-faint">
                    "Last saved " <Time at/> {saved_by.map(|by| format!(" by {by}"))}
                </p>
            })}
        </div>
    }
}
