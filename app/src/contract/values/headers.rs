//! A list of HTTP headers as OTLP configuration writes it: `k=v` pairs separated by commas
//! (OpenTelemetry specification, "Protocol Exporter", `OTEL_EXPORTER_OTLP_HEADERS`).
//!
//! Values are credentials: nothing here prints them.

use std::fmt;

use percent_encoding::percent_decode_str;

use crate::contract::Rule;

/// Headers in the order they were written. Names are unique without regard to case; values are visible ASCII.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct HeaderList(Vec<(String, String)>);

const MAX_LENGTH: usize = 16 * 1024;
const MAX_HEADERS: usize = 32;

/// Set by the HTTP client or by OTLP itself; a configured one would break the request or smuggle another.
const RESERVED: [&str; 12] = [
    "host",
    "content-length",
    "content-type",
    "content-encoding",
    "transfer-encoding",
    "connection",
    "keep-alive",
    "te",
    "trailer",
    "upgrade",
    "proxy-connection",
    "expect",
];

impl HeaderList {
    /// Parses `k=v, k2=v2`. Spaces around names and values are dropped, values are percent-decoded and may hold `=`.
    /// Empty text is an empty list.
    ///
    /// # Errors
    /// The rule that the first wrong pair breaks, with the pair's position counted from 1.
    pub fn parse(text: &str) -> Result<Self, Rule> {
        if text.len() > MAX_LENGTH {
            return Err(Rule::TooLong { max: MAX_LENGTH });
        }
        let mut pairs: Vec<(String, String)> = Vec::new();
        for (index, part) in text.split(',').enumerate() {
            let part = part.trim();
            if part.is_empty() {
                continue;
            }
            let position = index + 1;
            let (name, value) = part.split_once('=').ok_or(Rule::HeaderSyntax { position })?;
            let value = percent_decode_str(value.trim()).decode_utf8().map_err(|_| Rule::HeaderValue { position })?;
            pairs.push(Self::check(position, name.trim(), value.trim(), &pairs)?);
        }
        Self(pairs).bounded()
    }

    /// Builds a list from pairs that are already apart, such as a TOML table's. Values are taken as they are.
    ///
    /// # Errors
    /// As [`HeaderList::parse`].
    pub fn from_pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, Rule> {
        let mut out: Vec<(String, String)> = Vec::new();
        for (index, (name, value)) in pairs.into_iter().enumerate() {
            out.push(Self::check(index + 1, name.trim(), value.trim(), &out)?);
        }
        Self(out).bounded()
    }

    /// Escapes make the text that is stored longer than the one that was given, and it has to be read again.
    fn bounded(self) -> Result<Self, Rule> {
        if self.to_text().len() > MAX_LENGTH { Err(Rule::TooLong { max: MAX_LENGTH }) } else { Ok(self) }
    }

    fn check(position: usize, name: &str, value: &str, earlier: &[(String, String)]) -> Result<(String, String), Rule> {
        if name.is_empty() || !name.bytes().all(is_token) {
            return Err(Rule::HeaderName { position });
        }
        if RESERVED.iter().any(|reserved| reserved.eq_ignore_ascii_case(name)) {
            return Err(Rule::HeaderReserved { position });
        }
        if !value.bytes().all(|b| (0x20..0x7f).contains(&b)) {
            return Err(Rule::HeaderValue { position });
        }
        if earlier.iter().any(|(other, _)| other.eq_ignore_ascii_case(name)) {
            return Err(Rule::HeaderDuplicate { position });
        }
        if earlier.len() >= MAX_HEADERS {
            return Err(Rule::TooMany { max: MAX_HEADERS });
        }
        Ok((name.to_owned(), value.to_owned()))
    }

    /// One line that parses back to the same list.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut out = String::new();
        for (name, value) in &self.0 {
            if !out.is_empty() {
                out.push(',');
            }
            out.push_str(name);
            out.push('=');
            for c in value.chars() {
                match c {
                    ',' => out.push_str("%2C"),
                    '%' => out.push_str("%25"),
                    other => out.push(other),
                }
            }
        }
        out
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The names alone, which may be shown.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }
}

/// RFC 9110 `tchar`.
fn is_token(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b)
}

impl fmt::Debug for HeaderList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.names().map(|name| format!("{name}=[redacted]"))).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(text: &str) -> Vec<(String, String)> {
        HeaderList::parse(text).unwrap().0
    }

    #[test]
    fn parses_as_the_specification_says() {
        assert_eq!(
            pairs("Authorization=Bearer t, X-Scope-OrgID=acme"),
            [("Authorization".to_owned(), "Bearer t".to_owned()), ("X-Scope-OrgID".to_owned(), "acme".to_owned())]
        );
        assert_eq!(pairs("a=Basic%20dXNlcg==,"), [("a".to_owned(), "Basic dXNlcg==".to_owned())]);
        assert_eq!(pairs("a=b%2Cc"), [("a".to_owned(), "b,c".to_owned())]);
        assert!(pairs("").is_empty());
        assert!(pairs(" , ,").is_empty());
    }

    #[test]
    fn refuses_with_rule_and_position() {
        for (given, rule) in [
            ("Authorization", Rule::HeaderSyntax { position: 1 }),
            ("a=1,b", Rule::HeaderSyntax { position: 2 }),
            ("=x", Rule::HeaderName { position: 1 }),
            ("a b=x", Rule::HeaderName { position: 1 }),
            ("a=x%0d%0aHost: y", Rule::HeaderValue { position: 1 }),
            ("a=%ff", Rule::HeaderValue { position: 1 }),
            ("Host=x", Rule::HeaderReserved { position: 1 }),
            ("a=1,A=2", Rule::HeaderDuplicate { position: 2 }),
        ] {
            assert_eq!(HeaderList::parse(given).unwrap_err(), rule, "{given}");
        }
    }

    #[test]
    fn text_survives_the_way_there_and_back() {
        let list = HeaderList::from_pairs([("a", "x,y%z=1"), ("b", "")]).unwrap();
        assert_eq!(HeaderList::parse(&list.to_text()).unwrap(), list);
        // What would be too long once it is written with its escapes is refused at once.
        let fits = HeaderList::parse(&format!("a={}", "%".repeat((MAX_LENGTH - 2) / 3))).unwrap();
        assert_eq!(HeaderList::parse(&fits.to_text()).unwrap(), fits);
        let long = "%".repeat(MAX_LENGTH / 3);
        assert_eq!(HeaderList::parse(&format!("a={long}")), Err(Rule::TooLong { max: MAX_LENGTH }));
        assert_eq!(HeaderList::from_pairs([("a", &*long)]), Err(Rule::TooLong { max: MAX_LENGTH }));
    }

    #[test]
    fn debug_shows_no_value() {
        assert!(!format!("{:?}", HeaderList::parse("authorization=hunter2").unwrap()).contains("hunter2"));
    }
}
