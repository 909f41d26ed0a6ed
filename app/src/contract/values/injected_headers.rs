//! The headers that an environment sets on every request to its upstream.

use super::HeaderList;
use crate::contract::Rule;

/// W3C Trace Context. With the operator's traces on the gateway writes it over whatever an environment sets, and what an upstream gets
/// must not hang on whether they are.
pub const NEVER_INJECTED: [&str; 2] = ["traceparent", "tracestate"];

/// Whether an environment may set this header. Earlier versions stored others too, which are not sent.
#[must_use]
pub fn is_injected(name: &str) -> bool {
    !NEVER_INJECTED.iter().any(|never| never.eq_ignore_ascii_case(name))
}

/// As [`HeaderList::parse`], but for those that the gateway writes itself.
///
/// # Errors
/// The rule that the first wrong pair breaks.
pub fn parse_injected_headers(text: &str) -> Result<HeaderList, Rule> {
    as_injected_headers(HeaderList::parse(text)?)
}

/// The same of a list that was parsed in another way, such as a TOML table.
///
/// # Errors
/// [`Rule::HeaderReserved`]
pub fn as_injected_headers(headers: HeaderList) -> Result<HeaderList, Rule> {
    let reserved = headers.names().position(|name| !is_injected(name));
    reserved.map_or(Ok(headers), |at| Err(Rule::HeaderReserved { position: at + 1 }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_sets_what_the_gateway_writes() {
        assert_eq!(parse_injected_headers("Authorization=Bearer t, X-Trace=1").unwrap().len(), 2);
        assert_eq!(parse_injected_headers(" "), Ok(HeaderList::default()));
        for (text, position) in [("traceparent=x", 1), ("a=1, TraceState=b=1", 2), ("a=1,Host=x", 2)] {
            assert_eq!(parse_injected_headers(text), Err(Rule::HeaderReserved { position }), "{text}");
        }
        let pairs = HeaderList::from_pairs([("a", "1"), ("Traceparent", "x")]).unwrap();
        assert_eq!(as_injected_headers(pairs), Err(Rule::HeaderReserved { position: 2 }));
    }
}
