//! What a route lets through: the bounds and defaults of its limits, and the methods it allows.

use crate::contract::Rule;

/// Methods that one route may name.
pub const MAX_METHODS: usize = 32;
const MAX_METHOD_LENGTH: usize = 32;

/// The longest time that connecting to the upstream may be given, in milliseconds.
pub const MAX_CONNECT_TIMEOUT_MS: u32 = 120_000;
pub const DEFAULT_CONNECT_TIMEOUT_MS: u32 = 5_000;
/// The longest time until the upstream's response headers, in milliseconds.
pub const MAX_RESPONSE_TIMEOUT_MS: u32 = 3_600_000;
pub const DEFAULT_RESPONSE_TIMEOUT_MS: u32 = 60_000;
/// The largest body of a request that may be allowed, in MiB.
pub const MAX_BODY_LIMIT_MIB: u32 = 10 * 1024;
/// The same in bytes.
pub const MAX_BODY_LIMIT: u64 = MAX_BODY_LIMIT_MIB as u64 * 1024 * 1024;
/// In bytes.
pub const DEFAULT_BODY_LIMIT: u64 = 100 * 1024 * 1024;

/// HTTP methods in capitals, separated by commas, each once; blank allows all.
///
/// # Errors
/// [`Rule::Methods`] or [`Rule::TooMany`].
pub fn parse_methods(text: &str) -> Result<Vec<String>, Rule> {
    let mut methods: Vec<String> = Vec::new();
    for method in text.split(',').map(str::trim).filter(|method| !method.is_empty()) {
        // Narrower than a token (RFC 9110, 9.1), so that each is a method to the HTTP library too.
        if method.len() > MAX_METHOD_LENGTH || !method.bytes().all(|b| b.is_ascii_uppercase() || b == b'-') {
            return Err(Rule::Methods);
        }
        if !methods.iter().any(|other| other == method) {
            methods.push(method.to_owned());
        }
    }
    if methods.len() > MAX_METHODS { Err(Rule::TooMany { max: MAX_METHODS }) } else { Ok(methods) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_are_listed_once_each_in_capitals() {
        assert_eq!(parse_methods(" GET, POST,GET ,M-SEARCH,,").unwrap(), ["GET", "POST", "M-SEARCH"]);
        for blank in ["", "  ", ",", " , "] {
            assert_eq!(parse_methods(blank).unwrap(), Vec::<String>::new(), "{blank:?}");
        }
        for wrong in ["get", "GET POST", "GET;POST", "G\u{c9}T", "GET, p", "V2", &"M".repeat(33)] {
            assert_eq!(parse_methods(wrong), Err(Rule::Methods), "{wrong}");
        }
        assert!(parse_methods(&"M".repeat(32)).is_ok());
    }

    #[test]
    fn methods_are_few() {
        let named = |count: usize| (1..=count).map(|n| "M".repeat(n)).collect::<Vec<_>>().join(",");
        assert_eq!(parse_methods(&named(MAX_METHODS)).map(|methods| methods.len()), Ok(MAX_METHODS));
        let one_more = format!("{},GET", named(MAX_METHODS));
        assert_eq!(parse_methods(&one_more), Err(Rule::TooMany { max: MAX_METHODS }));
        assert!(parse_methods(&format!("{0},{0}", named(MAX_METHODS))).is_ok(), "the same ones again are none more");
    }

    #[test]
    fn defaults_are_within_their_bounds() {
        assert!((1..=MAX_CONNECT_TIMEOUT_MS).contains(&DEFAULT_CONNECT_TIMEOUT_MS));
        assert!((1..=MAX_RESPONSE_TIMEOUT_MS).contains(&DEFAULT_RESPONSE_TIMEOUT_MS));
        assert!((0..=MAX_BODY_LIMIT).contains(&DEFAULT_BODY_LIMIT));
        assert_eq!(MAX_BODY_LIMIT, 10 * 1024 * 1024 * 1024);
    }
}
