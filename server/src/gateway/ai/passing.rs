//! One call from its request's head to the answer's head.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::header::{self, HeaderMap, HeaderValue};
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{Request, Response, StatusCode};
use http_body::Body as _;
use hyper::body::Incoming;

use super::asked::{self, Reading, Shared};
use super::call::{Call, Subject};
use super::credentials;
use super::denied::Denied;
use super::finder::split;
use super::guarded::{Guarded, Unheld};
use super::operation::Operation;
use crate::event::TraceContext;
use crate::gateway::body::{Body, FromClient, Upload};
use crate::gateway::client::Client;
use crate::gateway::forward::{self, Unanswered};
use crate::gateway::handler::{self, Handler};
use crate::gateway::ids;
use crate::gateway::record::{Begun, Record};
use crate::gateway::refusal::Refusal;
use crate::gateway::seats::Seat;
use crate::live::{Agent, Limits};
use crate::outbound;
use crate::values::TenantId;

/// Models think for minutes before they answer.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(600);

/// What holds for every call.
fn limits() -> Limits {
    Limits { response_timeout: RESPONSE_TIMEOUT, ..Limits::default() }
}

/// A request that found its agent.
pub(in crate::gateway) struct Ready {
    pub(in crate::gateway) host: HeaderValue,
    pub(in crate::gateway) tenant: TenantId,
    pub(in crate::gateway) agent: Arc<Agent>,
    /// `None` asks for nothing but the list of models.
    pub(in crate::gateway) operation: Option<Operation>,
    pub(in crate::gateway) trace: Option<TraceContext>,
    /// Spans are recorded.
    pub(in crate::gateway) traces: bool,
    /// Somebody takes events.
    pub(in crate::gateway) events: bool,
    pub(in crate::gateway) seat: Arc<Seat>,
}

/// What of a request's body is known before it is sent.
struct Sent {
    body: outbound::Body,
    upload: Option<Arc<Upload>>,
    asked: Option<Shared>,
}

impl Handler {
    pub(in crate::gateway) async fn call(
        &self,
        request: Request<Incoming>,
        ready: Ready,
        record: Record,
        client: &Client,
        begun: Begun,
    ) -> Response<Body> {
        let (parts, body) = request.into_parts();
        let unread = !body.is_end_stream();
        let sent = match prepared(&parts, body, &ready, begun).await {
            Ok(sent) => sent,
            Err(Unanswered::Refused(refusal)) => {
                self.report_refused(&refusal, Some(ready.tenant), client, ready.trace.as_ref());
                return handler::refuse(refusal, record, begun, client, unread);
            }
            Err(Unanswered::Cancelled) => return handler::cancelled(record, begun),
        };
        let span = ready.trace.as_ref().map(|trace| span(trace, ready.traces && ready.operation.is_some()));
        let mut call = match self.opened(&ready, &sent, span.as_ref(), begun) {
            Ok(call) => call,
            Err(refusal) => return handler::refuse(refusal, record, begun, client, unread),
        };
        let (upload, asked) = (sent.upload.clone(), sent.asked.clone());
        let outcome = match outgoing(parts, sent.body, &ready, client, span.as_ref().filter(|_| ready.traces)) {
            Ok(request) => forward::send((&self.outbound, ready.tenant), request, &limits(), upload.as_ref()).await,
            Err(refusal) => {
                call.discard();
                Err(Unanswered::Refused(refusal))
            }
        };
        let response = match outcome {
            Ok(response) => response,
            Err(unanswered) => {
                if let Some(denied) = asked.and_then(|asked| asked.lock().denied) {
                    // Its beginning was handed on before, so the provider may have spans below the call's.
                    call.failed(denied.code(), || denied.to_string());
                    call.end();
                    let mut refusal = Refusal::from(denied);
                    refusal.close = true;
                    self.report_refused(&refusal, Some(ready.tenant), client, ready.trace.as_ref());
                    return handler::refuse(refusal, record, begun, client, true);
                }
                let Unanswered::Refused(refusal) = unanswered else {
                    drop(call);
                    return handler::cancelled(record, begun);
                };
                self.report_refused(&refusal, Some(ready.tenant), client, ready.trace.as_ref());
                let (kind, message) = refusal.ended_call();
                call.failed(kind, || message.to_owned());
                call.end();
                return handler::refuse(refusal, record, begun, client, upload.is_some());
            }
        };
        call.answered(response.status().as_u16(), response.headers());
        handler::passed_on(response, upload, (record, call), ready.seat, begun)
    }

    /// The call that is about to be made, if anybody wants to know of it or its tokens count. Then it takes as many of the minute
    /// as its answer may have.
    fn opened(&self, ready: &Ready, sent: &Sent, span: Option<&TraceContext>, begun: Begun) -> Result<Call, Refusal> {
        let per_minute = ready.agent.tokens_per_minute;
        let Some(operation) = ready.operation.filter(|_| ready.events || per_minute.is_some()) else { return Ok(Call::default()) };
        let reserved = per_minute.map(|limit| {
            let most = ready.agent.max_output_tokens.map(|most| u64::from(most.get()));
            let asked = sent.asked.as_ref().and_then(|asked| asked.lock().output()).or(most.filter(|_| operation.generates()));
            self.rates.reserve(ready.agent.id, limit, asked.unwrap_or(0), Instant::now())
        });
        let reserved = reserved.transpose().map_err(Refusal::too_many_tokens)?;
        let subject = Subject {
            tenant: ready.tenant,
            agent: Arc::clone(&ready.agent),
            operation,
            request_id: begun.id,
            trace: span.cloned().unwrap_or_else(nowhere),
            asked: sent.asked.clone(),
        };
        Ok(Call::open(&self.bus, reserved, subject))
    }
}

/// Judges what of the body can be judged before anything is sent.
async fn prepared(parts: &Parts, body: Incoming, ready: &Ready, begun: Begun) -> Result<Sent, Unanswered> {
    let denied = |denied: Denied| Unanswered::Refused(denied.into());
    let limits = ready.operation.map(|operation| asked::Limits::of(&ready.agent, operation)).transpose().map_err(denied)?.flatten();
    if limits.is_some() && !is_json(&parts.headers) {
        return Err(denied(Denied::MediaType));
    }
    if body.is_end_stream() {
        return if limits.is_some() {
            Err(denied(Denied::InvalidJson))
        } else {
            Ok(Sent { body: outbound::Body::Empty, upload: None, asked: None })
        };
    }
    let upload = Upload::new(begun.clock, Arc::clone(&ready.seat));
    let body = FromClient::new(body, self::limits().body_limit, Arc::clone(&upload));
    let counts = ready.agent.tokens_per_minute.is_some();
    if ready.operation.is_none() || (limits.is_none() && !ready.events && !counts) {
        return Ok(Sent { body: outbound::Body::stream(body), upload: Some(upload), asked: None });
    }
    let reading = Reading::new(limits);
    let asked = reading.shared();
    match Guarded::hold(body, reading).await {
        Ok(guarded) => Ok(Sent { body: outbound::Body::stream(guarded), upload: Some(upload), asked: Some(asked) }),
        Err(Unheld::Denied(one)) => Err(denied(one)),
        Err(Unheld::Late) => Err(Unanswered::Refused(Refusal::body_late())),
        Err(Unheld::Broken) => Err(forward::upload_failed(&upload).unwrap_or(Unanswered::Cancelled)),
    }
}

/// Nothing that another parser would read as another format, or in another alphabet.
fn is_json(headers: &HeaderMap) -> bool {
    let mut types = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(only), None) = (types.next().and_then(|value| value.to_str().ok()), types.next()) else { return false };
    let (essence, parameters) = only.split_once(';').unwrap_or((only, ""));
    let parameters = parameters.trim().to_ascii_lowercase();
    essence.trim().eq_ignore_ascii_case("application/json")
        && matches!(parameters.as_str(), "" | "charset=utf-8" | "charset=\"utf-8\"")
        && !headers.contains_key(header::CONTENT_ENCODING)
}

/// The request as the provider gets it.
fn outgoing(
    mut parts: Parts,
    body: outbound::Body,
    ready: &Ready,
    client: &Client,
    trace: Option<&TraceContext>,
) -> Result<Request<outbound::Body>, Refusal> {
    let (_, path) = split(parts.uri.path());
    let query = parts.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let target = PathAndQuery::from_maybe_shared(bytes::Bytes::from(format!("{path}{query}")));
    let too_long = |_| Refusal::new(StatusCode::URI_TOO_LONG, "Request target too long");
    parts.uri = target.map_err(too_long)?.into();
    credentials::withhold(&mut parts.headers, ready.agent.provider);
    let agent = &ready.agent;
    let mut request = forward::request(parts, body, (&agent.upstream, &agent.inject), client, ready.host.clone(), trace)?;
    credentials::conceal(request.headers_mut());
    Ok(request)
}

/// The place in the trace of what is sent: the call's own below the request, if the call is told of as a span. What has none, as a
/// look at the list of models, is sent from the request's place.
fn span(request: &TraceContext, own: bool) -> TraceContext {
    if !own {
        return request.clone();
    }
    TraceContext { span_id: ids::random(), parent_span_id: Some(request.span_id), ..request.clone() }
}

/// Of a call that nobody asks the trace of.
const fn nowhere() -> TraceContext {
    TraceContext { trace_id: [0; 16], span_id: [0; 8], parent_span_id: None, flags: 0, state: None, invented: true }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_json_is_held_against_limits() {
        let read =
            |types: &[&'static str]| is_json(&types.iter().map(|text| (header::CONTENT_TYPE, HeaderValue::from_static(text))).collect());
        for good in ["application/json", "Application/JSON; charset=UTF-8", "application/json;charset=\"utf-8\"", "application/json;"] {
            assert!(read(&[good]), "{good}");
        }
        for bad in ["", "text/plain", "application/json; charset=utf-7", "multipart/form-data; boundary=x", "application/jsonp"] {
            assert!(!read(&[bad]), "{bad}");
        }
        assert!(!read(&[]) && !read(&["application/json", "multipart/form-data; boundary=x"]));
        let encoded = [(header::CONTENT_TYPE, "application/json"), (header::CONTENT_ENCODING, "gzip")];
        assert!(!is_json(&encoded.into_iter().map(|(name, value)| (name, HeaderValue::from_static(value))).collect()));
    }
}
