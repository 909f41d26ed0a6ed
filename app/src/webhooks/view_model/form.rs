//! The form: its fields' rules, and what it says while somebody types.

use crate::contract::values::Endpoint;
#[cfg(any(feature = "ssr", test))]
use crate::contract::{ApiError, Field};
use crate::contract::{Rule, UnixMillis};
use crate::integrations::origin_changed;
use crate::routes::check_whole;
use crate::ui::parse_field_time;

/// A URL without its query, which parsers of base URLs refuse.
fn base(url: &str) -> &str {
    url.trim().split('?').next().unwrap_or_default()
}

/// The URL's host with its port; the text itself where it is none.
#[must_use]
pub fn host_of(url: &str) -> String {
    Endpoint::parse_exact(base(url)).map_or_else(|_| url.to_owned(), |endpoint| endpoint.authority().to_owned())
}

/// Whether stored credentials would be refused for the URL as typed: they are only ever sent to the origin they were saved for.
#[must_use]
pub fn other_origin(stored: &str, typed: &str) -> bool {
    origin_changed(base(stored), base(typed))
}

/// # Errors
/// The rule the text breaks.
pub fn check_url(text: &str) -> Result<(), Rule> {
    if text.contains('#') {
        return Err(Rule::UrlQuery);
    }
    Endpoint::parse_exact(base(text)).map(drop)
}

/// # Errors
/// [`Rule::NumberRange`].
pub fn check_timeout(text: &str) -> Result<(), Rule> {
    check_whole(text, 1, 60)
}

/// # Errors
/// [`Rule::NumberRange`].
pub fn check_retries(text: &str) -> Result<(), Rule> {
    check_whole(text, 0, 10)
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
        assert_eq!(check_url("https://hooks.example.com/#in"), Err(Rule::UrlQuery));
        assert_eq!(check_url(" "), Err(Rule::Required));
        assert_eq!(host_of("https://hooks.example.com:8443/in?token=x"), "hooks.example.com:8443");
    }

    #[test]
    fn stored_credentials_stay_with_their_origin() {
        assert!(!other_origin("https://a.example/x?a=1", "https://a.example/y"));
        assert!(other_origin("https://a.example/x?a=1", "https://b.example/x?a=1"));
    }

    #[test]
    fn numbers_and_times_have_rules() {
        for (text, timeout, retries) in
            [("", true, true), ("0", false, true), ("10", true, true), ("60", true, false), ("1.5", false, false)]
        {
            assert_eq!((check_timeout(text).is_ok(), check_retries(text).is_ok()), (timeout, retries), "{text}");
        }
        assert_eq!(parse_since("2026-11-12T14:02"), Ok(1_794_492_120_000));
        assert_eq!(parse_since(""), Err(ApiError::Invalid { field: Field::Date, rule: Rule::Required }));
        assert_eq!(check_since("yesterday"), Err(Rule::DateTime));
    }
}
