//! What of a request and its answer goes along with a delivery, once the secrets are out of it. Pure.
//!
//! Text is told as text. What is compressed or binary is told in base64 as it came: nobody looks into it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::redact::{Form, Hidden, Redactor};
use crate::capture::{self, Exchange, MOST_OF_BODY, Wanted};

/// Taking secrets out may make a text longer, by no more than this.
const MOST_OF_TEXT: usize = 2 * MOST_OF_BODY;

/// An exchange as it may be told.
#[derive(Debug)]
pub struct Included {
    pub request: Half,
    pub response: Half,
}

#[derive(Debug)]
pub struct Half {
    headers: Option<Headers>,
    body: Option<Body>,
}

#[derive(Debug)]
struct Headers {
    list: Vec<(Box<str>, String)>,
    truncated: bool,
    busy: bool,
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Body {
    text: Option<String>,
    /// Of a text that is not simply what passed.
    encoding: Option<&'static str>,
    bytes: u64,
    truncated: bool,
    incomplete: bool,
    /// Why there is no text.
    omitted: Option<&'static str>,
}

impl Included {
    pub const NOTHING: Self = Self { request: Half { headers: None, body: None }, response: Half { headers: None, body: None } };

    #[must_use]
    pub fn of(exchange: &Exchange, redactor: &Redactor) -> Self {
        let hidden = Hidden::of(&exchange.injected);
        let half = |half: &capture::Half| Half {
            headers: half.headers.as_ref().map(|headers| Headers {
                list: headers
                    .list
                    .iter()
                    .map(|(name, value)| (name.clone(), bounded(redactor.header(name, value, &hidden), capture::MOST_OF_HEADERS).0))
                    .collect(),
                truncated: headers.truncated,
                busy: headers.busy,
            }),
            body: half.body.as_ref().map(|body| body_of(body, redactor, &hidden)),
        };
        Self { request: half(&exchange.request), response: half(&exchange.response) }
    }
}

/// A direction, for an endpoint that wants so much of it.
pub struct Part<'a> {
    pub half: &'a Half,
    pub wanted: Wanted,
    /// Too much waits for the endpoint already: it gets no bodies.
    pub backlog: bool,
}

impl Serialize for Part<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if self.wanted.headers {
            let headers = self.half.headers.as_ref();
            map.serialize_entry("headers", &headers.filter(|headers| !headers.busy).map(Listed))?;
            if headers.is_some_and(|headers| headers.busy) {
                map.serialize_entry("headers_omitted", BUSY)?;
            }
            if headers.is_some_and(|headers| headers.truncated) {
                map.serialize_entry("headers_truncated", &true)?;
            }
        }
        if self.wanted.bodies {
            let body = self.half.body.as_ref();
            map.serialize_entry("body", &body.filter(|_| !self.backlog).and_then(|body| body.text.as_ref()))?;
            if let Some(body) = body {
                body.rest(&mut map, self.backlog)?;
            }
        }
        map.end()
    }
}

const BUSY: &str = "busy";
const BACKLOG: &str = "backlog";
const UNREADABLE: &str = "unreadable";
const BASE64: &str = "base64";
const LOSSY: &str = "utf-8-lossy";

struct Listed<'a>(&'a Headers);

impl Serialize for Listed<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.list.iter().map(|(name, value)| (name, value)))
    }
}

impl Body {
    fn rest<M: SerializeMap>(&self, map: &mut M, backlog: bool) -> Result<(), M::Error> {
        map.serialize_entry("body_bytes", &self.bytes)?;
        let omitted = if backlog { Some(BACKLOG) } else { self.omitted };
        if let Some(why) = omitted {
            return map.serialize_entry("body_omitted", why);
        }
        if let Some(encoding) = self.encoding {
            map.serialize_entry("body_encoding", encoding)?;
        }
        if self.truncated {
            map.serialize_entry("body_truncated", &true)?;
        }
        if self.incomplete {
            map.serialize_entry("body_incomplete", &true)?;
        }
        Ok(())
    }
}

fn body_of(copy: &capture::Body, redactor: &Redactor, hidden: &Hidden) -> Body {
    let (truncated, incomplete) = (copy.truncated(), !copy.whole);
    let told = Body { bytes: copy.bytes, truncated, incomplete, ..Body::default() };
    if copy.busy {
        return Body { omitted: Some(BUSY), ..told };
    }
    match readable(copy) {
        Readable::Text { text, lossy } => {
            let (text, cut) = bounded(redactor.text(&text, form(copy), truncated || incomplete, hidden), MOST_OF_TEXT);
            Body { text: Some(text), encoding: lossy.then_some(LOSSY), truncated: truncated || cut, ..told }
        }
        // What is taken for bytes is not looked into, but what the gateway itself put into the request is known.
        Readable::Bytes if hidden.is_in(&copy.kept) => Body { omitted: Some(UNREADABLE), ..told },
        Readable::Bytes => Body { text: Some(STANDARD.encode(&copy.kept)), encoding: Some(BASE64), ..told },
        Readable::Not => Body { omitted: Some(UNREADABLE), ..told },
    }
}

enum Readable {
    Text {
        text: String,
        /// It has what is no UTF-8, or no text: U+FFFD stands in its place.
        lossy: bool,
    },
    Bytes,
    /// It says that it is text, and can't be read as such, so that no secret would be found in it.
    Not,
}

fn readable(copy: &capture::Body) -> Readable {
    if copy.coded {
        return Readable::Bytes;
    }
    let says_text = says_text(copy);
    if says_text && (other_charset(copy) || copy.kept.contains(&0)) {
        return Readable::Not;
    }
    let text = match std::str::from_utf8(&copy.kept) {
        Ok(text) => Some(text),
        // The cut may go through a character.
        Err(error) if error.error_len().is_none() => std::str::from_utf8(&copy.kept[..error.valid_up_to()]).ok(),
        Err(_) => None,
    };
    match text {
        Some(text) if !text.contains(is_no_text) => Readable::Text { text: text.to_owned(), lossy: false },
        _ if says_text => {
            let text = String::from_utf8_lossy(&copy.kept).replace(is_no_text, "\u{fffd}");
            Readable::Text { text, lossy: true }
        }
        _ => Readable::Bytes,
    }
}

const fn is_no_text(c: char) -> bool {
    c.is_ascii_control() && !matches!(c, '\t' | '\n' | '\r')
}

fn media_type(copy: &capture::Body) -> String {
    let whole = copy.content_type.as_deref().unwrap_or_default();
    whole.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

const PAIRS: &str = "application/x-www-form-urlencoded";

fn says_text(copy: &capture::Body) -> bool {
    let media = media_type(copy);
    let ends = ["json", "xml", "yaml", "javascript", "graphql"];
    media.starts_with("text/") || media.starts_with("multipart/") || media == PAIRS || ends.iter().any(|end| media.ends_with(end))
}

fn form(copy: &capture::Body) -> Form {
    if media_type(copy) == PAIRS { Form::Pairs } else { Form::Other }
}

/// One whose letters are not those of ASCII where it has them.
fn other_charset(copy: &capture::Body) -> bool {
    const KNOWN: [&str; 6] = ["utf-8", "utf8", "us-ascii", "iso-8859-1", "iso-8859-15", "windows-1252"];
    let parameters = copy.content_type.as_deref().unwrap_or_default().split(';').skip(1);
    let charset = parameters.filter_map(|one| one.split_once('=')).find(|(name, _)| name.trim().eq_ignore_ascii_case("charset"));
    charset.is_some_and(|(_, value)| !KNOWN.iter().any(|known| value.trim().trim_matches('"').eq_ignore_ascii_case(known)))
}

/// No longer than so many bytes, and whether it was.
fn bounded(mut text: String, most: usize) -> (String, bool) {
    let cut = text.len() > most;
    if cut {
        text.truncate(text.floor_char_boundary(most));
    }
    (text, cut)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use http::{HeaderMap, HeaderName, HeaderValue};
    use serde_json::{Value, json};
    use uuid::Uuid;

    use super::*;
    use crate::capture::{Recorder, Room};
    use crate::values::TenantId;

    const BOTH: Wanted = Wanted { headers: true, bodies: true };

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
    }

    /// What is told of an answer with this head and body.
    fn told(budget: &Arc<Room>, head: &HeaderMap, body: &[u8], whole: bool, wanted: Wanted, backlog: bool) -> Value {
        let mut recorder = Recorder::new(BOTH, TenantId(Uuid::nil()), budget, None, &HeaderMap::new());
        recorder.answered(head);
        recorder.data(body);
        let included = Included::of(&recorder.finish(whole), &Redactor::new().unwrap());
        serde_json::to_value(Part { half: &included.response, wanted, backlog }).unwrap()
    }

    fn body(content_type: &'static str, body: &[u8]) -> Value {
        let bodies = Wanted { headers: false, bodies: true };
        told(&Arc::default(), &headers(&[("content-type", content_type)]), body, true, bodies, false)
    }

    #[test]
    fn an_endpoint_gets_what_it_wants_and_nothing_else() {
        let head = headers(&[("content-type", "text/plain"), ("set-cookie", "a=b")]);
        let of = |headers, bodies| told(&Arc::default(), &head, b"hello", true, Wanted { headers, bodies }, false);
        let listed = json!({"content-type": "text/plain", "set-cookie": "[redacted]"});
        assert_eq!(of(false, false), json!({}));
        assert_eq!(of(true, false), json!({"headers": listed}));
        assert_eq!(of(false, true), json!({"body": "hello", "body_bytes": 5}));
        assert_eq!(of(true, true), json!({"headers": listed, "body": "hello", "body_bytes": 5}));
        let nothing = serde_json::to_value(Part { half: &Included::NOTHING.request, wanted: BOTH, backlog: false }).unwrap();
        assert_eq!(nothing, json!({"headers": null, "body": null}));
    }

    #[test]
    fn text_is_text_and_bytes_are_base64() {
        assert_eq!(body("application/json", b"{\"a\":1}"), json!({"body": "{\"a\":1}", "body_bytes": 7}));
        assert_eq!(body("", "grün".as_bytes()), json!({"body": "grün", "body_bytes": 5}));
        assert_eq!(body("application/octet-stream", &[0, 255]), json!({"body": "AP8=", "body_encoding": "base64", "body_bytes": 2}));
        assert_eq!(body("application/octet-stream", b"a\0b")["body_encoding"], "base64");
        let latin = body("application/json; charset=ISO-8859-1", b"{\"password\":\"gr\xfcn\",\"n\":\"\xfc\"}");
        assert_eq!(
            (&latin["body"], &latin["body_encoding"]),
            (&json!("{\"password\":\"[redacted]\",\"n\":\"\u{fffd}\"}"), &json!("utf-8-lossy"))
        );
        for (kind, bytes) in
            [("text/plain; charset=utf-16", &b"p\0a\0"[..]), ("application/json", b"\0{\0\"\0p"), ("text/xml;charset=\"UTF-7\"", b"+ADw-")]
        {
            let told = body(kind, bytes);
            assert_eq!((&told["body"], &told["body_omitted"]), (&Value::Null, &json!("unreadable")), "{kind}: no secret would be found");
        }
    }

    #[test]
    fn what_is_compressed_goes_as_it_came() {
        let head = headers(&[("content-type", "application/json"), ("content-encoding", "gzip")]);
        let told = told(&Arc::default(), &head, &[31, 139, 8], true, Wanted { headers: false, bodies: true }, false);
        assert_eq!(told, json!({"body": "H4sI", "body_encoding": "base64", "body_bytes": 3}));
    }

    #[test]
    fn a_long_body_says_so_and_ends_at_a_word() {
        let long = format!("{{\"a\":\"{}\",\"password\":\"canary", "ä ".repeat(MOST_OF_BODY / 3));
        let told = body("application/json", long.as_bytes());
        assert_eq!((&told["body_truncated"], &told["body_bytes"]), (&json!(true), &json!(long.len())));
        let text = told["body"].as_str().unwrap();
        assert!(text.len() <= MOST_OF_BODY && text.len() > MOST_OF_BODY - 8 && !text.contains("canary"), "{}", text.len());
        let zeros = body("image/png", &[0; 3 * MOST_OF_BODY]);
        assert_eq!(zeros["body"].as_str().unwrap().len(), MOST_OF_BODY.div_ceil(3) * 4);
        let quotes = body("text/plain", "key=1&".repeat(MOST_OF_BODY).as_bytes());
        assert!(quotes["body"].as_str().unwrap().len() <= 2 * MOST_OF_BODY);
    }

    #[test]
    fn what_is_left_out_says_why() {
        let bodies = Wanted { headers: true, bodies: true };
        let head = headers(&[("accept", "*/*")]);
        let broken = told(&Arc::default(), &head, b"half a sen", false, bodies, false);
        assert_eq!((&broken["body"], &broken["body_incomplete"]), (&json!("half a "), &json!(true)));
        let busy = told(&Arc::new(Room::new(0, 0)), &head, b"x", true, bodies, false);
        let expected = json!({"headers": null, "headers_omitted": "busy", "body": null, "body_bytes": 1, "body_omitted": "busy"});
        assert_eq!(busy, expected);
        let backlog = told(&Arc::default(), &head, b"x", true, bodies, true);
        assert_eq!(backlog, json!({"headers": {"accept": "*/*"}, "body": null, "body_bytes": 1, "body_omitted": "backlog"}));
    }
}
