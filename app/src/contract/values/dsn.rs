//! A Sentry DSN, and the tags that go with it.
//!
//! A DSN names where errors are reported; the key in it is public (it is in every page), so it is shown and stored as it is.
//! The old form with a secret key is refused: nothing needs that key, and a secret must not be kept where it is shown.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Endpoint;
use crate::contract::Rule;

/// `http(s)://PUBLIC_KEY@host[:port][/path]/PROJECT`.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Dsn {
    /// Scheme, host, port and path before the project.
    base: Endpoint,
    key: String,
    project: String,
}

const MAX_LENGTH: usize = 1024;

impl Dsn {
    /// # Errors
    /// The rule the text breaks.
    pub fn parse(text: &str) -> Result<Self, Rule> {
        let text = text.trim();
        if text.is_empty() {
            return Err(Rule::Required);
        }
        if text.len() > MAX_LENGTH {
            return Err(Rule::TooLong { max: MAX_LENGTH });
        }
        let (scheme, rest) = text.split_once("://").ok_or(Rule::UrlScheme)?;
        if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
            return Err(Rule::UrlScheme);
        }
        if rest.contains(['?', '#']) {
            return Err(Rule::UrlQuery);
        }
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (user, host) = authority.rsplit_once('@').ok_or(Rule::DsnKey)?;
        let key = match user.split_once(':') {
            Some(_) => return Err(Rule::DsnSecret),
            None => user,
        };
        if !is_word(key) {
            return Err(Rule::DsnKey);
        }
        let (before, project) = path.trim_end_matches('/').rsplit_once('/').ok_or(Rule::DsnProject)?;
        if !is_word(project) {
            return Err(Rule::DsnProject);
        }
        let base = Endpoint::parse_exact(&format!("{scheme}://{host}{before}"))?;
        Ok(Self { base, key: key.to_owned(), project: project.to_owned() })
    }

    /// Scheme, host and port: what a Content-Security-Policy has to name.
    #[must_use]
    pub fn origin(&self) -> &str {
        self.base.origin()
    }

    /// Where envelopes are posted (Sentry's SDK documentation, "Envelopes", "Ingestion").
    #[must_use]
    pub fn envelope_url(&self) -> String {
        format!("{}/api/{}/envelope/", self.base, self.project)
    }

    /// The server without the project.
    #[must_use]
    pub const fn base(&self) -> &Endpoint {
        &self.base
    }

    #[must_use]
    pub fn is_https(&self) -> bool {
        self.base.is_https()
    }

    #[must_use]
    pub fn public_key(&self) -> &str {
        &self.key
    }

    /// An IPv6 address is without its brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        self.base.host()
    }

    /// The scheme's default where the DSN names none.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.base.port()
    }

    /// What comes before the project, without a trailing slash; usually empty.
    #[must_use]
    pub fn path(&self) -> &str {
        self.base.path()
    }

    #[must_use]
    pub fn project(&self) -> &str {
        &self.project
    }
}

fn is_word(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

impl fmt::Display for Dsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_https() { "https" } else { "http" };
        write!(f, "{scheme}://{}@{}{}/{}", self.key, self.base.authority(), self.base.path(), self.project)
    }
}

impl fmt::Debug for Dsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Dsn({self})")
    }
}

impl TryFrom<String> for Dsn {
    type Error = Rule;
    fn try_from(text: String) -> Result<Self, Rule> {
        Self::parse(&text)
    }
}

impl From<Dsn> for String {
    fn from(dsn: Dsn) -> Self {
        dsn.to_string()
    }
}

/// Longest environment that Sentry takes.
pub const MAX_SENTRY_ENVIRONMENT: usize = 64;
const MAX_RELEASE: usize = 200;

/// The environment tag as a form or variable gives it; blank is none.
///
/// # Errors
/// [`Rule::TooLong`], or [`Rule::SentryEnvironment`] for what Sentry refuses.
pub fn parse_sentry_environment(text: &str) -> Result<Option<String>, Rule> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    if text.chars().count() > MAX_SENTRY_ENVIRONMENT {
        return Err(Rule::TooLong { max: MAX_SENTRY_ENVIRONMENT });
    }
    let wrong = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '/' | '\\');
    if text == "None" || text.contains(wrong) { Err(Rule::SentryEnvironment) } else { Ok(Some(text.to_owned())) }
}

/// The release tag as a variable gives it; blank is none.
///
/// # Errors
/// [`Rule::TooLong`], or [`Rule::SentryRelease`] for what Sentry refuses.
pub fn parse_sentry_release(text: &str) -> Result<Option<String>, Rule> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    if text.chars().count() > MAX_RELEASE {
        return Err(Rule::TooLong { max: MAX_RELEASE });
    }
    let wrong = |c: char| c.is_control() || matches!(c, '/' | '\\');
    if matches!(text, "." | "..") || text.contains(wrong) { Err(Rule::SentryRelease) } else { Ok(Some(text.to_owned())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_itself_apart() {
        let dsn = Dsn::parse(" https://Abc123@o1.Ingest.Sentry.io/4505 ").unwrap();
        assert_eq!(dsn.to_string(), "https://Abc123@o1.ingest.sentry.io/4505");
        assert_eq!(
            (dsn.public_key(), dsn.host(), dsn.port(), dsn.path(), dsn.project()),
            ("Abc123", "o1.ingest.sentry.io", 443, "", "4505")
        );
        assert_eq!(dsn.origin(), "https://o1.ingest.sentry.io");
        assert_eq!(dsn.envelope_url(), "https://o1.ingest.sentry.io/api/4505/envelope/");
        let dsn = Dsn::parse("http://k@[::1]:8000/errors/sentry/7/").unwrap();
        assert_eq!((dsn.host(), dsn.port(), dsn.path(), dsn.project()), ("::1", 8000, "/errors/sentry", "7"));
        assert_eq!(dsn.origin(), "http://[::1]:8000");
        assert_eq!(dsn.envelope_url(), "http://[::1]:8000/errors/sentry/api/7/envelope/");
        assert_eq!(dsn.to_string(), "http://k@[::1]:8000/errors/sentry/7");
        assert_eq!(Dsn::parse(&dsn.to_string()), Ok(dsn), "what is shown is read again");
    }

    #[test]
    fn refuses_with_the_rule() {
        for (given, rule) in [
            ("", Rule::Required),
            ("o1.ingest.sentry.io", Rule::UrlScheme),
            ("ftp://k@host/1", Rule::UrlScheme),
            ("https://k:secret@host/1", Rule::DsnSecret),
            ("https://k:@host/1", Rule::DsnSecret),
            ("https://:s@host/1", Rule::DsnSecret),
            ("https://host/1", Rule::DsnKey),
            ("https://@host/1", Rule::DsnKey),
            ("https://a;b@host/1", Rule::DsnKey),
            ("https://a@b@host/1", Rule::DsnKey),
            ("https://k@host", Rule::DsnProject),
            ("https://k@host/", Rule::DsnProject),
            ("https://k@host/a%20b", Rule::DsnProject),
            ("https://k@/1", Rule::UrlHost),
            ("https://k@ho st/1", Rule::UrlHost),
            ("https://k@host;script-src */1", Rule::UrlHost),
            ("https://k@host:0/1", Rule::UrlPort),
            ("https://k@host/1?x=1", Rule::UrlQuery),
            ("https://k@host/../1", Rule::UrlPath),
        ] {
            assert_eq!(Dsn::parse(given).unwrap_err(), rule, "{given}");
        }
        assert_eq!(Dsn::parse(&format!("https://k@h/{}", "1".repeat(2000))), Err(Rule::TooLong { max: MAX_LENGTH }));
    }

    #[test]
    fn tags_that_sentry_takes() {
        assert_eq!(parse_sentry_environment(" production "), Ok(Some("production".to_owned())));
        assert_eq!(parse_sentry_environment(" "), Ok(None));
        for wrong in ["a/b", "a b", "None", "a\nb"] {
            assert_eq!(parse_sentry_environment(wrong), Err(Rule::SentryEnvironment), "{wrong}");
        }
        assert_eq!(parse_sentry_environment(&"a".repeat(65)), Err(Rule::TooLong { max: 64 }));
        assert_eq!(parse_sentry_release("knoxcall@1.0+7"), Ok(Some("knoxcall@1.0+7".to_owned())));
        assert_eq!(parse_sentry_release(""), Ok(None));
        for wrong in ["a/b", "..", "a\tb"] {
            assert_eq!(parse_sentry_release(wrong), Err(Rule::SentryRelease), "{wrong}");
        }
    }
}
