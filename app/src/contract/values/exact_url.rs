//! A URL that is used just as it was written. As narrow as an [`Endpoint`], but a slash at its end stays and a query is allowed: some
//! receivers have their key there.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Endpoint;
use super::endpoint::check_path;
use crate::contract::Rule;

const MAX_LENGTH: usize = 2048;

/// `http(s)://host[:port][/path][?query]`, path and query exactly as they were written: of a signal's collector
/// (`OTEL_EXPORTER_OTLP_<SIGNAL>_ENDPOINT`), or of a webhook. These may be a secret: it has no `Display`.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ExactUrl {
    text: String,
    /// Scheme, host and port.
    origin: Endpoint,
}

impl ExactUrl {
    /// # Errors
    /// The rule the text breaks.
    pub fn parse(text: &str) -> Result<Self, Rule> {
        let text = text.trim();
        if text.len() > MAX_LENGTH {
            return Err(Rule::TooLong { max: MAX_LENGTH });
        }
        if text.contains('#') {
            return Err(Rule::UrlFragment);
        }
        let authority_at = text.find("://").map_or(text.len(), |at| at + "://".len());
        let rest_at = text[authority_at..].find(['/', '?']).map_or(text.len(), |at| authority_at + at);
        let (origin, rest) = text.split_at(rest_at);
        let origin = Endpoint::parse_exact(origin)?;
        let (path, query) = rest.split_once('?').map_or((rest, None), |(path, query)| (path, Some(query)));
        check_path(path)?;
        if !query.is_none_or(is_query) {
            return Err(Rule::UrlQueryCharacters);
        }
        Ok(Self { text: format!("{origin}{rest}"), origin })
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Scheme, host and port: what decides whether stored credentials may still be sent.
    #[must_use]
    pub const fn origin(&self) -> &Endpoint {
        &self.origin
    }

    /// The host alone; an IPv6 address without its brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        self.origin.host()
    }
}

/// Where a webhook's deliveries go.
pub type WebhookUrl = ExactUrl;

/// RFC 3986 `query`.
fn is_query(query: &str) -> bool {
    let bytes = query.as_bytes();
    bytes.iter().enumerate().all(|(at, b)| match b {
        b'%' => bytes.get(at + 1..at + 3).is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit)),
        other => other.is_ascii_alphanumeric() || b"/?-._~!$&'()*+,;=:@".contains(other),
    })
}

impl TryFrom<String> for ExactUrl {
    type Error = Rule;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<ExactUrl> for String {
    fn from(url: ExactUrl) -> Self {
        url.text
    }
}

impl fmt::Debug for ExactUrl {
    /// Without path and query: they may be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ExactUrl({}…)", self.origin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_path_and_query_as_they_are() {
        for (given, expected) in [
            ("https://Hooks.Example.com", "https://hooks.example.com"),
            (" http://a:80/x/ ", "http://a/x/"),
            ("https://a/T00/B00/xyz?key=a%2Fb&n=1", "https://a/T00/B00/xyz?key=a%2Fb&n=1"),
            ("https://a?x=1", "https://a?x=1"),
            ("http://a/", "http://a/"),
            ("http://a/v1/traces//", "http://a/v1/traces//"),
            ("http://[::1]:9100/hook?", "http://[::1]:9100/hook?"),
        ] {
            let url = ExactUrl::parse(given).unwrap();
            assert_eq!(url.as_str(), expected, "{given}");
            assert_eq!(ExactUrl::parse(url.as_str()), Ok(url));
        }
        let url = ExactUrl::parse("https://[::1]:8443/x?y").unwrap();
        assert_eq!((url.origin().as_str(), url.host()), ("https://[::1]:8443", "::1"));
    }

    #[test]
    fn refuses_with_the_rule() {
        for (given, rule) in [
            ("", Rule::Required),
            ("a/hook", Rule::UrlScheme),
            ("ftp://a/hook", Rule::UrlScheme),
            ("https:///hook", Rule::UrlHost),
            ("https://user:secret@a/hook", Rule::UrlCredentials),
            ("https://user@a?x", Rule::UrlCredentials),
            ("https://a/hook#part", Rule::UrlFragment),
            ("https://a/../hook", Rule::UrlPath),
            ("https://a/h ook", Rule::UrlPath),
            ("https://a/hook?a b", Rule::UrlQueryCharacters),
            ("https://a/hook?%zz", Rule::UrlQueryCharacters),
            ("https://a/hook?\r\nHost: b", Rule::UrlQueryCharacters),
            ("https://a:0/hook", Rule::UrlPort),
        ] {
            assert_eq!(ExactUrl::parse(given).unwrap_err(), rule, "{given:?}");
        }
    }

    #[test]
    fn debug_shows_where_it_leads_and_no_more() {
        assert_eq!(format!("{:?}", ExactUrl::parse("https://a/T00/secret?key=hunter2").unwrap()), "ExactUrl(https://a…)");
    }
}
