//! Calls of AI providers: a `CLIENT` span each and the client metrics of the GenAI conventions, the operator's only. Never a
//! prompt or a completion.

use std::borrow::Cow;
use std::sync::Arc;

use opentelemetry::KeyValue;
use opentelemetry::metrics::{Histogram, Meter};

use super::genai_names as genai;
use super::share::Shares;
use super::span::{Call, client, id};
use super::{client_error_type, names};
use crate::event::Ai;
use crate::telemetry::otlp::{Attributes, Records};

/// The conventions' advice, in seconds.
const SECONDS: [f64; 14] = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];
const FIRST_CHUNK_SECONDS: [f64; 15] = [0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 10.0];
const TOKENS: [f64; 14] =
    [1.0, 4.0, 16.0, 64.0, 256.0, 1024.0, 4096.0, 16384.0, 65536.0, 262_144.0, 1_048_576.0, 4_194_304.0, 16_777_216.0, 67_108_864.0];

/// Writes the call's span, unless its trace is not sampled.
pub fn span(out: &mut Records, ai: &Ai, tenant: Option<&str>) {
    let call = Call {
        name: (ai.operation, ai.request_model.as_deref()),
        started: ai.started,
        duration: ai.duration,
        failure: ai.failure.as_ref(),
        failed: error_type(ai).is_some(),
    };
    client(out, &ai.trace, &call, |out| attributes(out, ai, tenant));
}

fn attributes(out: &mut Attributes<'_>, ai: &Ai, tenant: Option<&str>) {
    out.text(genai::OPERATION_NAME, ai.operation);
    out.text(genai::PROVIDER_NAME, ai.provider);
    out.text(names::SERVER_ADDRESS, &ai.server_address);
    out.integer(names::SERVER_PORT, ai.server_port);
    out.text(names::AI_AGENT, &ai.agent);
    id(out, names::REQUEST_ID, ai.request_id);
    for (name, text) in
        [(genai::REQUEST_MODEL, &ai.request_model), (genai::RESPONSE_MODEL, &ai.response_model), (genai::RESPONSE_ID, &ai.response_id)]
    {
        if let Some(text) = text {
            out.text(name, text);
        }
    }
    for (name, tokens) in [
        (genai::REQUEST_MAX_TOKENS, ai.max_tokens),
        (genai::USAGE_INPUT_TOKENS, ai.input_tokens),
        (genai::USAGE_OUTPUT_TOKENS, ai.output_tokens),
    ] {
        if let Some(tokens) = tokens {
            out.integer(name, i64::try_from(tokens).unwrap_or(i64::MAX));
        }
    }
    for (name, number) in [
        (genai::REQUEST_TEMPERATURE, ai.temperature),
        (genai::REQUEST_TOP_P, ai.top_p),
        (genai::RESPONSE_TIME_TO_FIRST_CHUNK, ai.time_to_first_chunk.map(|time| time.as_secs_f64())),
    ] {
        if let Some(number) = number {
            out.double(name, number);
        }
    }
    if ai.stream {
        out.flag(genai::REQUEST_STREAM, true);
    }
    if !ai.finish_reasons.is_empty() {
        out.texts(genai::RESPONSE_FINISH_REASONS, ai.finish_reasons.iter().map(|reason| &**reason));
    }
    if let Some(status) = ai.status {
        out.integer(names::HTTP_RESPONSE_STATUS_CODE, status);
    }
    if let Some(tenant) = tenant {
        out.text(names::TENANT_ID, tenant);
    }
    if ai.cancelled {
        out.flag(names::CANCELLED, true);
    }
    if let Some(error) = error_type(ai) {
        out.text(names::ERROR_TYPE, &error);
    }
}

/// A caller who went away made no error.
fn error_type(ai: &Ai) -> Option<Cow<'static, str>> {
    if ai.cancelled { None } else { client_error_type(ai.failure.as_ref(), ai.status) }
}

/// The instruments.
#[derive(Debug)]
pub struct AiMeters {
    tokens: Histogram<u64>,
    duration: Histogram<f64>,
    first_chunk: Histogram<f64>,
    shares: Shares,
}

impl AiMeters {
    #[must_use]
    pub fn new(meter: &Meter) -> Self {
        Self {
            tokens: meter
                .u64_histogram(genai::CLIENT_TOKEN_USAGE)
                .with_unit("{token}")
                .with_description("Number of input and output tokens used")
                .with_boundaries(TOKENS.to_vec())
                .build(),
            duration: meter
                .f64_histogram(genai::CLIENT_OPERATION_DURATION)
                .with_unit("s")
                .with_description("GenAI operation duration")
                .with_boundaries(SECONDS.to_vec())
                .build(),
            first_chunk: meter
                .f64_histogram(genai::CLIENT_OPERATION_TIME_TO_FIRST_CHUNK)
                .with_unit("s")
                .with_description("Time to receive the first chunk of a streamed answer")
                .with_boundaries(FIRST_CHUNK_SECONDS.to_vec())
                .build(),
            shares: Shares::default(),
        }
    }

    pub(super) const fn shares(&self) -> &Shares {
        &self.shares
    }

    /// Counts the call. Tokens that the provider did not report are not counted.
    pub fn record(&self, ai: &Ai, tenant: Option<&str>) {
        let mut attributes = self.shares.within(tenant, dimensions(ai, tenant));
        for (kind, tokens) in [("input", ai.input_tokens), ("output", ai.output_tokens)] {
            if let Some(tokens) = tokens {
                let mut with_type = attributes.clone();
                with_type.push(KeyValue::new(genai::TOKEN_TYPE, kind));
                self.tokens.record(tokens, &with_type);
            }
        }
        if let Some(time) = ai.time_to_first_chunk {
            self.first_chunk.record(time.as_secs_f64(), &attributes);
        }
        if let Some(error) = error_type(ai) {
            attributes.push(KeyValue::new(names::ERROR_TYPE, error));
        }
        self.duration.record(ai.duration.as_secs_f64(), &attributes);
    }
}

/// A model is named only if the agent's list has it, or once a provider has answered for it: whoever calls could make up any number
/// of names.
fn dimensions(ai: &Ai, tenant: Option<&str>) -> Vec<KeyValue> {
    let mut out = vec![
        KeyValue::new(genai::OPERATION_NAME, ai.operation),
        KeyValue::new(genai::PROVIDER_NAME, ai.provider),
        KeyValue::new(names::SERVER_ADDRESS, Arc::clone(&ai.server_address)),
        KeyValue::new(names::SERVER_PORT, i64::from(ai.server_port)),
    ];
    let answered = ai.status.is_some_and(|status| (200..300).contains(&status));
    let asked = ai.request_model.clone().filter(|_| answered || ai.model_listed);
    let models = [(genai::REQUEST_MODEL, asked), (genai::RESPONSE_MODEL, ai.response_model.clone().filter(|_| answered))];
    out.extend(models.into_iter().filter_map(|(name, model)| Some(KeyValue::new(name, model?))));
    if let Some(tenant) = tenant {
        out.push(KeyValue::new(names::TENANT_ID, tenant.to_owned()));
    }
    out
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::trace::v1::Span;

    use super::super::fixtures::{TENANT, ai as fixture, lines, spans};
    use super::*;
    use crate::event::Failure;

    fn mapped(ai: &Ai, tenant: Option<&str>) -> Span {
        spans(|out| span(out, ai, tenant)).remove(0)
    }

    #[test]
    fn a_streamed_chat() {
        let span = mapped(&fixture(), Some(&TENANT.to_string()));
        insta::assert_snapshot!(lines(&span));
        assert_eq!(span.flags, 0x101, "its parent is known to be no remote one");
    }

    #[test]
    fn what_the_provider_did_not_say_is_not_said() {
        let bare = Ai {
            request_model: None,
            response_model: None,
            response_id: None,
            finish_reasons: Vec::new(),
            input_tokens: None,
            output_tokens: None,
            max_tokens: None,
            temperature: None,
            top_p: None,
            stream: false,
            time_to_first_chunk: None,
            status: Some(429),
            ..fixture()
        };
        insta::assert_snapshot!(lines(&mapped(&bare, None)));
    }

    #[test]
    fn a_caller_who_went_away_made_no_error() {
        let failure = Some(Failure::new("connection_closed", "mid-stream".to_owned()));
        let cut = Ai { failure: failure.clone(), ..fixture() };
        assert_eq!(error_type(&cut).as_deref(), Some("connection_closed"));
        assert_eq!(mapped(&cut, None).status.unwrap().code, 2);
        let gone = Ai { failure, cancelled: true, ..fixture() };
        assert_eq!(error_type(&gone), None);
    }

    #[test]
    fn a_model_that_no_provider_knows_is_no_dimension() {
        let named = |ai: &Ai| dimensions(ai, None).iter().any(|attribute| attribute.key.as_str() == "gen_ai.request.model");
        assert!(named(&fixture()));
        for status in [Some(404), None] {
            assert!(!named(&Ai { status, ..fixture() }), "{status:?}");
            assert!(named(&Ai { status, model_listed: true, ..fixture() }), "{status:?}");
        }
    }
}
