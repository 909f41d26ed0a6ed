//! Metrics: the instruments of one destination and what a request adds to them.
//!
//! One meter provider per destination, collected by the destination's own task: no thread, no exporter of its own.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Histogram, MeterProvider};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::metrics::data::{AggregatedMetrics, MetricData, ResourceMetrics};
use opentelemetry_sdk::metrics::reader::MetricReader;
use opentelemetry_sdk::metrics::{
    Instrument, InstrumentKind, ManualReader, Pipeline, SdkMeterProvider, Stream, Temporality as SdkTemporality,
};

use super::genai::AiMeters;
use super::series::{Bound, Series};
use super::share::Shares;
use super::{Audience, Outcome, error_type, method, names, outcome, resource, scope};
use crate::event::{Ai, Component, Request};
use crate::live::{ExportTarget, Temporality};

/// Upper bounds of `knoxcall.proxy.request.duration` in milliseconds: fine below 10 ms, where a gateway's own share
/// shows, and up to the 60 s that an upstream may take by default.
const MILLISECONDS: [f64; 16] =
    [1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 75.0, 100.0, 250.0, 500.0, 750.0, 1_000.0, 2_500.0, 5_000.0, 10_000.0, 60_000.0];

/// The HTTP conventions' advice for `http.server.request.duration`, in seconds.
const SECONDS: [f64; 14] = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

/// Series per instrument. The operator's have workspaces × routes × statuses, of which each workspace has a [share](Shares); a
/// workspace's own keep the SDK's default.
const OPERATOR_SERIES: usize = 100_000;
const TENANT_SERIES: usize = 2_000;

/// The instruments of one destination, their state, and the way to read it.
#[derive(Debug)]
pub struct Meters {
    audience: Audience,
    requests: Counter<u64>,
    duration: Histogram<f64>,
    /// The conventions' own, so that stock dashboards work; the operator's only.
    server_duration: Option<Histogram<f64>>,
    /// The operator's only.
    ai: Option<AiMeters>,
    series: Series,
    proxy_shares: Shares,
    server_shares: Shares,
    /// Series go on over collections.
    cumulative: bool,
    reader: SharedReader,
    // Holds the pipeline that the reader only points at.
    _provider: SdkMeterProvider,
}

impl Meters {
    #[must_use]
    pub fn new(target: &ExportTarget) -> Self {
        let audience = Audience::from(target.owner);
        let reader = shared_reader(target);
        let series = match audience {
            Audience::Operator => OPERATOR_SERIES,
            Audience::Tenant => TENANT_SERIES,
        };
        let provider = SdkMeterProvider::builder()
            .with_resource(resource(target))
            .with_reader(reader.clone())
            .with_view(move |_: &Instrument| Stream::builder().with_cardinality_limit(series).build().ok())
            .build();
        let meter = provider.meter_with_scope(scope());
        Self {
            audience,
            requests: meter
                .u64_counter(names::PROXY_REQUESTS)
                .with_unit("{request}")
                .with_description("Requests through the gateway that came with a valid key")
                .build(),
            duration: meter
                .f64_histogram(names::PROXY_REQUEST_DURATION)
                .with_unit("ms")
                .with_description("Duration of requests through the gateway that came with a valid key")
                .with_boundaries(MILLISECONDS.to_vec())
                .build(),
            server_duration: (audience == Audience::Operator).then(|| {
                meter
                    .f64_histogram(names::HTTP_SERVER_REQUEST_DURATION)
                    .with_unit("s")
                    .with_description("Duration of HTTP server requests")
                    .with_boundaries(SECONDS.to_vec())
                    .build()
            }),
            ai: (audience == Audience::Operator).then(|| AiMeters::new(&meter)),
            series: Series::default(),
            proxy_shares: Shares::default(),
            server_shares: Shares::default(),
            cumulative: target.temporality == Temporality::Cumulative,
            reader,
            _provider: provider,
        }
    }

    /// Counts a call of an AI provider.
    pub fn record_ai(&self, ai: &Ai, tenant: Option<&str>) {
        if let Some(meters) = &self.ai {
            meters.record(ai, tenant);
        }
    }

    /// Counts the request. `tenant` is the workspace's id as text; it becomes a dimension for the operator only.
    pub fn record(&self, request: &Request, tenant: Option<&str>) {
        self.series.record(request, || self.bind(request, tenant));
    }

    fn bind(&self, request: &Request, tenant: Option<&str>) -> Bound {
        let tenant = tenant.filter(|_| self.audience == Audience::Operator);
        Bound {
            proxy: request.proxied.is_some().then(|| {
                let attributes = self.proxy_shares.within(tenant, proxy_attributes(request, tenant));
                (self.requests.bind(&attributes), self.duration.bind(&attributes))
            }),
            server: self.server_duration.as_ref().map(|histogram| {
                // Pages are few and people's clicks fewer: a series per workspace and page would say little for its cost.
                let tenant = tenant.filter(|_| request.component == Component::Gateway);
                histogram.bind(&self.server_shares.within(tenant, server_attributes(request, tenant)))
            }),
        }
    }

    /// Everything since the start (cumulative) or since the last call (delta); `None` when there is nothing to send.
    #[must_use]
    pub fn collect(&self) -> Option<ResourceMetrics> {
        let mut metrics = ResourceMetrics::default();
        if let Err(error) = self.reader.collect(&mut metrics) {
            tracing::error!(%error, "metrics could not be collected");
            return None;
        }
        self.series.clear();
        if !self.cumulative {
            [&self.proxy_shares, &self.server_shares].into_iter().chain(self.ai.as_ref().map(AiMeters::shares)).for_each(Shares::clear);
        }
        let empty = metrics.scope_metrics().all(|scope| scope.metrics().next().is_none());
        (!empty).then_some(metrics)
    }
}

/// How many points were collected.
#[must_use]
pub fn points(metrics: &ResourceMetrics) -> u64 {
    let of = |data: &AggregatedMetrics| match data {
        AggregatedMetrics::U64(MetricData::Sum(sum)) => sum.data_points().count(),
        AggregatedMetrics::U64(MetricData::Histogram(histogram)) => histogram.data_points().count(),
        AggregatedMetrics::F64(MetricData::Histogram(histogram)) => histogram.data_points().count(),
        _ => 0,
    };
    metrics.scope_metrics().flat_map(|scope| scope.metrics()).map(|metric| of(metric.data()) as u64).sum()
}

/// How many instruments have more series than they may and have begun to merge them.
#[must_use]
pub fn overflowing(metrics: &ResourceMetrics) -> u64 {
    fn in_points<'a>(mut attributes: impl Iterator<Item = &'a KeyValue>) -> bool {
        attributes.any(|attribute| attribute.key.as_str() == names::OVERFLOW)
    }
    let over = |data: &AggregatedMetrics| match data {
        AggregatedMetrics::U64(MetricData::Sum(sum)) => sum.data_points().any(|point| in_points(point.attributes())),
        AggregatedMetrics::U64(MetricData::Histogram(histogram)) => histogram.data_points().any(|point| in_points(point.attributes())),
        AggregatedMetrics::F64(MetricData::Histogram(histogram)) => histogram.data_points().any(|point| in_points(point.attributes())),
        _ => false,
    };
    metrics.scope_metrics().flat_map(|scope| scope.metrics()).filter(|metric| over(metric.data())).count() as u64
}

fn proxy_attributes(request: &Request, tenant: Option<&str>) -> Vec<KeyValue> {
    let mut out = Vec::with_capacity(6);
    if let Some(status) = request.status {
        out.push(KeyValue::new(names::HTTP_RESPONSE_STATUS_CODE, i64::from(status)));
        if let Some(class) = status_class(status) {
            out.push(KeyValue::new(names::STATUS_CLASS, class));
        }
    }
    if let Some(proxied) = &request.proxied {
        out.push(KeyValue::new(names::ROUTE_NAME, Arc::clone(&proxied.route)));
        out.push(KeyValue::new(names::ENVIRONMENT, Arc::clone(&proxied.environment)));
    }
    out.push(KeyValue::new(names::ERROR, outcome(request) == Outcome::ServerError));
    if let Some(tenant) = tenant {
        out.push(KeyValue::new(names::TENANT_ID, tenant.to_owned()));
    }
    out
}

fn server_attributes(request: &Request, tenant: Option<&str>) -> Vec<KeyValue> {
    let mut out = Vec::with_capacity(7);
    out.push(KeyValue::new(names::HTTP_REQUEST_METHOD, method(request)));
    out.push(KeyValue::new(names::URL_SCHEME, request.scheme));
    out.push(KeyValue::new(names::NETWORK_PROTOCOL_VERSION, request.protocol_version));
    if let Some(status) = request.status {
        out.push(KeyValue::new(names::HTTP_RESPONSE_STATUS_CODE, i64::from(status)));
    }
    if let Some(pattern) = &request.http_route {
        out.push(KeyValue::new(names::HTTP_ROUTE, Arc::clone(pattern)));
    }
    if let Some(error) = error_type(request) {
        out.push(KeyValue::new(names::ERROR_TYPE, error));
    }
    if let Some(tenant) = tenant {
        out.push(KeyValue::new(names::TENANT_ID, tenant.to_owned()));
    }
    out
}

fn status_class(status: u16) -> Option<&'static str> {
    match status {
        100..=199 => Some("1xx"),
        200..=299 => Some("2xx"),
        300..=399 => Some("3xx"),
        400..=499 => Some("4xx"),
        500..=599 => Some("5xx"),
        _ => None,
    }
}

/// The SDK's word for the same choice.
#[must_use]
pub fn temporality(temporality: Temporality) -> SdkTemporality {
    match temporality {
        Temporality::Cumulative => SdkTemporality::Cumulative,
        Temporality::Delta => SdkTemporality::Delta,
        Temporality::LowMemory => SdkTemporality::LowMemory,
    }
}

/// A reader that both the provider and we hold.
#[derive(Clone, Debug)]
pub(super) struct SharedReader(Arc<ManualReader>);

pub(super) fn shared_reader(target: &ExportTarget) -> SharedReader {
    SharedReader(Arc::new(ManualReader::builder().with_temporality(temporality(target.temporality)).build()))
}

impl MetricReader for SharedReader {
    fn register_pipeline(&self, pipeline: std::sync::Weak<Pipeline>) {
        self.0.register_pipeline(pipeline);
    }

    fn collect(&self, metrics: &mut ResourceMetrics) -> OTelSdkResult {
        self.0.collect(metrics)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.0.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.0.shutdown_with_timeout(timeout)
    }

    fn temporality(&self, kind: InstrumentKind) -> SdkTemporality {
        self.0.temporality(kind)
    }
}
