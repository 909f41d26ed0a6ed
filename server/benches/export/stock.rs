//! The official SDK as its documentation sets it up: batch processors, periodic reader, OTLP exporters. HTTP client and gzip are
//! the same kind as this product's, so that the pipelines alone differ.

use std::error::Error;
use std::io::Write as _;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::{HeaderValue, Request, Response, header};
use opentelemetry::logs::{AnyValue, LogRecord as _, Logger as _, LoggerProvider as _, Severity};
use opentelemetry::metrics::{Counter, Histogram, MeterProvider as _};
use opentelemetry::trace::{Span as _, SpanKind, TraceContextExt as _, Tracer as _, TracerProvider as _};
use opentelemetry::{Context, KeyValue};
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_otlp::{LogExporter, MetricExporter, Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::logs::{BatchConfigBuilder as LogBatch, BatchLogProcessor, SdkLogger, SdkLoggerProvider};
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::trace::{BatchConfigBuilder as SpanBatch, BatchSpanProcessor, SdkTracer, SdkTracerProvider};
use server::event;

use crate::events::Events;
use crate::{Cost, cpu_micros};

/// Between two flushes; its queues hold as many.
const CHUNK: usize = 4096;

/// Compresses and sends on a runtime, from whatever thread asks.
#[derive(Clone, Debug)]
struct Client {
    client: reqwest::Client,
    runtime: tokio::runtime::Handle,
}

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (mut parts, body) = request.into_parts();
        let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 8), Compression::fast());
        encoder.write_all(&body)?;
        parts.headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        let sending = self.client.execute(reqwest::Request::try_from(Request::from_parts(parts, encoder.finish()?))?);
        let answer = self.runtime.spawn(sending).await??;
        let status = answer.status();
        let mut response = Response::new(Bytes::new());
        *response.status_mut() = status;
        Ok(response)
    }
}

struct Pipelines {
    tracer: SdkTracer,
    logger: SdkLogger,
    requests: Counter<u64>,
    duration: Histogram<f64>,
    server_duration: Histogram<f64>,
}

pub fn cost(endpoint: &str, requests: u64) -> Result<Cost, Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let client = Client { client: reqwest::Client::new(), runtime: runtime.handle().clone() };
    let url = |path: &str| format!("{endpoint}/v1/{path}");
    let spans = SpanExporter::builder().with_http().with_http_client(client.clone());
    let spans = spans.with_endpoint(url("traces")).with_protocol(Protocol::HttpBinary).build()?;
    let logs = LogExporter::builder().with_http().with_http_client(client.clone());
    let logs = logs.with_endpoint(url("logs")).with_protocol(Protocol::HttpBinary).build()?;
    let metrics = MetricExporter::builder().with_http().with_http_client(client);
    let metrics = metrics.with_endpoint(url("metrics")).with_protocol(Protocol::HttpBinary).build()?;
    let config = SpanBatch::default().with_max_queue_size(2 * CHUNK).with_scheduled_delay(Duration::from_secs(1)).build();
    let tracing = SdkTracerProvider::builder();
    let tracing = tracing.with_span_processor(BatchSpanProcessor::builder(spans).with_batch_config(config).build()).build();
    let config = LogBatch::default().with_max_queue_size(2 * CHUNK).with_scheduled_delay(Duration::from_secs(1)).build();
    let logging = SdkLoggerProvider::builder();
    let logging = logging.with_log_processor(BatchLogProcessor::builder(logs).with_batch_config(config).build()).build();
    let metering = SdkMeterProvider::builder().with_periodic_exporter(metrics).build();
    let meter = metering.meter("knoxcall");
    let pipelines = Pipelines {
        tracer: tracing.tracer("knoxcall"),
        logger: logging.logger("knoxcall"),
        requests: meter.u64_counter("knoxcall.proxy.requests").build(),
        duration: meter.f64_histogram("knoxcall.proxy.request.duration").build(),
        server_duration: meter.f64_histogram("http.server.request.duration").build(),
    };

    let before = cpu_micros().ok_or("no /proc")?;
    for (n, request) in (1_usize..).zip(Events::new().take(requests.try_into()?)) {
        pipelines.tell(&request);
        if n.is_multiple_of(CHUNK) {
            tracing.force_flush()?;
            logging.force_flush()?;
        }
    }
    tracing.shutdown()?;
    logging.shutdown()?;
    metering.shutdown()?;
    Ok(Cost { records: requests * 2, cpu_micros: cpu_micros().ok_or("no /proc")? - before })
}

impl Pipelines {
    /// The same attributes as this product's signals have.
    fn tell(&self, request: &event::Request) {
        let Some(proxied) = &request.proxied else { return };
        let status = i64::from(request.status.unwrap_or_default());
        let id = request.request_id.to_string();
        let tenant = request.tenant.map(|tenant| tenant.to_string()).unwrap_or_default();
        let milliseconds = request.duration.as_secs_f64() * 1000.0;
        let span = self
            .tracer
            .span_builder(format!("GET {}", proxied.route))
            .with_kind(SpanKind::Server)
            .with_start_time(request.started)
            .with_attributes([
                KeyValue::new("http.request.method", "GET"),
                KeyValue::new("url.path", request.path.clone()),
                KeyValue::new("url.scheme", "http"),
                KeyValue::new("server.address", request.server_address.clone()),
                KeyValue::new("network.protocol.version", "1.1"),
                KeyValue::new("knoxcall.component", "gateway"),
                KeyValue::new("knoxcall.request_id", id.clone()),
                KeyValue::new("knoxcall.latency_ms", milliseconds),
                KeyValue::new("server.port", 8080),
                KeyValue::new("http.response.status_code", status),
                KeyValue::new("client.address", request.client_address.map(|ip| ip.to_string()).unwrap_or_default()),
                KeyValue::new("user_agent.original", request.user_agent.clone().unwrap_or_default()),
                KeyValue::new("knoxcall.tenant_id", tenant.clone()),
                KeyValue::new("knoxcall.route_name", proxied.route.clone()),
                KeyValue::new("knoxcall.environment", proxied.environment.clone()),
                KeyValue::new("knoxcall.upstream_address", proxied.upstream_address.clone().unwrap_or_default()),
            ]);
        let mut span = self.tracer.build_with_context(span, &Context::new());
        let context = span.span_context().clone();
        span.end_with_timestamp(request.started + request.duration);

        let context = Context::new().with_remote_span_context(context);
        let _current = context.attach();
        let mut record = self.logger.create_log_record();
        record.set_event_name("knoxcall.proxy.request");
        record.set_timestamp(request.started + request.duration);
        record.set_severity_number(Severity::Info);
        record.set_severity_text("INFO");
        record.add_attribute("event.name", "knoxcall.proxy.request");
        record.add_attribute("http.request.method", "GET");
        record.add_attribute("url.path", request.path.clone());
        record.add_attribute("http.response.status_code", status);
        record.add_attribute("server.address", proxied.upstream_host.as_deref().unwrap_or_default().to_owned());
        record.add_attribute("knoxcall.request_id", id);
        record.add_attribute("knoxcall.tenant_id", tenant.clone());
        record.add_attribute("knoxcall.route_name", proxied.route.to_string());
        record.add_attribute("knoxcall.environment", proxied.environment.to_string());
        record.add_attribute("knoxcall.latency_ms", AnyValue::from(milliseconds));
        self.logger.emit(record);

        let attributes = [
            KeyValue::new("http.response.status_code", status),
            KeyValue::new("knoxcall.status_class", if status < 400 { "2xx" } else { "4xx" }),
            KeyValue::new("knoxcall.route_name", proxied.route.clone()),
            KeyValue::new("knoxcall.environment", proxied.environment.clone()),
            KeyValue::new("knoxcall.error", false),
            KeyValue::new("knoxcall.tenant_id", tenant.clone()),
        ];
        self.requests.add(1, &attributes);
        self.duration.record(milliseconds, &attributes);
        let attributes = [
            KeyValue::new("http.request.method", "GET"),
            KeyValue::new("url.scheme", "http"),
            KeyValue::new("network.protocol.version", "1.1"),
            KeyValue::new("http.response.status_code", status),
            KeyValue::new("knoxcall.tenant_id", tenant),
        ];
        self.server_duration.record(request.duration.as_secs_f64(), &attributes);
    }
}
