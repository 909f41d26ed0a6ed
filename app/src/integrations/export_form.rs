//! The fields of an export's form. The page puts the form around them.

use leptos::html::Div;
use leptos::prelude::*;
use leptos::wasm_bindgen::JsCast;
use web_sys::{Element, HtmlInputElement};

use super::header_rows::HeaderRows;
use super::tested_form::Answer;
use super::view_model::{
    check_endpoint, check_headers, check_service_name, going_on_words, origin_changed, signal_urls, temporality_words,
};
use crate::contract::values::{Compression, Preset, Signal as OtlpSignal, Temporality, parse_export_timeout};
use crate::contract::{ExportState, ExportView, Field, Managed, Variable};
use crate::ui::{
    ActionError, FieldSet, FormDraft, Notice, NoticeKind, SecretField, Select, TextField, Toggle, error_of, field_error, is_for_another,
};

const EXAMPLE: &str = "https://otlp.example.com";

/// All fields. `asked` is a backend whose template is to be filled in, in place of what is stored.
#[component]
pub fn ExportFields(view: ExportView, signals: &'static [OtlpSignal], answer: Answer, asked: Option<Preset>) -> impl IntoView {
    let template = asked.map(Preset::template);
    let stored_endpoint = view.endpoint.value.clone();
    let endpoint = match template {
        Some(template) if !template.endpoint.is_empty() => Managed::free(template.endpoint.to_owned()),
        _ => view.endpoint,
    };
    let draft = FormDraft::here();
    // Kept as the form had it, so that a change that somebody else made meanwhile is still noticed.
    let generation = draft.text_or("form[generation]", view.generation.to_string());
    let typed = RwSignal::new(draft.text_or("form[endpoint]", endpoint.value.clone()));
    let headers_typed = RwSignal::new(false);
    // What the fields hold, also where nobody typed it: a page that is built anew keeps what was typed, a template is filled in.
    let read = move |fields: &Element| {
        if let Some(endpoint) = input_of(fields, "form[endpoint]") {
            let _ = typed.try_set(endpoint.value());
        }
        if let Some(headers) = input_of(fields, "form[headers]") {
            let _ = headers_typed.try_set(!headers.value().is_empty());
        }
    };
    // Those of the environment go where the form says.
    let has_headers = view.headers.value.set && view.headers.by.is_none();
    let elsewhere = move || has_headers && !headers_typed.get() && typed.with(|typed| origin_changed(&stored_endpoint, typed));
    let preset = asked.or(view.preset).map(Preset::slug).unwrap_or_default();
    let takes = move |signal| template.is_none_or(|template| template.signals.contains(&signal));
    let on =
        move |stored: Managed<bool>, signal| if template.is_some() && stored.by.is_none() { Managed::free(takes(signal)) } else { stored };
    let traces = signals.contains(&OtlpSignal::Traces).then(|| on(view.traces, OtlpSignal::Traces));
    let advanced = Advanced {
        compression: view.compression,
        timeout_s: view.timeout_s,
        temporality: match template {
            Some(template) if view.temporality.by.is_none() => Managed::free(template.temporality),
            _ => view.temporality,
        },
    };
    let fields = NodeRef::<Div>::new();
    let filled_from = asked.map(Preset::slug).unwrap_or_default();
    let has_endpoint = template.is_none_or(|template| !template.endpoint.is_empty());
    // Above all a key that was typed for one backend is not for the next.
    Effect::new(move |_| {
        let Some(fields) = fields.get() else { return };
        let another = is_for_another(&fields, filled_from);
        request_animation_frame(move || {
            if another {
                fill_in(&fields, has_endpoint);
            }
            // By the next frame a form that was saved has gone back to what is stored, too.
            request_animation_frame(move || read(&fields));
        });
    });
    let listen = move |_| {
        if let Some(fields) = fields.get_untracked() {
            read(&fields);
        }
    };
    let unreadable = match &view.status.state {
        ExportState::Broken { going_on } => {
            Some(format!("The stored settings can't be read. {} Enter them again and save.", going_on_words(going_on)))
        }
        _ => None,
    };
    view! {
        <div class="space-y-5 p-5" on:input=listen node_ref=fields>
            <ActionError error=error_of(answer)/>
            {unreadable.map(|words| view! { <Notice kind=NoticeKind::Error>{words}</Notice> })}
            <input type="hidden" name="form[generation]" value=generation/>
            <input type="hidden" name="form[preset]" value=preset/>
            <div class="space-y-2">
                <TextField
                    label=Field::Endpoint.label()
                    name="form[endpoint]"
                    value=endpoint.value
                    help=if endpoint.by.is_some() {
                        "The base URL of your collector."
                    } else {
                        "The base URL of your collector. Leave it empty to turn the export off."
                    }
                    placeholder=EXAMPLE
                    mono=true
                    error=field_error(answer, Field::Endpoint)
                    managed_by=endpoint.by
                    validate=check_endpoint
                />
                <Appended typed signals/>
            </div>
            <TextField
                label=Field::ServiceName.label()
                name="form[service_name]"
                value=view.service_name.value
                help="What the collector sees as service.name."
                placeholder="knoxcall"
                optional=true
                error=field_error(answer, Field::ServiceName)
                managed_by=view.service_name.by
                validate=check_service_name
            />
            <div class="group/headers space-y-2">
                <SecretField
                    label=Field::Headers.label()
                    name="form[headers]"
                    clear_name="form[clear_headers]"
                    secret=view.headers.value
                    initial=template.filter(|_| view.headers.by.is_none()).map(|template| template.headers).unwrap_or_default()
                    help=if view.headers.by.is_some() {
                        "Sent with every export."
                    } else {
                        "Sent with every export, encrypted at rest. Write name=value pairs with commas between them."
                    }
                    placeholder="Authorization=Bearer …, X-Scope-OrgID=acme"
                    error=field_error(answer, Field::Headers)
                    managed_by=view.headers.by
                    validate=check_headers
                />
                {view.headers.by.is_none().then(|| view! { <HeaderRows input="field-form-headers-" label="Auth headers as rows"/> })}
                <p class="text-small text-warn" class:hidden=move || !elsewhere()>
                    "This endpoint is on another origin: saved headers stay with the old one. Enter them again, or clear them."
                </p>
            </div>
            <SignalSwitches traces logs=on(view.logs, OtlpSignal::Logs) metrics=on(view.metrics, OtlpSignal::Metrics) answer/>
            <AdvancedFields advanced answer/>
            <AlsoManaged variables=view.also_managed/>
        </div>
    }
}

/// The fields go back to what the page was given, such as another backend's template; what no template has stays as it was typed.
fn fill_in(fields: &Element, has_endpoint: bool) {
    let field = |name: &str| input_of(fields, name);
    let own = ["form[service_name]", "form[timeout_s]"].into_iter().chain((!has_endpoint).then_some("form[endpoint]"));
    let typed: Vec<_> = own.filter_map(field).map(|field| (field.value(), field)).collect();
    if let Some(form) = field("form[headers]").and_then(|field| field.form()) {
        form.reset();
    }
    for (text, field) in typed {
        if field.value() != text {
            field.set_value(&text);
        }
    }
}

/// The input of this name, in the browser.
fn input_of(fields: &Element, name: &str) -> Option<HtmlInputElement> {
    fields.query_selector(&format!("input[name='{name}']")).ok().flatten()?.dyn_into().ok()
}

struct Advanced {
    compression: Managed<Compression>,
    timeout_s: Managed<Option<u32>>,
    temporality: Managed<Temporality>,
}

/// Folded until something in it differs from the default, is managed, or is wrong.
#[component]
fn AdvancedFields(advanced: Advanced, answer: Answer) -> impl IntoView {
    let Advanced { compression, timeout_s, temporality } = advanced;
    let draft = FormDraft::here();
    let shown = [
        draft.text_or("form[compression]", compression.value.name().to_owned()),
        draft.text_or("form[timeout_s]", timeout_s.value.map(|seconds| seconds.to_string()).unwrap_or_default()),
        draft.text_or("form[temporality]", temporality.value.name().to_owned()),
    ];
    let special = shown != [Compression::default().name(), "", Temporality::default().name()]
        || [compression.by, timeout_s.by, temporality.by].iter().any(Option::is_some);
    let wrong = [Field::Compression, Field::Timeout, Field::Temporality].map(|field| field_error(answer, field));
    let open = move || special || wrong.iter().any(|error| error.get().is_some());
    view! {
        <details class="group/advanced rounded-md border border-line" open=open>
            <summary class="cursor-pointer rounded-md px-3 py-2 text-sm font-medium text-ink hover:bg-hover">"Advanced"</summary>
            <div class="space-y-5 border-t border-line p-4">
                <Select
                    label=Field::Compression.label()
                    name="form[compression]"
                    value=compression.value.name()
                    options=vec![("gzip".to_owned(), "gzip".to_owned()), ("none".to_owned(), "None".to_owned())]
                    help="Of request bodies. Nearly every collector takes gzip."
                    error=field_error(answer, Field::Compression)
                    managed_by=compression.by
                />
                <TextField
                    label=Field::Timeout.label()
                    name="form[timeout_s]"
                    value=timeout_s.value.map(|seconds| seconds.to_string()).unwrap_or_default()
                    help="Seconds that one export request may take: 1 to 60. Empty is 10."
                    placeholder="10"
                    optional=true
                    error=field_error(answer, Field::Timeout)
                    managed_by=timeout_s.by
                    validate=|text| parse_export_timeout(text).map(drop)
                />
                <Select
                    label=Field::Temporality.label()
                    name="form[temporality]"
                    value=temporality.value.name()
                    options=Temporality::ALL.iter().map(|one| (one.name().to_owned(), temporality_words(*one).to_owned())).collect()
                    help="Cumulative suits Prometheus and most others; Datadog and Elastic need delta."
                    error=field_error(answer, Field::Temporality)
                    managed_by=temporality.by
                />
            </div>
        </details>
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

/// A switch for each signal that the destination can get. A workspace has none for traces.
#[component]
pub fn SignalSwitches(
    #[prop(optional_no_strip)] traces: Option<Managed<bool>>,
    logs: Managed<bool>,
    metrics: Managed<bool>,
    answer: Answer,
) -> impl IntoView {
    let switch = move |field: Field, name, on: Managed<bool>, help| {
        view! { <Toggle label=field.label() name checked=on.value managed_by=on.by help error=field_error(answer, field)/> }.into_any()
    };
    let traces =
        traces.map(|traces| switch(Field::Traces, "form[traces]", traces, "A span for each request to the gateway and the console."));
    let logs = switch(Field::Logs, "form[logs]", logs, "A record for each request with a valid key. Never bodies or credentials.");
    let metrics = switch(Field::Metrics, "form[metrics]", metrics, "Request counts and durations, every 60 seconds.");
    view! { <FieldSet legend="Signals">{traces} {logs} {metrics}</FieldSet> }.into_any()
}

/// Variables in effect that have no field here.
#[component]
fn AlsoManaged(variables: Vec<Variable>) -> impl IntoView {
    (!variables.is_empty()).then(|| {
        let names = variables
            .into_iter()
            .map(|variable| view! { <li class="font-mono text-[0.9em] break-all">{variable.name()}</li> })
            .collect_view();
        view! {
            <div class="text-small text-muted">
                <p>"The environment also sets:"</p>
                <ul class="mt-1 space-y-0.5">{names}</ul>
            </div>
        }
    })
}
