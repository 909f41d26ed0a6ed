//! The AI providers whose API an agent can speak.

use serde::{Deserialize, Serialize};

use crate::contract::Rule;

/// Names in one allow list.
pub const MAX_MODELS: usize = 100;
const MAX_MODEL_LENGTH: usize = 128;
/// Of either limit in tokens.
pub const MAX_TOKENS: u32 = 1_000_000_000;
const MAX_CREDENTIAL_LENGTH: usize = 4096;

/// Whose API it is. It says how the credential is sent and how usage is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Provider {
    #[serde(rename = "openai")]
    OpenAi,
    Anthropic,
    /// Any other server that speaks OpenAI's API.
    #[serde(rename = "openai_compatible")]
    OpenAiCompatible,
}

impl Provider {
    pub const ALL: [Self; 3] = [Self::OpenAi, Self::Anthropic, Self::OpenAiCompatible];

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::Anthropic => "anthropic",
            Self::OpenAiCompatible => "openai_compatible",
        }
    }

    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::OpenAi => "OpenAI",
            Self::Anthropic => "Anthropic",
            Self::OpenAiCompatible => "OpenAI-compatible",
        }
    }

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|provider| provider.name() == text)
    }

    /// Where the provider's API is; `None` where everybody runs their own.
    #[must_use]
    pub const fn base_url(self) -> Option<&'static str> {
        match self {
            Self::OpenAi => Some("https://api.openai.com/v1"),
            Self::Anthropic => Some("https://api.anthropic.com"),
            Self::OpenAiCompatible => None,
        }
    }
}

/// Models as their provider names them, separated by commas or lines, each once; blank allows all.
///
/// # Errors
/// The rule the text breaks.
pub fn parse_models(text: &str) -> Result<Vec<String>, Rule> {
    let mut models: Vec<String> = Vec::new();
    for name in text.split([',', '\n', '\r']).map(str::trim).filter(|name| !name.is_empty()) {
        if name.len() > MAX_MODEL_LENGTH || !name.bytes().all(|b| b.is_ascii_graphic() && b != b'"' && b != b'\\') {
            return Err(Rule::ModelName);
        }
        if !models.iter().any(|other| other == name) {
            models.push(name.to_owned());
        }
    }
    if models.len() > MAX_MODELS { Err(Rule::TooMany { max: MAX_MODELS }) } else { Ok(models) }
}

/// A limit in tokens; blank is none.
///
/// # Errors
/// [`Rule::NumberRange`]
pub fn parse_tokens(text: &str) -> Result<Option<u32>, Rule> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    match text.parse() {
        Ok(tokens @ 1..=MAX_TOKENS) => Ok(Some(tokens)),
        _ => Err(Rule::NumberRange { min: 1, max: u64::from(MAX_TOKENS) }),
    }
}

/// A provider's key, as a header can carry it; blank is none.
///
/// # Errors
/// [`Rule::TooLong`] or [`Rule::ControlCharacter`]
pub fn parse_credential(text: &str) -> Result<Option<&str>, Rule> {
    let text = text.trim();
    if text.len() > MAX_CREDENTIAL_LENGTH {
        return Err(Rule::TooLong { max: MAX_CREDENTIAL_LENGTH });
    }
    if !text.bytes().all(|b| (b' '..=b'~').contains(&b)) {
        return Err(Rule::ControlCharacter);
    }
    Ok(Some(text).filter(|text| !text.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_are_listed_once_each() {
        assert_eq!(parse_models(" gpt-4o,\r\nmeta-llama/L-3:free , gpt-4o,,").unwrap(), ["gpt-4o", "meta-llama/L-3:free"]);
        assert_eq!(parse_models(" \n").unwrap(), Vec::<String>::new());
        for wrong in ["gpt 4o", "a\"b", "ä", &"m".repeat(129), "a\tb"] {
            assert_eq!(parse_models(wrong), Err(Rule::ModelName), "{wrong}");
        }
        let many = (0..=MAX_MODELS).map(|n| n.to_string()).collect::<Vec<_>>().join(",");
        assert_eq!(parse_models(&many), Err(Rule::TooMany { max: MAX_MODELS }));
    }

    #[test]
    fn limits_are_whole_numbers() {
        assert_eq!((parse_tokens(" "), parse_tokens(" 4096 ")), (Ok(None), Ok(Some(4096))));
        for wrong in ["0", "-1", "1.5", "1e3", "many", "1000000001"] {
            assert!(matches!(parse_tokens(wrong), Err(Rule::NumberRange { .. })), "{wrong}");
        }
    }

    #[test]
    fn a_credential_fits_a_header() {
        assert_eq!((parse_credential(" sk-1 "), parse_credential(" ")), (Ok(Some("sk-1")), Ok(None)));
        assert_eq!(parse_credential("sk\n1"), Err(Rule::ControlCharacter));
        assert_eq!(parse_credential("schlüssel"), Err(Rule::ControlCharacter));
        assert!(matches!(parse_credential(&"k".repeat(4097)), Err(Rule::TooLong { .. })));
    }

    #[test]
    fn names_are_read_as_they_are_written() {
        for provider in Provider::ALL {
            assert_eq!(Provider::parse(provider.name()), Some(provider));
        }
        assert_eq!(Provider::parse("OpenAI"), None);
    }
}
