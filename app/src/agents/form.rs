//! The fields of an agent, new or existing. The page puts the form around them.

use leptos::prelude::*;
use leptos::wasm_bindgen::JsCast;
use web_sys::HtmlInputElement;

use super::view_model::{base_url_placeholder, base_url_text, check_base_url, check_credential, check_limit, check_models};
use crate::contract::values::Provider;
use crate::contract::{AgentView, ApiError, Field, SecretView};
use crate::routes::check_slug;
use crate::ui::{ActionError, FormDraft, SecretField, Select, TextArea, TextField, error_of, field_error};

const BASE_URL: &str = "agent-base-url";

/// What the fields start with.
#[derive(Clone)]
pub struct Initial {
    /// A new agent's slug is chosen; an existing one's stays.
    new: bool,
    provider: Provider,
    base_url: String,
    credential: SecretView,
    models: String,
    max_output_tokens: String,
    tokens_per_minute: String,
    generation: u64,
}

impl Initial {
    /// Of a new agent.
    #[must_use]
    pub fn new() -> Self {
        Self {
            new: true,
            provider: Provider::OpenAi,
            base_url: String::new(),
            credential: SecretView::default(),
            models: String::new(),
            max_output_tokens: String::new(),
            tokens_per_minute: String::new(),
            generation: 0,
        }
    }

    /// Of an existing one.
    #[must_use]
    pub fn of(view: &AgentView) -> Self {
        let number = |limit: Option<u32>| limit.map(|limit| limit.to_string()).unwrap_or_default();
        Self {
            new: false,
            provider: view.provider,
            base_url: base_url_text(view.provider, &view.base_url),
            credential: view.credential.clone(),
            models: view.models.join("\n"),
            max_output_tokens: number(view.max_output_tokens),
            tokens_per_minute: number(view.tokens_per_minute),
            generation: view.generation,
        }
    }
}

/// All fields; `answer` is what the form's action said.
#[component]
pub fn AgentFields(initial: Initial, #[prop(into)] answer: Signal<Option<Result<(), ApiError>>>) -> impl IntoView {
    let draft = FormDraft::here();
    // Kept as the form had it, so that a change that somebody else made meanwhile is still noticed.
    let generation = draft.text_or("form[generation]", initial.generation.to_string());
    let provider = draft.text_or("form[provider]", initial.provider.name().to_owned());
    let placeholder = base_url_placeholder(Provider::parse(&provider).unwrap_or(initial.provider));
    let follow = move |event: leptos::ev::Event| {
        if event_target::<HtmlInputElement>(&event).name() == "form[provider]"
            && let Some(provider) = Provider::parse(&event_target_value(&event))
            && let Some(base_url) = base_url_field()
        {
            base_url.set_placeholder(base_url_placeholder(provider));
        }
    };
    view! {
        <div class="max-w-[640px] space-y-5 p-5" on:input=follow>
            <ActionError error=error_of(answer)/>
            <input type="hidden" name="form[generation]" value=generation/>
            {initial.new.then(|| view! {
                <TextField
                    label=Field::Slug.label()
                    name="form[slug]"
                    help="Callers name it in the URL: /v1/ai/support-bot. It can't be changed later."
                    placeholder="support-bot"
                    mono=true
                    required=true
                    error=field_error(answer, Field::Slug)
                    validate=check_slug
                />
            })}
            <Select
                label=Field::Provider.label()
                name="form[provider]"
                value=initial.provider.name()
                options=Provider::ALL.iter().map(|one| (one.name().to_owned(), one.label().to_owned())).collect()
                help="Whose API callers speak. OpenAI-compatible is any other server that speaks OpenAI's."
                error=field_error(answer, Field::Provider)
            />
            <TextField
                id=BASE_URL
                label=Field::BaseUrl.label()
                name="form[base_url]"
                value=initial.base_url
                help="The path that callers add is put after it. Leave it empty for OpenAI's or Anthropic's own."
                placeholder
                mono=true
                optional=true
                error=field_error(answer, Field::BaseUrl)
                validate=check_base_url
            />
            <SecretField
                label=Field::Credential.label()
                name="form[credential]"
                clear_name="form[clear_credential]"
                secret=initial.credential
                help="The provider's API key, encrypted at rest. Callers never see it; they use a KnoxCall key. An OpenAI-compatible server may need none."
                required=true
                placeholder="sk-…"
                error=field_error(answer, Field::Credential)
                validate=check_credential
            />
            <TextArea
                label=Field::Models.label()
                name="form[models]"
                value=initial.models
                help="The models that callers may ask for, one on each line. Leave it empty to allow all."
                placeholder="gpt-4o-mini"
                optional=true
                mono=true
                error=field_error(answer, Field::Models)
                validate=check_models
            />
            <div class="grid items-start gap-5 wide:grid-cols-2">
                <TextField
                    label=Field::MaxOutputTokens.label()
                    name="form[max_output_tokens]"
                    value=initial.max_output_tokens
                    help="The most that a request may ask for. Empty is no limit."
                    optional=true
                    mono=true
                    error=field_error(answer, Field::MaxOutputTokens)
                    validate=check_limit
                />
                <TextField
                    label=Field::TokensPerMinute.label()
                    name="form[tokens_per_minute]"
                    value=initial.tokens_per_minute
                    help="Input and output over all callers. Empty is no limit."
                    optional=true
                    mono=true
                    error=field_error(answer, Field::TokensPerMinute)
                    validate=check_limit
                />
            </div>
        </div>
    }
}

/// The base URL's input, in the browser.
fn base_url_field() -> Option<HtmlInputElement> {
    document().get_element_by_id(BASE_URL)?.dyn_into().ok()
}
