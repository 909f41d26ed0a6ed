//! Who sends it, and how it is sent.

use super::*;

pub(super) fn resource_rows() -> Vec<Row> {
    vec![
        row!("OTEL_SERVICE_NAME", stored(), [("OTEL_SERVICE_NAME", "env-name")], |e| {
            assert_eq!((target(e).service_name.as_str(), e.managed.service_name), ("env-name", Some(Variable::ServiceName)));
        }),
        row!(
            "OTEL_SERVICE_NAME over service.name in OTEL_RESOURCE_ATTRIBUTES",
            stored(),
            [("OTEL_SERVICE_NAME", "env-name"), ("OTEL_RESOURCE_ATTRIBUTES", "service.name=res-name,team=x%20y")],
            |e| {
                assert_eq!(target(e).service_name, "env-name");
                let expected = [("team", "x y"), ("service.instance.id", "00000000-0000-0000-0000-000000000000")];
                assert_eq!(target(e).resource, expected.map(|(k, v)| (k.to_owned(), v.to_owned())));
                assert_eq!(e.also_managed, [Variable::ResourceAttributes]);
            },
        ),
        row!("service.name in OTEL_RESOURCE_ATTRIBUTES", stored(), [("OTEL_RESOURCE_ATTRIBUTES", "service.name=res-name")], |e| {
            assert_eq!((e.service_name.as_str(), e.managed.service_name), ("res-name", Some(Variable::ResourceAttributes)));
        }),
        row!(
            "service.instance.id may be given, service.version may not",
            stored(),
            [("OTEL_RESOURCE_ATTRIBUTES", "service.instance.id=pod-1,service.version=9")],
            |e| assert_eq!(target(e).resource, [("service.instance.id".to_owned(), "pod-1".to_owned())]),
        ),
    ]
}

pub(super) fn delivery_rows() -> Vec<Row> {
    vec![
        row!("OTEL_EXPORTER_OTLP_COMPRESSION=none", stored(), [("OTEL_EXPORTER_OTLP_COMPRESSION", "none")], |e| {
            assert_eq!(target(e).compression, Compression::None);
            assert_eq!(e.managed.compression, Some(Variable::OtlpCompression));
        }),
        row!("OTEL_EXPORTER_OTLP_COMPRESSION=gzip", stored(), [("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")], |e| {
            assert_eq!(target(e).compression, Compression::Gzip);
        }),
        row!("OTEL_EXPORTER_OTLP_TIMEOUT in milliseconds", stored(), [("OTEL_EXPORTER_OTLP_TIMEOUT", "2500")], |e| {
            assert_eq!(target(e).traces.as_ref().unwrap().timeout, Duration::from_millis(2500));
            assert_eq!(e.managed.timeout, Some(Variable::OtlpTimeout));
        }),
        row!("OTEL_METRIC_EXPORT_INTERVAL in milliseconds", stored(), [("OTEL_METRIC_EXPORT_INTERVAL", "500")], |e| {
            assert_eq!(target(e).metric_interval, Duration::from_millis(500));
            assert_eq!(e.also_managed, [Variable::MetricInterval]);
        }),
        row!("temporality cumulative", stored(), [("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "cumulative")], |e| {
            assert_eq!(target(e).temporality, Temporality::Cumulative);
        }),
        row!("temporality delta", stored(), [("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "Delta")], |e| {
            assert_eq!(target(e).temporality, Temporality::Delta);
            assert_eq!(e.managed.temporality, Some(Variable::OtlpTemporality));
        }),
        row!("temporality lowmemory", stored(), [("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "lowmemory")], |e| {
            assert_eq!(target(e).temporality, Temporality::LowMemory);
        }),
        row!("OTEL_BSP_*", stored(), [("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "64"), ("OTEL_BSP_SCHEDULE_DELAY", "200")], |e| {
            assert_eq!(
                target(e).span_batch,
                Batch { max_records: 64, fixed: true, max_delay: Duration::from_millis(200), ..Batch::default() }
            );
            assert_eq!(e.also_managed, [Variable::SpanBatchSize, Variable::SpanDelay]);
            assert_eq!(target(e).log_batch, Batch::default());
        },),
        row!("OTEL_BLRP_*", stored(), [("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", "32"), ("OTEL_BLRP_SCHEDULE_DELAY", "300")], |e| {
            assert_eq!(
                target(e).log_batch,
                Batch { max_records: 32, fixed: true, max_delay: Duration::from_millis(300), ..Batch::default() }
            );
            assert_eq!(target(e).span_batch, Batch::default());
        }),
        row!("OTEL_BSP_* bounds", stored(), [("OTEL_BSP_MAX_QUEUE_SIZE", "100"), ("OTEL_BSP_EXPORT_TIMEOUT", "0")], |e| {
            assert_eq!(target(e).span_batch, Batch { max_queue: Some(100), max_elapsed: None, ..Batch::default() });
            assert_eq!(e.also_managed, [Variable::SpanQueue, Variable::SpanExportTimeout]);
        }),
        row!("OTEL_BLRP_* bounds", stored(), [("OTEL_BLRP_MAX_QUEUE_SIZE", "100"), ("OTEL_BLRP_EXPORT_TIMEOUT", "500")], |e| {
            let expected = Batch { max_queue: Some(100), max_elapsed: Some(Duration::from_millis(500)), ..Batch::default() };
            assert_eq!(target(e).log_batch, expected);
            assert_eq!(e.also_managed, [Variable::LogQueue, Variable::LogExportTimeout]);
        }),
    ]
}
