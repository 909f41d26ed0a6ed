//! Takes secrets out of what is copied of requests and answers, before anybody is told. Pure.
//!
//! What is copied may be cut anywhere, so nothing here counts on a whole document: JSON is walked string by string, forms pair
//! by pair, and patterns go over the text last, whatever it is. Doing it twice changes nothing. It errs on the side of
//! taking out too much. Patterns are of the `regex` crate, whose searches take linear time.

mod json;
mod names;

use std::borrow::Cow;

use http::HeaderMap;
use percent_encoding::percent_decode_str;
use regex::{Captures, Regex};
use url::form_urlencoded::byte_serialize;

use crate::secrets::{AWS, JWT, PEM, REDACTED, SCHEME, TOKEN, USER_INFO, has_credential};

/// Texts in texts in texts are looked into so deep; what is deeper is left out whole.
const DEPTH: usize = 3;
/// A value that is shorter is not looked for elsewhere: it would be found in words.
const SHORTEST_VALUE: usize = 8;
/// No token is longer.
const LONGEST_TOKEN: usize = 4096;

/// What is a secret in one exchange besides what looks like one: the headers that the gateway put on the upstream's request.
#[derive(Debug, Default)]
pub struct Hidden {
    names: Vec<String>,
    values: Vec<String>,
}

impl Hidden {
    #[must_use]
    pub fn of(injected: &HeaderMap) -> Self {
        let texts = injected.values().filter_map(|value| value.to_str().ok());
        // An upstream that repeats a credential may do so without its scheme.
        let values = texts.flat_map(|text| [Some(text), text.split_once(' ').map(|(_, credential)| credential.trim())]);
        let values = values.flatten().filter(|value| value.len() >= SHORTEST_VALUE).map(str::to_owned).collect();
        Self { names: injected.keys().map(|name| name.as_str().to_owned()).collect(), values }
    }

    /// Whether one of the values is in these bytes.
    #[must_use]
    pub fn is_in(&self, bytes: &[u8]) -> bool {
        self.values.iter().any(|value| bytes.windows(value.len()).any(|window| window == value.as_bytes()))
    }

    fn has(&self, name: &str) -> bool {
        self.names.iter().any(|hidden| hidden.eq_ignore_ascii_case(name))
    }
}

/// How many names may stand before one value.
const NAMES: usize = 3;

/// What a text is taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Pairs of names and values, as HTML forms send them.
    Pairs,
    /// JSON or anything else.
    Other,
}

type Replace = fn(&Captures<'_>) -> String;

/// Compiled once.
pub struct Redactor {
    rules: Vec<(Regex, Replace)>,
    /// `name=value`, of names that may be a secret's.
    named: Regex,
}

impl Redactor {
    /// # Errors
    /// A pattern is wrong, which a test would show.
    pub fn new() -> Result<Self, regex::Error> {
        let rules: Result<Vec<_>, _> = rules().into_iter().map(|(pattern, replace)| Ok((Regex::new(&pattern)?, replace))).collect();
        Ok(Self { rules: rules?, named: Regex::new(&named())? })
    }

    /// A header's value. Its name is in lower case.
    #[must_use]
    pub fn header(&self, name: &str, value: &[u8], hidden: &Hidden) -> String {
        if names::secret(name) || hidden.has(name) {
            return REDACTED.to_owned();
        }
        self.inner(&String::from_utf8_lossy(value), Form::Other, hidden, DEPTH)
    }

    /// A text. `cut`: there was more of it.
    #[must_use]
    pub fn text(&self, text: &str, form: Form, cut: bool, hidden: &Hidden) -> String {
        self.inner(if cut { without_last_word(text) } else { text }, form, hidden, DEPTH)
    }

    fn inner(&self, text: &str, form: Form, hidden: &Hidden, depth: usize) -> String {
        let mut out = match form {
            Form::Pairs => self.pairs(text, hidden, depth),
            Form::Other => self.strings(text, hidden, depth),
        };
        for value in &hidden.values {
            if out.contains(value.as_str()) {
                out = out.replace(value.as_str(), REDACTED);
            }
        }
        for (pattern, replace) in &self.rules {
            if let Cow::Owned(replaced) = pattern.replace_all(&out, replace) {
                out = replaced;
            }
        }
        self.by_name(&out, NAMES).into_owned()
    }

    fn pairs(&self, text: &str, hidden: &Hidden, depth: usize) -> String {
        let decoded = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
        let pairs = text.split('&').map(|pair| {
            let Some((name, value)) = pair.split_once('=') else { return pair.to_owned() };
            let plain = decoded(name);
            if (names::secret(&plain) || hidden.has(&plain)) && !value.is_empty() {
                return format!("{name}={REDACTED}");
            }
            let before = decoded(value);
            let after = self.deeper(&before, hidden, depth);
            if after == before { pair.to_owned() } else { format!("{name}={}", byte_serialize(after.as_bytes()).collect::<String>()) }
        });
        pairs.collect::<Vec<_>>().join("&")
    }

    /// A text that stood in another one.
    fn deeper(&self, text: &str, hidden: &Hidden, depth: usize) -> String {
        match depth.checked_sub(1) {
            Some(depth) => self.inner(text, Form::Other, hidden, depth),
            None if text.contains(['"', '\\']) => REDACTED.to_owned(),
            None => text.to_owned(),
        }
    }

    /// `names`: how many may stand before one value, as in `a=b=value`; what has more is not looked into.
    fn by_name<'a>(&self, text: &'a str, names: usize) -> Cow<'a, str> {
        self.named.replace_all(text, |found: &Captures<'_>| {
            let (name, between, value) = (&found[1], &found[2], &found[3]);
            let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''));
            let bare = value.trim_matches(['"', '\'']);
            let literal = quote.is_none() && matches!(bare, "null" | "true" | "false");
            if bare.is_empty() || bare == REDACTED || literal {
                return found[0].to_owned();
            }
            if !names::secret(name) {
                // The value may have a pair of its own.
                return match names.checked_sub(1) {
                    Some(names) => format!("{name}{between}{}", self.by_name(value, names)),
                    None if self.named.is_match(value) => format!("{name}{between}{REDACTED}"),
                    None => found[0].to_owned(),
                };
            }
            let open = quote.map(String::from).unwrap_or_default();
            let close = if value.len() > 1 && value.ends_with(&open) { open.as_str() } else { "" };
            format!("{name}{between}{open}{REDACTED}{close}")
        })
    }
}

fn named() -> String {
    format!(
        r#"(?i)([\w.%-]*(?:{}|{})[\w.%-]*)(["']?\]?\s*(?:=>|=|:)\s*)("[^"\r\n]*"?|'[^'\r\n]*'?|[^\s&,;"'<>{{}}\[\]()]+)"#,
        names::STEMS.join("|"),
        names::WORDS.join("|")
    )
}

/// In their order: what takes more comes first.
fn rules() -> Vec<(String, Replace)> {
    vec![
        (PEM.to_owned(), |_| REDACTED.to_owned()),
        (r#"(?i)\b((?:proxy-)?authorization|(?:set-)?cookie2?)(\s*[:=]\s*)[^\r\n"'\\<]+"#.to_owned(), |found| {
            format!("{}{}{REDACTED}", &found[1], &found[2])
        }),
        (USER_INFO.to_owned(), |found| format!("{}{REDACTED}@", &found[1])),
        (
            SCHEME.to_owned(),
            |found| {
                if has_credential(found) { format!("{}{}{REDACTED}", &found[1], &found[2]) } else { found[0].to_owned() }
            },
        ),
        // A part of a multipart body: its head names the field.
        (
            r#"(?is)(content-disposition:[^\r\n]*?\bname=("[^"\r\n]*"?|[^;\s]+)[^\r\n]*\r?\n(?:[^\r\n]+\r?\n)*\r?\n)(.*?)(\r?\n--|\z)"#
                .to_owned(),
            |found| {
                if names::secret(&found[2]) { format!("{}{REDACTED}{}", &found[1], &found[4]) } else { found[0].to_owned() }
            },
        ),
        (r"(?s)(<([\w:.-]+)(?:\s[^<>]*)?>)(<!\[CDATA\[.*?(?:\]\]>|\z)|[^<]+)".to_owned(), |found| {
            if names::secret(&found[2]) { format!("{}{REDACTED}", &found[1]) } else { found[0].to_owned() }
        }),
        (JWT.to_owned(), |_| REDACTED.to_owned()),
        (TOKEN.to_owned(), |found| format!("{}{REDACTED}", &found[1])),
        (AWS.to_owned(), |found| format!("{}{REDACTED}", &found[1])),
    ]
}

/// Half of a secret looks like none: what was cut ends where a word does.
fn without_last_word(text: &str) -> &str {
    let word = |c: char| c.is_ascii_alphanumeric() || "_-.~+/=%\\".contains(c);
    let left = text.trim_end_matches(word);
    if text.len() - left.len() <= LONGEST_TOKEN { left } else { text }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
