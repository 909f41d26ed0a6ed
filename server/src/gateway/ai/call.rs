//! Says what became of a call: one event, when its answer has ended or nobody waits for it any more; and counts its tokens.
//!
//! With nobody interested and no tokens to count there is nothing here to allocate, read or send.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use http::header::{self, HeaderMap, HeaderValue};

use super::asked::Shared;
use super::member::Value;
use super::operation::Operation;
use super::rates::Reserved;
use super::usage::{Found, Reader, name};
use crate::bus::Bus;
use crate::event::{Ai, Event, Failure, TraceContext};
use crate::live::Agent;
use crate::values::{Provider, TenantId};

/// Emits its event when dropped, at the latest.
#[derive(Default)]
pub(in crate::gateway) struct Call(Option<Box<Open>>);

/// What a call is about.
pub(super) struct Subject {
    pub(super) tenant: TenantId,
    pub(super) agent: Arc<Agent>,
    pub(super) operation: Operation,
    pub(super) request_id: uuid::Uuid,
    /// The call's own span.
    pub(super) trace: TraceContext,
    /// What the request's body says, where it is read.
    pub(super) asked: Option<Shared>,
}

struct Open {
    bus: Bus,
    /// Of an agent whose tokens count.
    reserved: Option<Reserved>,
    subject: Option<Subject>,
    wall: SystemTime,
    clock: Instant,
    first_chunk: Option<Instant>,
    status: Option<u16>,
    reader: Option<Reader>,
    /// Bytes of an answer that is read.
    passed: u64,
    failure: Option<Failure>,
    ended: bool,
}

impl Call {
    pub(super) fn open(bus: &Bus, reserved: Option<Reserved>, subject: Subject) -> Self {
        Self(Some(Box::new(Open {
            bus: bus.clone(),
            reserved,
            subject: Some(subject),
            wall: SystemTime::now(),
            clock: Instant::now(),
            first_chunk: None,
            status: None,
            reader: None,
            passed: 0,
            failure: None,
            ended: false,
        })))
    }

    /// The answer's head is there.
    pub(super) fn answered(&mut self, status: u16, headers: &HeaderMap) {
        let Some(open) = &mut self.0 else { return };
        open.status = Some(status);
        let text = |name| headers.get(name).map(HeaderValue::to_str).and_then(Result::ok);
        let plain = text(header::CONTENT_ENCODING).is_none_or(|coding| coding.eq_ignore_ascii_case("identity"));
        open.reader = text(header::CONTENT_TYPE).filter(|_| plain).and_then(Reader::of);
    }

    /// Some of the answer passes.
    pub(in crate::gateway) fn data(&mut self, bytes: &[u8]) {
        if let Some(open) = &mut self.0
            && let Some(reader) = &mut open.reader
        {
            open.passed += bytes.len() as u64;
            if reader.is_stream() {
                open.first_chunk.get_or_insert_with(Instant::now);
            }
            reader.feed(bytes);
        }
    }

    /// The first failure stays.
    pub(in crate::gateway) fn failed(&mut self, kind: &'static str, message: impl FnOnce() -> String) {
        if let Some(open) = &mut self.0 {
            open.failure.get_or_insert_with(|| Failure::new(kind, message()));
        }
    }

    /// The answer was passed on whole. Without this the call counts as cancelled, unless it failed.
    pub(in crate::gateway) fn end(&mut self) {
        if let Some(open) = &mut self.0 {
            open.ended = true;
        }
        self.0 = None;
    }

    /// Nothing was asked of the provider after all.
    pub(super) fn discard(&mut self) {
        if let Some(open) = &mut self.0 {
            open.subject = None;
        }
        self.0 = None;
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let Some(subject) = self.subject.take() else { return };
        let found = self.reader.take().map(Reader::end).unwrap_or_default();
        if let Some(reserved) = self.reserved.take() {
            reserved.settle(self.counted(&subject, &found), Instant::now());
        }
        let panicking = std::thread::panicking();
        if panicking {
            self.failure.get_or_insert_with(|| Failure::new("panic", "the handler panicked".to_owned()));
        }
        let tenant = Some(subject.tenant);
        let emit = AssertUnwindSafe(|| self.bus.emit(tenant, || Event::Ai(self.event(subject, found))));
        if panicking {
            // A second panic would end the process.
            let _ = catch_unwind(emit);
        } else {
            emit.0();
        }
    }
}

/// A streamed token with what surrounds it, in bytes, about.
const BYTES_OF_TOKEN: u64 = 200;

impl Open {
    /// What counts against the agent's rate: the reported usage or, of a stream that was left before its end told it, about as
    /// much as passed.
    fn counted(&self, subject: &Subject, found: &Found) -> u64 {
        match found.tokens() {
            0 if !self.ended => {
                let asked = subject.asked.as_ref().and_then(|asked| asked.lock().max_tokens);
                if self.passed == 0 && self.failure.is_none() {
                    // Left before the first byte: the provider may have worked on all that was asked for.
                    return asked.unwrap_or(0);
                }
                (self.passed / BYTES_OF_TOKEN).min(asked.unwrap_or(u64::MAX))
            }
            tokens => tokens,
        }
    }

    fn event(&self, subject: Subject, found: Found) -> Ai {
        let asked = subject.asked.map(|asked| asked.lock().clone()).unwrap_or_default();
        let agent = subject.agent;
        let failure = self.failure.clone().or_else(|| reported(self.status, found.error));
        let request_model = asked.model.and_then(|model| name(&Value::Text(model)));
        let model_listed = request_model.as_deref().is_some_and(|model| agent.models.iter().any(|allowed| **allowed == *model));
        Ai {
            started: self.wall,
            duration: self.clock.elapsed(),
            time_to_first_chunk: self.first_chunk.map(|first| first.saturating_duration_since(self.clock)),
            tenant: subject.tenant,
            agent: Arc::clone(&agent.slug),
            operation: subject.operation.name,
            provider: provider(agent.provider),
            request_model,
            model_listed,
            max_tokens: asked.max_tokens,
            temperature: asked.temperature,
            top_p: asked.top_p,
            stream: asked.stream,
            input_tokens: found.input(),
            output_tokens: found.output,
            response_model: found.model,
            response_id: found.id,
            finish_reasons: found.reasons,
            server_address: Arc::clone(&agent.upstream.host),
            server_port: agent.upstream.port,
            status: self.status,
            cancelled: !self.ended && failure.is_none(),
            failure,
            request_id: subject.request_id,
            trace: subject.trace,
        }
    }
}

/// `gen_ai.provider.name` tells which provider's API is spoken; who answers is in `server.address`.
const fn provider(provider: Provider) -> &'static str {
    match provider {
        Provider::OpenAi | Provider::OpenAiCompatible => "openai",
        Provider::Anthropic => "anthropic",
    }
}

/// What the provider itself reported, by its own word where that is a known one, else by its status.
fn reported(status: Option<u16>, error: Option<&'static str>) -> Option<Failure> {
    match (status?, error) {
        (status @ 400.., error) => {
            let kind = error.filter(|kind| *kind != super::usage::PROVIDER_ERROR).unwrap_or_else(|| status_kind(status));
            Some(Failure::new(kind, format!("the provider answered {status}")))
        }
        (_, Some(kind)) => Some(Failure::new(kind, "the provider reported an error in its answer".to_owned())),
        (_, None) => None,
    }
}

/// The status as text, for those that providers use.
const fn status_kind(status: u16) -> &'static str {
    match status {
        400 => "400",
        401 => "401",
        402 => "402",
        403 => "403",
        404 => "404",
        405 => "405",
        408 => "408",
        409 => "409",
        413 => "413",
        415 => "415",
        422 => "422",
        424 => "424",
        429 => "429",
        498 => "498",
        500 => "500",
        501 => "501",
        502 => "502",
        503 => "503",
        504 => "504",
        520 => "520",
        524 => "524",
        529 => "529",
        _ => "_OTHER",
    }
}
