//! The process's own `OTEL_*` variables are the operator's. Nothing of them may reach a workspace's collector, whatever
//! the exporters beneath make of them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use opentelemetry::InstrumentationScope;
use opentelemetry::logs::{Logger as _, LoggerProvider as _};
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_otlp::{LogExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::logs::{LogBatch, LogExporter as _, SdkLoggerProvider};
use server::live::{Compression, Owner};

use super::{Rig, exports, quick, request, target, tenant_id};
use crate::support::collector::Collector;
use crate::support::process;

const VARIABLES: &[(&str, &str)] = &[
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9/canary-env"),
    ("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "http://127.0.0.1:9/canary-env"),
    ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer canary-env-secret,x-canary-env=1"),
    ("OTEL_EXPORTER_OTLP_LOGS_HEADERS", "authorization=Bearer canary-env-secret,x-canary-env=1"),
    ("OTEL_EXPORTER_OTLP_METRICS_HEADERS", "authorization=Bearer canary-env-secret,x-canary-env=1"),
    ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
    ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"),
    ("OTEL_EXPORTER_OTLP_TIMEOUT", "1"),
    ("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "delta"),
    ("OTEL_RESOURCE_ATTRIBUTES", "canary-env-key=canary-env-value"),
    ("OTEL_SERVICE_NAME", "canary-env-service"),
];

#[test]
fn the_operators_variables_do_not_reach_a_workspace() {
    process::run_alone("telemetry::environment::with_the_operators_variables", VARIABLES);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "run in a process of its own by the_operators_variables_do_not_reach_a_workspace"]
async fn with_the_operators_variables() {
    assert!(stock_exporter_leaks().await, "the stock exporter no longer leaks: encode.rs may be simplified");

    let collector = Collector::start().await;
    let id = tenant_id(1);
    let mut to = target(Owner::Tenant(id), &collector.endpoint(), "authorization=Bearer of-the-workspace");
    to.compression = Compression::None;
    let rig = Rig::start(exports([to]), quick());
    rig.emit(request(id));
    rig.telemetry.shutdown(Duration::from_secs(20)).await;
    let received = collector.received();
    assert_eq!((received.logs().len(), received.metrics().len()), (1, 2));
    assert!(!received.contains("canary-env"), "something of the environment arrived");
    for delivery in &received.requests {
        assert_eq!(delivery.headers["authorization"], "Bearer of-the-workspace");
        assert!(!delivery.headers.contains_key("content-encoding"));
        assert!(["/v1/logs", "/v1/metrics"].contains(&&*delivery.path));
    }
    for metric in received.metrics() {
        assert!(format!("{:?}", metric.record).contains("aggregation_temporality: Cumulative"), "the destination's own: cumulative");
    }
}

/// The trap itself: an exporter that was given a workspace's headers and resource as the documentation says.
async fn stock_exporter_leaks() -> bool {
    let seen = Arc::new(Seen::default());
    let mut exporter = LogExporter::builder()
        .with_http()
        .with_shared_http_client(Arc::clone(&seen) as Arc<dyn HttpClient>)
        .with_endpoint("http://collector.of-the-workspace.test/v1/logs")
        .with_protocol(opentelemetry_otlp::Protocol::HttpBinary)
        .with_headers(HashMap::from([("authorization".to_owned(), "Bearer of-the-workspace".to_owned())]))
        .build()
        .unwrap();
    exporter.set_resource(&Resource::builder().build());
    let mut record = SdkLoggerProvider::builder().build().logger("stock").create_log_record();
    opentelemetry::logs::LogRecord::set_observed_timestamp(&mut record, std::time::SystemTime::now());
    let scope = InstrumentationScope::builder("stock").build();
    exporter.export(LogBatch::new(&[(&record, &scope)])).await.unwrap();
    let request = seen.0.lock().unwrap().take().unwrap();
    let body = String::from_utf8_lossy(request.body()).into_owned();
    request.headers()["authorization"] == "Bearer canary-env-secret" && body.contains("canary-env-value")
}

#[derive(Debug, Default)]
struct Seen(Mutex<Option<http::Request<Bytes>>>);

#[async_trait]
impl HttpClient for Seen {
    async fn send_bytes(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, HttpError> {
        *self.0.lock().unwrap() = Some(request);
        Ok(http::Response::new(Bytes::new()))
    }
}
