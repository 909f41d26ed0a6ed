//! The parsers that forms, the environment and the bootstrap file share. What they took is shown, stored and read again, so it
//! has to come back the same; and the HTTP library has to see in it what they saw.

use std::str::from_utf8;

use ::http::{HeaderName, HeaderValue, Uri};
use server::values::{Dsn, Endpoint, ExactUrl, HeaderList, Signal};

/// `k=v, k2=v2`.
pub fn header_list(data: &[u8]) {
    let Ok(text) = from_utf8(data) else { return };
    let Ok(list) = HeaderList::parse(text) else { return };
    let mut names = Vec::new();
    for (name, value) in list.iter() {
        assert!(!name.is_empty() && name.is_ascii(), "{name:?}");
        assert!(value.bytes().all(|byte| (0x20..0x7f).contains(&byte)), "what ends a line, or is no text, is in {value:?}");
        HeaderName::from_bytes(name.as_bytes()).expect("a name that HTTP does not know");
        HeaderValue::from_str(value).expect("a value that HTTP does not know");
        names.push(name.to_ascii_lowercase());
    }
    let others = HeaderList::from_pairs(list.iter().map(|(name, _)| (name, "x"))).expect("a list with shorter values is one too");
    assert_eq!(format!("{list:?}"), format!("{others:?}"), "Debug says something of a value");
    assert_eq!(names.len(), list.len());
    names.sort();
    names.dedup();
    assert_eq!(names.len(), list.len(), "a name comes twice");
    assert!(!names.iter().any(|name| ["host", "content-length", "transfer-encoding", "connection"].contains(&name.as_str())));

    assert_eq!(HeaderList::parse(&list.to_text()).as_ref(), Ok(&list), "what is stored is not what was given");
    assert_eq!(HeaderList::from_pairs(list.iter()).as_ref(), Ok(&list), "taken apart and put together it is another list");
}

/// As a form gives it, as it stands, and with its query.
pub fn endpoint(data: &[u8]) {
    let Ok(text) = from_utf8(data) else { return };
    if let Ok(url) = ExactUrl::parse(text) {
        same_url(url.origin());
        assert_eq!(ExactUrl::parse(url.as_str()).as_ref(), Ok(&url));
        let uri: Uri = url.as_str().parse().expect("an address that HTTP does not know");
        let (_, rest) = url.as_str().split_at(url.origin().as_str().len());
        let (path, query) = rest.split_once('?').map_or((rest, None), |(path, query)| (path, Some(query)));
        assert_eq!((uri.path(), uri.query()), (if path.is_empty() { "/" } else { path }, query), "not used as it was written");
        assert_eq!(uri.authority().map(|authority| authority.as_str()), Some(url.origin().authority()));
    }
    let exact = Endpoint::parse_exact(text);
    if let Ok(endpoint) = &exact {
        same_url(endpoint);
        assert_eq!(Endpoint::parse_exact(endpoint.as_str()).as_ref(), Ok(endpoint));
    }
    let Ok(base) = Endpoint::parse(text) else { return };
    let exact = exact.expect("a base that is no URL");
    same_url(&base);
    assert_eq!(Endpoint::parse(&base.to_string()).as_ref(), Ok(&base), "what is stored is not what was given");
    assert_eq!(base.origin(), exact.origin(), "reducing an endpoint to its base changed where it leads");
    for signal in Signal::ALL {
        let url = Endpoint::parse_exact(&base.signal_url(signal)).expect("a base whose signals have no address");
        same_url(&url);
        assert_eq!(url.origin(), base.origin());
        assert_eq!(url.path(), format!("{}{}", base.path(), signal.path()));
        assert_eq!(Endpoint::parse(url.as_str()).as_ref(), Ok(&base), "a signal's address does not lead back to its base");
    }
}

/// `http(s)://KEY@host/PROJECT`.
pub fn dsn(data: &[u8]) {
    let Ok(text) = from_utf8(data) else { return };
    let Ok(dsn) = Dsn::parse(text) else { return };
    same_url(dsn.base());
    assert_eq!(Dsn::parse(&dsn.to_string()).as_ref(), Ok(&dsn), "what is stored is not what was given");
    assert!(!dsn.public_key().is_empty() && !dsn.project().is_empty());
    assert!(!dsn.to_string().split_once("://").is_some_and(|(_, rest)| rest.split('@').next().is_some_and(|user| user.contains(':'))));
    // It becomes part of a Content-Security-Policy.
    assert!(!dsn.origin().contains(|c: char| c == ';' || c == ',' || c == '\'' || c == '*' || c.is_whitespace()), "{dsn}");
    let uri: Uri = dsn.envelope_url().parse().expect("no address for envelopes");
    assert_eq!(uri.path(), format!("{}/api/{}/envelope/", dsn.path(), dsn.project()));
}

/// The HTTP library reads in the text what the parser did.
fn same_url(endpoint: &Endpoint) {
    let text = endpoint.as_str();
    assert!(
        text.is_ascii()
            && !text.contains(|c: char| c.is_ascii_control() || matches!(c, ' ' | '?' | '#' | '@' | '\\') && !endpoint.path().contains(c))
    );
    let uri: Uri = text.parse().expect("an address that HTTP does not know");
    let scheme = uri.scheme_str().expect("no scheme");
    assert_eq!((scheme == "https", scheme == "http"), (endpoint.is_https(), !endpoint.is_https()));
    let host = uri.host().expect("no host");
    assert!(!endpoint.host().is_empty());
    assert_eq!(host.trim_start_matches('[').trim_end_matches(']'), endpoint.host());
    assert_eq!(uri.port_u16().unwrap_or(if endpoint.is_https() { 443 } else { 80 }), endpoint.port());
    assert_ne!(endpoint.port(), 0);
    assert_eq!(uri.path(), if endpoint.path().is_empty() { "/" } else { endpoint.path() });
    assert!(uri.query().is_none());
    assert_eq!(uri.authority().map(|authority| authority.as_str()), Some(endpoint.authority()));
    assert_eq!(format!("{}{}", endpoint.origin(), endpoint.path()), text);
    assert!(!endpoint.path().ends_with('/'));
    assert!(!endpoint.path().split('/').any(|segment| matches!(segment, "." | "..")));
}
