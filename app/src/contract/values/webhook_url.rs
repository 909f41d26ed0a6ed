//! Where webhooks are delivered to. As narrow as an [`Endpoint`], but a query is allowed: some receivers have their key there.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Endpoint;
use super::endpoint::check_path;
use crate::contract::Rule;

const MAX_LENGTH: usize = 2048;

/// `http(s)://host[:port][/path][?query]`, path and query exactly as they were written.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct WebhookUrl {
    text: String,
    /// Scheme, host and port.
    origin: Endpoint,
}

impl WebhookUrl {
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
}

/// RFC 3986 `query`.
fn is_query(query: &str) -> bool {
    let bytes = query.as_bytes();
    bytes.iter().enumerate().all(|(at, b)| match b {
        b'%' => bytes.get(at + 1..at + 3).is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit)),
        other => other.is_ascii_alphanumeric() || b"/?-._~!$&'()*+,;=:@".contains(other),
    })
}

impl TryFrom<String> for WebhookUrl {
    type Error = Rule;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<WebhookUrl> for String {
    fn from(url: WebhookUrl) -> Self {
        url.text
    }
}

impl fmt::Debug for WebhookUrl {
    /// Without path and query: they may be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WebhookUrl({}…)", self.origin)
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
            ("http://[::1]:9100/hook?", "http://[::1]:9100/hook?"),
        ] {
            let url = WebhookUrl::parse(given).unwrap();
            assert_eq!(url.as_str(), expected, "{given}");
            assert_eq!(WebhookUrl::parse(url.as_str()), Ok(url));
        }
        assert_eq!(WebhookUrl::parse("https://a:8443/x?y").unwrap().origin().as_str(), "https://a:8443");
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
            assert_eq!(WebhookUrl::parse(given).unwrap_err(), rule, "{given:?}");
        }
    }

    #[test]
    fn debug_shows_where_it_leads_and_no_more() {
        assert_eq!(format!("{:?}", WebhookUrl::parse("https://a/T00/secret?key=hunter2").unwrap()), "WebhookUrl(https://a…)");
    }
}
