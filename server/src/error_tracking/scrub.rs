//! Takes secrets and persons out of an event, whatever field they are in. Pure.
//!
//! The event is walked as JSON, so that a field which the official crate gains is scrubbed before anybody knows of it. What
//! is left out is replaced by a word in brackets; scrubbing what was scrubbed changes nothing. The patterns are of the
//! `regex` crate, whose searches take linear time, and texts have a bounded length.

use std::borrow::Cow;
use std::net::{Ipv4Addr, Ipv6Addr};

use regex::{Captures, Regex, Replacer};
use sentry::protocol::{Event, Map, Value};
use url::Url;
use uuid::Uuid;

use crate::secrets::{AWS, JWT, PEM, REDACTED, SCHEME, TOKEN, USER_INFO, has_credential};

/// Longer texts are cut before anything else looks at them.
const LONGEST_IN: usize = 64 * 1024;
/// And after, in characters.
const LONGEST_OUT: usize = 8 * 1024;

/// Names of fields whose value is never sent (Sentry's own list of default keys among them).
const NAMES: &str = "password|passwd|passphrase|pwd|secret|api[_-]?key|access[_-]?key|private[_-]?key|credential|token|auth|cookie|session|signature|bearer|jwt|dsn|x-knoxcall-key";

/// Fields at the top of an event that this program sets itself and that would be of no use changed.
const OURS: [&str; 7] = ["event_id", "timestamp", "level", "platform", "release", "environment", "sdk"];
/// Fields that are never sent, whoever set them.
const NEVER: [&str; 4] = ["server_name", "modules", "debug_meta", "contexts"];

/// Compiled once.
pub struct Scrubber {
    rules: Vec<Rule>,
    sensitive_name: Regex,
}

struct Rule {
    pattern: Regex,
    replace: fn(&Captures<'_>, &str) -> String,
}

impl Scrubber {
    /// # Errors
    /// A pattern is wrong, which a test would show.
    pub fn new() -> Result<Self, regex::Error> {
        let mut rules = Vec::new();
        for (pattern, replace) in patterns() {
            rules.push(Rule { pattern: Regex::new(&pattern)?, replace });
        }
        Ok(Self { rules, sensitive_name: Regex::new(&format!("(?i){NAMES}"))? })
    }

    /// The text without secrets, e-mail addresses, IP addresses and query strings.
    #[must_use]
    pub fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if Uuid::try_parse(text).is_ok() {
            return Cow::Borrowed(text);
        }
        let mut out = Cow::Borrowed(bounded(text));
        for rule in &self.rules {
            let replaced = rule.pattern.replace_all(&out, With { replace: rule.replace, text: &out });
            if let Cow::Owned(replaced) = replaced {
                out = Cow::Owned(replaced);
            }
        }
        match out.char_indices().nth(LONGEST_OUT) {
            Some((at, _)) => Cow::Owned(format!("{}…", &out[..at])),
            None => out,
        }
    }

    /// The event, scrubbed in every field; `None` if that can't be done.
    #[must_use]
    pub fn event(&self, event: Event<'static>) -> Option<Event<'static>> {
        let mut value = serde_json::to_value(event).ok()?;
        let fields = value.as_object_mut()?;
        for never in NEVER {
            fields.remove(never);
        }
        only_an_id(fields);
        only_method_and_path(fields);
        for (name, field) in fields.iter_mut() {
            if !OURS.contains(&name.as_str()) {
                self.value(name, field);
            }
        }
        if let Some(request) = fields.get_mut("request").and_then(Value::as_object_mut) {
            let whole = request.get("url").and_then(Value::as_str).is_some_and(|url| Url::parse(url).is_ok());
            if !whole {
                request.remove("url");
            }
        }
        serde_json::from_value(value).ok()
    }

    fn value(&self, name: &str, value: &mut Value) {
        match value {
            Value::String(text) if self.sensitive_name.is_match(name) => {
                if !text.is_empty() {
                    REDACTED.clone_into(text);
                }
            }
            Value::String(text) => {
                if let Cow::Owned(scrubbed) = self.text(text) {
                    *text = scrubbed;
                } else if text.len() > LONGEST_IN {
                    *text = bounded(text).to_owned();
                }
            }
            Value::Array(values) => values.iter_mut().for_each(|value| self.value(name, value)),
            Value::Object(fields) => {
                let old: Map<String, Value> = std::mem::take(fields).into_iter().collect();
                for (name, mut value) in old {
                    let name = self.text(&name).into_owned();
                    self.value(&name, &mut value);
                    fields.insert(name, value);
                }
            }
            // A card's number may come as a number.
            Value::Number(number) if number.as_u64().is_some_and(|number| number >= 1_000_000_000_000) => {
                if is_card(&number.to_string()) {
                    *value = Value::from(0);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

/// A person is their id, if that is one of ours.
fn only_an_id(event: &mut serde_json::Map<String, Value>) {
    let id = event.get("user").and_then(|user| user.get("id")).and_then(Value::as_str).and_then(|id| Uuid::try_parse(id).ok());
    match id {
        Some(id) => drop(event.insert("user".to_owned(), serde_json::json!({ "id": id.to_string() }))),
        None => drop(event.remove("user")),
    }
}

fn only_method_and_path(event: &mut serde_json::Map<String, Value>) {
    let Some(request) = event.get_mut("request").and_then(Value::as_object_mut) else { return };
    request.retain(|name, _| matches!(name.as_str(), "url" | "method"));
    if let Some(Value::String(text)) = request.get_mut("url")
        && let Ok(mut url) = Url::parse(text)
    {
        url.set_query(None);
        url.set_fragment(None);
        // Refused only where there can't be any.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        *text = url.into();
    }
}

/// Cut at a word's end, so that no half of a secret stays.
fn bounded(text: &str) -> &str {
    if text.len() <= LONGEST_IN {
        return text;
    }
    let mut end = LONGEST_IN;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let cut = &text[..end];
    cut.rfind(char::is_whitespace).map_or("", |at| &cut[..at])
}

/// Hands a rule the text around its match.
struct With<'a> {
    replace: fn(&Captures<'_>, &str) -> String,
    text: &'a str,
}

impl Replacer for With<'_> {
    fn replace_append(&mut self, found: &Captures<'_>, out: &mut String) {
        out.push_str(&(self.replace)(found, self.text));
    }
}

type Replace = fn(&Captures<'_>, &str) -> String;

/// In their order: what names its secret comes before what only looks like one.
fn patterns() -> Vec<(String, Replace)> {
    let pair = format!(r#"(?i)([\w.-]*(?:{NAMES})[\w-]*["']?\s*(?:=>|=|:)\s*)("[^"]*"|'[^']*'|[^\s&]+)"#);
    vec![
        (PEM.to_owned(), |_, _| "[pem]".to_owned()),
        // Before the pairs: these take the rest of the line.
        (
            r#"(?i)((?:proxy-)?authorization|(?:set-)?cookie|x-api-key|x-auth-token|x-knoxcall-key)(["']?\s*[:=]\s*)[^\r\n]+"#.to_owned(),
            |found, _| format!("{}{}{REDACTED}", &found[1], &found[2]),
        ),
        // Before what is in a URL is looked at: its user name and password, and its query.
        (USER_INFO.to_owned(), |found, _| format!("{}{REDACTED}@", &found[1])),
        (r#"((?:://|/)[^\s?#"'<>]*)[?#][^\s"'<>]*"#.to_owned(), |found, _| format!("{}?[query]", &found[1])),
        (SCHEME.to_owned(), scheme),
        (pair, |found, _| format!("{}{REDACTED}", &found[1])),
        (JWT.to_owned(), |_, _| "[jwt]".to_owned()),
        (TOKEN.to_owned(), |found, _| format!("{}[token]", &found[1])),
        (AWS.to_owned(), |found, _| format!("{}[token]", &found[1])),
        (r"[A-Za-z0-9+/_-]{32,}={0,2}".to_owned(), random),
        (r#"[^\s@<>"'(),:;=\[\]{}/\\]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}"#.to_owned(), |_, _| "[email]".to_owned()),
        (r"[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,8}(?:(?:\.\d{1,3}){3})?".to_owned(), ipv6),
        (
            r"\d{1,3}(?:\.\d{1,3}){3}".to_owned(),
            |found, _| {
                if found[0].parse::<Ipv4Addr>().is_ok() { "[ip]".to_owned() } else { found[0].to_owned() }
            },
        ),
        (r"[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}|\d(?:[ -]?\d){12,}".to_owned(), |found, _| {
            if Uuid::try_parse(&found[0]).is_err() && is_card(&found[0]) { "[card]".to_owned() } else { found[0].to_owned() }
        }),
    ]
}

fn scheme(found: &Captures<'_>, _: &str) -> String {
    if !has_credential(found) {
        return found[0].to_owned();
    }
    format!("{}{}{REDACTED}", &found[1], &found[2])
}

/// Long and of all kinds of characters: no word, no path. Plain hexadecimal from 40 digits on; trace ids have 32.
fn random(found: &Captures<'_>, _: &str) -> String {
    let text = &found[0];
    let has = |test: fn(&u8) -> bool| text.bytes().any(|b| test(&b));
    let mixed = has(u8::is_ascii_digit) && has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase);
    let hex = text.len() >= 40 && text.bytes().all(|b| b.is_ascii_hexdigit());
    if mixed || hex { REDACTED.to_owned() } else { text.to_owned() }
}

/// Not what is a part of a longer word, such as the `::fa` of `server::faults`.
fn ipv6(found: &Captures<'_>, text: &str) -> String {
    let whole = &found[0];
    let (start, end) = found.get(0).map_or((0, 0), |found| (found.start(), found.end()));
    let word = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    let part = text[..start].chars().next_back().is_some_and(word) || text[end..].chars().next().is_some_and(word);
    if !part && whole != "::" && whole.parse::<Ipv6Addr>().is_ok() { "[ip]".to_owned() } else { whole.to_owned() }
}

/// Whether 13 to 19 digits of it in a row are a card's number (ISO/IEC 7812-1, annex B).
fn is_card(text: &str) -> bool {
    let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(10)).collect();
    (13..=19).any(|length| digits.windows(length).any(|window| matches!(window[0], 2..=6) && luhn(window)))
}

fn luhn(digits: &[u32]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(at, digit)| match at % 2 {
            0 => *digit,
            _ if *digit > 4 => digit * 2 - 9,
            _ => digit * 2,
        })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
#[path = "scrub_tests.rs"]
mod tests;
