//! The base URL of a collector or an upstream.
//!
//! The grammar is deliberately narrower than RFC 3986 (no credentials, query or fragment; hosts in ASCII), so that this
//! parser and the HTTP client can never read the same text differently, and so that the browser needs no URL crate.

use std::fmt;

use crate::contract::Rule;

/// The three OTLP signals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub enum Signal {
    Traces,
    Logs,
    Metrics,
}

impl Signal {
    pub const ALL: [Self; 3] = [Self::Traces, Self::Logs, Self::Metrics];

    /// The path that OTLP/HTTP appends to a base endpoint (OTLP 1.11, "OTLP/HTTP Request").
    #[must_use]
    pub const fn path(self) -> &'static str {
        match self {
            Self::Traces => "/v1/traces",
            Self::Logs => "/v1/logs",
            Self::Metrics => "/v1/metrics",
        }
    }

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Traces => "traces",
            Self::Logs => "logs",
            Self::Metrics => "metrics",
        }
    }
}

/// `http(s)://host[:port][/path]`, without a trailing slash: lower-case scheme and host, default port removed.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Endpoint {
    text: String,
    /// Where the path starts in `text`; equals its length when there is none.
    path_at: usize,
}

const MAX_LENGTH: usize = 2048;
/// Of a base, so that every signal's address is no longer than an address may be.
const MAX_BASE_LENGTH: usize = MAX_LENGTH - Signal::Metrics.path().len();

impl Endpoint {
    /// Parses the base URL of an OTLP collector. One that already ends in `/v1/traces`, `/v1/logs` or `/v1/metrics` is
    /// reduced to its base.
    ///
    /// # Errors
    /// The rule the text breaks.
    pub fn parse(text: &str) -> Result<Self, Rule> {
        let mut endpoint = Self::parse_exact(text)?;
        // Until nothing is left to take off: what is stored is read again and must stay what it is.
        while let Some(signal) = Signal::ALL.into_iter().find(|signal| endpoint.path().ends_with(signal.path())) {
            endpoint.text.truncate(endpoint.text.len() - signal.path().len());
            endpoint.text.truncate(endpoint.path_at + endpoint.path().trim_end_matches('/').len());
        }
        if endpoint.text.len() > MAX_BASE_LENGTH {
            return Err(Rule::TooLong { max: MAX_BASE_LENGTH });
        }
        Ok(endpoint)
    }

    /// Parses a base URL as it stands, such as an upstream's. A trailing slash is dropped: what is asked for follows.
    ///
    /// # Errors
    /// The rule the text breaks.
    pub fn parse_exact(text: &str) -> Result<Self, Rule> {
        let text = text.trim();
        if text.is_empty() {
            return Err(Rule::Required);
        }
        if text.len() > MAX_LENGTH {
            return Err(Rule::TooLong { max: MAX_LENGTH });
        }
        let (scheme, rest) = text.split_once("://").ok_or(Rule::UrlScheme)?;
        let (scheme, default_port) = if scheme.eq_ignore_ascii_case("http") {
            ("http", 80)
        } else if scheme.eq_ignore_ascii_case("https") {
            ("https", 443)
        } else {
            return Err(Rule::UrlScheme);
        };
        if rest.contains(['?', '#']) {
            return Err(Rule::UrlQuery);
        }
        let (authority, path) = match rest.find('/') {
            Some(at) => rest.split_at(at),
            None => (rest, ""),
        };
        if authority.contains('@') {
            return Err(Rule::UrlCredentials);
        }
        let (host, port) = split_port(authority)?;
        check_host(host)?;
        check_path(path)?;
        let mut out = format!("{scheme}://{}", host.to_ascii_lowercase());
        if let Some(port) = port
            && port != default_port
        {
            out.push(':');
            out.push_str(&port.to_string());
        }
        let path_at = out.len();
        out.push_str(path.trim_end_matches('/'));
        Ok(Self { text: out, path_at })
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Scheme, host and port: what decides whether stored credentials may still be sent.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.text[..self.path_at]
    }

    /// The path without a trailing slash; empty when there is none.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.text[self.path_at..]
    }

    #[must_use]
    pub fn is_https(&self) -> bool {
        self.text.starts_with("https:")
    }

    /// Host and port as in the URL; an IPv6 address keeps its brackets.
    #[must_use]
    pub fn authority(&self) -> &str {
        let from = if self.is_https() { "https://".len() } else { "http://".len() };
        &self.text[from..self.path_at]
    }

    /// The host alone; an IPv6 address without its brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        let authority = self.authority();
        match authority.strip_prefix('[') {
            Some(rest) => rest.split(']').next().unwrap_or(rest),
            None => authority.split(':').next().unwrap_or(authority),
        }
    }

    /// The port, the scheme's default where the URL names none.
    #[must_use]
    pub fn port(&self) -> u16 {
        let default = if self.is_https() { 443 } else { 80 };
        split_port(self.authority()).ok().and_then(|(_, port)| port).unwrap_or(default)
    }

    /// Where this signal's requests go.
    #[must_use]
    pub fn signal_url(&self, signal: Signal) -> String {
        format!("{}{}", self.text, signal.path())
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Endpoint({})", self.text)
    }
}

fn split_port(authority: &str) -> Result<(&str, Option<u16>), Rule> {
    let host_end = if authority.starts_with('[') {
        authority.find(']').ok_or(Rule::UrlHost)? + 1
    } else {
        authority.find(':').unwrap_or(authority.len())
    };
    let (host, rest) = authority.split_at(host_end);
    if rest.is_empty() {
        return Ok((host, None));
    }
    let digits = rest.strip_prefix(':').ok_or(Rule::UrlHost)?;
    if digits.is_empty() || digits.len() > 5 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Rule::UrlPort);
    }
    match digits.parse::<u16>() {
        Ok(port) if port > 0 => Ok((host, Some(port))),
        _ => Err(Rule::UrlPort),
    }
}

fn check_host(host: &str) -> Result<(), Rule> {
    if let Some(inner) = host.strip_prefix('[') {
        let inner = inner.strip_suffix(']').ok_or(Rule::UrlHost)?;
        return inner.parse::<std::net::Ipv6Addr>().map(|_| ()).map_err(|_| Rule::UrlHost);
    }
    // One dot may end a name.
    let labels_ok = host.strip_suffix('.').unwrap_or(host).split('.').all(|label| {
        !label.is_empty()
            && label.len() <= 63
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            && !label.starts_with('-')
            && !label.ends_with('-')
    });
    if host.is_empty() || host.len() > 253 || !labels_ok { Err(Rule::UrlHost) } else { Ok(()) }
}

pub(super) fn check_path(path: &str) -> Result<(), Rule> {
    let bytes = path.as_bytes();
    for (at, b) in bytes.iter().enumerate() {
        let ok = match b {
            b'%' => bytes.get(at + 1..at + 3).is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit)),
            // RFC 3986 pchar and "/".
            b'/' | b'-' | b'.' | b'_' | b'~' | b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b';' | b'=' | b':'
            | b'@' => true,
            other => other.is_ascii_alphanumeric(),
        };
        if !ok {
            return Err(Rule::UrlPath);
        }
    }
    if path.split('/').any(|segment| segment == "." || segment == "..") {
        return Err(Rule::UrlPath);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normalises() {
        for (given, expected) in [
            ("https://otlp.example.com", "https://otlp.example.com"),
            (" HTTP://Collector.Example:4318/ ", "http://collector.example:4318"),
            ("https://otlp.example.com:443/otlp/", "https://otlp.example.com/otlp"),
            ("http://127.0.0.1:4318/v1/traces", "http://127.0.0.1:4318"),
            ("http://127.0.0.1:4318/base/v1/logs/", "http://127.0.0.1:4318/base"),
            ("http://a/v1/metrics//v1/traces/v1/logs", "http://a"),
            ("http://[::1]:4318", "http://[::1]:4318"),
            ("http://otel-collector.observability.svc.cluster.local.:80", "http://otel-collector.observability.svc.cluster.local."),
            ("http://my_collector:4318", "http://my_collector:4318"),
        ] {
            assert_eq!(Endpoint::parse(given).unwrap().as_str(), expected, "{given}");
        }
    }

    #[test]
    fn refuses_with_the_rule() {
        for (given, rule) in [
            ("", Rule::Required),
            ("collector:4318", Rule::UrlScheme),
            ("ftp://collector", Rule::UrlScheme),
            ("http://", Rule::UrlHost),
            ("http://a b", Rule::UrlHost),
            ("http://exa\u{301}mple", Rule::UrlHost),
            ("http://-a", Rule::UrlHost),
            ("http://a..b", Rule::UrlHost),
            ("http://[::1", Rule::UrlHost),
            ("http://[1.2.3.4]", Rule::UrlHost),
            ("http://a:0", Rule::UrlPort),
            ("http://a:65536", Rule::UrlPort),
            ("http://a:", Rule::UrlPort),
            ("http://a:4318x", Rule::UrlPort),
            ("http://user:pass@a", Rule::UrlCredentials),
            ("http://a?x=1", Rule::UrlQuery),
            ("http://a/#f", Rule::UrlQuery),
            ("http://a/%zz", Rule::UrlPath),
            ("http://a/../b", Rule::UrlPath),
            ("http://a/b\\c", Rule::UrlPath),
        ] {
            assert_eq!(Endpoint::parse(given).unwrap_err(), rule, "{given}");
        }
    }

    #[test]
    fn every_signal_of_the_longest_base_has_an_address() {
        let long = format!("http://a/{}", "x".repeat(MAX_BASE_LENGTH - "http://a/".len()));
        let base = Endpoint::parse(&long).unwrap();
        assert!(Signal::ALL.iter().all(|signal| Endpoint::parse_exact(&base.signal_url(*signal)).is_ok()));
        assert_eq!(Endpoint::parse(&format!("{long}x")), Err(Rule::TooLong { max: MAX_BASE_LENGTH }));
        assert!(Endpoint::parse_exact(&format!("{long}x")).is_ok(), "an upstream needs no room for signals");
    }

    #[test]
    fn takes_itself_apart() {
        let endpoint = Endpoint::parse("https://[fe80::1]:8443/x/y").unwrap();
        assert_eq!(endpoint.origin(), "https://[fe80::1]:8443");
        assert_eq!(endpoint.authority(), "[fe80::1]:8443");
        assert_eq!(endpoint.host(), "fe80::1");
        assert_eq!(endpoint.port(), 8443);
        assert_eq!(endpoint.path(), "/x/y");
        assert_eq!(endpoint.signal_url(Signal::Logs), "https://[fe80::1]:8443/x/y/v1/logs");
    }
}
