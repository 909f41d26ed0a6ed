//! OTLP payloads, encoded by the official exporters and sent by nobody but us.
//!
//! opentelemetry-otlp's HTTP exporters lay the process's `OTEL_EXPORTER_OTLP_*HEADERS` over the headers they were given
//! and read endpoint, timeout, protocol and compression from the environment where nothing was set. So they serve as
//! encoders only: every setting is given, what they would send is caught before it leaves, and of the caught request
//! nothing but the body is used. Their headers, endpoint, retries and clock never reach a destination.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response, header};
use opentelemetry::InstrumentationScope;
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_otlp::{
    ExporterBuildError, LogExporter, MetricExporter, Protocol, RetryPolicy, SpanExporter, WithExportConfig, WithHttpConfig,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkError;
use opentelemetry_sdk::logs::{LogBatch, LogExporter as _, SdkLogRecord};
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use opentelemetry_sdk::metrics::exporter::PushMetricExporter as _;
use opentelemetry_sdk::trace::{SpanData, SpanExporter as _};

use super::signal::metric::temporality;
use super::signal::resource;
use crate::live::ExportTarget;

#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    #[error("the encoder could not be built: {0}")]
    Build(#[from] ExporterBuildError),
    #[error("the records could not be encoded: {0}")]
    Encode(#[from] OTelSdkError),
    #[error("the encoder gave nothing to send")]
    Nothing,
}

/// The encoders of one destination; only those of the signals that it takes.
#[derive(Debug)]
pub struct Encoders {
    traces: Option<Encoder<SpanExporter>>,
    logs: Option<Encoder<LogExporter>>,
    metrics: Option<Encoder<MetricExporter>>,
}

#[derive(Debug)]
struct Encoder<E> {
    exporter: E,
    capture: Arc<Capture>,
}

/// Somewhere to point an exporter whose requests never leave. `.invalid` resolves nowhere (RFC 6761).
const NOWHERE: &str = "http://captured.invalid/";

/// Builds one exporter with every setting given, so that none is left for the environment to fill in.
macro_rules! encoder {
    ($builder:expr) => {{
        let capture = Arc::new(Capture::default());
        let exporter = $builder
            .with_http()
            .with_shared_http_client(Arc::clone(&capture) as Arc<dyn HttpClient>)
            .with_endpoint(NOWHERE)
            .with_protocol(Protocol::HttpBinary)
            .with_timeout(Duration::from_secs(1))
            .with_retry_policy(RetryPolicy::disabled())
            // The limit is checked by whoever sends: it can also split what is too large.
            .with_max_request_body_size(usize::MAX)
            .build()?;
        Encoder { exporter, capture }
    }};
}

impl Encoders {
    /// # Errors
    /// [`EncodeError::Build`].
    pub fn new(target: &ExportTarget) -> Result<Self, EncodeError> {
        let resource: Resource = resource(target);
        let mut traces = match &target.traces {
            Some(_) => Some(encoder!(SpanExporter::builder())),
            None => None,
        };
        let mut logs = match &target.logs {
            Some(_) => Some(encoder!(LogExporter::builder())),
            None => None,
        };
        let metrics = match &target.metrics {
            Some(_) => Some(encoder!(MetricExporter::builder().with_temporality(temporality(target.temporality)))),
            None => None,
        };
        if let Some(encoder) = &mut traces {
            encoder.exporter.set_resource(&resource);
        }
        if let Some(encoder) = &mut logs {
            encoder.exporter.set_resource(&resource);
        }
        Ok(Self { traces, logs, metrics })
    }

    /// # Errors
    /// When the exporter does not encode, or traces are off.
    pub async fn spans(&self, spans: Vec<SpanData>) -> Result<Bytes, EncodeError> {
        let encoder = self.traces.as_ref().ok_or(EncodeError::Nothing)?;
        encoder.exporter.export(spans).await?;
        encoder.capture.take()
    }

    /// # Errors
    /// When the exporter does not encode, or logs are off.
    pub async fn logs(&self, records: &[SdkLogRecord], scope: &InstrumentationScope) -> Result<Bytes, EncodeError> {
        let encoder = self.logs.as_ref().ok_or(EncodeError::Nothing)?;
        let batch: Vec<(&SdkLogRecord, &InstrumentationScope)> = records.iter().map(|record| (record, scope)).collect();
        encoder.exporter.export(LogBatch::new(&batch)).await?;
        encoder.capture.take()
    }

    /// # Errors
    /// When the exporter does not encode, or metrics are off.
    pub async fn metrics(&self, metrics: &ResourceMetrics) -> Result<Bytes, EncodeError> {
        let encoder = self.metrics.as_ref().ok_or(EncodeError::Nothing)?;
        encoder.exporter.export(metrics).await?;
        encoder.capture.take()
    }
}

/// Stands in for the network: keeps the body and answers 200.
#[derive(Debug, Default)]
struct Capture {
    body: Mutex<Option<Bytes>>,
}

impl Capture {
    fn take(&self) -> Result<Bytes, EncodeError> {
        self.body.lock().unwrap_or_else(PoisonError::into_inner).take().ok_or(EncodeError::Nothing)
    }
}

#[async_trait]
impl HttpClient for Capture {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        // Compression is ours. Should the environment ever reach this far, fail rather than compress twice.
        if request.headers().contains_key(header::CONTENT_ENCODING) {
            return Err("the encoder compressed on its own".into());
        }
        *self.body.lock().unwrap_or_else(PoisonError::into_inner) = Some(request.into_body());
        Ok(Response::new(Bytes::new()))
    }
}
