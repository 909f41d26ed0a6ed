//! Reads what a request asks for while its body goes by, and holds it against the agent's limits.
//!
//! A limit is only as good as this reading is like the provider's: a member that is given twice or in another spelling is refused,
//! as one server would read it and the next would not, and so is what is not plain JSON. Nothing here changes the body.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::denied::Denied;
use super::json::{Names, Scanner};
use super::member::{Inside, Node, Value};
use super::operation::{Kind, Operation};
use crate::live::Agent;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Model,
    /// Some servers take several, the others for when the first fails.
    Models,
    Fallbacks,
    MaxTokens,
    MaxCompletionTokens,
    MaxOutputTokens,
    /// How many answers; each may have the tokens asked for.
    Answers,
    BestOf,
    /// Some APIs take many, and answer each.
    Prompt,
    PromptItem,
    /// A tool may call a model of its own.
    Tools,
    ToolModel,
    Temperature,
    TopP,
    Stream,
    StreamOptions,
    IncludeUsage,
}

const MEMBERS: &[Node<Field>] = &[
    Node::take("model", Field::Model),
    Node::take("models", Field::Models),
    Node::take("fallbacks", Field::Fallbacks),
    Node::take("max_tokens", Field::MaxTokens),
    Node::take("max_completion_tokens", Field::MaxCompletionTokens),
    Node::take("max_output_tokens", Field::MaxOutputTokens),
    Node::take("n", Field::Answers),
    Node::take("best_of", Field::BestOf),
    Node { key: "prompt", field: Some(Field::Prompt), inside: Inside::Items(Field::PromptItem) },
    Node { key: "tools", field: Some(Field::Tools), inside: Inside::Each(&[Node::take("model", Field::ToolModel)]) },
    Node::take("temperature", Field::Temperature),
    Node::take("top_p", Field::TopP),
    Node::take("stream", Field::Stream),
    Node {
        key: "stream_options",
        field: Some(Field::StreamOptions),
        inside: Inside::Object(&[Node::take("include_usage", Field::IncludeUsage)]),
    },
];

/// What was asked for, as far as it has been read.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Asked {
    pub(super) model: Option<String>,
    pub(super) max_tokens: Option<u64>,
    pub(super) temperature: Option<f64>,
    pub(super) top_p: Option<f64>,
    pub(super) stream: bool,
    include_usage: bool,
    /// How many answers to each prompt, and how many prompts; 0 where that was not said.
    answers: u64,
    prompts: u64,
    /// Bits of the fields that came.
    seen: u32,
    /// The first limit that it goes against.
    pub(super) denied: Option<Denied>,
}

/// [`Asked`], for the body that fills it and for the call that tells of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Shared(Arc<Mutex<Asked>>);

impl Shared {
    pub(super) fn lock(&self) -> MutexGuard<'_, Asked> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Which of an agent's limits a request has to keep.
#[derive(Clone, Debug)]
pub(super) struct Limits {
    agent: Arc<Agent>,
    models: bool,
    tokens: Option<u64>,
    /// The answer's tokens are asked for as `max_output_tokens`, or else as one of the others: a name that the path's API does
    /// not know says nothing.
    responses: bool,
    usage: bool,
}

impl Limits {
    /// `None` where none applies.
    pub(super) fn of(agent: &Arc<Agent>, operation: Operation) -> Result<Option<Self>, Denied> {
        let models = !agent.models.is_empty();
        let tokens = agent.max_output_tokens.map(|limit| u64::from(limit.get()));
        if operation.kind == Kind::Unknown && (models || tokens.is_some() || agent.tokens_per_minute.is_some()) {
            return Err(Denied::Path);
        }
        let tokens = tokens.filter(|_| operation.generates());
        let usage = agent.tokens_per_minute.is_some() && operation.kind == Kind::OpenAiText;
        let applies = models || tokens.is_some() || usage;
        Ok(applies.then(|| Self { agent: Arc::clone(agent), models, tokens, responses: operation.kind == Kind::Responses, usage }))
    }
}

/// Reads one request's body.
#[derive(Debug)]
pub(super) struct Reading {
    scanner: Scanner<Field>,
    limits: Option<Limits>,
    shared: Shared,
}

impl Reading {
    pub(super) fn new(limits: Option<Limits>) -> Self {
        Self { scanner: Scanner::new(MEMBERS, Names::AnyCase), limits, shared: Shared::default() }
    }

    pub(super) fn shared(&self) -> Shared {
        self.shared.clone()
    }

    /// Takes the body's next bytes. On an error they must not be passed on: without them the body is not whole.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Result<(), Denied> {
        let mut asked = self.shared.lock();
        let limits = self.limits.as_ref();
        self.scanner.feed(bytes, &mut |field, value| asked.take(field, &value, limits));
        let Some(limits) = limits else { return Ok(()) };
        if self.scanner.broken() {
            asked.deny(Denied::InvalidJson);
        } else if self.scanner.done() {
            asked.whole(limits);
        }
        asked.denied.map_or(Ok(()), Err)
    }

    /// The body has ended.
    pub(super) fn end(&mut self) -> Result<(), Denied> {
        if self.limits.is_none() || self.scanner.done() {
            return Ok(());
        }
        self.shared.lock().deny(Denied::InvalidJson);
        Err(Denied::InvalidJson)
    }

    pub(super) const fn limited(&self) -> bool {
        self.limits.is_some()
    }

    /// Whether what was read so far names everything that a limit is about, or without limits the model. More of it may follow: reading goes on.
    pub(super) fn decided(&self) -> bool {
        let asked = self.shared.lock();
        let Some(limits) = &self.limits else { return asked.model.is_some() || self.scanner.done() || self.scanner.broken() };
        let usage = !limits.usage || asked.include_usage;
        self.scanner.done()
            || ((!limits.models || asked.model.is_some()) && (limits.tokens.is_none() || asked.max_tokens.is_some()) && usage)
    }
}

impl Asked {
    /// The first stays.
    fn deny(&mut self, denied: Denied) {
        self.denied.get_or_insert(denied);
    }

    fn take(&mut self, field: Field, value: &Value, limits: Option<&Limits>) {
        if *value == Value::Misspelled {
            if limits.is_some() {
                self.deny(Denied::Spelling);
            }
            return;
        }
        let bit = 1 << field as u32;
        // Of what stands in arrays there may be many.
        let once = !matches!(field, Field::PromptItem | Field::ToolModel);
        if once && limits.is_some() && self.seen & bit != 0 {
            self.deny(Denied::Repeated);
        }
        self.seen |= bit;
        let number = match value {
            Value::Number(number) => Some(*number),
            _ => None,
        };
        match field {
            Field::Model => {
                self.model = value.text().map(str::to_owned);
                self.hold_model(value, limits);
            }
            Field::ToolModel => self.hold_model(value, limits),
            Field::Models | Field::Fallbacks if limits.is_some_and(|limits| limits.models) => self.deny(Denied::Model),
            Field::MaxTokens | Field::MaxCompletionTokens | Field::MaxOutputTokens => {
                let own = (field == Field::MaxOutputTokens) == limits.is_some_and(|limits| limits.responses);
                if own || limits.is_none() {
                    self.tokens(value, limits);
                }
            }
            Field::Answers | Field::BestOf => self.answers(value, limits),
            Field::PromptItem => {
                self.prompts = self.prompts.saturating_add(1);
                self.hold_tokens(limits);
            }
            Field::Temperature => self.temperature = number,
            Field::TopP => self.top_p = number,
            // Some servers take more than `true` for yes.
            Field::Stream => self.stream = !matches!(value, Value::Null | Value::Bool(false)),
            Field::IncludeUsage => self.include_usage = *value == Value::Bool(true),
            Field::Models | Field::Fallbacks | Field::Prompt | Field::Tools | Field::StreamOptions => {}
        }
    }

    fn hold_model(&mut self, value: &Value, limits: Option<&Limits>) {
        let Some(limits) = limits.filter(|limits| limits.models) else { return };
        match value.text() {
            None => self.deny(Denied::ModelMissing),
            Some(model) if limits.agent.models.iter().any(|allowed| **allowed == *model) => {}
            Some(_) => self.deny(Denied::Model),
        }
    }

    /// Under whatever name; where several came, the most counts.
    fn tokens(&mut self, value: &Value, limits: Option<&Limits>) {
        let limited = limits.is_some_and(|limits| limits.tokens.is_some());
        // Some servers take 0 for no limit at all.
        if let Some(count) = value.count().filter(|count| *count > 0 || !limited) {
            self.max_tokens = Some(self.max_tokens.map_or(count, |other| other.max(count)));
        } else if *value != Value::Null && limited {
            self.deny(Denied::TokensMissing);
        }
        self.hold_tokens(limits);
    }

    fn answers(&mut self, value: &Value, limits: Option<&Limits>) {
        if let Some(count) = value.count() {
            self.answers = self.answers.max(count);
        } else if *value != Value::Null && limits.is_some_and(|limits| limits.tokens.is_some()) {
            self.deny(Denied::Tokens);
        }
        self.hold_tokens(limits);
    }

    fn hold_tokens(&mut self, limits: Option<&Limits>) {
        let limit = limits.and_then(|limits| limits.tokens);
        if let (Some(limit), Some(asked)) = (limit, self.output())
            && asked > limit
        {
            self.deny(Denied::Tokens);
        }
    }

    /// The most tokens that the answer may have, over all answers to all prompts.
    pub(super) fn output(&self) -> Option<u64> {
        Some(self.max_tokens?.saturating_mul(self.answers.max(1)).saturating_mul(self.prompts.max(1)))
    }

    /// The object has ended: what has not come will not.
    fn whole(&mut self, limits: &Limits) {
        if limits.models && self.model.is_none() {
            self.deny(Denied::ModelMissing);
        }
        if limits.tokens.is_some() && self.max_tokens.is_none() {
            self.deny(Denied::TokensMissing);
        }
        if limits.usage && self.stream && !self.include_usage {
            self.deny(Denied::UsageMissing);
        }
    }
}

#[cfg(test)]
#[path = "asked_tests.rs"]
mod tests;
