//! What the pages of AI agents say and read, as pure functions. No views here.

use crate::contract::values::{Endpoint, Provider, parse_credential, parse_models, parse_tokens};
use crate::contract::{AgentRow, Rule};
use crate::routes::{quoted, with_scheme};
use crate::ui::{PillState, thousands};

/// How an agent is called, ready to be copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Examples {
    pub curl: String,
    /// The provider's official client for Python: its package, and the lines that make it.
    pub package: &'static str,
    pub python: String,
}

/// The examples; callers put one of the workspace's keys where the provider's would go.
#[must_use]
pub fn examples(call_url: &str, provider: Provider, models: &[String]) -> Examples {
    let url = with_scheme(call_url);
    let model = json_text(models.first().map_or(example_model(provider), String::as_str));
    let message = r#""messages": [{"role": "user", "content": "Hello"}]"#;
    let (path, more, body) = match provider {
        Provider::OpenAi | Provider::OpenAiCompatible => ("/chat/completions", "", format!(r#"{{"model": {model}, {message}}}"#)),
        Provider::Anthropic => (
            "/v1/messages",
            "-H \"anthropic-version: 2023-06-01\" \\\n  ",
            format!(r#"{{"model": {model}, "max_tokens": 256, {message}}}"#),
        ),
    };
    let (package, class) = match provider {
        Provider::OpenAi | Provider::OpenAiCompatible => ("openai", "OpenAI"),
        Provider::Anthropic => ("anthropic", "Anthropic"),
    };
    let body = quoted(&body);
    Examples {
        curl: format!(
            "curl {url}{path} \\\n  -H \"x-knoxcall-key: $KNOXCALL_KEY\" \\\n  {more}-H \"content-type: application/json\" \\\n  -d {body}"
        ),
        package,
        python: format!(
            "import os\nfrom {package} import {class}\n\nclient = {class}(\n    base_url={},\n    api_key=os.environ[\"KNOXCALL_KEY\"],\n)",
            json_text(&url)
        ),
    }
}

const fn example_model(provider: Provider) -> &'static str {
    match provider {
        Provider::OpenAi => "gpt-4o-mini",
        Provider::Anthropic => "claude-sonnet-4-5",
        Provider::OpenAiCompatible => "your-model",
    }
}

/// Text as JSON and Python both write it.
fn json_text(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// What the base URL's field shows while it is empty.
#[must_use]
pub const fn base_url_placeholder(provider: Provider) -> &'static str {
    match provider.base_url() {
        Some(url) => url,
        None => "https://llm.example.com/v1",
    }
}

/// What the base URL's field holds: nothing where it is the provider's own.
#[must_use]
pub fn base_url_text(provider: Provider, base_url: &str) -> String {
    if provider.base_url() == Some(base_url) { String::new() } else { base_url.to_owned() }
}

/// The models in few words.
#[must_use]
pub fn models_words(models: &[String]) -> String {
    match models {
        [] => "All models".to_owned(),
        few if few.len() <= 2 => few.join(", "),
        [first, rest @ ..] => format!("{first} and {} more", rest.len()),
    }
}

/// "4096 per request"; "No limit".
#[must_use]
pub fn limit_words(limit: Option<u32>) -> String {
    limit.map_or_else(|| "No limit".to_owned(), |limit| thousands(u64::from(limit)))
}

/// The state of an agent, and its word.
#[must_use]
pub const fn state(enabled: bool, broken: bool) -> (PillState, &'static str) {
    match (enabled, broken) {
        (_, true) => (PillState::Broken, "Unreadable"),
        (true, false) => (PillState::Active, "Enabled"),
        (false, false) => (PillState::Off, "Disabled"),
    }
}

/// The state of a row.
#[must_use]
pub const fn row_state(row: &AgentRow) -> (PillState, &'static str) {
    state(row.enabled, row.broken)
}

/// The base URL: blank is the provider's own.
///
/// # Errors
/// The rule the text breaks.
pub fn check_base_url(text: &str) -> Result<(), Rule> {
    if text.trim().is_empty() { Ok(()) } else { Endpoint::parse_exact(text).map(drop) }
}

/// # Errors
/// The rule the text breaks.
pub fn check_credential(text: &str) -> Result<(), Rule> {
    parse_credential(text).map(drop)
}

/// # Errors
/// The rule the text breaks.
pub fn check_models(text: &str) -> Result<(), Rule> {
    parse_models(text).map(drop)
}

/// A limit: blank is none.
///
/// # Errors
/// [`Rule::NumberRange`].
pub fn check_limit(text: &str) -> Result<(), Rule> {
    parse_tokens(text).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_can_be_pasted() {
        let found = examples("http://127.0.0.1:8080/v1/ai/support", Provider::OpenAi, &[]);
        assert_eq!(
            found.curl,
            "curl http://127.0.0.1:8080/v1/ai/support/chat/completions \\\n  -H \"x-knoxcall-key: $KNOXCALL_KEY\" \\\n  \
             -H \"content-type: application/json\" \\\n  \
             -d '{\"model\": \"gpt-4o-mini\", \"messages\": [{\"role\": \"user\", \"content\": \"Hello\"}]}'"
        );
        assert_eq!(found.package, "openai");
        assert!(found.python.ends_with(
            "from openai import OpenAI\n\nclient = OpenAI(\n    base_url=\"http://127.0.0.1:8080/v1/ai/support\",\n    api_key=os.environ[\"KNOXCALL_KEY\"],\n)"
        ));
        let found = examples("gw.example.com/v1/ai/support", Provider::Anthropic, &["it's \"new\"".to_owned()]);
        assert!(found.curl.starts_with("curl http://gw.example.com/v1/ai/support/v1/messages \\\n"), "{}", found.curl);
        assert!(found.curl.contains("anthropic-version: 2023-06-01"));
        assert!(found.curl.contains(r#"{"model": "it'\''s \"new\"", "max_tokens": 256,"#), "{}", found.curl);
        assert!(found.python.contains("from anthropic import Anthropic"));
    }

    #[test]
    fn the_providers_own_url_stays_blank() {
        assert_eq!(base_url_text(Provider::OpenAi, "https://api.openai.com/v1"), "");
        assert_eq!(base_url_text(Provider::OpenAi, "https://eu.api.openai.com/v1"), "https://eu.api.openai.com/v1");
        assert_eq!(base_url_text(Provider::OpenAiCompatible, "http://10.0.0.5/v1"), "http://10.0.0.5/v1");
        assert_eq!(check_base_url(" "), Ok(()));
        assert_eq!(check_base_url("api.openai.com"), Err(Rule::UrlScheme));
    }

    #[test]
    fn models_and_limits_in_few_words() {
        let names = |n: usize| (0..n).map(|i| format!("m{i}")).collect::<Vec<_>>();
        assert_eq!(models_words(&names(0)), "All models");
        assert_eq!(models_words(&names(2)), "m0, m1");
        assert_eq!(models_words(&names(5)), "m0 and 4 more");
        assert_eq!((limit_words(None).as_str(), limit_words(Some(4096)).as_str()), ("No limit", "4,096"));
        assert_eq!(check_limit(""), Ok(()));
        for wrong in ["0", "1.5", "many", "1000000001"] {
            assert!(check_limit(wrong).is_err(), "{wrong}");
        }
    }
}
