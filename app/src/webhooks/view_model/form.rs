//! The form: its fields' rules, and what it says while somebody types.

use crate::contract::values::{
    WebhookUrl, parse_auth_header, parse_basic_user, parse_delivery_headers, parse_delivery_timeout, parse_retries,
};
#[cfg(any(feature = "ssr", test))]
use crate::contract::{ApiError, Field};
use crate::contract::{Rule, UnixMillis};
use crate::ui::parse_field_time;

/// The URL's host with its port; the text itself where it is none.
#[must_use]
pub fn host_of(url: &str) -> String {
    WebhookUrl::parse(url).map_or_else(|_| url.to_owned(), |url| url.origin().authority().to_owned())
}

/// Whether stored credentials would be refused for the URL as typed: they are only ever sent to the origin they were saved for.
#[must_use]
pub fn other_origin(stored: &str, typed: &str) -> bool {
    match (WebhookUrl::parse(stored), WebhookUrl::parse(typed)) {
        (Ok(stored), Ok(typed)) => stored.origin() != typed.origin(),
        _ => false,
    }
}

/// # Errors
/// The rule the text breaks.
pub fn check_url(text: &str) -> Result<(), Rule> {
    WebhookUrl::parse(text).map(drop)
}

/// The user name of Basic: blank where another way is chosen.
///
/// # Errors
/// The rule the text breaks.
pub fn check_user(text: &str) -> Result<(), Rule> {
    if text.trim().is_empty() { Ok(()) } else { parse_basic_user(text).map(drop) }
}

/// The name of a header of one's own: blank where another way is chosen.
///
/// # Errors
/// The rule the text breaks.
pub fn check_header(text: &str) -> Result<(), Rule> {
    if text.trim().is_empty() { Ok(()) } else { parse_auth_header(text).map(drop) }
}

/// # Errors
/// The rule the text breaks.
pub fn check_headers(text: &str) -> Result<(), Rule> {
    parse_delivery_headers(text).map(drop)
}

/// # Errors
/// [`Rule::NumberRange`].
pub fn check_timeout(text: &str) -> Result<(), Rule> {
    parse_delivery_timeout(text).map(drop)
}

/// # Errors
/// [`Rule::NumberRange`].
pub fn check_retries(text: &str) -> Result<(), Rule> {
    parse_retries(text).map(drop)
}

/// A date and a time in UTC.
///
/// # Errors
/// [`Rule::Required`] or [`Rule::DateTime`].
pub fn check_since(text: &str) -> Result<(), Rule> {
    since(text).map(drop)
}

/// The same as a point in time, for the server.
///
/// # Errors
/// [`ApiError::Invalid`].
#[cfg(any(feature = "ssr", test))]
pub fn parse_since(text: &str) -> Result<UnixMillis, ApiError> {
    since(text).map_err(|rule| ApiError::Invalid { field: Field::Date, rule })
}

fn since(text: &str) -> Result<UnixMillis, Rule> {
    if text.trim().is_empty() { Err(Rule::Required) } else { parse_field_time(text).ok_or(Rule::DateTime) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_may_have_a_query_and_is_named_by_its_host() {
        assert_eq!(check_url("https://hooks.example.com/in?token=x"), Ok(()));
        assert_eq!(check_url("hooks.example.com"), Err(Rule::UrlScheme));
        assert_eq!(check_url("https://ana@hooks.example.com"), Err(Rule::UrlCredentials));
        assert_eq!(check_url("https://hooks.example.com/#in"), Err(Rule::UrlFragment));
        assert_eq!(check_url(" "), Err(Rule::Required));
        assert_eq!(host_of("https://hooks.example.com:8443/in?token=x"), "hooks.example.com:8443");
    }

    #[test]
    fn stored_credentials_stay_with_their_origin() {
        assert!(!other_origin("https://a.example/x?a=1", "https://a.example/y"));
        assert!(other_origin("https://a.example/x?a=1", "https://b.example/x?a=1"));
    }

    #[test]
    fn what_does_not_count_may_be_blank() {
        assert_eq!((check_user(" "), check_header(" ")), (Ok(()), Ok(())));
        assert_eq!((check_user("a:b"), check_header("a b")), (Err(Rule::BasicUser), Err(Rule::HeaderName { position: 1 })));
        assert_eq!(check_headers("Webhook-Id=7"), Err(Rule::HeaderReserved { position: 1 }));
    }

    #[test]
    fn a_time_is_read_in_utc() {
        assert_eq!(parse_since("2026-11-12T14:02"), Ok(1_794_492_120_000));
        assert_eq!(parse_since(""), Err(ApiError::Invalid { field: Field::Date, rule: Rule::Required }));
        assert_eq!(check_since("yesterday"), Err(Rule::DateTime));
    }
}
