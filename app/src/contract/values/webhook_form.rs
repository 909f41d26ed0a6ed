//! The parts of an endpoint's form that have rules of their own.

use super::HeaderList;
use crate::contract::Rule;

/// The longest time one attempt may be given, in seconds.
pub const MAX_DELIVERY_TIMEOUT_S: u32 = 60;
pub const DEFAULT_DELIVERY_TIMEOUT_S: u32 = 15;
/// Attempts after the first.
pub const MAX_RETRIES: u32 = 10;
pub const DEFAULT_RETRIES: u32 = 3;
const MAX_USER: usize = 256;
const MAX_SECRET: usize = 4096;

/// Set by KnoxCall on every delivery.
const RESERVED: [&str; 6] = ["webhook-id", "webhook-timestamp", "webhook-signature", "x-webhook-signature", "traceparent", "tracestate"];

/// Whole seconds that one attempt may take; blank is the default.
///
/// # Errors
/// [`Rule::NumberRange`]
pub fn parse_delivery_timeout(text: &str) -> Result<Option<u32>, Rule> {
    in_range(text, 1, MAX_DELIVERY_TIMEOUT_S)
}

/// How often a delivery is tried again; blank is the default.
///
/// # Errors
/// [`Rule::NumberRange`]
pub fn parse_retries(text: &str) -> Result<Option<u32>, Rule> {
    in_range(text, 0, MAX_RETRIES)
}

fn in_range(text: &str, min: u32, max: u32) -> Result<Option<u32>, Rule> {
    match text.trim() {
        "" => Ok(None),
        text => text
            .parse()
            .ok()
            .filter(|given| (min..=max).contains(given))
            .map(Some)
            .ok_or(Rule::NumberRange { min: u64::from(min), max: u64::from(max) }),
    }
}

/// Headers that go with every delivery: as [`HeaderList::parse`], but for those that KnoxCall sets.
///
/// # Errors
/// The rule that the first wrong pair breaks.
pub fn parse_delivery_headers(text: &str) -> Result<HeaderList, Rule> {
    let headers = HeaderList::parse(text)?;
    let reserved = headers.names().position(is_reserved);
    reserved.map_or(Ok(headers), |at| Err(Rule::HeaderReserved { position: at + 1 }))
}

/// The name of the header that carries a credential of one's own.
///
/// # Errors
/// [`Rule::Required`], [`Rule::HeaderName`] or [`Rule::HeaderReserved`].
pub fn parse_auth_header(name: &str) -> Result<String, Rule> {
    let name = name.trim();
    if name.is_empty() {
        return Err(Rule::Required);
    }
    HeaderList::from_pairs([(name, "")])?;
    if is_reserved(name) { Err(Rule::HeaderReserved { position: 1 }) } else { Ok(name.to_owned()) }
}

/// The user name of Basic authentication (RFC 7617, 2: no colon, no control characters).
///
/// # Errors
/// [`Rule::Required`], [`Rule::TooLong`] or [`Rule::BasicUser`].
pub fn parse_basic_user(text: &str) -> Result<String, Rule> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Rule::Required);
    }
    if text.chars().count() > MAX_USER {
        return Err(Rule::TooLong { max: MAX_USER });
    }
    if text.contains(':') || text.chars().any(char::is_control) { Err(Rule::BasicUser) } else { Ok(text.to_owned()) }
}

/// A password, a token or a header's value; blank is none. `in_header`: it is sent as it is, so it must be visible ASCII.
///
/// # Errors
/// [`Rule::TooLong`], [`Rule::ControlCharacter`] or [`Rule::HeaderValue`].
pub fn parse_auth_secret(text: &str, in_header: bool) -> Result<&str, Rule> {
    let text = if in_header { text.trim() } else { text };
    if text.len() > MAX_SECRET {
        return Err(Rule::TooLong { max: MAX_SECRET });
    }
    if text.chars().any(char::is_control) {
        return Err(Rule::ControlCharacter);
    }
    if in_header && !text.bytes().all(|b| (0x20..0x7f).contains(&b)) { Err(Rule::HeaderValue { position: 1 }) } else { Ok(text) }
}

fn is_reserved(name: &str) -> bool {
    RESERVED.iter().any(|reserved| reserved.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_their_ranges() {
        assert_eq!((parse_delivery_timeout(" "), parse_delivery_timeout(" 60 ")), (Ok(None), Ok(Some(60))));
        assert_eq!((parse_retries("0"), parse_retries("10")), (Ok(Some(0)), Ok(Some(10))));
        for wrong in ["0", "61", "-1", "1.5", "ten"] {
            assert_eq!(parse_delivery_timeout(wrong), Err(Rule::NumberRange { min: 1, max: 60 }), "{wrong}");
        }
        assert_eq!(parse_retries("11"), Err(Rule::NumberRange { min: 0, max: 10 }));
    }

    #[test]
    fn nobody_sets_what_knoxcall_sets() {
        assert_eq!(parse_delivery_headers("a=1, Webhook-Signature=x"), Err(Rule::HeaderReserved { position: 2 }));
        assert_eq!(parse_delivery_headers("traceparent=x"), Err(Rule::HeaderReserved { position: 1 }));
        assert_eq!(parse_delivery_headers("x-team=a").unwrap().len(), 1);
        assert_eq!(parse_auth_header(" X-Api-Key "), Ok("X-Api-Key".to_owned()));
        assert_eq!(parse_auth_header("webhook-id"), Err(Rule::HeaderReserved { position: 1 }));
        assert_eq!(parse_auth_header("host"), Err(Rule::HeaderReserved { position: 1 }));
        assert_eq!(parse_auth_header("a b"), Err(Rule::HeaderName { position: 1 }));
        assert_eq!(parse_auth_header(" "), Err(Rule::Required));
    }

    #[test]
    fn credentials_can_be_sent() {
        assert_eq!(parse_basic_user(" ana "), Ok("ana".to_owned()));
        assert_eq!((parse_basic_user("a:b"), parse_basic_user("")), (Err(Rule::BasicUser), Err(Rule::Required)));
        assert_eq!(parse_auth_secret(" pass wörd ", false), Ok(" pass wörd "));
        assert_eq!(parse_auth_secret(" token ", true), Ok("token"));
        assert_eq!(parse_auth_secret("wörd", true), Err(Rule::HeaderValue { position: 1 }));
        assert_eq!(parse_auth_secret("a\r\nb: c", false), Err(Rule::ControlCharacter));
    }
}
