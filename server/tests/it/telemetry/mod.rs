//! Telemetry from the bus to the wire, against collectors that record.

mod delivery;
mod egress;
mod environment;
mod happenings;
mod isolation;
mod kinds;
mod leftovers;
mod metric_oracle;
mod metrics;
mod oracle;
mod probe;
mod real_collector;
mod reload;
mod scale;
mod signals;
mod spool;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use server::bus::Bus;
use server::event::{Ai, Event, Failure, Request, TraceContext, Webhook, sample};
use server::live::{Batch, Compression, ExportTarget, Exports, Owner, SignalTarget, Temporality};
use server::outbound::{Backoff, Outbound};
use server::telemetry::{Options, OutboundTransport, Retry, Status, Telemetry};
use server::values::{DeliveryMethod, Endpoint, EventType, ExactUrl, HeaderList, Signal, TenantId};
use tokio::sync::watch;
use uuid::Uuid;

use crate::support::collector::Collector;
use crate::support::network::outbound;

/// Telemetry over a configuration that the test changes.
struct Rig {
    bus: Bus,
    telemetry: Telemetry,
    exports: watch::Sender<Arc<Exports>>,
}

impl Rig {
    fn start(exports: Exports, options: Options) -> Self {
        Self::over(exports, options, outbound())
    }

    fn over(exports: Exports, options: Options, outbound: Outbound) -> Self {
        let exports = watch::Sender::new(Arc::new(exports));
        let bus = Bus::default();
        let transport = Arc::new(OutboundTransport::new(outbound));
        let telemetry = Telemetry::start(exports.subscribe(), &bus, transport, options);
        Self { bus, telemetry, exports }
    }

    fn emit(&self, request: Request) {
        self.bus.emit(request.tenant, || Event::Request(request));
    }

    fn configure(&self, exports: Exports) {
        self.exports.send_replace(Arc::new(exports));
    }

    /// Waits until it is so, whoever sees to it.
    async fn until(&self, what: &str, holds: impl Fn() -> bool) {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
        while !holds() {
            assert!(tokio::time::Instant::now() < deadline, "{what}");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    fn status(&self, owner: Owner) -> Status {
        self.telemetry.status(owner).expect("there is no such destination")
    }

    /// Waits until the destination's status is as expected.
    async fn wait_for(&self, owner: Owner, expected: impl Fn(&Status) -> bool) -> Status {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
        loop {
            let status = self.telemetry.status(owner);
            if let Some(status) = &status {
                check_sum(status);
                if expected(status) {
                    return status.clone();
                }
            }
            assert!(tokio::time::Instant::now() < deadline, "the status is not as expected: {status:?}");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

fn check_sum(status: &Status) {
    assert_eq!(status.accepted, status.delivered + status.rejected + status.dropped_total() + status.queued, "{status:?}");
}

/// Bounds that make tests quick: retries in milliseconds.
fn quick() -> Options {
    Options {
        retry: Retry {
            backoff: Backoff { initial: Duration::from_millis(5), max_delay: Duration::from_millis(20), ..Retry::default().backoff },
            max_elapsed: Duration::from_secs(20),
        },
        drain: Duration::from_secs(20),
        ..Options::default()
    }
}

/// A destination at this endpoint with all signals on.
pub fn target(owner: Owner, endpoint: &str, headers: &str) -> ExportTarget {
    let base = Endpoint::parse(endpoint).unwrap();
    let signal = |signal: Signal| {
        Some(SignalTarget {
            url: ExactUrl::parse(&base.signal_url(signal)).unwrap(),
            headers: HeaderList::parse(headers).unwrap(),
            timeout: Duration::from_secs(10),
        })
    };
    let batch = Batch { max_delay: Duration::from_millis(20), ..Batch::default() };
    ExportTarget {
        owner,
        generation: 1,
        managed: false,
        service_name: "knoxcall".to_owned(),
        resource: Vec::new(),
        traces: if owner == Owner::Operator { signal(Signal::Traces) } else { None },
        logs: signal(Signal::Logs),
        metrics: signal(Signal::Metrics),
        suspended: Vec::new(),
        compression: Compression::Gzip,
        temporality: Temporality::Cumulative,
        metric_interval: Duration::from_secs(3600),
        span_batch: batch,
        log_batch: batch,
        certificate: None,
    }
}

fn operator(collector: &Collector) -> ExportTarget {
    target(Owner::Operator, &collector.endpoint(), "")
}

fn tenant(id: TenantId, collector: &Collector) -> ExportTarget {
    target(Owner::Tenant(id), &collector.endpoint(), "")
}

pub fn exports(targets: impl IntoIterator<Item = ExportTarget>) -> Exports {
    let mut out = Exports::default();
    for target in targets {
        match target.owner {
            Owner::Operator => out.operator = Some(Arc::new(target)),
            Owner::Tenant(id) => {
                out.tenants.insert(id, Arc::new(target));
            }
        }
    }
    out
}

fn tenant_id(n: u128) -> TenantId {
    TenantId(Uuid::from_u128(n))
}

/// A proxied request of this workspace that went well, with identifiers of its own.
fn request(tenant: TenantId) -> Request {
    let id = Uuid::new_v4();
    let mut span_id = [0; 8];
    span_id.copy_from_slice(&id.as_bytes()[8..]);
    Request {
        started: SystemTime::now(),
        request_id: id,
        tenant: Some(tenant),
        trace: TraceContext { trace_id: *id.as_bytes(), span_id, ..sample::trace() },
        ..sample::request()
    }
}

/// A call's own span within the request's.
fn within(request: &Request, span: u8) -> TraceContext {
    TraceContext { span_id: [span; 8], parent_span_id: Some(request.trace.span_id), ..request.trace.clone() }
}

/// The second attempt to tell of a request: nobody answered.
fn webhook(request: &Request) -> Webhook {
    Webhook {
        started: request.started,
        duration: Duration::from_millis(30),
        tenant: tenant_id(1),
        endpoint: Uuid::from_u128(1),
        delivery: Uuid::from_u128(2),
        event_type: EventType::RequestServerError,
        method: DeliveryMethod::Put,
        server_address: "hooks.test".into(),
        server_port: 443,
        status: None,
        retry_count: 1,
        failure: Some(Failure::new("timeout", "no answer within 15 s".to_owned())),
        request_id: Some(request.request_id),
        trace: within(request, 0x11),
    }
}

/// A streamed answer of which the provider counted the input alone.
fn ai(request: &Request) -> Ai {
    Ai {
        started: request.started,
        duration: Duration::from_secs(2),
        time_to_first_chunk: Some(Duration::from_millis(200)),
        tenant: tenant_id(1),
        agent: "bot".into(),
        operation: "chat",
        provider: "anthropic",
        request_model: Some("claude".to_owned()),
        model_listed: false,
        max_tokens: Some(100),
        temperature: Some(0.5),
        top_p: None,
        stream: true,
        response_model: Some("claude-1".to_owned()),
        response_id: Some("msg_1".to_owned()),
        finish_reasons: vec!["end_turn".to_owned()],
        input_tokens: Some(10),
        output_tokens: None,
        server_address: "api.test".into(),
        server_port: 443,
        status: Some(200),
        failure: None,
        cancelled: false,
        request_id: request.request_id,
        trace: within(request, 0x22),
    }
}
