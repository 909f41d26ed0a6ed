//! Reads an answer's usage and identity while it goes by: one JSON object, or an event stream of them.
//!
//! One set of members serves the OpenAI chat, completions, responses and embeddings APIs and the Anthropic messages API: where
//! they use the same name they mean the same. What a provider does not report stays unknown.

use super::json::{Names, Scanner};
use super::member::{Inside, Node, Value};
use super::sse::{Events, Piece};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Id,
    Model,
    /// Of the object as a whole (Responses API).
    Status,
    Reason,
    Input,
    /// Anthropic counts these apart from the input.
    CacheRead,
    CacheWrite,
    Output,
    Type,
    Error,
    ErrorType,
    ErrorCode,
}

const USAGE: &[Node<Field>] = &[
    Node::take("prompt_tokens", Field::Input),
    Node::take("input_tokens", Field::Input),
    Node::take("cache_read_input_tokens", Field::CacheRead),
    Node::take("cache_creation_input_tokens", Field::CacheWrite),
    Node::take("completion_tokens", Field::Output),
    Node::take("output_tokens", Field::Output),
];
const ERROR: Inside<Field> = Inside::Object(&[Node::take("type", Field::ErrorType), Node::take("code", Field::ErrorCode)]);
/// Anthropic's `message` and OpenAI's `response`, in the events that hold one.
const OBJECT: &[Node<Field>] = &[
    Node::take("id", Field::Id),
    Node::take("model", Field::Model),
    Node::take("status", Field::Status),
    Node::take("stop_reason", Field::Reason),
    Node::object("incomplete_details", &[Node::take("reason", Field::Reason)]),
    Node::object("usage", USAGE),
    Node { key: "error", field: Some(Field::Error), inside: ERROR },
];
const ANSWER: &[Node<Field>] = &[
    Node::take("type", Field::Type),
    Node::take("id", Field::Id),
    Node::take("model", Field::Model),
    Node::take("status", Field::Status),
    Node::take("stop_reason", Field::Reason),
    Node::object("incomplete_details", &[Node::take("reason", Field::Reason)]),
    Node::object("usage", USAGE),
    Node { key: "error", field: Some(Field::Error), inside: ERROR },
    Node::each("choices", &[Node::take("finish_reason", Field::Reason)]),
    Node::object("delta", &[Node::take("stop_reason", Field::Reason)]),
    Node::object("message", OBJECT),
    Node::object("response", OBJECT),
];

/// Longer ones are not what a provider calls a model or an answer.
const MAX_NAME: usize = 128;
const MAX_REASONS: usize = 16;

/// What an answer said of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) model: Option<String>,
    pub(super) id: Option<String>,
    pub(super) reasons: Vec<String>,
    input: Option<u64>,
    cache_read: Option<u64>,
    cache_write: Option<u64>,
    pub(super) output: Option<u64>,
    /// `completed`, `incomplete`, …
    status: Option<String>,
    /// It reports an error, of this kind.
    pub(super) error: Option<&'static str>,
}

/// An error of a kind that is not one of [`ERRORS`].
pub(super) const PROVIDER_ERROR: &str = "provider_error";
/// What providers call their errors; nothing else gets into `error.type`.
const ERRORS: [&str; 19] = [
    "api_error",
    "authentication_error",
    "billing_error",
    "context_length_exceeded",
    "insufficient_quota",
    "invalid_api_key",
    "invalid_request_error",
    "model_not_found",
    "not_found_error",
    "overloaded_error",
    "permission_error",
    "rate_limit_error",
    "rate_limit_exceeded",
    "request_too_large",
    "server_error",
    "service_unavailable",
    "timeout_error",
    "tokens",
    "unsupported_value",
];

impl Found {
    /// With what was read from and written to a cache, which is part of it.
    pub(super) fn input(&self) -> Option<u64> {
        let cached = self.cache_read.unwrap_or(0).saturating_add(self.cache_write.unwrap_or(0));
        self.input.map(|input| input.saturating_add(cached))
    }

    /// Input and output, as far as they were reported.
    pub(super) fn tokens(&self) -> u64 {
        self.input().unwrap_or(0).saturating_add(self.output.unwrap_or(0))
    }

    /// Later reports replace earlier ones: streams count on.
    fn take(&mut self, field: Field, value: &Value) {
        let replace = |slot: &mut Option<u64>| *slot = value.count().or(*slot);
        match field {
            Field::Id => self.id = name(value).or(self.id.take()),
            Field::Model => self.model = name(value).or(self.model.take()),
            Field::Status => self.status = name(value).or(self.status.take()),
            Field::Reason => {
                if let Some(reason) = name(value).filter(|_| self.reasons.len() < MAX_REASONS) {
                    self.reasons.push(reason);
                }
            }
            Field::Input => replace(&mut self.input),
            Field::CacheRead => replace(&mut self.cache_read),
            Field::CacheWrite => replace(&mut self.cache_write),
            Field::Output => replace(&mut self.output),
            Field::Type if value.text() == Some("error") => self.failed(PROVIDER_ERROR),
            Field::Error if *value != Value::Null => self.failed(PROVIDER_ERROR),
            Field::ErrorType | Field::ErrorCode => {
                if let Some(kind) = ERRORS.into_iter().find(|kind| value.text() == Some(kind)) {
                    self.failed(kind);
                }
            }
            Field::Type | Field::Error => {}
        }
    }

    /// The first kind that says something stays.
    fn failed(&mut self, kind: &'static str) {
        if self.error.is_none_or(|error| error == PROVIDER_ERROR) {
            self.error = Some(kind);
        }
    }

    /// Nothing follows. The Responses API says by a status how it ended.
    fn end(&mut self) {
        match self.status.take().as_deref() {
            Some("failed") => self.failed(PROVIDER_ERROR),
            Some(status @ ("completed" | "incomplete" | "cancelled")) if self.reasons.is_empty() => self.reasons.push(status.to_owned()),
            _ => {}
        }
    }
}

/// A name or identifier; what could be prose is none.
pub(super) fn name(value: &Value) -> Option<String> {
    let text = value.text()?;
    let fits = !text.is_empty() && text.len() <= MAX_NAME && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.:/@+".contains(&b));
    fits.then(|| text.to_owned())
}

/// Reads one answer.
#[derive(Debug)]
pub(super) struct Reader {
    scanner: Scanner<Field>,
    events: Option<Events>,
    found: Found,
}

impl Reader {
    /// `None` for an answer of a kind that tells nothing here, such as audio.
    pub(super) fn of(content_type: &str) -> Option<Self> {
        let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let events = match essence.as_str() {
            "text/event-stream" => Some(Events::default()),
            "application/json" => None,
            _ if essence.starts_with("application/") && essence.ends_with("+json") => None,
            _ => return None,
        };
        Some(Self { scanner: Scanner::new(ANSWER, Names::Exact), events, found: Found::default() })
    }

    pub(super) const fn is_stream(&self) -> bool {
        self.events.is_some()
    }

    pub(super) fn feed(&mut self, bytes: &[u8]) {
        let Self { scanner, events, found } = self;
        let mut on = |field, value| found.take(field, &value);
        match events {
            None => scanner.feed(bytes, &mut on),
            Some(events) => events.feed(bytes, &mut |piece| match piece {
                Piece::Data(data) => scanner.feed(data, &mut on),
                Piece::End => scanner.restart(),
            }),
        }
    }

    pub(super) fn end(mut self) -> Found {
        self.found.end();
        self.found
    }
}

/// Reads an answer that comes in these pieces: input and output tokens, and everything that is kept of it as text. `None` for a
/// kind of answer that tells nothing here.
#[must_use]
pub fn read_usage<'a>(content_type: &str, pieces: impl IntoIterator<Item = &'a [u8]>) -> Option<(Option<u64>, Option<u64>, String)> {
    let mut reader = Reader::of(content_type)?;
    pieces.into_iter().for_each(|piece| reader.feed(piece));
    let found = reader.end();
    Some((found.input(), found.output, format!("{found:?}")))
}

#[cfg(test)]
#[path = "usage_tests.rs"]
mod tests;
