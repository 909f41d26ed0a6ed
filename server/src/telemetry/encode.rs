//! OTLP payloads. Spans and log records are there already, as [`super::otlp`] wrote them; metrics, of which there are few, are encoded by the
//! official exporter, and sent by nobody but us.
//!
//! opentelemetry-otlp's HTTP exporters lay the process's `OTEL_EXPORTER_OTLP_*HEADERS` over the headers they were given
//! and read endpoint, timeout, protocol and compression from the environment where nothing was set. So the exporter serves as
//! an encoder only: every setting is given, what it would send is caught before it leaves, and of the caught request
//! nothing but the body is used. Its headers, endpoint, retries and clock never reach a destination.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response, header};
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_otlp::{ExporterBuildError, MetricExporter, Protocol, RetryPolicy, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::error::OTelSdkError;
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use opentelemetry_sdk::metrics::exporter::PushMetricExporter as _;

use super::body::Body;
use super::otlp::{Frame, Records};
use super::signal::metric::temporality;
use super::signal::{resource, scope};
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

/// The encoders of one destination.
#[derive(Debug)]
pub struct Encoders {
    frame: Frame,
    metrics: Option<Metrics>,
}

#[derive(Debug)]
struct Metrics {
    exporter: MetricExporter,
    capture: Arc<Capture>,
}

/// Somewhere to point an exporter whose requests never leave. `.invalid` resolves nowhere (RFC 6761).
const NOWHERE: &str = "http://captured.invalid/";

impl Metrics {
    /// Every setting is given, so that none is left for the environment to fill in.
    fn new(target: &ExportTarget) -> Result<Self, ExporterBuildError> {
        let capture = Arc::new(Capture::default());
        let exporter = MetricExporter::builder()
            .with_temporality(temporality(target.temporality))
            .with_http()
            .with_shared_http_client(Arc::clone(&capture) as Arc<dyn HttpClient>)
            .with_endpoint(NOWHERE)
            .with_protocol(Protocol::HttpBinary)
            .with_timeout(Duration::from_secs(1))
            .with_retry_policy(RetryPolicy::disabled())
            // The limit is checked by whoever sends: it can also split what is too large.
            .with_max_request_body_size(usize::MAX)
            .build()?;
        Ok(Self { exporter, capture })
    }
}

impl Encoders {
    /// # Errors
    /// [`EncodeError::Build`].
    pub fn new(target: &ExportTarget) -> Result<Self, EncodeError> {
        Ok(Self {
            frame: Frame::new(&resource(target), &scope()),
            metrics: target.metrics.as_ref().map(|_| Metrics::new(target)).transpose()?,
        })
    }

    /// A request's body for spans or log records.
    #[must_use]
    pub fn records<'a>(&'a self, records: &'a Records) -> Body<'a> {
        self.frame.around(records)
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
