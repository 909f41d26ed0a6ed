//! One attempt to deliver: one request by the one outbound client, and one event that says what came of it. Knows nothing
//! of what is tried when.

use std::time::{Duration, Instant, SystemTime};

use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, header};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use tokio::time::timeout;
use uuid::Uuid;

use super::{retry, sign};
use crate::bus::Bus;
use crate::event::{Event, Failure, Security, SecurityKind, TraceContext, Webhook as Told};
use crate::live::Webhook;
use crate::outbound::{Outbound, Whose, retry_after};
use crate::store::{Attempt, Delivery, Trace, unix_millis};
use crate::trace_context;
use crate::values::{DeliveryMethod, FailureKind};

/// How long making a connection may take, within the endpoint's own time.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Of an answer this much is read, so that its connection can be used again; it means nothing.
const READ_OF_ANSWER: usize = 16 * 1024;
const READ_FOR: Duration = Duration::from_secs(1);

/// What came of it.
#[derive(Debug)]
pub struct Made {
    pub attempt: Attempt,
    /// What the receiver asked for.
    pub after: Option<Duration>,
}

/// The way out, and whom to tell.
pub struct Way {
    pub outbound: Outbound,
    /// Itself, not a way to it that ends with it: what comes of the last attempts is told while everything else has stopped.
    pub bus: Bus,
}

impl Way {
    /// `body` is the delivery's.
    pub async fn attempt(&self, endpoint: &Webhook, delivery: &Delivery, body: &str) -> Made {
        let number = delivery.attempts.last().map_or(0, |last| last.number) + 1;
        let trace = self.place(endpoint, delivery);
        let (started, clock) = (SystemTime::now(), Instant::now());
        let sent = match request(endpoint, (delivery.id, body), started, Some(&trace).filter(|trace| !trace.invented)) {
            Some(request) => {
                let whose = Whose::Workspace(endpoint.workspace);
                timeout(endpoint.timeout, self.outbound.send(whose, request, CONNECT_TIMEOUT)).await
            }
            None => Ok(Err(crate::outbound::Error::Other("the request could not be made".to_owned()))),
        };
        let duration = clock.elapsed();
        let (status, failure, told, after) = match sent {
            Ok(Ok(response)) => {
                let status = response.status().as_u16();
                let after = response.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
                let after = after.and_then(|text| retry_after(text, SystemTime::now()));
                drain(response).await;
                (Some(status), retry::failure_of(status), None, after)
            }
            Ok(Err(error)) => (None, Some(error.failure()), Some(Failure::new(error.kind(), error.to_string())), None),
            Err(_) => {
                let message = format!("no answer within {} s", endpoint.timeout.as_secs());
                (None, Some(FailureKind::Timeout), Some(Failure::new("timeout", message)), None)
            }
        };
        if let Some(FailureKind::Blocked { rule }) = failure {
            self.blocked(endpoint, SecurityKind::EgressBlocked { rule }, &trace);
        }
        self.bus.emit(Some(endpoint.workspace), || {
            Event::Webhook(Told {
                started,
                duration,
                tenant: endpoint.workspace,
                endpoint: endpoint.id,
                delivery: delivery.id,
                event_type: delivery.event,
                method: endpoint.method,
                server_address: endpoint.url.origin().host().into(),
                server_port: endpoint.url.origin().port(),
                status,
                retry_count: number - 1,
                failure: told,
                request_id: delivery.request_id,
                trace,
            })
        });
        let latency_ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        Made { attempt: Attempt { at: unix_millis(started), number, status, latency_ms, failure }, after }
    }

    /// The attempt's place in the trace of what caused it. With traces off a context that came in passes through unchanged.
    fn place(&self, endpoint: &Webhook, delivery: &Delivery) -> TraceContext {
        let traces = self.bus.interest(Some(endpoint.workspace)).traces;
        match (delivery.trace.as_ref().and_then(context), traces) {
            (Some(cause), true) => trace_context::child(&cause),
            (Some(cause), false) => cause,
            (None, traces) => trace_context::begin(&HeaderMap::new(), traces),
        }
    }

    fn blocked(&self, endpoint: &Webhook, kind: SecurityKind, trace: &TraceContext) {
        let tenant = Some(endpoint.workspace);
        self.bus.emit(tenant, || {
            Event::Security(Security { at: SystemTime::now(), kind, tenant, client_address: None, trace: Some(trace.clone()), count: 1 })
        });
    }
}

/// `None` where the HTTP library does not take the URL, which its narrower grammar excludes.
fn request(
    endpoint: &Webhook,
    (id, body): (Uuid, &str),
    now: SystemTime,
    trace: Option<&TraceContext>,
) -> Option<Request<crate::outbound::Body>> {
    let mut headers = HeaderMap::with_capacity(endpoint.headers.len() + 8);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::USER_AGENT, HeaderValue::from_static(concat!("KnoxCall/", env!("CARGO_PKG_VERSION"))));
    for (name, value) in &endpoint.headers {
        headers.insert(HeaderName::clone(name), value.clone());
    }
    sign::write(&mut headers, id, unix_millis(now), body, &endpoint.signing);
    if let Some(trace) = trace {
        trace_context::write(trace, &mut headers);
    }
    let mut request = Request::new(bytes::Bytes::copy_from_slice(body.as_bytes()).into());
    *request.method_mut() = match endpoint.method {
        DeliveryMethod::Post => Method::POST,
        DeliveryMethod::Put => Method::PUT,
        DeliveryMethod::Patch => Method::PATCH,
    };
    *request.uri_mut() = endpoint.url.as_str().parse().ok()?;
    *request.headers_mut() = headers;
    Some(request)
}

async fn drain(response: Response<Incoming>) {
    let mut body = response.into_body();
    let reading = async {
        let mut read = 0;
        while let Some(Ok(frame)) = body.frame().await {
            read += frame.data_ref().map_or(0, bytes::Bytes::len);
            if read > READ_OF_ANSWER {
                break;
            }
        }
    };
    // What it says changes nothing, whether it comes or not.
    let _ = timeout(READ_FOR, reading).await;
}

/// As it is kept.
#[must_use]
pub fn kept(context: &TraceContext) -> Trace {
    Trace {
        trace_id: hex::encode(context.trace_id),
        span_id: hex::encode(context.span_id),
        flags: context.flags,
        state: context.state.clone(),
    }
}

fn context(kept: &Trace) -> Option<TraceContext> {
    let (mut trace_id, mut span_id) = ([0; 16], [0; 8]);
    hex::decode_to_slice(&kept.trace_id, &mut trace_id).ok()?;
    hex::decode_to_slice(&kept.span_id, &mut span_id).ok()?;
    Some(TraceContext { trace_id, span_id, parent_span_id: None, flags: kept.flags, state: kept.state.clone(), invented: false })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_is_read_as_it_was_kept() {
        let given = super::super::fixtures::request().trace;
        assert_eq!(context(&kept(&given)), Some(given));
        let broken = Trace { trace_id: "zz".to_owned(), span_id: String::new(), flags: 0, state: None };
        assert_eq!(context(&broken), None);
    }
}
