//! The form: its fields' rules, and what it says while somebody types.

use crate::contract::values::{DisplayName, Endpoint, HeaderList, Signal, Temporality};
use crate::contract::{Rule, SecretView};

/// Where each signal's requests go for the endpoint as typed; `None` while it is not a URL.
#[must_use]
pub fn signal_urls(typed: &str, signals: &[Signal]) -> Option<Vec<(Signal, String)>> {
    let endpoint = Endpoint::parse(typed).ok()?;
    Some(signals.iter().map(|signal| (*signal, endpoint.signal_url(*signal))).collect())
}

/// Whether stored headers would be refused for the endpoint as typed: they are only ever sent to the origin they were
/// saved for.
#[must_use]
pub fn origin_changed(stored: &str, typed: &str) -> bool {
    match (Endpoint::parse(stored), Endpoint::parse(typed)) {
        (Ok(stored), Ok(typed)) => stored.origin() != typed.origin(),
        _ => false,
    }
}

#[must_use]
pub const fn temporality_words(temporality: Temporality) -> &'static str {
    match temporality {
        Temporality::Cumulative => "Cumulative",
        Temporality::Delta => "Delta",
        Temporality::LowMemory => "Low memory (delta where it saves memory)",
    }
}

#[must_use]
pub const fn on_off(on: bool) -> &'static str {
    if on { "On" } else { "Off" }
}

/// What a viewer may know of a secret.
#[must_use]
pub fn secret_words(secret: &SecretView) -> String {
    match (secret.unreadable, secret.set) {
        (true, _) => "Stored, but unreadable".to_owned(),
        (false, true) if secret.names.is_empty() => "Set".to_owned(),
        (false, true) => secret.names.join(", "),
        (false, false) => "None".to_owned(),
    }
}

/// The endpoint field: empty turns the export off.
///
/// # Errors
/// The rule the text breaks.
pub fn check_endpoint(text: &str) -> Result<(), Rule> {
    if text.trim().is_empty() { Ok(()) } else { Endpoint::parse(text).map(drop) }
}

/// The service name field: empty means the default.
///
/// # Errors
/// The rule the text breaks.
pub fn check_service_name(text: &str) -> Result<(), Rule> {
    if text.trim().is_empty() { Ok(()) } else { DisplayName::parse(text).map(drop) }
}

/// The auth headers field: empty keeps what is stored.
///
/// # Errors
/// The rule the text breaks.
pub fn check_headers(text: &str) -> Result<(), Rule> {
    HeaderList::parse(text).map(drop)
}

/// Rows of the header editor from its text; text that doesn't parse yet gives none.
#[must_use]
pub fn header_rows(text: &str) -> Option<Vec<(String, String)>> {
    let list = HeaderList::parse(text).ok()?;
    Some(list.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
}

/// The text that the rows of the header editor stand for. Rows in which nothing is typed are left out; a wrong one is
/// written as it is, for the parser to name.
#[must_use]
pub fn header_text(rows: &[(String, String)]) -> String {
    let filled = rows.iter().filter(|(name, value)| !name.trim().is_empty() || !value.trim().is_empty());
    filled
        .map(|(name, value)| format!("{}={}", name.trim(), value.trim().replace('%', "%25").replace(',', "%2C")))
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hint_follows_what_is_typed() {
        assert_eq!(signal_urls("http", &Signal::ALL), None);
        let urls = signal_urls("http://127.0.0.1:4318/v1/traces", &[Signal::Logs, Signal::Metrics]);
        assert_eq!(
            urls,
            Some(vec![
                (Signal::Logs, "http://127.0.0.1:4318/v1/logs".to_owned()),
                (Signal::Metrics, "http://127.0.0.1:4318/v1/metrics".to_owned()),
            ])
        );
    }

    #[test]
    fn stored_headers_stay_with_their_origin() {
        assert!(!origin_changed("https://a.example/x", "https://A.example/y"));
        assert!(origin_changed("https://a.example", "http://a.example"));
        assert!(origin_changed("https://a.example", "https://a.example:8443"));
        assert!(!origin_changed("", "https://a.example"));
        assert!(!origin_changed("https://a.example", ""));
    }

    #[test]
    fn blank_fields_are_allowed_and_wrong_ones_are_not() {
        assert_eq!(check_endpoint(" "), Ok(()));
        assert_eq!(check_endpoint("collector:4318"), Err(Rule::UrlScheme));
        assert_eq!(check_service_name(""), Ok(()));
        assert_eq!(check_service_name("a\nb"), Err(Rule::ControlCharacter));
        assert_eq!(check_headers(""), Ok(()));
        assert_eq!(check_headers("a"), Err(Rule::HeaderSyntax { position: 1 }));
    }

    #[test]
    fn rows_and_text_of_the_header_editor_agree() {
        let rows = vec![("Authorization".to_owned(), "Bearer a,b%c=d".to_owned()), ("X-Org".to_owned(), "acme".to_owned())];
        assert_eq!(header_rows(&header_text(&rows)), Some(rows));
        assert_eq!(header_text(&[(String::new(), " ".to_owned())]), "");
        assert_eq!(header_rows(&header_text(&[(String::new(), "x".to_owned())])), None);
    }
}
