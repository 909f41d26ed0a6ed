//! Which headers of a call its provider gets: the agent's credential, and nothing that says who calls.

use http::header::{self, HeaderMap, HeaderName, HeaderValue};

use crate::gateway::headers::{X_FORWARDED_FOR, X_FORWARDED_HOST, X_FORWARDED_PROTO};
use crate::values::Provider;

pub(super) const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");
const API_KEY: HeaderName = HeaderName::from_static("api-key");
const OPENAI_ORGANIZATION: HeaderName = HeaderName::from_static("openai-organization");
const OPENAI_PROJECT: HeaderName = HeaderName::from_static("openai-project");
const ANTHROPIC_VERSION: HeaderName = HeaderName::from_static("anthropic-version");
const DEFAULT_VERSION: HeaderValue = HeaderValue::from_static("2023-06-01");

/// Callers' own keys and cookies; whom the credential's owner is billed as; and encodings, because what is compressed
/// can't be read on its way.
const WITHHELD: [HeaderName; 7] =
    [header::AUTHORIZATION, X_API_KEY, API_KEY, header::COOKIE, OPENAI_ORGANIZATION, OPENAI_PROJECT, header::ACCEPT_ENCODING];

/// To be done before the agent's own headers are set.
pub(super) fn withhold(headers: &mut HeaderMap, provider: Provider) {
    for name in WITHHELD {
        headers.remove(name);
    }
    if provider == Provider::Anthropic {
        headers.entry(ANTHROPIC_VERSION).or_insert(DEFAULT_VERSION);
    }
}

/// A provider is a third party: it is not told where the caller is.
pub(super) fn conceal(headers: &mut HeaderMap) {
    for name in [X_FORWARDED_FOR, X_FORWARDED_HOST, X_FORWARDED_PROTO] {
        headers.remove(name);
    }
}
